"""Many chips and seeds computed as one come to what each comes to by itself."""

from typing import ClassVar

import numpy as np
import pytest

from circuits.chip import Chip
from circuits.errors import CircuitError
from circuits.ideal_neurons import IdealPair
from circuits.network import Amplifier, Layer, Network
from hwsim.data.loading import load_data
from hwsim.devices import manufacture
from hwsim.ensemble import instances, trainings
from hwsim.ensemble.instances import Instance, outcomes
from hwsim.ensemble.trainings import learn
from hwsim.experiment.engines import make_engine
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import override
from hwsim.learning.dataset import Dataset
from hwsim.learning.rules.equilibrium_propagation import EquilibriumPropagation
from hwsim.learning.rules.estimator import NO_DRAW
from hwsim.numeric.numeric_engine import NumericEngine
from hwsim.runs.start import new_run
from hwsim.runs.train import train
from hwsim.session import Session
from hwsim.settings.training_settings import TrainingSettings
from support.trainers import plain_trainer

INSTANCES = [Instance(0, 0), Instance(1, 0), Instance(0, 5)]


@pytest.fixture(scope="module")
def pulsed():
    """Return a small experiment whose devices differ from chip to chip."""
    return override(load("iris"), ["training.epochs=2", "device.preset=reram-sb", "training.batch=32"])


@pytest.fixture(scope="module")
def trained(pulsed):
    return list(outcomes(pulsed, INSTANCES))


def test_side_by_side_equals_one_by_one(pulsed, trained):
    """Each instance learns what a training of its own seed and chip learns, pulse for pulse."""
    for outcome in trained:
        session = Session.of(pulsed).seeded(outcome.instance.seed).on_chip(outcome.instance.chip)
        ours = session.experiment
        circuit = ours.circuit.compile(ours.name)
        with make_engine("numeric", ours.solver, ours.training.precision).prepare(circuit, Chip.nominal(circuit)) as solver:
            trainer = session.trainer(solver)
            rows = [step.record for step in trainer.run(trainer.begin()) if step.record is not None]
        assert outcome.failed is None
        assert outcome.pulses == sum(row["pulses"] for row in rows)
        assert outcome.train_error == pytest.approx(rows[-1]["train_error"])
        assert outcome.test_error == pytest.approx(rows[-1]["test_error"])


def test_company_changes_nothing(pulsed, trained):
    """What an instance comes to does not depend on those next to it."""
    alone = next(outcomes(pulsed, INSTANCES[1:2]))
    assert alone == trained[1]._replace(residual=alone.residual, joules=alone.joules)


def test_transfer_trains_once_a_seed(pulsed):
    """Transferred conductances are those of one nominal training, so that chips of a seed share its training error and pulses."""
    moved = list(outcomes(pulsed, INSTANCES, "transfer"))
    assert moved[0].train_error == moved[1].train_error
    assert moved[0].pulses == moved[1].pulses
    assert all(np.isfinite(each.test_error) for each in moved)


def test_evaluation_trains_nothing(pulsed):
    """Only tested, initial conductances guess, and nothing is programmed by pulses that one could count."""
    tested = list(outcomes(pulsed, INSTANCES[:2], "evaluate"))
    assert all(np.isnan(each.train_error) and each.pulses is None and each.test_error > 0.2 for each in tested)


@pytest.mark.parametrize("skip", [True, False])
def test_samples_that_do_not_settle_fail_a_chip_or_are_skipped(skip):
    """Side by side as alone: samples without equilibrium fail a training, or where they are skipped, teach it nothing."""
    hasty = override(load("iris"), ["training.epochs=1", "training.batch=40", "solver.max_steps=2", "solver.newton=false"])
    ours = hasty.model_copy(update={"training": hasty.training.model_copy(update={"skip_failed": skip})})
    circuit, data = ours.circuit.compile(ours.name), load_data(ours)
    with make_engine("numeric", ours.solver).prepare(circuit, Chip.nominal(circuit)) as solver:
        trainers = [Session.of(override(ours, [f"training.seed={seed}"]), data).trainer(solver) for seed in (0, 1)]
        learnt = learn(trainers)
    for trainer, one in zip(trainers, learnt, strict=True):
        assert (one.failed is None) == skip
        for name, begun in trainer.g(trainer.begin()).items() if skip else ():
            np.testing.assert_array_equal(one.g[name], begun)


def test_trainings_that_need_newtons_method_have_it_side_by_side():
    """As each has it alone, from the first epoch or from the one after which sweeps prove too little."""
    settings = TrainingSettings(epochs=2, batch=2, rate=1e-8, optimizer="sgd")
    circuit = Network(inputs=2, layers=(), outputs=2, differential=False).compile("newton")
    x, labels = np.array([[0.4, -0.1], [-0.2, 0.3], [0.1, 0.2], [0.5, 0.5]]), np.array([0, 1, 1, 0])
    data = Dataset(name="few", x_train=x, labels_train=labels, x_test=x, labels_test=labels, class_names=("a", "b"))
    with NumericEngine(newton=True).prepare(circuit, Chip.nominal(circuit)) as solver:
        trainers = [plain_trainer(settings.model_copy(update={"seed": seed}), data, solver) for seed in (0, 1)]
        assert all(trainer.begin().newton for trainer in trainers)
        for trainer, learnt in zip(trainers, learn(trainers), strict=True):
            *_, last = trainer.run(trainer.begin())
            assert learnt.failed is None
            for name, g in trainer.g(last.state).items():
                np.testing.assert_allclose(learnt.g[name], g, rtol=1e-12)


NOISY = override(load("iris"), ["training.epochs=1", "training.batch=40", "noise.read=0.5"])


def test_every_seed_is_tested_with_its_own_noise():
    """Fixed conductances under read noise: each seed of an ensemble errs as an evaluation with that seed does, and they differ."""
    circuit = NOISY.circuit.compile(NOISY.name)
    g = {element.name: np.random.default_rng(3).uniform(1e-6, 2e-5, element.shape) for element in circuit.trainable}
    errors = [each.test_error for each in outcomes(NOISY, [Instance(0, seed) for seed in range(5)], "evaluate", g)]
    with make_engine("numeric", NOISY.solver).prepare(circuit, Chip.nominal(circuit)) as solver:
        alone = []
        for seed in range(5):
            session = Session.of(NOISY).seeded(seed)
            data = session.data
            alone.append(session.evaluate(solver, g, data.x_test, session.task.test).error)
    assert errors == alone
    assert len(set(errors)) > 1


def test_chips_that_differ_in_nothing_else_differ_in_their_noise():
    """Of one seed, tested or trained without any spread: each chip has noise of its own, and the same chip repeats it to the last digit."""
    session = Session.of(NOISY)
    g = {element.name: np.random.default_rng(3).uniform(1e-6, 2e-5, element.shape) for element in session.circuit.trainable}
    data, each = session.data, [session.on_chip(chip) for chip in (0, 1, 2, 1)]
    with session.solver() as solver:
        outputs = [one.evaluate(solver, g, data.x_test, one.task.test).outputs for one in each]
        learnt = [one.g for one in learn([one.trainer(solver) for one in each])]
    np.testing.assert_array_equal(outputs[1], outputs[3])
    for name in g:
        np.testing.assert_array_equal(learnt[1][name], learnt[3][name])
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert not np.isclose(outputs[a], outputs[b], rtol=1e-3).all()
        assert all(not np.isclose(learnt[a][name], learnt[b][name], rtol=1e-3).all() for name in g)


PLAIN = override(load("iris"), ["training.epochs=1", "training.batch=40"])
SEVERAL = [Instance(4, 1), Instance(5, 0), Instance(6, 1), Instance(7, 0)]


@pytest.fixture
def sizes(monkeypatch):
    """Return a list of how many instances are computed each time."""
    counts, test = [], trainings.test

    def counted(sessions, *given):
        counts.append(len(sessions))
        return test(sessions, *given)

    monkeypatch.setattr(instances, "test", counted)
    return counts


@pytest.mark.parametrize("keys", ["device.preset='ideal' device.rounding='nearest'", "device.levels=8 device.level_rounding='nearest'"])
def test_chips_of_programmed_devices_without_chance_are_computed_once(keys, sizes):
    """They are called equal by the same law that warns of equal chips, and each comes to what it comes to by itself."""
    programmed = override(PLAIN, keys.split())
    assert Session.of(programmed).alike(learning=True)
    one, other = outcomes(programmed, [SEVERAL[0], SEVERAL[2]])
    assert sizes == [1]
    np.testing.assert_equal(next(outcomes(programmed, [SEVERAL[2]])).pulses, other.pulses)
    assert one.pulses == other.pulses


@pytest.mark.parametrize("mode", ["train", "transfer", "evaluate"])
def test_equal_chips_are_computed_once_a_seed(mode, sizes):
    """Each comes to what it comes to by itself, and only one a seed is trained or tested."""
    one_by_one = [next(outcomes(PLAIN, [instance], mode)) for instance in SEVERAL]
    sizes.clear()
    together = list(outcomes(PLAIN, SEVERAL, mode))
    assert sizes == [2]
    assert [each.instance for each in together] == SEVERAL
    for first, again in ((0, 2), (1, 3)):
        np.testing.assert_equal(together[again], together[first]._replace(instance=SEVERAL[again]))
    for one, alone in zip(together, one_by_one, strict=True):
        assert one.test_error == pytest.approx(alone.test_error)
        assert one.train_error == pytest.approx(alone.train_error, nan_ok=True)
        assert one.residual == pytest.approx(alone.residual, abs=1e-12)


@pytest.mark.parametrize(
    "key",
    [
        "device.preset='reram-sb'",
        "device.preset='reram-sb' device.spread=false",
        "noise.read=0.5",
        "noise.thermal=true",
        "variation.stuck=0.1",
        "variation.offset=0.01",
        "training.update.probability=0.5",
    ],
)
def test_each_instance_is_computed_where_chance_has_a_part(key, sizes):
    """Programmed devices, noise, spreads and drawn updates make chips of a seed differ."""
    list(outcomes(override(PLAIN, key.split()), SEVERAL, "evaluate"))
    assert sizes == [4]


def test_pulses_are_drawn_for_each_chip_though_all_devices_are_equal():
    """Of one seed, devices without any spread take other numbers of pulses on each chip."""
    one, other = outcomes(override(PLAIN, ["device.preset='reram-sb'", "device.spread=false"]), [Instance(4, 1), Instance(6, 1)])
    assert one.pulses != other.pulses


def test_instances_of_seeds_of_their_own_are_all_computed(sizes):
    """Nothing is repeated where each of them has another seed."""
    list(outcomes(PLAIN, [Instance(0, 0), Instance(0, 1), Instance(0, 2)], "evaluate"))
    assert sizes == [3]


def test_chips_that_are_equal_by_chance_are_computed_each(sizes):
    """Two gains may both be the least one can have: that chips 6 and 7 are equal does not make chip 3 equal."""
    wide = override(PLAIN, ["variation.gain=50", "variation.chip=6"])
    layers = (Layer(1, amplifier=Amplifier()),)
    ours = wide.model_copy(update={"circuit": Network(inputs=wide.circuit.inputs, layers=layers, outputs=3)})
    gains = [Session.of(ours).on_chip(chip).chip("amp1", "gain")[0] for chip in (6, 7, 3)]
    assert gains[0] == gains[1] != gains[2]
    list(outcomes(ours, [Instance(6, 0), Instance(7, 0)], "evaluate"))
    list(outcomes(ours, [Instance(6, 0), Instance(3, 0)], "evaluate"))
    assert sizes == [2, 2]


@pytest.fixture
def crossing():
    """Return an experiment of whose chips 1 to 3 only the second cannot be: its rails crossed."""
    layers = (Layer(5, neuron=IdealPair(v_low=-0.1, v_high=0.1)),)
    spread = override(PLAIN, ["variation.rails=0.1"])
    ours = spread.model_copy(update={"circuit": Network(inputs=spread.circuit.inputs, layers=layers, outputs=3)})
    with pytest.raises(CircuitError, match="chip 2"):
        _ = Session.of(ours).on_chip(2).chip
    return ours


@pytest.mark.parametrize("chip", [1, 2])
def test_whether_chips_are_alike_needs_none_that_can_be(chip, crossing):
    """Neither the one that is asked about nor the next."""
    assert not Session.of(crossing).on_chip(chip).alike(learning=False)
    assert Session.of(override(crossing, ["variation.rails=0"])).on_chip(chip).alike(learning=False)


@pytest.mark.parametrize("chips", [[1], [1, 3]])
def test_no_chip_is_drawn_but_those_that_are_asked_for(chips, crossing, monkeypatch):
    """Others, such as chip 2, are no reason to fail."""
    asked, draw = set(), manufacture.draw

    def noted(circuit, variation, device=None):
        asked.add(variation.chip)
        return draw(circuit, variation, device)

    monkeypatch.setattr(manufacture, "draw", noted)
    tested = list(outcomes(crossing, [Instance(chip, 0) for chip in chips], "evaluate"))
    assert [each.failed for each in tested] == [None] * len(chips)
    assert asked == set(chips)


@pytest.mark.parametrize("key", ["update.probability=0.5", "update.quantise='power-of-two'", "update.quantise=5"])
def test_chips_whose_updates_are_drawn_are_not_alike(key):
    """Ideal chips without any spread learn differently where chance has a part in an update, and their outcomes are their own."""
    drawn = override(load("iris"), ["training.epochs=1", "training.batch=40", f"training.{key}"])
    session = Session.of(drawn)
    assert not session.alike(learning=True)
    assert session.alike(learning=False)
    each = [session.on_chip(chip) for chip in (0, 1)]
    with session.solver() as solver:
        one, other = (result.g for result in learn([chip.trainer(solver) for chip in each]))
    assert any(not np.isclose(one[name], other[name], rtol=1e-6).all() for name in one)


class Untraced(EquilibriumPropagation):
    """A rule that looks at its numbers, which JAX cannot trace, and declares it."""

    traceable: ClassVar[bool] = False

    def gradient(self, solver, g, x, y, loss, draw=NO_DRAW):
        """Compute the gradient of batches that are numbers."""
        assert np.isfinite(float(np.asarray(x).sum()))
        return super().gradient(solver, g, x, y, loss, draw)


def test_a_rule_that_cannot_be_traced_trains_one_by_one():
    """Together, its chips learn what each learns by itself."""
    session = Session.of(override(load("xor"), ["training.epochs=2", "variation.rails=0.01"]))
    learnt = []
    with session.training_solver() as solver:
        for chips in ((0, 1), (1,)):
            trainers = [session.on_chip(chip).trainer(solver) for chip in chips]
            for trainer in trainers:
                rule = trainer.updater.rule
                trainer.updater = trainer.updater._replace(rule=Untraced(rule.nudge, rule.method, instruments=rule.instruments))
            learnt.append(learn(trainers)[-1])
    assert not learnt[0].failed
    for name, values in learnt[0].g.items():
        np.testing.assert_array_equal(values, learnt[1].g[name])


def test_one_chip_that_is_read_exactly_hides_no_noise_of_the_next():
    """Tested together, chips of other instruments err as each does by itself, whichever comes first."""
    noisy = Session.of(NOISY)
    exact, data = noisy.changed("noise", read=0.0), noisy.data
    g = {element.name: np.random.default_rng(3).uniform(1e-6, 2e-5, element.shape) for element in noisy.circuit.trainable}
    with noisy.solver() as solver:
        alone = [one.evaluate(solver, g, data.x_test, one.task.test).error for one in (exact, noisy)]
        for order in (slice(None), slice(None, None, -1)):
            pair = [exact, noisy][order]
            tested = trainings.test(pair, [solver] * 2, [g] * 2, [data.x_test] * 2, [noisy.task.test] * 2)
            assert [one.error for one in tested] == alone[order]
    assert len(set(alone)) > 1


@pytest.mark.parametrize("instance", [Instance(0, 3), Instance(2, 3)])
def test_an_ensemble_of_one_equals_a_run(instance, tmp_path):
    """Under noise too: the same test error as the run of that seed and chip writes into its summary."""
    ours = Session.of(NOISY).seeded(instance.seed).on_chip(instance.chip).experiment
    (outcome,) = outcomes(NOISY, [instance])
    summary = train(new_run(ours, tmp_path / "run"), lambda _: None).summary
    assert (outcome.test_error, outcome.train_error) == (summary["test_error"], summary["train_error"])

"""Training: the same numbers compiled or step by step, in any chunks, and after an interruption."""

import io
from dataclasses import replace

import numpy as np
import pytest

from circuits.chip import Chip
from circuits.elements import Resistors
from circuits.errors import CircuitError
from hwsim.core.protocol import Capability, ConvergenceError
from hwsim.core.wrapper import SolverWrapper
from hwsim.experiment.experiment import Experiment
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import override
from hwsim.learning import epochs
from hwsim.learning.state import Arrays, State
from hwsim.learning.trainer import Trainer
from hwsim.numeric.layered import error_bound
from hwsim.numeric.numeric_engine import NumericEngine
from hwsim.session import Session

pytestmark = pytest.mark.usefixtures("jax_64_bits")


class Plain(SolverWrapper):
    """A solver that hides that it can be compiled."""

    capabilities = frozenset({Capability.VERIFIED})


def experiment(*settings: str) -> Experiment:
    return override(load("iris"), ["training.epochs=2", "training.batch=7", *settings])


def make(settings: Experiment, *, plain: bool = False, max_steps: int = 2000) -> Trainer:
    circuit = settings.circuit.compile()
    solver = NumericEngine(precision=settings.training.precision, max_steps=max_steps).prepare(circuit, Chip.nominal(circuit))
    return Session.of(settings).trainer(Plain(solver) if plain else solver)


def final(trainer: Trainer, state: State | None = None) -> State:
    *_, last = trainer.run(state or trainer.begin())
    return last.state


def assert_same(ours: Arrays, theirs: Arrays) -> None:
    """Compare all that counts in two states, bit for bit; seconds are the clock's."""
    assert set(ours) == set(theirs)
    for name in set(ours) - {"seconds"}:
        assert ours[name].dtype == theirs[name].dtype, name
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)


def test_a_circuit_in_which_nothing_learns_is_not_trained() -> None:
    """The trainer names what is missing; solving such a circuit asks for less."""
    settings = experiment()
    circuit = settings.circuit.compile("net")
    resistors = [Resistors(name=array.name, a=array.ends[0], b=array.ends[1], r=1e5) for array in circuit.trainable]
    fixed = replace(circuit, elements=(*(element for element in circuit.elements if element not in circuit.trainable), *resistors))
    with pytest.raises(CircuitError, match="net has no trainable conductances; add some"):
        Session.of(settings).trainer(NumericEngine().prepare(fixed, Chip.nominal(fixed)))


@pytest.mark.parametrize("optimizer", ["adam", "momentum", "sgd"])
def test_compiled_updates_are_the_stepwise_ones(optimizer) -> None:
    """Many updates in one compiled loop give the conductances that updates one by one give."""
    rate = "training.rate=5e-7" if optimizer == "adam" else "training.rate=1e-9"
    settings = experiment("training.epochs=1", f"training.optimizer={optimizer}", rate)
    looped, stepped = (final(make(settings, plain=plain)) for plain in (False, True))
    for block, g in looped.g.items():
        np.testing.assert_allclose(g, stepped.g[block], rtol=1e-8)


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_resuming_is_as_never_having_stopped(precision, monkeypatch) -> None:
    """From any chunk's state, written out and read back by another trainer, training ends in the same bits."""
    settings = experiment(f"training.precision={precision}", "training.nudge=random-sign", "training.schedule=cosine")
    monkeypatch.setattr(epochs, "CHUNK_SECONDS", 1e-9)  # a chunk an update
    states = [progress.state.arrays() for progress in make(settings).run(make(settings).begin())]
    other = make(settings)
    for k in (0, len(states) // 2, len(states) - 2):
        file = io.BytesIO()
        np.savez(file, **states[k])
        file.seek(0)
        with np.load(file, allow_pickle=False) as saved:
            assert_same(final(other, State.from_arrays(dict(saved), other.circuit)).arrays(), states[-1])


def test_chunks_do_not_matter(monkeypatch) -> None:
    """How many updates are computed between two reports changes no bit."""
    whole = final(make(experiment())).arrays()
    monkeypatch.setattr(epochs, "CHUNK_SECONDS", 1e-9)
    assert_same(final(make(experiment())).arrays(), whole)


def test_a_batch_beyond_the_samples_is_all_of_them() -> None:
    """However large a batch is asked for, an update sees each sample once, and no array is larger than the training set."""
    all_at_once = make(experiment("training.batch=120"))
    assert len(all_at_once.data.x_train) == 120
    huge = make(experiment("training.batch=100000000"))
    assert sorted(huge.plan(1).order.ravel()) == list(range(120))
    assert_same(final(huge).arrays(), final(all_at_once).arrays())


def of_images(*settings: str) -> Experiment:
    return override(
        load("digits"), ["training.epochs=2", "data.train_limit=70", "data.shift=1", "data.flip=true", "data.scaling=none", *settings]
    )


def test_compiled_training_moves_images_as_stepwise_does_and_resumes(monkeypatch) -> None:
    """Training with shifts and flips learns the same compiled and step by step, and from a state in the middle as without a stop."""
    looped, stepped = (final(make(of_images("training.rate=1e-8"), plain=plain)) for plain in (False, True))
    for block, g in looped.g.items():
        np.testing.assert_allclose(g, stepped.g[block], rtol=1e-8)
    monkeypatch.setattr(epochs, "CHUNK_SECONDS", 1e-9)
    states = [progress.state for progress in make(of_images("training.rate=1e-8")).run(make(of_images()).begin())]
    assert_same(states[-1].arrays(), looped.arrays())
    still = final(make(of_images("training.rate=1e-8", "data.shift=0", "data.flip=false"), plain=True))
    assert any(np.abs(g / still.g[block] - 1).max() > 1e-6 for block, g in looped.g.items())


def test_training_goes_on_by_newton_where_sweeps_prove_too_little(monkeypatch) -> None:
    """When the conductances outgrow what sweeps prove, the next epoch has Newton's method, and the same equilibria."""
    settings = experiment("circuit.layers=[]")
    swept, trainer = final(make(settings)), make(settings)
    states = [trainer.begin()]
    monkeypatch.setattr(error_bound, "TRUST", 0.0)
    states += [progress.state for progress in trainer.run(states[0])]
    assert [states[0].newton, states[-1].newton] == [False, True]
    for block, g in states[-1].g.items():
        np.testing.assert_allclose(g, swept.g[block], rtol=1e-8)


def test_seeds_differ_and_repeat() -> None:
    """A seed gives the same run again; another seed another one."""
    once, again, other = (final(make(experiment(f"training.seed={seed}"))).arrays() for seed in (0, 0, 1))
    assert_same(once, again)
    assert not np.array_equal(other["g/w1"], once["g/w1"])


@pytest.mark.parametrize("rule", ["equilibrium-propagation", "adjoint", "coupled-learning"])
def test_every_rule_learns(rule) -> None:
    """The loss falls to less than half, by every rule."""
    rate = ["training.rate=1e-6"] if rule != "coupled-learning" else ["training.rate=1e-6", "training.eta=0.5"]
    trainer = make(experiment("training.epochs=12", f"training.rule={rule}", *rate))
    losses = [progress.record["loss"] for progress in trainer.run(trainer.begin()) if progress.record]
    assert losses[-1] < 0.5 * losses[0]


def test_exclusive_or_is_learnt() -> None:
    """The smallest problem that needs hidden neurons: four of four."""
    settings = load("xor")
    trainer = make(settings)
    records = [progress.record for progress in trainer.run(trainer.begin()) if progress.record]
    assert records[-1]["test_error"] == 0.0


def test_bounds_hold() -> None:
    """No rate drives a conductance out of its bounds."""
    settings = experiment("training.epochs=1", "training.rate=1e-3")
    state = final(make(settings))
    for g in state.g.values():
        assert float(np.min(g)) >= settings.circuit.g_min
        assert float(np.max(g)) <= settings.circuit.g_max


def test_equilibria_that_are_not_found_stop_training() -> None:
    """A solver that may not finish is not believed: training ends with an error that names what to do."""
    trainer = make(experiment(), max_steps=1)
    with pytest.raises(ConvergenceError, match="max_steps"):
        final(trainer)


def test_the_last_batch_is_filled_up() -> None:
    """Every sample is in an epoch's plan, and every batch is full."""
    trainer = make(experiment())
    order = trainer.plan(0).order
    assert order.shape == (18, 7)
    assert set(order.ravel().tolist()) == set(range(120))

"""Chips in company: exchanges are what they are called, and a training is resumed from any exchange as if it had not stopped."""

from dataclasses import replace

import numpy as np
import pytest

from hwsim.company.company import Company, Round
from hwsim.company.company_record import error
from hwsim.company.listening import listened
from hwsim.company.members import Members
from hwsim.company.memory import CompanyMemory
from hwsim.core.protocol import ConvergenceError
from hwsim.experiment.experiment import ExperimentError
from hwsim.experiment.loading import load
from hwsim.learning.state import joined
from hwsim.session import Session
from hwsim.settings.company_settings import CompanySettings

SETTINGS = ["training.epochs=3", "training.precision=float64", "training.schedule=constant"]


def company(exchange, *overrides, **settings):
    """Make a company of three chips on iris."""
    given = CompanySettings(**({"chips": 3, "exchange": exchange, "common": 30 if exchange == "outputs" else 0} | settings))
    return Company(Members.of(load("iris", [*SETTINGS, *overrides]), given), given)


def conductances(chips, state):
    """Return each chip's conductances [S]."""
    return [joined(one.g) for one in chips.alone.apart(state)]


def rounds(chips, *begun):
    """Train from the beginning, or from a state and what is remembered, and return each epoch."""
    return [one for one in chips.rounds(*(begun or (chips.begin(),))) if isinstance(one, Round)]


STALE = {"burn_in": 0, "staleness": 1}


@pytest.mark.parametrize(
    ("exchange", "settings"), [("mean-weights", {}), ("outputs", {}), ("outputs", STALE), ("outputs", {"every": 2, "weight": 2.0})]
)
def test_resumed_is_uninterrupted(exchange, settings):
    """What follows an epoch depends on the states and on the memory that it left, whether an exchange is at its end or not."""
    with company(exchange, **settings) as chips:
        begun = []
        for one in chips.rounds(chips.begin()):
            if isinstance(one, Round) and one.state.epoch == 2:
                begun, memory = chips.alone.apart(one.state), one.memory  # the next update takes the arrays away
            last = one
        ends = conductances(chips, last.state)
    with company(exchange, **settings) as chips:
        again = rounds(chips, chips.alone.together(begun), CompanyMemory.from_arrays(memory.arrays()))
        resumed = conductances(chips, again[-1].state)
    assert len(again) == 1
    assert np.array_equal(again[-1].memory.answers, last.memory.answers)
    for one, other in zip(ends, resumed, strict=True):
        assert all(np.array_equal(one[name], other[name]) for name in one)


def test_without_exchange_each_chip_is_alone():
    """A chip that exchanges nothing learns as a training of its own, on the same samples from the same conductances."""
    with company("none") as chips:
        ends = conductances(chips, rounds(chips)[-1].state)
        session, start = chips.members.alone[1], chips.members.starts[1]
        with session.training_solver() as solver:
            trainer = session.trainer(solver)
            trainer.setup = trainer.setup._replace(start=start)
            *_, last = trainer.run(trainer.begin())
            lone = trainer.g(last.state)
    for name, values in lone.items():
        assert np.abs(ends[1][name] - values).max() <= 1e-10 * values.max()


def test_mean_gradients_are_one_large_batch():
    """From equal conductances, an update by the mean of all shards' gradients is that of all shards in one batch."""
    same = ["training.batch=1000", "training.epochs=1"]
    with company("mean-gradient", *same) as chips:
        chips.members = chips.members._replace(starts=[chips.members.starts[0]] * 3)
        ends = conductances(chips, rounds(chips)[-1].state)
        shards = chips.members.division.shards
    whole = Session.of(load("iris", [*SETTINGS, *same]))
    data = whole.learnable
    chosen = np.concatenate(shards)
    whole = Session.of(whole.experiment, data=replace(data, x_train=data.x_train[chosen], labels_train=data.labels_train[chosen]))
    with whole.training_solver() as solver:
        trainer = whole.trainer(solver)
        *_, last = trainer.run(trainer.begin())
        lone = trainer.g(last.state)
    for one in ends:
        for name, values in lone.items():
            assert np.abs(one[name] - values).max() <= 1e-12 * values.max()


def test_mean_weights_are_equal_afterwards():
    """After federated averaging all chips have the mean of what they had."""
    with company("mean-weights", every=3) as chips:
        ends = conductances(chips, rounds(chips)[-1].state)
    with company("none") as chips:
        apart = conductances(chips, rounds(chips)[-1].state)
    for name in ends[0]:
        mean = np.mean([one[name].astype(np.float32).astype(float) for one in apart], axis=0)
        assert all(np.array_equal(one[name], ends[0][name]) for one in ends)
        assert np.abs(ends[0][name] - mean).max() <= 1e-9 * mean.max()


def test_chips_hear_each_other():
    """After the burn-in chips learn from the outputs of others, and their targets are the peers' outputs on the pool, not their labels."""
    with company("outputs", burn_in=1) as chips:
        first = next(one for one in chips.rounds(chips.begin()) if isinstance(one, Round))
        assert first.sent_bytes > 0
        answers = chips.chips.outputs(first.state, common=True)
        for k, targets in enumerate(chips.targets(first.memory, 1)):
            mean = answers[[peer for peer in range(3) if peer != k]].mean(axis=0)
            assert np.allclose(targets.of(slice(-30, None)), mean, rtol=1e-6)
        taught = rounds(chips, first.state, first.memory)[0]
    with company("none", common=30) as chips:
        alone = rounds(chips)[1]
    assert np.abs(taught.outputs - alone.outputs).max() > 1e-6


def test_stale_answers_are_of_earlier_exchanges():
    """Chips learn from what peers answered so many exchanges ago, and from nobody before there was as much as that."""
    with company("outputs", "training.epochs=4", burn_in=1, staleness=1) as chips:
        each, answered, started = [], {}, []
        for one in chips.rounds(chips.begin()):
            if isinstance(one, Round):
                answered[one.state.epoch] = chips.answers(one.state)
                each.append(chips.targets(one.memory, one.state.epoch))
                started.append(one.sums["samples"].tolist())
    assert each[0] is None
    assert started[0] == started[1]
    assert started[2] == started[3]
    assert min(started[2]) >= max(started[0]) + 30 - 8  # the pool besides, and batches are filled up
    for epoch in (2, 3, 4):
        earlier = answered[epoch - 1]
        for k, targets in enumerate(each[epoch - 1]):
            mean = earlier[[peer for peer in range(3) if peer != k]].mean(axis=0)
            assert np.allclose(targets.of(slice(-30, None)), mean, rtol=1e-6)


def test_a_weight_counts_common_samples():
    """A step by the gradient of all samples is linear in the weight, from that without common samples on; at 1 it is the plain one."""
    whole = ["training.batch=1000", "training.epochs=2", "training.rule=adjoint", "training.optimizer=sgd", "training.rate=1e-11"]
    moved = []
    for weight in (1e-12, 1.0, 3.0):
        with company("outputs", *whole, burn_in=1, weight=weight) as chips:
            first, second = [conductances(chips, one.state) for one in chips.rounds(chips.begin()) if isinstance(one, Round)]
            moved.append([{name: second[k][name] - first[k][name] for name in first[k]} for k in range(3)])
    for little, one, three in zip(*moved, strict=True):
        for name in one:
            linear = little[name] + 3 * (one[name] - little[name])
            assert np.abs(three[name] - linear).max() <= 1e-6 * np.abs(three[name]).max()
            assert np.abs(one[name] - little[name]).max() > 1e-2 * np.abs(one[name]).max()


def test_real_targets_have_no_classes_to_send():
    """Answers alone are refused where there are none."""
    settings = CompanySettings(chips=2, exchange="outputs", common=30, precision="sign")
    with pytest.raises(ExperimentError, match="use 'int8'"):
        Members.of(load("diabetes", []), settings)


def test_listening():
    """Nobody listens to itself; a ring has one neighbour, and pairs change."""
    settings = {kind: CompanySettings(chips=5, exchange="outputs", common=9, listen=kind) for kind in ("all", "ring", "pairs")}
    for kind, one in settings.items():
        for epoch in range(4):
            each = listened(one, 0, epoch)
            assert all(chip not in peers for chip, peers in enumerate(each))
            assert {len(peers) for peers in each} == {4 if kind == "all" else 1}
    assert listened(settings["pairs"], 0, 1) != listened(settings["pairs"], 0, 2)


def test_samples_without_an_equilibrium_stop_a_company_or_are_wrong():
    """With --skip-failed they are wrong in a test, and of no class where chips teach each other."""
    hasty = ["solver.max_steps=2", "solver.tolerance=1e-12", "training.epochs=1"]
    with company("outputs", *hasty) as chips, pytest.raises(ConvergenceError):
        rounds(chips)
    with company("outputs", *hasty, "training.skip_failed=true") as chips:
        (last,) = rounds(chips)
    failed = np.isnan(last.outputs).all(axis=2)
    assert failed.any()
    assert np.isfinite(last.memory.answers).all()
    targets = chips.members.alone[0].task.test
    for outputs, nowhere in zip(last.outputs, failed, strict=True):
        assert error(targets, outputs) >= nowhere.mean()

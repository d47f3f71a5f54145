"""Whole epochs are those of a training; without sweeps they do all but the sweeps; perceptrons see as many samples."""

import itertools
from functools import cache, partial

import jax
import numpy as np
import optax
import pytest

from hwsim.benchmarks import cases, whole_epochs
from hwsim.benchmarks.device_cost import Cost
from hwsim.benchmarks.epoch_runner import EpochRunner
from hwsim.benchmarks.learner import without_sweeps
from hwsim.benchmarks.perceptron import Perceptron, mean_loss
from hwsim.benchmarks.places import SameProcess
from hwsim.benchmarks.whole_epochs import measure
from hwsim.experiment.experiment import Experiment, ExperimentError
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import override
from hwsim.numeric.jax_scope import jax_scope
from hwsim.session import Session

LOAD = partial(cases.synthetic, 64)
DATA = LOAD()


@cache
def small() -> Experiment:
    """Return a small circuit for images, with Adam, for three epochs."""
    return override(
        cases.experiment((6,), 8, tolerance=1e-6),
        ["name=small", "training.optimizer=adam", "training.rate=[1e-7, 1e-7]", "training.epochs=3"],
    )


@cache
def timed() -> list[Cost]:
    """Time each on a clock that only counts."""
    ticks = itertools.count()
    return measure(small(), 8, LOAD, rounds=3, place=SameProcess, clock=lambda: float(next(ticks)))


def test_an_epoch_is_compared_with_three_others() -> None:
    """With itself without sweeps, and with perceptrons by plain gradient descent and by Adam; every ratio has a name of its own."""
    assert [cost.baseline for cost in timed()] == [whole_epochs.FLOOR, whole_epochs.BY_SGD, whole_epochs.BY_ADAM]
    assert len(whole_epochs.ratios(timed())) == 3
    assert {cost.rounds for cost in timed()} == {3}


def test_the_epochs_are_those_of_a_training() -> None:
    """The conductances after two epochs are the training's, bit for bit."""
    session = Session.of(small(), DATA)
    trainer = session.trainer(session.training_solver())
    reached = [trainer.g(progress.state) for progress in trainer.run(trainer.begin()) if progress.record is not None]
    runner = EpochRunner(session.trainer(session.training_solver()))
    states = []
    for _ in range(2):
        runner.epoch()
        states.append(runner.trainer.g(runner.state))
    for mine, theirs in zip(states, reached, strict=False):
        for name, values in theirs.items():
            np.testing.assert_array_equal(mine[name], values)


def test_the_floor_makes_no_sweep() -> None:
    """Samples, gradients and updates are all there; sweeps are not."""
    session = Session.of(small(), DATA)
    solver = session.training_solver()
    runners = [EpochRunner(session.trainer(solver)), EpochRunner(session.trainer(without_sweeps(solver)), lenient=True)]
    for runner in runners:
        runner.epoch()
    usual, floor = (runner.state_of_last_check.sums for runner in runners)
    assert int(usual.samples) == int(floor.samples) == 64
    assert int(usual.steps) > 0
    assert int(floor.steps) == int(floor.nudged_steps) == 0


def test_the_perceptron_takes_adams_steps() -> None:
    """As Optax computes them, step by step."""
    perceptron = Perceptron((5,), DATA, rate=1e-2, adam=True)
    weights, order = perceptron.weights, np.arange(16, dtype=np.int32).reshape(2, 8)
    with jax_scope():
        expected = jax.tree.map(lambda value: value.copy(), weights)
        optimizer = optax.adam(1e-2)
        moments = optimizer.init(expected)
        for chosen in order:
            gradient = jax.grad(lambda w, chosen=chosen: mean_loss(w, perceptron.x[chosen], perceptron.labels[chosen])[0])(expected)
            steps, moments = optimizer.update(gradient, moments)
            expected = optax.apply_updates(expected, steps)
        perceptron.learn(order)
        for mine, theirs in zip(jax.tree.leaves(perceptron.weights), jax.tree.leaves(expected), strict=True):
            np.testing.assert_allclose(mine, theirs, atol=1e-6)


def test_other_circuits_are_refused() -> None:
    """Convolutions and real targets have no perceptron of the same sizes."""
    for name in ("conv-mnist",):
        with pytest.raises(ExperimentError, match="name a circuit of dense layers"):
            measure(load(name), 8, rounds=1)

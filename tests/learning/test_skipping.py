"""Samples that do not settle stop a training, or with --skip-failed are left out and counted."""

from dataclasses import replace

import numpy as np
import pytest

from circuits.chip import Chip
from hwsim.core.protocol import Capability, ConvergenceError, Result
from hwsim.core.wrapper import SolverWrapper
from hwsim.data.loading import load_data
from hwsim.experiment.experiment import Experiment
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import override
from hwsim.learning.losses import SquaredError
from hwsim.learning.rules.adjoint import Adjoint
from hwsim.learning.rules.coupled_learning import CoupledLearning
from hwsim.learning.skipping import Skipping
from hwsim.ngspice.ngspice_engine import NgspiceEngine
from hwsim.numeric.general.general_solver import GeneralEngine
from hwsim.numeric.numeric_engine import NumericEngine
from hwsim.session import Session
from support.nudges import propagation

EXPERIMENT = override(load("iris"), ["circuit.layers=[]", "training.epochs=1"])
CIRCUIT = EXPERIMENT.circuit.compile("iris")
DATA = load_data(EXPERIMENT)
LIMIT = float(np.quantile(DATA.x_train[:, 0], 0.8))


class Flaky(SolverWrapper):
    """Finds no equilibrium of samples whose first feature is large; it does not compile."""

    capabilities = frozenset({Capability.ADJOINT, Capability.VERIFIED})

    def __init__(self):
        super().__init__(NumericEngine().prepare(CIRCUIT, Chip.nominal(CIRCUIT)))

    def _spoilt(self, result, x, throw):
        bad = x[:, 0] > LIMIT
        v = {name: np.where(bad[:, None], np.nan, values) for name, values in result.v.items()}
        lost = result._replace(v=v, result=np.where(bad, int(Result.NOT_FINITE), result.result))
        return lost.check(CIRCUIT) if throw else lost

    def solve(self, g, drive, *, start=None, throw=True):
        """Find equilibria, but of some."""
        return self._spoilt(self.solver.solve(g, drive, start=start), drive.x, throw)

    def phases(self, g, x, y, nudge, *, throw=True, noise=None):
        """Find all phases, but of some."""
        return tuple(self._spoilt(phase, x, throw) for phase in self.solver.phases(g, x, y, nudge, noise=noise))


@pytest.fixture(scope="module")
def flaky():
    return Flaky()


@pytest.mark.parametrize("rule", [propagation(SquaredError(), 1e-7), CoupledLearning(0.1, 1e-2), Adjoint()])
def test_nothing_is_learnt_from_a_failed_sample(flaky, rule):
    """A batch with failed samples has the gradient of the others alone, as a share of the whole batch."""
    rng = np.random.default_rng(0)
    g = {element.name: rng.uniform(1e-6, 1e-5, element.shape) for element in CIRCUIT.trainable}
    x = DATA.x_train[::6]
    y = rng.uniform(0, 0.1, (len(x), len(CIRCUIT.outputs)))
    good = x[:, 0] <= LIMIT
    assert 0 < good.sum() < len(x)
    with_failed = rule.gradient(Skipping(flaky), g, x, y, SquaredError()).g
    without = rule.gradient(flaky.solver, g, x[good], y[good], SquaredError()).g
    for name, values in without.items():
        np.testing.assert_allclose(with_failed[name], values * good.mean(), rtol=1e-6, atol=1e-9 * np.abs(values).max())


def test_training_stops_or_counts(flaky):
    """A failed sample of either set stops the training, and the message names the setting; with it, each phase of each is counted."""
    with pytest.raises(ConvergenceError, match=r"iris: \d+ of \d+ samples found no equilibrium.*; or learn without .*: --skip-failed\Z"):
        list(Session.of(EXPERIMENT, DATA).trainer(flaky).run(Session.of(EXPERIMENT, DATA).trainer(flaky).begin()))
    settled = replace(DATA, x_train=np.minimum(DATA.x_train, LIMIT))
    with pytest.raises(ConvergenceError, match=r"samples found no equilibrium.*--skip-failed\Z"):  # of the test set
        list(Session.of(EXPERIMENT, settled).trainer(flaky).run(Session.of(EXPERIMENT, settled).trainer(flaky).begin()))
    trainer = Session.of(override(EXPERIMENT, ["training.skip_failed=true"]), DATA).trainer(flaky)
    row = [step.record for step in trainer.run(trainer.begin()) if step.record][-1]
    seen = trainer.plan(0).order.ravel()
    assert row["failed"] == 3 * (DATA.x_train[seen, 0] > LIMIT).sum()
    assert row["failed_tests"] == (DATA.x_test[:, 0] > LIMIT).sum() > 0
    assert np.isfinite(row["loss"])


FEW = replace(DATA, x_train=DATA.x_train[:5], labels_train=DATA.labels_train[:5])
SPOILT = replace(
    FEW,
    x_train=np.vstack([DATA.x_train[:2], np.full((1, 4), 1e308), DATA.x_train[2:5]]),
    labels_train=DATA.labels_train[[0, 1, 5, 2, 3, 4]],
)
LEARNED = {
    "equilibrium-propagation": "training.rule=equilibrium-propagation",
    "volts": "training.nudge.kind=volts",
    "richardson": "training.rule=richardson",
    "holomorphic": "training.rule=holomorphic",
    "coupled-learning": "training.rule=coupled-learning",
    "small-signal": "training.rule=small-signal",
    "adjoint": "training.rule=adjoint",
}
CLOSE = {GeneralEngine: 1e-9, NgspiceEngine: 1e-5, NumericEngine: 1e-4}
"""Shares of the largest change. What is compiled settles to a share of the largest feature, and here one is beyond measure."""


def changes(engine, experiment: Experiment, data):
    """Return how one update with all samples changes the conductances [S], and how many equilibria failed."""
    session = Session.of(experiment, data)
    with engine.prepare(session.circuit, session.chip) as solver:
        trainer = session.trainer(solver)
        begun = trainer.begin()
        before = {block: np.array(values) for block, values in begun.g.items()}
        done = trainer.advance(begun.carry, trainer.plan(0), 0, 1)
    return {block: np.asarray(values) - before[block] for block, values in done.g.items()}, int(done.sums.failed)


@pytest.mark.parametrize(
    ("engine", "rule"),
    [
        *((GeneralEngine(max_steps=30), rule) for rule in LEARNED),
        *((NgspiceEngine(workers=1), rule) for rule in ("equilibrium-propagation", "volts", "small-signal")),
        (NumericEngine(), "adjoint"),
    ],
    ids=lambda of: of if isinstance(of, str) else type(of).__name__,
)
def test_an_update_without_a_sample_is_that_of_the_others(engine, rule):
    """By every rule and engine: what cannot be solved changes nothing that the other samples teach, and is counted."""
    settings = [LEARNED[rule], "training.optimizer=sgd", "training.rate=1e-12", "training.skip_failed=true"]
    right, none = changes(GeneralEngine(), override(load("iris"), settings), FEW)
    changed, failed = changes(engine, override(load("iris"), settings), SPOILT)
    assert none == 0 < failed
    for name, values in right.items():
        close = CLOSE[type(engine)]
        assert np.abs(values).max() > 1e-14
        np.testing.assert_allclose(changed[name], values, rtol=0, atol=close * np.abs(values).max())

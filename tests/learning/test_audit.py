"""Audit of training: after some epochs, equilibria drawn at random are summed up by the elements alone; one that fails stops it."""

import numpy as np
import pytest

from circuits.chip import Chip
from hwsim.core.protocol import ConvergenceError
from hwsim.data.loading import load_data
from hwsim.ensemble import ensemble_trainer
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import override
from hwsim.learning.audit import audit_phases
from hwsim.learning.losses import SquaredError
from hwsim.learning.rules.adjoint import Adjoint
from hwsim.learning.targets import Classes
from hwsim.numeric.layered.chips import Chips
from hwsim.numeric.layered.layered_solver import LayeredSolver
from hwsim.numeric.numeric_engine import NumericEngine
from support.nudges import propagation
from support.trainers import plain_trainer

EXPERIMENT = override(load("iris"), ["training.epochs=2"])
CIRCUIT = EXPERIMENT.circuit.compile("iris")
CHIP = Chip.nominal(CIRCUIT)
DATA = load_data(EXPERIMENT)
RNG = np.random.default_rng(2)
G = {element.name: RNG.uniform(1e-6, 1e-5, element.shape) for element in CIRCUIT.trainable}
X, Y = DATA.x_train[:30], RNG.uniform(0, 0.1, (30, len(CIRCUIT.outputs)))


class Liar(LayeredSolver):
    """Hands out one node of one sample a millionth of a volt off, and states nothing."""

    def solve(self, g, drive, *, start=None, throw=True):
        """Lie."""
        equilibrium = super().solve(g, drive, start=start, throw=throw)
        lie = equilibrium.v["h1"].copy()
        lie[3, 1] += 1e-6
        return equilibrium._replace(v={**equilibrium.v, "h1": lie})


def rows(solver, **settings):
    trainer = plain_trainer(EXPERIMENT.training.model_copy(update=settings), DATA, solver)
    return [step.record for step in trainer.run(trainer.begin()) if step.record]


def test_an_audited_epoch_reports_its_largest_residual():
    """Of currents that are summed again: not nothing, and far below what flows. Both epochs of two are audited."""
    for row in rows(NumericEngine().prepare(CIRCUIT, CHIP)):
        assert 0 < row["certified_A"] < 1e-12


def test_a_lie_stops_training_or_is_counted():
    """A voltage that is off by a microvolt ends training with what is wrong and what to do; where failures are skipped, it is counted."""
    with pytest.raises(ConvergenceError, match=r"after epoch 1, 3 of the equilibria.*do not balance.*--engine ngspice"):
        rows(Liar(CIRCUIT, CHIP, NumericEngine()))
    assert [row["failed"] for row in rows(Liar(CIRCUIT, CHIP, NumericEngine()), skip_failed=True)] == [3, 3]


def test_chips_side_by_side_are_judged_too(monkeypatch):
    """A chip whose voltages are off by a microvolt has failed its test; its neighbour has not."""
    solvers = [NumericEngine().prepare(CIRCUIT, CHIP)] * 2
    solve = Chips.solve

    def lie(chips, g, x):
        result = solve(chips, g, x)
        h1 = result.v["h1"].copy()
        h1[1, 3, 1] += 1e-6
        return result._replace(v={**result.v, "h1": h1})

    monkeypatch.setattr(Chips, "solve", lie)
    table = np.eye(3, len(CIRCUIT.outputs))
    good, bad = ensemble_trainer.test_all(
        solvers, [G, G], np.stack([X, X]), [Classes(DATA.labels_train[:30], table)] * 2, skip_failed=False
    )
    assert good.failed is None
    assert "currents do not balance" in str(bad.failed)


@pytest.mark.parametrize(("precision", "least"), [("float64", 0.0), ("float32", 1e-16)])
def test_all_phases_of_a_rule_are_judged(precision, least):
    """Free and nudged equilibria alike: of each phase one lies. In 32 bits more is left, and still holds."""
    rule = propagation(SquaredError(), 1e-7)
    honest = audit_phases(NumericEngine(precision=precision).prepare(CIRCUIT, CHIP), rule, SquaredError(), G, X, Y, 0)
    assert honest.failed == 0
    assert honest.residual > least
    if precision == "float64":
        lying = Liar(CIRCUIT, CHIP, NumericEngine())
        assert audit_phases(lying, rule, SquaredError(), G, X, Y, 0).failed == 3
        assert audit_phases(lying, Adjoint(), SquaredError(), G, X, Y, 0).failed == 1

"""Many trainings and tests of one circuit: side by side where the engine can, one by one where it cannot."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeGuard

import numpy as np

from hwsim.core.protocol import Capability, ConvergenceError, Solver
from hwsim.ensemble.reached import Follow, part_of, to_the_end, unseen
from hwsim.ensemble.results import Tested, TrainingResult
from hwsim.learning.targets import Targets
from hwsim.learning.trainer import Trainer
from hwsim.session import Session
from hwsim.typing import Array, Weights

if TYPE_CHECKING:
    from hwsim.numeric.layered.layered_solver import LayeredSolver


def learn(trainers: Sequence[Trainer], follow: Follow = unseen) -> list[TrainingResult]:
    """Train all, each from its beginning to the last epoch; they differ in seed and chip only."""
    if _side_by_side([trainer.solver for trainer in trainers]) and all(trainer.updater.rule.traceable for trainer in trainers):
        from hwsim.ensemble.ensemble_trainer import EnsembleTrainer  # noqa: PLC0415 - the ngspice engine trains without JAX

        return EnsembleTrainer(trainers).train(follow)
    return [_alone(trainer, part_of(follow, k, 1, len(trainers))) for k, trainer in enumerate(trainers)]


def _alone(trainer: Trainer, follow: Follow) -> TrainingResult:
    state = trainer.begin()
    begun = trainer.g(state)
    try:
        state, rows = to_the_end(trainer.run(state), follow)
    except ConvergenceError as error:
        return TrainingResult(begun, np.nan, np.nan, np.nan, np.nan, str(error))
    pulses = sum(row.get(key, 0.0) for row in rows for key in trainer.updater.programming.counts)
    energy = sum(row.get("programming_J", 0.0) for row in rows)
    return TrainingResult(trainer.g(state), rows[-1]["train_error"], pulses, energy, max(row["residual_A"] for row in rows))


def test(
    sessions: Sequence[Session], solvers: Sequence[Solver], g: Sequence[Weights], x: Sequence[Array], targets: Sequence[Targets]
) -> list[Tested]:
    """Test chips, each with a session, conductances [S], samples (n, I) and targets of its own; one by one where a reading is not exact.

    The sessions may differ in seed, variation and noise; circuit and engine are those of the first.
    """
    first = sessions[0]
    if _side_by_side(solvers) and all(one.readout.reads_exactly(solver) for one, solver in zip(sessions, solvers, strict=True)):
        from hwsim.ensemble.ensemble_trainer import test_all  # noqa: PLC0415 - the ngspice engine tests without JAX

        return test_all(solvers, g, np.stack(x), targets, skip_failed=first.experiment.training.skip_failed)
    return [_test_alone(*each) for each in zip(sessions, solvers, g, x, targets, strict=True)]


def _test_alone(session: Session, solver: Solver, g: Weights, x: Array, targets: Targets) -> Tested:
    try:
        evaluation = session.evaluate(solver, g, x, targets)
    except ConvergenceError as error:
        return Tested(np.nan, np.nan, str(error))
    return Tested(evaluation.error, evaluation.residual)


def _side_by_side(solvers: Sequence[Solver]) -> "TypeGuard[Sequence[LayeredSolver]]":
    """Whether all are the numeric engine's for layered circuits, which JAX maps over."""
    return all(Capability.MANY_CHIPS in solver.capabilities for solver in solvers)

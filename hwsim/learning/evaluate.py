"""Evaluation: what a circuit with given conductances makes of samples that it does not learn from."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwsim.core.protocol import Phases, Result
from hwsim.learning.readout import ReadOut
from hwsim.learning.targets import Targets
from hwsim.random.streams import of_chip, stream
from hwsim.typing import Array, Conductances

BATCH = 500
"""Samples that are solved at once; short parts are filled up, so that one compiled function serves all."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What came out.

    Parameters
    ----------
    outputs
        Read-outs, shape (n, K) [V].
    answers
        The class of each sample, shape (n,), or what else the task makes of the read-outs.
    scores
        The `error`, by the task's own measure: the share of samples whose class is wrong, or the root mean square [units]; and others.
    residual
        Largest sum of currents into a node over all samples [A].
    steps
        Mean number of iterations.
    failed
        Samples that did not settle, where the solver does not raise; they count as wrong: in class −1, or with 0 V.

    """

    outputs: NDArray[np.float64]
    answers: NDArray[Any]
    scores: dict[str, float]
    residual: float
    steps: float
    failed: int = 0

    @property
    def error(self) -> float:
        """The error, by the task's own measure."""
        return self.scores["error"]


def scored(targets: Targets, outputs: Array, good: NDArray[np.bool_]) -> tuple[NDArray[Any], dict[str, float]]:
    """Return what read-outs (n, K) [V] mean, and the task's scores; samples that are not `good` (n,) have no equilibrium."""
    answers = np.array(targets.answers(outputs))
    answers[~good] = targets.failed
    return answers, targets.scores(float(targets.mistakes(answers, slice(None)).sum()), len(answers))


def noise_seed(seed: int, chip: int) -> int:
    """Return the seed of the noise in a test: each chip's differs from every other's, and chip 0 has the training's seed itself."""
    return int(stream(seed, of_chip("noise/test", chip)).integers(2**32)) if chip else seed


class ReadOuts(NamedTuple):
    """Read-outs, (n, K) [V]; which samples settled, (n,); the largest residual [A]; the sum of all steps."""

    outputs: NDArray[np.float64]
    settled: NDArray[np.bool_]
    residual: float
    steps: float


def read_outputs(solver: Phases, g: Conductances, x: Array, instruments: ReadOut, seed: int) -> ReadOuts:
    """Solve samples x (n, I), some hundred at once; `seed` is that of the noise.

    Raises
    ------
    ConvergenceError
        When a sample does not settle.

    """
    outputs, settled, residual, steps = [], [], 0.0, 0.0
    for first in range(0, len(x), BATCH):
        part = x[first : first + BATCH]
        filled = np.resize(part, (BATCH, x.shape[1])) if len(x) > BATCH else part
        part_seed = np.uint32((seed + first) % 2**32)
        read, equilibrium = instruments.read(solver, g, filled, part_seed)
        outputs.append(np.asarray(read, dtype=np.float64)[: len(part)])
        settled.append(np.asarray(equilibrium.result)[: len(part)] == Result.CONVERGED)
        residual = max(residual, float(equilibrium.residual[: len(part)].max()))
        steps += float(np.sum(equilibrium.steps[: len(part)]))
    return ReadOuts(np.concatenate(outputs), np.concatenate(settled), residual, steps)


def evaluate(solver: Phases, g: Conductances, x: Array, targets: Targets, instruments: ReadOut, seed: int) -> Evaluation:
    """Solve samples x (n, I) and compare with their targets; `seed` is that of the noise.

    Raises
    ------
    ConvergenceError
        When a sample does not settle.

    """
    read, good, residual, steps = read_outputs(solver, g, x, instruments, seed)
    answers, scores = scored(targets, read, good)
    return Evaluation(read, answers, scores, residual, steps / len(x), int((~good).sum()))

"""Evaluation: what a circuit with given conductances makes of samples that it does not learn from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwsim.core.protocol import Drive, Phases, Result
from hwsim.learning.readout import Instruments
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
    predicted
        Class of each sample, shape (n,).
    error
        Share of samples whose class is wrong.
    residual
        Largest sum of currents into a node over all samples [A].
    steps
        Mean number of iterations.
    failed
        Samples that did not settle, where the solver does not raise; they count as wrong, in class −1.

    """

    outputs: NDArray[np.float64]
    predicted: NDArray[np.intp]
    error: float
    residual: float
    steps: float
    failed: int = 0


def classify(outputs: Array, table: Array) -> Array:
    """Give the class whose target is nearest to each read-out, shape (n,); `table` holds the targets by class, (classes, K) [V]."""
    return (outputs @ table.T - 0.5 * (table**2).sum(axis=1)).argmax(axis=1)


def noise_seed(seed: int, chip: int) -> int:
    """Return the seed of the noise in a test: each chip's differs from every other's, and chip 0 has the training's seed itself."""
    return int(stream(seed, of_chip("noise/test", chip)).integers(2**32)) if chip else seed


def evaluate(  # noqa: PLR0913, PLR0917 - a circuit, samples, and what reads it
    solver: Phases, g: Conductances, x: Array, labels: Array, table: Array, instruments: Instruments, seed: int
) -> Evaluation:
    """Solve samples x (n, I) and compare with their labels (n,); `seed` is that of the noise.

    Raises
    ------
    ConvergenceError
        When a sample does not settle.

    """
    outputs, settled, residual, steps = [], [], 0.0, 0.0
    for first in range(0, len(x), BATCH):
        part = x[first : first + BATCH]
        filled = np.resize(part, (BATCH, x.shape[1])) if len(x) > BATCH else part
        own = np.uint32((seed + first) % 2**32)
        found = instruments.solve(solver, g, Drive(filled), own)
        outputs.append(np.asarray(instruments.outputs(solver, found, own), dtype=np.float64)[: len(part)])
        settled.append(np.asarray(found.result)[: len(part)] == Result.CONVERGED)
        residual = max(residual, float(found.residual[: len(part)].max()))
        steps += float(np.sum(found.steps[: len(part)]))
    read = np.concatenate(outputs)
    good = np.concatenate(settled)
    predicted = np.where(good, classify(read, np.asarray(table)), -1)
    return Evaluation(read, predicted, float(np.mean(predicted != labels)), residual, steps / len(x), int((~good).sum()))

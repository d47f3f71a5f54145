"""Agreement: how often an imported circuit answers as the perceptron that it was made of, and how often both are wrong."""

from typing import NamedTuple

import numpy as np

from hwsim.importing.dense_perceptron import DensePerceptron
from hwsim.learning.evaluate import BATCH, noise_seed, read_outputs
from hwsim.session import Session
from hwsim.typing import Floats, Weights


class Agreement(NamedTuple):
    """A circuit and a perceptron on the same samples.

    Parameters
    ----------
    samples
        How many.
    answers
        Share of samples with the same answer of both; of real targets, 1 − the mean square of the difference over the outputs' variance.
    correlation
        Of the outputs of both, over all samples and outputs.
    difference
        Root mean square of the difference of the outputs, relative to that of the perceptron's.
    original_error, error
        Of the perceptron and of the circuit, by the task's own measure.

    """

    samples: int
    answers: float
    correlation: float
    difference: float
    original_error: float
    error: float


def agreement(session: Session, g: Weights, perceptron: DensePerceptron, v_unit: float, part: str) -> Agreement:
    """Compare a circuit with a perceptron whose outputs, times `v_unit`, are its own, on the `train` or `test` set of its data.

    Raises
    ------
    ConvergenceError
        When a sample has no equilibrium.

    """
    x, targets = getattr(session.data, f"x_{part}"), getattr(session.task, part)
    seed = noise_seed(session.experiment.training.seed, session.experiment.variation.chip)
    filled = x if len(x) > BATCH else np.resize(x, (1 << (len(x) - 1).bit_length(), x.shape[1]))
    with session.verified_solver() as solver:
        volts = read_outputs(solver, g, filled, session.reading, seed).outputs[: len(x)]
    original = v_unit * perceptron.outputs(x)
    answers, wanted = np.asarray(targets.answers(volts)), np.asarray(targets.answers(original))
    errors = [targets.scores(float(targets.mistakes(of, slice(None)).sum()), len(x))["error"] for of in (wanted, answers)]
    return Agreement(len(x), _alike(answers, wanted), *_compared(volts, original), *errors)


def _alike(answers: Floats, wanted: Floats) -> float:
    if answers.ndim == 1 and answers.dtype.kind in "iu":
        return float((answers == wanted).mean())
    return float(1 - ((answers - wanted) ** 2).mean() / wanted.var(axis=0).mean())


def _compared(volts: Floats, original: Floats) -> tuple[float, float]:
    difference = np.sqrt(((volts - original) ** 2).mean() / (original**2).mean())
    return float(np.corrcoef(volts.ravel(), original.ravel())[0, 1]), float(difference)

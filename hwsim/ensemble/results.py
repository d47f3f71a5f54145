"""What a training of an ensemble came to, and what a test of one of its chips did."""

from typing import NamedTuple

from hwsim.typing import Weights


class TrainingResult(NamedTuple):
    """What a training came to.

    Parameters
    ----------
    g
        Conductances [S].
    train_error
        Share of wrong answers in the last epoch, or another task's error.
    pulses, energy
        Programming pulses of all epochs, and what they took [J].
    residual
        Largest sum of currents into a node in any free equilibrium [A].
    failed
        What went wrong, where something did; the numbers then mean nothing.

    """

    g: Weights
    train_error: float
    pulses: float
    energy: float
    residual: float
    failed: str | None = None


class Tested(NamedTuple):
    """A chip's share of wrong answers, or another task's error, its largest sum of currents into a node [A], and what went wrong."""

    error: float
    residual: float
    failed: str | None = None

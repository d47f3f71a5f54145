"""What can go wrong with ngspice, each with ngspice's own message."""

from typing import ClassVar

from hwsim.core.protocol import ConvergenceError


class NgspiceError(RuntimeError):
    """Raised when ngspice could not do its work; the text has its own message."""


class NgspiceMissingError(NgspiceError):
    """Raised when libngspice is not there or cannot be loaded; the message names what to install."""

    exit_code: ClassVar = 2


class NgspiceDeckError(NgspiceError):
    """Raised when ngspice refused a deck, died of it or fell silent over it; the message names where the deck is kept.

    `place` is that of the card that is wrong, where that is known.
    """

    def __init__(self, text: str, place: int | None = None) -> None:
        super().__init__(text)
        self.place = place


class NgspiceWorkerError(NgspiceDeckError):
    """Raised when a worker died or fell silent; `tries` workers may, before the job that they were given is to blame."""

    def __init__(self, text: str, tries: int) -> None:
        super().__init__(text)
        self.tries = tries


class NgspicePointError(NgspiceError, ConvergenceError):
    """Raised when ngspice found no equilibrium for some samples; the message names where a deck is kept that shows one."""

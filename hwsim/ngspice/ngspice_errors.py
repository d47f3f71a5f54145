"""What can go wrong with ngspice, each with what ngspice itself said."""

from typing import ClassVar

from hwsim.core.protocol import ConvergenceError


class NgspiceError(RuntimeError):
    """Says that ngspice could not do its work; the message holds its own words."""


class NgspiceMissingError(NgspiceError):
    """Says that libngspice is not there or cannot be loaded; the message says what to install."""

    exit_code: ClassVar = 2


class NgspiceDeckError(NgspiceError):
    """Says that ngspice refused a deck, died of it or fell silent over it; the message says where the deck is kept.

    `place` is that of the card that is wrong, where that is known.
    """

    def __init__(self, text: str, place: int | None = None) -> None:
        super().__init__(text)
        self.place = place


class NgspiceWorkerError(NgspiceDeckError):
    """Says that a worker died or fell silent; `tries` workers may, before the job that they were given is to blame."""

    def __init__(self, text: str, tries: int) -> None:
        super().__init__(text)
        self.tries = tries


class NgspicePointError(NgspiceError, ConvergenceError):
    """Says that ngspice found no equilibrium for some samples; the message says where a deck is kept that shows one."""

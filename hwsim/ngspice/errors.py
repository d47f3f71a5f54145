"""What can go wrong with ngspice, each with what ngspice itself said."""

from typing import ClassVar

from hwsim.engine import ConvergenceError


class NgspiceError(RuntimeError):
    """Says that ngspice refused a deck, died, or fell silent; the message holds its own words and the path of the deck."""


class NgspiceMissingError(NgspiceError):
    """Says that libngspice is not there or cannot be loaded; the message says what to install."""

    exit_code: ClassVar = 2


class NgspicePointError(NgspiceError, ConvergenceError):
    """Says that ngspice found no equilibrium for some samples; the message holds its own words and the path of a deck that shows one."""

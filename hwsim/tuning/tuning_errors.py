"""Errors of a search."""

from typing import ClassVar


class TuneError(ValueError):
    """A search that cannot be made or resumed; the message names the thing and the remedy."""


class FruitlessError(RuntimeError):
    """No trial was completed; the message is the reason of the last one."""


class InterruptedTuneError(RuntimeError):
    """The search was interrupted, and its state is saved."""

    exit_code: ClassVar = 130

"""What can be wrong with a search."""

from typing import ClassVar


class TuneError(ValueError):
    """A search that cannot be made or gone on with; the message names the thing and the remedy."""


class FruitlessError(RuntimeError):
    """No trial came to an end; the message says why the last one did not."""


class InterruptedTuneError(RuntimeError):
    """The search was asked to stop; what was done is saved."""

    exit_code: ClassVar = 130

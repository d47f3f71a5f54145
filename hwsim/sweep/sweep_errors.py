"""Errors of a sweep."""


class SweepError(ValueError):
    """A sweep that cannot be made, or a database that cannot be used; the message names the thing and the remedy."""


class SweepStoppedError(RuntimeError):
    """A sweep that could not be completed; its finished results are in its database."""

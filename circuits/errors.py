"""The error that a wrong circuit raises."""


class CircuitError(ValueError):
    """A circuit or network that cannot be built; the message names the thing, the value and the remedy."""

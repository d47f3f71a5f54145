"""The errors that a wrong circuit raises."""

from collections.abc import Sequence

from circuits.nodes import Nodes


class CircuitError(ValueError):
    """A circuit or network that cannot be built; the message names the thing, the value and the remedy.

    Examples
    --------
    >>> import hwsim as hw
    >>> hw.Network(inputs=0, outputs=1)
    Traceback (most recent call last):
    circuits.errors.CircuitError: network: inputs = 0 must be at least 1

    """


class FloatingNodesError(CircuitError):
    """Nodes without a conducting path to ground, whose voltages nothing defines; `islands` are those that are joined among themselves."""

    def __init__(self, circuit: str, islands: Sequence[Nodes], names: Sequence[str]) -> None:
        self.islands = tuple(islands)
        called = [names[node] for island in islands for node in island.tolist()]
        super().__init__(f"{circuit}: {floating(called, islands=len(islands))}")


_SHOWN = 4


def floating(names: Sequence[str], *, islands: int = 1) -> str:
    """Return the error of floating nodes, with its remedy."""
    shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
    if len(names) == 1:
        return f"{shown} has no conducting path to ground; connect it or remove it"
    return f"{shown} have no conducting path to ground; connect {'one of them' if islands == 1 else 'them'} or remove them"

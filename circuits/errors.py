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


class ElementError(CircuitError):
    """One element of an array is wrong, or a parameter of it.

    Parameters
    ----------
    array
        The array's name.
    index, place
        Where the element is in the array: by its axes, and counted row by row.
    fault
        What is wrong and what would be right, behind the name of the element or of its parameter.
    parameter
        The parameter; empty for the element itself.

    """

    def __init__(self, array: str, index: tuple[int, ...], place: int, fault: str, parameter: str = "") -> None:
        super().__init__(array, index, place, fault, parameter)  # as they are, so that it can be pickled
        self.array, self.index, self.place, self.fault, self.parameter = array, index, place, fault, parameter

    def __str__(self) -> str:
        at = f"[{', '.join(map(str, self.index))}]" if self.index else ""
        return f"{self.array}: {self.parameter}{at} {self.fault}" if self.parameter else f"{self.array}{at} {self.fault}"

    def of(self, card: str) -> str:
        """Return the message where the element is a card of a deck."""
        return f"{card}: {self.parameter} {self.fault}" if self.parameter else f"{card} {self.fault}"


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

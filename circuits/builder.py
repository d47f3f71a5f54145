"""Builder: collects node groups, elements and blocks, and makes the circuit of them."""

from dataclasses import replace

from circuits.circuit import Circuit
from circuits.elements import Elements
from circuits.nodes import NodeGroup, Nodes
from circuits.topology import Block


class Builder:
    """A circuit in the making. Node numbers are handed out in the order of the groups; `prefix` begins the names of all that is added."""

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix
        self._groups: list[NodeGroup] = []
        self._elements: list[Elements] = []
        self._blocks: list[Block] = []
        self._next = 1

    def group(self, name: str, size: int | None = None) -> Nodes:
        """Add a node group, or a lone node, and give its node numbers."""
        group = NodeGroup(f"{self._prefix}{name}", size, self._next)
        self._groups.append(group)
        self._next += len(group)
        return group.nodes

    def add(self, *elements: Elements) -> None:
        """Add element arrays."""
        self._elements += [replace(element, name=f"{self._prefix}{element.name}") for element in elements] if self._prefix else elements

    def block(self, name: str, kind: str, *elements: Elements) -> None:
        """Add element arrays that a netlist writes as one subcircuit an index."""
        self.add(*elements)
        self._blocks.append(Block(f"{self._prefix}{name}", kind, tuple(element.name for element in self._elements[-len(elements) :])))

    def circuit(self, name: str) -> Circuit:
        """Make the circuit.

        Raises
        ------
        CircuitError
            When it does not pass its own checks.

        """
        return Circuit(name=name, groups=tuple(self._groups), elements=tuple(self._elements), blocks=tuple(self._blocks))


class Appending(Builder):
    """Node groups and elements that come behind those of a circuit of so many nodes, ground not counted."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._next = size + 1

    @property
    def groups(self) -> tuple[NodeGroup, ...]:
        """The groups so far."""
        return tuple(self._groups)

    @property
    def elements(self) -> tuple[Elements, ...]:
        """The elements so far."""
        return tuple(self._elements)

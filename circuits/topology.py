"""Topology: groups of nodes, arrays of elements and what they are for, with all that is looked up in them; nothing is checked here."""

from bisect import bisect_right
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, Literal

from circuits.arrays import Trainable
from circuits.elements import Elements, InputCurrents, InputSources, Nudges, VoltageSources
from circuits.errors import CircuitError
from circuits.nodes import NodeGroup, Nodes, node_names
from circuits.quoting import quote_all, quoted
from circuits.user_text import UserText

Role = Literal["inputs", "outputs", "trainable"]

_ROLES: dict[Role, tuple[tuple[type[Elements], ...], str]] = {
    "inputs": ((InputSources, InputCurrents), "input sources"),
    "outputs": ((Nudges,), "outputs (Nudges)"),
    "trainable": ((Trainable,), "trainable conductances"),
}


@dataclass(frozen=True, slots=True)
class Block:
    """Elements that a netlist writes as one subcircuit an index: the k-th of each array makes the k-th instance."""

    name: str
    kind: str
    elements: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Topology:
    """Nodes and what is between them; `circuits.circuit.Circuit` describes the parameters."""

    name: str
    groups: tuple[NodeGroup, ...]
    elements: tuple[Elements, ...]
    blocks: tuple[Block, ...] = field(default=())
    grounded: bool = True
    text: UserText | None = field(default=None, compare=False, repr=False)

    def __hash__(self) -> int:
        return self._hash

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is cached: equal circuits are the same bytes, whatever was asked of them."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @cached_property
    def _hash(self) -> int:
        return hash((self.name, self.groups, self.elements))

    @cached_property
    def _of(self) -> dict[tuple[type, ...], tuple[Elements, ...]]:
        return {}

    @cached_property
    def _elements(self) -> dict[str, Elements]:
        return {element.name: element for element in self.elements}

    @cached_property
    def _groups(self) -> dict[str, NodeGroup]:
        return {group.name: group for group in self.groups}

    def __getitem__(self, name: str) -> Any:
        """Return the element array of this name."""
        try:
            return self._elements[name]
        except KeyError:
            msg = f"{self.name} has no element {quoted(name)}; it has {quote_all(self._elements)}"
            raise CircuitError(msg) from None

    def of(self, *kinds: type) -> list[Any]:
        """List the element arrays of these kinds, in order."""
        if kinds not in self._of:
            self._of[kinds] = tuple(element for element in self.elements if isinstance(element, kinds))
        return list(self._of[kinds])

    def require(self, *roles: Role) -> None:
        """Refuse a circuit without something that a task needs: inputs and outputs to be solved, and something trainable to be trained.

        Raises
        ------
        CircuitError
            Naming what is missing.

        """
        for kinds, called in map(_ROLES.__getitem__, roles):
            if not self.of(*kinds):
                msg = f"{self.name} has no {called}; add some"
                raise CircuitError(msg)

    def nodes(self, group: str) -> Nodes:
        """Return the node numbers of a group."""
        return self._groups[group].nodes

    def owner(self, node: int) -> tuple[NodeGroup | None, int]:
        """Return the group of a node number and the node's place in it; ground has none."""
        if node == 0:
            return None, 0
        group = self.groups[bisect_right(self._starts, node) - 1]
        return group, node - group.start

    @cached_property
    def _starts(self) -> list[int]:
        return [group.start for group in self.groups]

    @cached_property
    def size(self) -> int:
        """Number of nodes, ground not counted."""
        return sum(len(group) for group in self.groups)

    @cached_property
    def node_names(self) -> list[str]:
        """The name of every node by its number; ground first."""
        return node_names(self.groups)

    @property
    def members(self) -> tuple[Any, ...]:
        """What has trainable arrays of its own: the circuit itself; of circuits in a chain, each of them."""
        return (self,)

    @cached_property
    def trainable(self) -> tuple[Trainable, ...]:
        """The element arrays whose conductances learning changes, in order."""
        return tuple(element for element in self.elements if isinstance(element, Trainable))

    @property
    def memristive(self) -> tuple[Trainable, ...]:
        """Those of them that are programmed as memristors."""
        return tuple(element for element in self.trainable if element.memristive)

    @property
    def memristors(self) -> int:
        """Number of memristors, copies too."""
        return sum(map(len, self.memristive))

    @property
    def inputs(self) -> list[InputSources | InputCurrents]:
        """The sources that carry the data."""
        return self.of(InputSources, InputCurrents)

    @cached_property
    def input_count(self) -> int:
        """Number of features that a sample has."""
        return max((1 + int(source.feature.max(initial=-1)) for source in self.inputs), default=0)

    @property
    def outputs(self) -> Nudges:
        """The read and nudged pairs of nodes; a circuit without any is refused."""
        self.require("outputs")
        outputs: Nudges = self.of(Nudges)[0]
        return outputs

    @property
    def voltage_sources(self) -> list[VoltageSources]:
        """The sources of fixed voltage."""
        return self.of(VoltageSources)

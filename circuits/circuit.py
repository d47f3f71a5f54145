"""Circuit: groups of nodes, arrays of elements and what they are for; checked when made."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from circuits import checks
from circuits.elements import Elements, InputSources, Nudges, Trainable, VoltageSources
from circuits.errors import CircuitError
from circuits.nodes import NodeGroup, Nodes, node_names
from circuits.quoting import quote_all, quoted

if TYPE_CHECKING:
    import networkx as nx


@dataclass(frozen=True, slots=True)
class Block:
    """Elements that a netlist writes as one subcircuit an index: the k-th of each array makes the k-th instance."""

    name: str
    kind: str
    elements: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Circuit:
    """A circuit's topology and nominal values. Conductances that learn, drive and state are kept elsewhere.

    Parameters
    ----------
    name
        What it is called.
    groups
        Its nodes.
    elements
        What stands between them.
    blocks
        What a netlist writes as subcircuits.
    grounded
        Whether every node must have a path to ground, without which nothing solves it; who only looks at it may do without.

    Raises
    ------
    CircuitError
        When names clash, terminals lie outside, sources form a loop, a node has no path to ground, or inputs or outputs are missing.

    """

    name: str
    groups: tuple[NodeGroup, ...]
    elements: tuple[Elements, ...]
    blocks: tuple[Block, ...] = field(default=())
    grounded: bool = True

    def __post_init__(self) -> None:
        """Check everything that can be checked without numbers from outside."""
        checks.names(self)
        checks.terminals(self)
        checks.senses(self)
        checks.roles(self)
        checks.source_loops(self)
        if self.grounded:
            checks.ground_paths(self)

    @cached_property
    def _elements(self) -> dict[str, Elements]:
        return {element.name: element for element in self.elements}

    @cached_property
    def _groups(self) -> dict[str, NodeGroup]:
        return {group.name: group for group in self.groups}

    def __getitem__(self, name: str) -> Any:
        """Give the element array of this name."""
        try:
            return self._elements[name]
        except KeyError:
            msg = f"{self.name} has no element {quoted(name)}; it has {quote_all(self._elements)}"
            raise CircuitError(msg) from None

    def of(self, *kinds: type[Elements]) -> list[Any]:
        """List the element arrays of these kinds, in order."""
        return [element for element in self.elements if isinstance(element, kinds)]

    def nodes(self, group: str) -> Nodes:
        """Give the node numbers of a group."""
        return self._groups[group].nodes

    def owner(self, node: int) -> tuple[NodeGroup | None, int]:
        """Give the group of a node number and the node's place in it; ground has none."""
        if node == 0:
            return None, 0
        group = self.groups[bisect_right(self._starts, node) - 1]
        return group, node - group.start

    @cached_property
    def _starts(self) -> list[int]:
        return [group.start for group in self.groups]

    @property
    def size(self) -> int:
        """Number of nodes, ground not counted."""
        return sum(len(group) for group in self.groups)

    @cached_property
    def node_names(self) -> list[str]:
        """The name of every node by its number; ground first."""
        return node_names(self.groups)

    @property
    def trainable(self) -> tuple[Trainable, ...]:
        """The element arrays whose conductances learning changes, in order."""
        return tuple(self.of(*Trainable.__args__))

    @property
    def inputs(self) -> list[InputSources]:
        """The sources that carry the data."""
        return self.of(InputSources)

    @property
    def input_count(self) -> int:
        """Number of features that a sample has."""
        return 1 + max(int(source.feature.max()) for source in self.inputs)

    @property
    def outputs(self) -> Nudges:
        """The read and nudged pairs of nodes."""
        outputs: Nudges = self.of(Nudges)[0]
        return outputs

    @property
    def voltage_sources(self) -> list[VoltageSources]:
        """The sources of fixed voltage."""
        return self.of(VoltageSources)

    def check_conductances(self, g: Mapping[str, Any]) -> None:
        """Refuse conductances that do not fit: a wrong name or shape, or a value that is not positive and finite.

        Raises
        ------
        CircuitError
            Naming the crossbar, the index, the value and the remedy.

        """
        names = [element.name for element in self.trainable]
        if sorted(g) != sorted(names):
            msg = f"{self.name}: conductances are given for {', '.join(sorted(g)) or 'nothing'}; it has {', '.join(names)}"
            raise CircuitError(msg)
        for element in self.trainable:
            checks.conductance(element, np.asarray(g[element.name]))

    def graph(self, *, nodes: bool = False) -> "nx.MultiDiGraph[str]":
        """Give the graph of blocks: node groups joined by element arrays; with `nodes`, single nodes joined by single elements.

        Edges run from the first terminal to the second and carry `element` (the array's name), `kind` and, between blocks, `count`.
        """
        from circuits.graphs import block_graph, node_graph  # noqa: PLC0415 - networkx loads only for those who ask

        return node_graph(self) if nodes else block_graph(self)

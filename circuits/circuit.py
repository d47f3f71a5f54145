"""Circuit: groups of nodes, arrays of elements and what they are for; checked when made."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from circuits import checks
from circuits.errors import CircuitError
from circuits.topology import Topology

if TYPE_CHECKING:
    import networkx as nx


@dataclass(frozen=True, kw_only=True)
class Circuit(Topology):
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
    text
        The user's deck that it was read from, where that is what ngspice simulates; None: ngspice is given the elements.

    Raises
    ------
    CircuitError
        When names clash, terminals lie outside, sources form a loop, a node has no path to ground, or features have gaps.

    Examples
    --------
    >>> import hwsim as hw
    >>> circuit = hw.Network(inputs=2, layers=[hw.Layer(3)], outputs=1).compile()
    >>> circuit.input_count, circuit.size, [group.name for group in circuit.groups][:4]
    (2, 16, ['x', 'xn', 'bias', 'h1'])

    """

    __hash__ = Topology.__hash__

    def __post_init__(self) -> None:
        """Check everything that can be checked without numbers from outside."""
        checks.names(self)
        checks.terminals(self)
        checks.senses(self)
        checks.numbering(self)
        checks.source_loops(self)
        if self.grounded:
            checks.ground_paths(self)

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
        """Return the graph of blocks: node groups joined by element arrays; with `nodes`, single nodes joined by single elements.

        Edges run from the first terminal to the second and carry `element` (the array's name), `kind` and, between blocks, `count`.
        """
        from circuits.graphs import block_graph, node_graph  # noqa: PLC0415 - networkx loads only for those who ask

        return node_graph(self) if nodes else block_graph(self)

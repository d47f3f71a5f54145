"""Supernodes: nodes that sources of voltage join, over which Kirchhoff's law is summed; found once a circuit."""

from functools import lru_cache

import numpy as np

from circuits.circuit import Circuit
from circuits.elements import Amplifiers, InputSources, VoltageSources
from circuits.nodes import Nodes
from circuits.rows import fixed_nodes
from hwsim.typing import Floats


def sum_supernodes(circuit: Circuit, leaving: Floats) -> None:
    """Sum over nodes that sources of voltage join, in the place of the first; what is joined to ground drops out."""
    for nodes in _unions(circuit):
        leaving[:, nodes[0]] = leaving[:, nodes].sum(axis=1)
        leaving[:, nodes[1:]] = 0.0
    leaving.T[_grounded(circuit)] = 0.0


@lru_cache(maxsize=4)  # every equilibrium's verification asks
def _grounded(circuit: Circuit) -> Nodes:
    """List the nodes that are ground, or are joined to it by sources of voltage, in one step or in several."""
    to_ground = fixed_nodes(circuit, Amplifiers)
    for nodes in _unions(circuit):
        to_ground[nodes] |= to_ground[nodes].any()
    return np.flatnonzero(to_ground)


@lru_cache(maxsize=4)  # as above
def _unions(circuit: Circuit) -> tuple[Nodes, ...]:
    """List the nodes that sources of voltage join other than to ground, union by union."""
    floating = []
    for source in circuit.of(VoltageSources, InputSources, Amplifiers):
        for a, b in source.pairs:
            floating += [(x, y) for x, y in zip(*(e.tolist() for e in np.broadcast_arrays(a, b)), strict=True) if x and y]
    if not floating:
        return ()
    import networkx as nx  # noqa: PLC0415 - only circuits with floating sources need it

    unions: nx.Graph[int] = nx.Graph(floating)
    return tuple(np.array(sorted(joined), dtype=np.intp) for joined in nx.connected_components(unions))

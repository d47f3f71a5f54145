"""Rebuilding: a deck whose circuit is described by other elements, between nodes of which some may be gone."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from circuits.circuit import Circuit
from circuits.elements import Elements
from circuits.nodes import NodeGroup, Nodes
from netlists.deck import Deck


def take(element: Elements, places: Nodes) -> Elements:
    """Return some elements of an array, as an array of the same name."""
    chosen = {name: getattr(element, name)[places] for name in (*element.terminals, *element.parameters)}
    if hasattr(element, "place"):
        chosen["place"] = element.place[places]
    return replace(element, **chosen)


def free_name(wanted: str, taken: Collection[str]) -> str:
    """Return a name like the wanted one that no element has, nor is the beginning of."""
    while any(name == wanted or name.startswith(f"{wanted}_") or wanted.startswith(f"{name}_") for name in taken):
        wanted += "s"
    return wanted


def rebuilt(deck: Deck, elements: Sequence[Elements], members: Mapping[str, list[str]], gone: Nodes) -> Deck:
    """Return a deck with other elements, without blocks, and without some nodes.

    Parameters
    ----------
    deck
        The deck.
    elements
        All of the new circuit, between the nodes of the old one.
    members
        Names in the deck of the elements of each array, where they are known.
    gone
        Nodes that no element touches any more.

    """
    circuit = deck.circuit
    kept = np.ones(circuit.size + 1, dtype=bool)
    kept[gone] = False
    number = np.cumsum(kept) - 1
    moved = [replace(e, **{t: number[getattr(e, t)] for t in e.terminals if t != "feature"}) for e in elements]
    made = Circuit(name=circuit.name, groups=_groups(circuit, kept), elements=tuple(moved), grounded=circuit.grounded)
    nodes = {name: int(number[node]) for name, node in deck.nodes.items() if kept[node]}
    return replace(deck, circuit=made, nodes=nodes, members=dict(members))


def _groups(circuit: Circuit, kept: Nodes) -> tuple[NodeGroup, ...]:
    """Return the node groups of what is kept; rows that lose some of their nodes fall apart."""
    groups: list[NodeGroup] = []
    start = 1
    for group in circuit.groups:
        if kept[group.nodes].all():
            parts: list[tuple[str, int | None]] = [(group.name, group.size)]
        else:
            parts = [(name, None) for name, stays in zip(group.names, kept[group.nodes], strict=True) if stays]
        for name, size in parts:
            groups.append(NodeGroup(name, size, start))
            start += len(groups[-1])
    return tuple(groups)

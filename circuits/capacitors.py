"""Capacitors from nodes to ground: with one at each node that may move, a circuit takes time."""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from circuits.circuit import Circuit
from circuits.clocked import is_clocked
from circuits.controlled import CurrentControlledVoltageSources, VoltageControlledVoltageSources
from circuits.elements import Amplifiers, Capacitors, VoltageSources
from circuits.errors import CircuitError
from circuits.nodes import GROUND, Nodes
from circuits.rows import fixed_nodes
from circuits.units import Farad

CAPACITANCE: Farad = 1e-12
"""Of a node where nothing else is known: a wire of some millimetres, with what hangs on it."""

_INSIDE = "#"
"""In names of nodes inside of a device, as ngspice has them, which no card reaches."""

_FIXING = (VoltageSources, Amplifiers, VoltageControlledVoltageSources, CurrentControlledVoltageSources)
"""Elements whose voltage follows from others at once."""


def moving_nodes(circuit: Circuit) -> Nodes:
    """Return the nodes that take time: no sources and amplifiers, alone or in series, fix their voltage to ground."""
    fixed = fixed_nodes(circuit)
    joined = [pair for element in circuit.of(*_FIXING) for pair in element.pairs]
    for _ in joined:  # sources in series: each pass follows one more
        for a, b in joined:
            either = fixed[a] | fixed[b]
            fixed[a], fixed[b] = fixed[a] | either, fixed[b] | either
    return np.flatnonzero(~fixed)


def with_capacitors(circuit: Circuit, capacitance: Farad = CAPACITANCE, name: str = "c") -> Circuit:
    """Return the circuit with a capacitor [F] to ground at each node that moves and has none; a clocked one as it is.

    Parameters
    ----------
    circuit
        Any circuit.
    capacitance
        Of each capacitor that is added.
    name
        What their array is called; underscores behind it make it unique.

    Raises
    ------
    CircuitError
        When sources hold every node, so that nothing takes time.

    Examples
    --------
    >>> import hwsim as hw
    >>> circuit = hw.Network(inputs=2, layers=[hw.Layer(3)], outputs=1).compile()
    >>> with_capacitors(circuit)["c"].c.tolist()  # three hidden columns, and the two of the output
    [1e-12, 1e-12, 1e-12, 1e-12, 1e-12]

    """
    if is_clocked(circuit):
        return circuit
    nodes = moving_nodes(circuit)
    if not len(nodes):
        msg = f"{circuit.name}: sources hold every node; nothing settles"
        raise CircuitError(msg)
    ends = [end for e in circuit.of(Capacitors) for end in e.ends]
    bare = np.setdiff1d(nodes, np.concatenate(ends)) if ends else nodes
    bare = np.array([node for node in bare.tolist() if _INSIDE not in circuit.node_names[node]], dtype=np.intp)
    if not len(bare):
        return circuit
    taken = {element.name for element in circuit.elements}
    while name in taken:
        name += "_"
    text = circuit.text
    if text is not None:
        text = replace(text, cards=(*text.cards, *_cards(circuit, bare, capacitance, "\n".join(text.cards).lower())))
    return replace(circuit, elements=(*circuit.elements, Capacitors(name=name, a=bare, b=GROUND, c=capacitance)), text=text)


def _cards(circuit: Circuit, nodes: Nodes, capacitance: Farad, text: str) -> Iterator[str]:
    """Write capacitors to ground at the end of a user's text, under names that it does not have."""
    stem = "hwsim"
    while stem in text:
        stem += "_"
    names = circuit.node_names
    yield from (f"C_{stem}_{node} {names[node]} 0 {capacitance!r}" for node in nodes.tolist())


def per_layer(capacitance: Farad | tuple[Farad, ...], layers: int) -> tuple[Farad, ...]:
    """Return the capacitance of each hidden layer's nodes, then of the outputs [F], where one number stands for all.

    Raises
    ------
    CircuitError
        When a number is negative or not finite, or there are too few or too many.

    """
    given = capacitance if isinstance(capacitance, tuple) else (capacitance,) * (layers + 1)
    for c in given:
        if not (math.isfinite(c) and c >= 0):
            msg = f"network: capacitance = {c:g} F must be a finite number, 0 or more"
            raise CircuitError(msg)
    if len(given) != layers + 1:
        msg = f"network: capacitance has {len(given)} values; give one number, or {layers + 1}: one a layer, and the outputs'"
        raise CircuitError(msg)
    return given


def of_layer(number: int, nodes: Nodes, capacitance: Farad) -> Iterator[Capacitors]:
    """Yield the capacitors c1, c2 … of a layer's nodes; none where the capacitance is 0."""
    if capacitance:
        yield Capacitors(name=f"c{number}", a=nodes, b=GROUND, c=capacitance)

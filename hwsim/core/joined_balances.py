"""Kirchhoff's law over nodes that stiff resistors join: their own currents, which are roundings of voltages, drop out of the sum."""

from collections.abc import Iterator

import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.components import components
from circuits.elements import Amplifiers, InputSources, Resistors, VoltageSources
from circuits.nodes import Nodes
from hwsim.core.balance import Balance
from hwsim.core.branch_currents import balanced
from hwsim.core.clamping import absorb
from hwsim.core.current_flow import flow, largest_conductances
from hwsim.core.protocol import Drive
from hwsim.core.stiff_resistors import limit
from hwsim.typing import Conductances, Floats

_STEP = 1e3
"""From one limit to the next: where some stiff resistors conduct so much more than others, the nodes that they join are looked at too."""


def limits(circuit: Circuit, chip: Chip) -> list[float]:
    """Return the conductances above which resistors join nodes [S]; none where no resistor is stiff."""
    least = limit(circuit, chip)
    shares = [np.asarray(least * chip(e.name, "r"), dtype=np.float64).ravel() for e in circuit.of(Resistors)]
    share = np.concatenate([np.ones(1), *shares])
    steps = np.unique(np.ceil(-np.log(share[share < 1.0]) / np.log(_STEP))) - 1
    return [float(least * _STEP**step) for step in steps]


def joined_balances(circuit: Circuit, chip: Chip, g: Conductances, drive: Drive, v: Floats, *, beyond: bool) -> Iterator[Balance]:
    """Sum currents up at voltages v (B, N + 1) [V], limit by limit; in circuits `beyond` layers, sources carry what balances best."""
    for above in limits(circuit, chip):
        stiff = _above(circuit, chip, above)
        at = components([stiff], circuit.size).astype(np.intp)
        leaving, largest = flow(circuit, chip, g, drive, v, every=True, above=above)
        if beyond:
            left = _summed(balanced(circuit, chip, leaving, [stiff]).left, at)
            absorb(circuit, v, left, at)
        else:
            left = _left(circuit, chip, v, leaving, at)
        rounding = _summed(np.abs(v) * largest_conductances(circuit, chip, g, above), at) * np.finfo(np.float64).eps
        yield Balance(np.abs(left).max(axis=1), largest, rounding.max(axis=1), np.zeros(len(v), dtype=bool))


def _above(circuit: Circuit, chip: Chip, above: float) -> tuple[Nodes, Nodes]:
    """Return the nodes between which resistors conduct more than some conductance."""
    parts = [(np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp))]
    for e in circuit.of(Resistors):
        some = np.broadcast_to(1.0 / np.asarray(chip(e.name, "r")) > above, e.a.shape)
        parts.append((e.a[some], e.b[some]))
    a, b = (np.concatenate(part) for part in zip(*parts, strict=True))
    return a, b


def _left(circuit: Circuit, chip: Chip, v: Floats, leaving: Floats, at: Nodes) -> Floats:
    """Return what is unbalanced in a circuit of layers, of currents that leave nodes; `at` are the numbers of what joins these."""
    left = _summed(leaving, at)
    for amplifiers in circuit.of(Amplifiers)[::-1]:  # what an output delivers, its input draws `back` times
        np.add.at(left.T, at[amplifiers.input], (chip(amplifiers.name, "back") * left[:, at[amplifiers.output]]).T)
    absorb(circuit, v, left, at)
    pairs = [(at[a], at[b]) for source in circuit.of(VoltageSources, InputSources, Amplifiers) for a, b in source.pairs]
    left = _summed(left, components(pairs, left.shape[1] - 1).astype(np.intp))
    left[:, 0] = 0.0  # ground
    return left


def _summed(values: Floats, at: Nodes) -> Floats:
    """Sum up the columns of values that have the same number."""
    sums = np.zeros((len(values), int(at.max()) + 1))
    np.add.at(sums.T, at, values.T)
    return sums

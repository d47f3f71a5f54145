"""Kirchhoff's law over nodes that stiff resistors join: their own currents, which are roundings of voltages, drop out of the sum."""

import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.components import components
from circuits.elements import Amplifiers, InputSources, Resistors, VoltageSources
from circuits.nodes import Nodes
from hwsim.core.balance import Balance
from hwsim.core.branch_currents import balanced
from hwsim.core.clamping import absorb
from hwsim.core.current_flow import flow, largest_conductances, largest_learned
from hwsim.core.protocol import Drive
from hwsim.core.source_error import source_error
from hwsim.core.stiff_resistors import StiffResistors, limit
from hwsim.typing import Conductances, Floats

_STEP = 1e3
"""From one limit to the next: where some stiff resistors conduct so much more than others, the nodes that they join are looked at too."""


_LESS = 1e-2
"""Of what is stiff: so much less resistors conduct that join nodes already, and roundings of their currents are none that count."""


def limits(circuit: Circuit, chip: Chip, g: Conductances) -> list[float]:
    """Return the conductances above which resistors join nodes [S]; none where none conducts much better than g do."""
    least = _LESS * limit(circuit, chip, g)
    shares = [np.asarray(least * chip(e.name, "r"), dtype=np.float64).ravel() for e in circuit.of(Resistors)]
    share = np.concatenate([np.ones(1), *shares])
    steps = np.unique(np.ceil(-np.log(share[share < 1.0]) / np.log(_STEP))) - 1
    return [float(least * _STEP**step) for step in steps]


def joined_balance(circuit: Circuit, chip: Chip, g: Conductances, drive: Drive, v: Floats, *, beyond: bool) -> Balance | None:
    """Verify voltages v (B, N + 1) [V] over joined nodes; None where no resistor is stiff.

    The residual is what is left where all stiff resistors join nodes, or where only stiffer ones do and it is more than roundings explain.
    In circuits `beyond` layers, sources carry what balances best.
    """
    balance = None
    for above in limits(circuit, chip, g):
        one = _joined_above(circuit, chip, g, drive, v, above, beyond=beyond)
        balance = one if balance is None else balance._replace(residual=np.maximum(balance.residual, one.unexplained))
    return balance


def _joined_above(  # noqa: PLR0913 - as joined_balance
    circuit: Circuit, chip: Chip, g: Conductances, drive: Drive, v: Floats, above: float, *, beyond: bool
) -> Balance:
    """Sum up currents over the nodes that resistors join which conduct more than some conductance [S]."""
    resistors = StiffResistors.above(circuit, chip, above)
    stiff = resistors.a, resistors.b
    at = components([stiff], circuit.size).astype(np.intp)
    leaving, largest = flow(circuit, chip, g, drive, v, every=True, above=above)
    if beyond:
        branch = balanced(circuit, chip, leaving, [stiff])
        delivered = {e.name: -branch.i[:, branch.first[e.name] + np.arange(len(e))] for e in circuit.of(Amplifiers)}
        left = _summed(branch.left, at)
        absorb(circuit, v, left, at)
    else:
        left, delivered = _left(circuit, chip, v, leaving, at)
    off = source_error(circuit, chip, drive, v, delivered) * largest_learned(circuit, g, 1.0)  # sensed currents may be stiff resistors'
    rounding = _summed(np.abs(v) * largest_conductances(circuit, chip, g, above), at) * np.finfo(np.float64).eps
    return Balance(np.maximum(np.abs(left).max(axis=1), off), largest, rounding.max(axis=1))


def _left(circuit: Circuit, chip: Chip, v: Floats, leaving: Floats, at: Nodes) -> tuple[Floats, dict[str, Floats]]:
    """Return what is unbalanced in a circuit of layers, of currents that leave nodes, and what amplifiers deliver, by their names.

    `at` are the numbers of what joins the nodes.
    """
    left, delivered = _summed(leaving, at), {}
    for amplifiers in circuit.of(Amplifiers)[::-1]:  # what an output delivers, its input draws `back` times
        i = delivered[amplifiers.name] = left[:, at[amplifiers.output]]
        np.add.at(left.T, at[amplifiers.input], (chip(amplifiers.name, "back") * i).T)
    absorb(circuit, v, left, at)
    pairs = [(at[a], at[b]) for source in circuit.of(VoltageSources, InputSources, Amplifiers) for a, b in source.pairs]
    left = _summed(left, components(pairs, left.shape[1] - 1).astype(np.intp))
    left[:, 0] = 0.0  # ground
    return left, delivered


def _summed(values: Floats, at: Nodes) -> Floats:
    """Sum up the columns of values that have the same number."""
    sums = np.zeros((len(values), int(at.max()) + 1))
    np.add.at(sums.T, at, values.T)
    return sums

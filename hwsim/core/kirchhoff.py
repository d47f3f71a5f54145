"""Kirchhoff's current law, from what the elements alone carry: the independent check of every engine."""

import numpy as np
from numpy.typing import NDArray

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.elements import Amplifiers
from hwsim.core.balance import Balance
from hwsim.core.branch_currents import BEYOND_LAYERS, balanced
from hwsim.core.branch_sums import BranchEnds, peaks
from hwsim.core.clamping import absorb
from hwsim.core.current_flow import flow, largest_conductances, largest_learned
from hwsim.core.joined_balances import joined_balance, limits
from hwsim.core.protocol import Drive, Equilibrium
from hwsim.core.source_error import source_error
from hwsim.core.supernodes import sum_supernodes
from hwsim.typing import Conductances, Floats


def by_number(circuit: Circuit, equilibrium: Equilibrium) -> Floats:
    """Lay out the voltages by node number, shape (B, N + 1) [V]; in memory sample by sample, or node by node, as the equilibrium is."""
    shape = len(np.asarray(equilibrium.residual)), circuit.size + 1
    by_node = all(np.asarray(equilibrium.v[group.name]).flags.f_contiguous for group in circuit.groups)
    v = np.zeros(shape, order="F" if by_node else "C")
    for group in circuit.groups:
        v[:, group.start : group.start + len(group)] = np.asarray(equilibrium.v[group.name], dtype=np.float64)
    return v


def balance(circuit: Circuit, chip: Chip, g: Conductances, drive: Drive, equilibrium: Equilibrium) -> Balance:
    """Verify an equilibrium against Kirchhoff's current law, whatever engine it came from.

    Sources of voltage carry what is needed: the law is summed over the nodes that they join. An ideal diode at its threshold
    carries what is needed in its forward direction.
    """
    return balance_at(circuit, chip, g, drive, by_number(circuit, equilibrium))


def balance_at(circuit: Circuit, chip: Chip, g: Conductances, drive: Drive, v: Floats) -> Balance:
    """Verify voltages by node number, (B, N + 1) [V]; where roundings of stiff resistors' currents hide what is left, over joined nodes."""
    balance = _balance(circuit, chip, g, drive, v, least=False)
    rounded = balance.rounded
    if rounded.any():
        joined = joined_balance(circuit, chip, g, drive, v, beyond=bool(circuit.of(*BEYOND_LAYERS)))
        if joined is not None:
            balance = Balance(*(np.where(rounded, *of_both) for of_both in zip(joined, balance, strict=True)))
    return balance


def holds_at(circuit: Circuit, chip: Chip, g: Conductances, drive: Drive, v: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the residuals at voltages by node number, (B, N + 1) [V], and whether the law holds: of `balance_at`, what engines need.

    What makes it hold is computed until it holds: the largest current of a part of the branches, then roundings, then all currents.
    """
    balance = _balance(circuit, chip, g, drive, v, least=True)
    doubtful = np.flatnonzero(~balance.holds)
    if len(doubtful):
        balance.rounding[doubtful] = _rounding(circuit, chip, g, v[doubtful])
    if not balance.holds.all() or (len(doubtful) and limits(circuit, chip, g)):
        balance = balance_at(circuit, chip, g, drive, v)
    return balance.residual, balance.holds


def _balance(circuit: Circuit, chip: Chip, g: Conductances, drive: Drive, v: Floats, *, least: bool) -> Balance:
    every = bool(circuit.of(*BEYOND_LAYERS))  # any current may be one that is sensed
    leaving, largest = flow(circuit, chip, g, drive, v, every=every, least=least)
    rounding = np.zeros(len(v)) if least else _rounding(circuit, chip, g, v)
    if every:
        branch = balanced(circuit, chip, leaving)
        absorb(circuit, v, branch.left)
        largest = np.maximum(largest, np.abs(branch.i).max(axis=1, initial=0.0))
        delivered = {e.name: -branch.i[:, branch.first[e.name] + np.arange(len(e))] for e in circuit.of(Amplifiers)}
        off = source_error(circuit, chip, drive, v, delivered, branch) * largest_learned(circuit, g, 1.0)
        return Balance(np.maximum(np.abs(branch.left).max(axis=1, initial=0.0), off), largest, rounding)
    delivered = {}
    for amplifiers in circuit.of(Amplifiers)[::-1]:  # what an output delivers, its input draws `back` times
        i = delivered[amplifiers.name] = leaving[:, amplifiers.output]
        BranchEnds.of(amplifiers.input).combine(np.add, leaving.T, (chip(amplifiers.name, "back") * i).T)
        largest = np.maximum(largest, np.abs(i).max(axis=1))
    absorb(circuit, v, leaving)
    sum_supernodes(circuit, leaving)
    off = source_error(circuit, chip, drive, v, delivered) * largest_learned(circuit, g, 1.0)
    return Balance(np.maximum(peaks(leaving.T), off), largest, rounding)


def _rounding(circuit: Circuit, chip: Chip, g: Conductances, v: Floats) -> Floats:
    """Return the largest current that a rounding of a voltage makes, shape (B,) [A]: a resistor's conductance times it."""
    most = largest_conductances(circuit, chip, g)
    one = (most == most[0]).all()
    largest: Floats = (peaks(v.T) * most[0] if one else peaks(v.T * most[:, None])) * np.finfo(np.float64).eps
    return largest

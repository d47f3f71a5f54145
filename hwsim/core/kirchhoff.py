"""Kirchhoff's current law, from what the elements alone carry: the independent check of every engine."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.controlled import CurrentControlledVoltageSources, VoltageControlledVoltageSources
from circuits.elements import (
    Amplifiers,
    IdealDiodes,
    Inductors,
    InputSources,
    VoltageSources,
)
from hwsim.core.balance import Balance
from hwsim.core.branch_currents import BEYOND_LAYERS, BranchCurrents, balanced
from hwsim.core.branch_sums import BranchEnds, peaks
from hwsim.core.clamping import CLAMP_TOLERANCE, absorb
from hwsim.core.current_flow import flow, largest_conductances, largest_learned
from hwsim.core.joined_balances import joined_balances, limits
from hwsim.core.protocol import Drive, Equilibrium
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
    """Verify voltages by node number, (B, N + 1) [V]."""
    balance = _balance(circuit, chip, g, drive, v, least=False)
    if balance.rounded.any():
        beyond = bool(circuit.of(*BEYOND_LAYERS))
        for joined in joined_balances(circuit, chip, g, drive, v, beyond=beyond):
            balance = balance._replace(hidden=balance.hidden | (balance.rounded & ~joined.holds))
    return balance


def holds_at(circuit: Circuit, chip: Chip, g: Conductances, drive: Drive, v: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the residuals at voltages by node number, (B, N + 1) [V], and whether the law holds: of `balance_at`, what engines need.

    What makes it hold is computed until it holds: the largest current of a part of the branches, then roundings, then all currents.
    """
    balance = _balance(circuit, chip, g, drive, v, least=True)
    doubtful = np.flatnonzero(~balance.holds)
    if len(doubtful):
        balance.rounding[doubtful] = _rounding(circuit, chip, g, v[doubtful])
    if not balance.holds.all() or (len(doubtful) and limits(circuit, chip)):
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
        off = _source_error(circuit, chip, drive, v, delivered, branch) * largest_learned(circuit, g, 1.0)
        return Balance(np.maximum(np.abs(branch.left).max(axis=1, initial=0.0), off), largest, rounding, np.zeros(len(v), dtype=bool))
    delivered = {}
    for amplifiers in circuit.of(Amplifiers)[::-1]:  # what an output delivers, its input draws `back` times
        i = delivered[amplifiers.name] = leaving[:, amplifiers.output]
        BranchEnds.of(amplifiers.input).combine(np.add, leaving.T, (chip(amplifiers.name, "back") * i).T)
        largest = np.maximum(largest, np.abs(i).max(axis=1))
    absorb(circuit, v, leaving)
    sum_supernodes(circuit, leaving)
    off = _source_error(circuit, chip, drive, v, delivered) * largest_learned(circuit, g, 1.0)
    return Balance(np.maximum(peaks(leaving.T), off), largest, rounding, np.zeros(len(v), dtype=bool))


def _rounding(circuit: Circuit, chip: Chip, g: Conductances, v: Floats) -> Floats:
    """Return the largest current that a rounding of a voltage makes, shape (B,) [A]: a resistor's conductance times it."""
    most = largest_conductances(circuit, chip, g)
    one = (most == most[0]).all()
    largest: Floats = (peaks(v.T) * most[0] if one else peaks(v.T * most[:, None])) * np.finfo(np.float64).eps
    return largest


def _source_error(
    circuit: Circuit, chip: Chip, drive: Drive, v: Floats, delivered: Mapping[str, Floats], branch: BranchCurrents | None = None
) -> Floats:
    """Return the largest error of a source's voltage, and of an ideal diode's drop, shape (B,) [V].

    `delivered` are the currents of amplifiers' outputs, each (B, n) [A], `branch` those of sources where they are known.
    """
    error = np.zeros(len(v))
    for element in circuit.elements:
        match element:
            case VoltageSources(plus=a, minus=b):
                off = v[:, a] - v[:, b] - chip(element.name, "v")
            case InputSources(plus=a, feature=feature):
                off = (
                    v[:, a] - np.asarray(drive.x, dtype=np.float64)[:, feature] * chip(element.name, "scale") - chip(element.name, "offset")
                )
            case Amplifiers(input=a, output=b):
                dropped = chip(element.name, "output_resistance") * delivered[element.name]
                off = v[:, b] + dropped - chip(element.name, "gain") * (v[:, a] + chip(element.name, "offset"))
            case VoltageControlledVoltageSources(plus=a, minus=b, control_plus=plus, control_minus=minus):
                off = v[:, a] - v[:, b] - (v[:, plus] - v[:, minus]) * chip(element.name, "gain")
            case CurrentControlledVoltageSources(plus=a, minus=b, source=source, place=place) if branch is not None:
                off = v[:, a] - v[:, b] - branch.i[:, branch.first[source] + place] * chip(element.name, "rm")
            case Inductors(a=a, b=b):
                off = v[:, a] - v[:, b]
            case IdealDiodes(anode=a, cathode=b):
                off = np.maximum(v[:, a] - v[:, b] - CLAMP_TOLERANCE, 0.0)
            case _:
                continue
        error = np.maximum(error, np.abs(off).max(axis=1, initial=0.0))
    return error

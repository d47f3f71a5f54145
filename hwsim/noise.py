"""Noise currents of a circuit at rest: thermal noise of conductances and shot noise of diodes, summed at each free node."""

from typing import Any

import numpy as np

from circuits.chip import AnyChip
from circuits.circuit import Circuit
from circuits.constants import BOLTZMANN, ELEMENTARY_CHARGE
from circuits.diode import diode_current
from circuits.elements import Crossbar, Diodes, Memristors, Resistors
from circuits.rows import held_nodes
from circuits.units import Kelvin
from hwsim import blocks
from hwsim.devices.draws import Draws
from hwsim.engine import Array, Conductances, Equilibrium, gather
from hwsim.imperfections import NoiseSettings

Currents = dict[str, Array]
"""Currents into the nodes of groups, each (B, n) [A]."""


def currents(  # noqa: PLR0913 - a circuit with all that it carries
    circuit: Circuit,
    chip: AnyChip,
    g: Conductances,
    free: Equilibrium,
    *,
    settings: NoiseSettings,
    temperature: Kelvin,
    seed: Array,
    phases: int,
) -> list[Currents]:
    """Draw the noise of each phase, for every sample anew.

    A node gets one normal number for all that meets there: their variances add up. That a device's noise leaves one node as it enters
    another is left out, which matters little where many devices meet.

    Parameters
    ----------
    free
        The quiet equilibria, whose currents diodes' shot noise follows.
    seed
        Of these samples, a whole number below 2^32.

    """
    std = _spread(circuit, chip, g, free, settings, temperature)
    noisy = [group for group in circuit.groups if not set(group.nodes.tolist()) <= held_nodes(circuit).keys()]
    places = np.concatenate([group.nodes for group in noisy])
    first = next(iter(free.v.values()))
    like = first.__array_namespace__().zeros((first.shape[0], len(places)), dtype=first.dtype)
    drawn = Draws(seed, like).normal("current", phases) * std[..., places]
    ends = np.cumsum([0, *(len(group) for group in noisy)]).tolist()
    return [{group.name: drawn[k][:, ends[n] : ends[n + 1]] for n, group in enumerate(noisy)} for k in range(phases)]


def _spread(circuit: Circuit, chip: AnyChip, g: Conductances, free: Equilibrium, settings: NoiseSettings, temperature: Kelvin) -> Array:
    """Give the standard deviation of the noise current into each node, shape (N + 1,) or (B, N + 1) [A]; 0 where sources hold it."""
    first = next(iter(free.v.values()))
    xp, dtype = first.__array_namespace__(), first.dtype
    variance = xp.zeros(circuit.size + 1, dtype=dtype)
    if settings.thermal:
        variance = 4 * BOLTZMANN * temperature * settings.bandwidth * _conductance(circuit, chip, g, variance)
    if settings.shot:
        carried = xp.zeros((first.shape[0], circuit.size + 1), dtype=dtype)
        for diodes in circuit.of(Diodes):
            v = gather(circuit, free.v, diodes.anode) - gather(circuit, free.v, diodes.cathode)
            i, _ = diode_current(v, *(chip(diodes.name, what).astype(dtype) for what in ("i_sat", "n")))
            carried = _add(_add(carried, diodes.anode, abs(i)), diodes.cathode, abs(i))
        variance = variance + 2 * ELEMENTARY_CHARGE * settings.bandwidth * carried
    free_nodes = np.ones(circuit.size + 1)
    free_nodes[[0, *held_nodes(circuit)]] = 0.0
    return xp.sqrt(variance) * xp.asarray(free_nodes, dtype=dtype)


def _conductance(circuit: Circuit, chip: AnyChip, g: Conductances, total: Array) -> Array:
    """Give the sum of the conductances at each node, shape (N + 1,) [S]."""
    for block, values in blocks.split(circuit, g).items():
        match circuit[blocks.element_of(block)]:
            case Crossbar(rows=rows, columns=columns):
                total = _add(_add(total, columns, values.sum(axis=0)), rows[blocks.rows_of(block)], values.sum(axis=1))
            case Memristors(a=a, b=b):
                total = _add(_add(total, a, values), b, values)
    for resistors in circuit.of(Resistors):
        values = 1 / chip(resistors.name, "r")
        total = _add(_add(total, resistors.a, values), resistors.b, values)
    return total


def _add(total: Any, nodes: Any, values: Any) -> Any:
    """Add values to the sums of their nodes, the last axis; several may meet at one node."""
    if isinstance(total, np.ndarray):
        np.add.at(total.T, nodes, np.asarray(values).T)
        return total
    return total.at[..., nodes].add(values.astype(total.dtype))

"""Sources that follow a signal in time, as piecewise linear ones, and the voltages that capacitors begin with."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.elements import Capacitors, InputSources, VoltageSources
from circuits.rows import fixed_in_turn
from netlists.text.numbers import plain

Values = NDArray[np.float64]

_A_LINE = 8
"""Nodes of an .ic card."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waveforms:
    """One sequence of inputs: in each interval they go linearly to new values in a share `rise` of it, and then stay.

    Parameters
    ----------
    x
        Values from the end of each rise on, shape (T, I).
    times
        Ends of the intervals, from 0 s on, shape (T,) [s].
    rise
        Share of each interval.
    begin
        Values at 0 s, shape (I,).

    """

    x: Values
    times: Values
    rise: float
    begin: Values

    @property
    def corners(self) -> Values:
        """The times at which a source turns, 0 s first, shape (1 + T,) or (1 + 2·T,) [s]."""
        starts = np.concatenate([[0.0], self.times[:-1]])
        risen = starts + self.rise * (self.times - starts)
        return np.concatenate([[0.0], self.times if self.rise == 1.0 else np.stack([risen, self.times], axis=1).ravel()])

    def words(self, circuit: Circuit, chip: Chip, ways: Mapping[str, Values] | None = None) -> dict[str, list[str | None]]:
        """Write what each source of the data does, by the name of its array; `ways` are 1, or -1 for a source that is turned.

        Raises
        ------
        ValueError
            When a voltage is not finite.

        """
        at, words = plain(self.corners, "times"), dict[str, list[str | None]]()
        each = np.concatenate([self.begin[None], np.repeat(self.x, 1 if self.rise == 1.0 else 2, axis=0)])
        for element in circuit.inputs:
            scale, offset = (np.broadcast_to(chip(element.name, what), (len(element),)) for what in ("scale", "offset"))
            values = (each[:, element.feature] * scale + offset) * (1.0 if ways is None else ways[element.name])
            words[element.name] = [
                f"pwl({' '.join(f'{t} {v}' for t, v in zip(at, plain(values[:, k], f'{element.name}: volts'), strict=True))})"
                for k in range(len(element))
            ]
        return words


def initial(circuit: Circuit, nodes: NDArray[np.intp], v: Values) -> Iterator[str]:
    """Write the voltages (n,) [V] that nodes begin with."""
    names, values = circuit.node_names, plain(v, "initial voltages")
    cards = [f"v({names[node]})={value}" for node, value in zip(nodes.tolist(), values, strict=True)]
    yield from (f".ic {' '.join(cards[k : k + _A_LINE])}" for k in range(0, len(cards), _A_LINE))


def fixed_at_capacitors(circuit: Circuit, chip: Chip, begin: Values) -> tuple[NDArray[np.intp], Values]:
    """Return the nodes at capacitors that sources hold, and their voltages [V] where inputs begin with (I,).

    A capacitor begins with the difference of the voltages that are stated; of a node of which none is, ngspice takes 0 V.
    """
    ends = [np.concatenate([np.atleast_1d(one.a), np.atleast_1d(one.b)]) for one in circuit.of(Capacitors)]
    at_capacitors, volts = set(np.concatenate(ends).tolist() if ends else ()), _fixed(circuit, chip, begin)
    nodes = sorted(at_capacitors & volts.keys() - {0})
    return np.array(nodes, np.intp), np.array([volts[node] for node in nodes], float)


def _fixed(circuit: Circuit, chip: Chip, begin: Values) -> dict[int, float]:
    """Return the voltages that sources fix, one on top of another too, by node [V]; 0 V at ground."""
    fixed = {0: 0.0}
    for one in (one for turn in fixed_in_turn(circuit) for one in turn):
        volts = one.sign * _stated(one.source, chip, begin)[one.places]
        fixed |= {node: fixed[base] + drop for node, base, drop in zip(one.nodes.tolist(), one.bases.tolist(), volts.tolist(), strict=True)}
    return fixed


def _stated(source: VoltageSources | InputSources, chip: Chip, begin: Values) -> Values:
    """Return what sources state at the beginning [V]."""
    if isinstance(source, VoltageSources):
        return np.broadcast_to(np.asarray(chip(source.name, "v"), float), (len(source),))
    scale, offset = (np.broadcast_to(chip(source.name, name), (len(source),)) for name in ("scale", "offset"))
    stated: Values = begin[source.feature] * scale + offset
    return stated


TIGHT = "reltol=1e-6 vntol=1e-9 abstol=1e-15 trtol=1 chgtol=1e-18 itl4=100"
"""Settings of an analysis in time. With ngspice's own trtol of 7, steps are so long that voltages are off by a millivolt; tolerances
of equilibria would make them as short as rounding allows."""

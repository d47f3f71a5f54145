"""Differential pairs: two devices make one weight; pulses raise the one or the other, and in between pairs are reset and rewritten.

Conductances are positive, so a circuit holds each signed weight twice: between a column and the rows of a feature and of its negative, or
between a row and the two columns of an output. What would lower one of the two raises its partner instead, so that devices that only go up
learn in both directions. What both have gained in common is no weight, and it loads the node where they meet, for nothing holds that at a
fixed voltage: where it has become much, both are written lower, with the same difference.

Source: Bichler 2012, "2-PCM synapse"; Burr 2015, where pairs are rewritten once a device is full, because nothing is loaded there.
"""

from collections.abc import Callable
from typing import NamedTuple, Self

import numpy as np

from circuits.circuit import Circuit
from circuits.elements import InputSources
from circuits.nodes import Nodes
from hwsim.devices.arrays.models import Devices
from hwsim.devices.programming.writing import Written
from hwsim.typing import Array

Writer = Callable[[Array, Array, Array, int], Written]
"""Writes conductances g [S] to targets [S] where a mask is set, as the number-th writing of one update."""


class Pairs(NamedTuple):
    """Which devices of a row are pairs.

    Parameters
    ----------
    partner
        The place of each device's partner; a device without one is its own.
    side
        1 for one device of each pair and −1 for the other; 0 for those without a partner.

    """

    partner: Array
    side: Array

    @classmethod
    def of(cls, circuit: Circuit) -> Self:
        """Find the pairs among a circuit's memristors, all in a row."""
        opposite = _opposites(circuit)
        ends = [np.concatenate(parts) for parts in zip(*(element.ends_of_g for element in circuit.memristive), strict=True)]
        low, high = np.minimum(*ends), np.maximum(*ends)
        size = circuit.size + 1
        keys = low * size + high
        order = np.argsort(keys, kind="stable")
        itself = np.arange(len(keys))
        partner, side = itself.copy(), np.zeros(len(keys), np.int32)
        for a, b in ((low, high), (high, low)):
            wanted = opposite[b]
            key = np.minimum(a, wanted) * size + np.maximum(a, wanted)
            nearest = order[np.minimum(np.searchsorted(keys, key, sorter=order), len(keys) - 1)]
            new = (wanted > 0) & (keys[nearest] == key) & (partner == itself)
            partner = np.where(new, nearest, partner)
            side = np.where(new, np.where(b < wanted, 1, -1), side)
        mutual = partner[partner] == itself
        return cls(np.where(mutual, partner, itself).astype(np.int32), np.where(mutual, side, 0).astype(np.int32))

    def wanted(self, dg: Array) -> Array:
        """Return what each device shall rise by [S] for changes dg: of a pair the difference, with opposite signs for its two devices."""
        xp = dg.__array_namespace__()
        return xp.where(self.side == 0, dg, dg - dg[self.partner])

    def raised(self, n: Array) -> Array:
        """Return the pulses to send: a pair's fall on one of its devices, upwards; the device of side 1 decides for both."""
        xp = n.__array_namespace__()
        both = xp.where(self.side < 0, -n[self.partner], n)
        return xp.where(self.side == 0, n, xp.maximum(both, 0))


def _opposites(circuit: Circuit) -> Nodes:
    """Return, by node, the node whose voltage counts with the other sign: a negative feature's row, an output's other column; else 0."""
    opposite = np.zeros(circuit.size + 1, dtype=np.intp)
    rows: dict[tuple[int, float], int] = {}
    for source in circuit.of(InputSources):
        scales = np.broadcast_to(np.asarray(source.scale, dtype=np.float64), source.plus.shape)
        places = zip(source.feature.tolist(), scales.tolist(), strict=True)
        rows |= dict(zip(places, source.plus.tolist(), strict=True))
    for (feature, scale), node in rows.items():
        opposite[node] = rows.get((feature, -scale), 0)
    outputs = circuit.outputs
    two = outputs.minus > 0
    opposite[outputs.plus[two]], opposite[outputs.minus[two]] = outputs.minus[two], outputs.plus[two]
    return opposite


def refresh(devices: Devices, pairs: Pairs, g: Array, common: float, write: Writer) -> Written:
    """Rewrite the pairs whose smaller device is above a share `common` of its range.

    The larger device comes as low as its partner's bound allows; the smaller one then makes up for what the larger has missed.
    """
    xp = g.__array_namespace__()
    low, high = (xp.broadcast_to(xp.asarray(end, dtype=g.dtype), g.shape) for end in devices.limits())
    partner, other = pairs.partner, g[pairs.partner]
    apart = xp.abs(g - other)
    smaller = (pairs.side != 0) & ((g < other) | ((g == other) & (pairs.side < 0)))
    due = smaller & (g - low > common * (high - low))
    first = write(g, xp.maximum(low, low[partner] + apart), due[partner], 0)
    second = write(first.g, xp.clip(first.g[partner] - apart, low, high), due, 1)
    return Written(second.g, *(a + b for a, b in zip(first[1:], second[1:], strict=True)))

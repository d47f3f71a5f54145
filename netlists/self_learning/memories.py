"""The devices of twins: a memory for each conductance, and for each device a memristor in either twin."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from circuits.arrays import Trainable
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.units import Siemens
from netlists.self_learning.learning import CLAMPING, MEMORY, SelfLearning
from netlists.self_learning.twin_circuits import TwinCircuits
from netlists.text.numbers import plain
from netlists.write.names import free_stem

_NO_LEAK = "1e15"


def fitting_volt(circuit: Circuit, chip: Chip, g: Mapping[str, Any]) -> Siemens:
    """Return what a memory's volt stands for best [S]: the largest conductance that a device may reach, or ten times the largest it has."""
    bounds = np.concatenate([np.ravel(chip(e.name, "g_max")) for e in circuit.trainable])
    largest = max(float(np.max(values)) for values in g.values())
    return float(bounds.max()) if np.isfinite(bounds).all() else 10 * largest


def memory_nodes(circuit: Circuit, element: Trainable) -> list[str]:
    """Name the node of each conductance's memory, in the order of g."""
    stem = free_stem(circuit, "g")
    indices = np.indices(element.shape).reshape(len(element.shape), -1).T.tolist()
    return [f"{stem}_{element.name}_{'_'.join(map(str, index))}" for index in indices]


def cards(twins: TwinCircuits, element: Trainable, g: Any, learning: SelfLearning) -> Iterator[str]:
    """Write an array of trainable conductances: what holds each of them, and each device in both twins.

    Parameters
    ----------
    twins, element
        Whose array it is, by the circuit's names.
    g
        Its initial conductances [S].
    learning
        How they learn.

    """
    names, volt = memory_nodes(twins.circuit, element), learning.volt
    low, high = (np.broadcast_to(twins.chip(element.name, bound) / volt, element.shape) for bound in ("g_min", "g_max"))
    top = np.where(np.isfinite(high), high, 1e9)
    columns = [plain(np.ravel(values), element.name) for values in (np.asarray(g) / volt, low, top)]
    (tau,) = plain([CLAMPING * learning.period], "tau")
    leak = _NO_LEAK if learning.leak is None else plain([learning.leak / MEMORY], "leak")[0]
    for node, start, least, most in zip(names, *columns, strict=True):
        yield f"X_{node} {node} memory start={start} low={least} high={most} c={MEMORY!r} tau={tau} r_leak={leak}"
    yield from _devices(twins, element, names, learning)


def _devices(twins: TwinCircuits, element: Trainable, names: list[str], learning: SelfLearning) -> Iterator[str]:
    """Write the devices of an array, each with its memory."""
    rate, volt = _rates(twins, element, learning), learning.volt
    skew = np.broadcast_to(learning.skew.get(element.name, 1.0), element.shape)
    of_device = element.expand(np.arange(len(names)).reshape(element.shape)).g
    more = f" unit={volt!r}" + ("" if learning.resolution is None else f" resolution={learning.resolution!r}")
    more += "" if learning.average is None else f" c={MEMORY!r} tau={plain([learning.average], 'average')[0]}"
    rates, skews = plain(np.ravel(rate), "rate"), plain(np.ravel(skew), "skew")
    numbers = ["_".join(map(str, number)) for number in element.numbers.tolist()]
    ends = [[copy.node_names[node] for node in end.tolist()] for copy in twins.copies for end in element.ends]
    behind = f"{free_stem(twins.circuit, 'learn')} {learning.memristor}"
    for k in element.order.tolist():
        which = of_device[k]
        joined = " ".join(end[k] for end in ends)
        yield f"X_{element.name}_{numbers[k]} {joined} {names[which]} {behind} skew={skews[which]} rate={rates[which]}{more}"


def _rates(twins: TwinCircuits, element: Trainable, learning: SelfLearning) -> Any:
    """Return by how many amperes a device charges its memory, for a square volt of difference or, by signs, in all."""
    place = [e.name for e in twins.circuit.trainable].index(element.name)
    pace = MEMORY / learning.volt * learning.rates[place] / learning.period
    if learning.resolution is not None:
        return np.full(element.shape, pace)
    factor = np.broadcast_to(learning.factors[element.name], element.shape)
    return pace * factor / (2 * learning.beta * learning.spread)

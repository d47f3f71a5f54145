"""The devices of circuits that learn: a memory for each conductance, and for each device a memristor in each copy, and its rule."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from circuits.arrays import Trainable
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.units import Siemens
from netlists.self_learning import phases
from netlists.self_learning.learning import CLAMPING, MEMORY, SelfLearning
from netlists.self_learning.presentation import PresentationNodes
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
    """Write an array of trainable conductances: what holds each of them, and each device in each copy.

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
    if learning.knobs:
        yield from _knobs(twins, names, columns, learning)
    yield from _devices(twins, element, names, columns[1], learning)


def _knobs(twins: TwinCircuits, names: list[str], columns: list[list[str]], learning: SelfLearning) -> Iterator[str]:
    """Write what each memory is drawn to, and when it gives way."""
    clocks, stem = PresentationNodes.of(twins), free_stem(twins.circuit, "force")
    (tau,) = plain([phases.HOLDING * phases.part(learning.period, learning.cycles, learning.parts)], "tau")
    for node, start, least, most in zip(names, *columns, strict=True):
        pins = f"{node} {stem}_{node} {clocks.control} {clocks.release}"
        yield f"X_{learning.rule}_{node} {pins} {learning.rule} start={start} low={least} high={most} c={MEMORY!r} tau={tau}"


def _devices(twins: TwinCircuits, element: Trainable, names: list[str], least: list[str], learning: SelfLearning) -> Iterator[str]:
    """Write the devices of an array, each with the rule by which its memory learns."""
    rate, volt = _rates(twins, element, learning), learning.volt
    skew = np.broadcast_to(learning.skew.get(element.name, 1.0), element.shape)
    of_device = element.expand(np.arange(len(names)).reshape(element.shape)).g
    rates, skews = plain(np.ravel(rate), "rate"), plain(np.ravel(skew), "skew")
    numbers = ["_".join(map(str, number)) for number in element.numbers.tolist()]
    ends = [[copy.node_names[node] for node in end.tolist()] for copy in twins.copies for end in element.ends]
    clocks, rule = PresentationNodes.of(twins), _rule(learning)
    stem, drop, force = (free_stem(twins.circuit, name) for name in ("learn", "held", "force"))
    for k in element.order.tolist():
        which, name, nodes = of_device[k], f"{element.name}_{numbers[k]}", [end[k] for end in ends]
        if learning.knobs:
            joined = [*nodes, names[which], f"{force}_{names[which]}", learning.memristor]
            yield f"X_{name} {' '.join(joined)} unit={volt!r} low={least[which]} k={rates[which]}"
            continue
        if learning.cycles:
            (tau,) = plain([phases.HOLDING * phases.part(learning.period, learning.cycles)], "tau")
            drops = [f"{drop}_first_{name}", f"{drop}_second_{name}"]
            joined = [*nodes, *drops, names[which], *clocks.holds, learning.memristor, f"unit={volt!r}", f"low={least[which]}"]
            joined += [f"c={MEMORY!r}", f"tau={tau}"]
            compared = [drops[0], "0", drops[1], "0"]
        else:
            joined = [*nodes, names[which], learning.memristor, f"unit={volt!r}", f"low={least[which]}", f"skew={skews[which]}"]
            compared = nodes
        yield f"X_{name} {' '.join(joined)}"
        yield f"X_{stem}_{name} {' '.join(compared)} {names[which]} {clocks.learn} {rule.format(rate=rates[which])}"


def _rule(learning: SelfLearning) -> str:
    """Write the rule by which memories learn, with its parameters."""
    words = [learning.rule, "rate={rate}"]
    if learning.resolution is not None:
        words.append(f"resolution={learning.resolution!r}")
    if learning.average is not None:
        words += [f"c={MEMORY!r}", f"tau={plain([learning.average * learning.duty], 'average')[0]}"]
    return " ".join(words)


def _rates(twins: TwinCircuits, element: Trainable, learning: SelfLearning) -> Any:
    """Return by how many amperes a device charges its memory, for a square volt of difference or, by signs, in all.

    With knobs: by how many volts it pulls on its memory, for a square volt; that of a difference is a cycle's step.
    """
    place = [e.name for e in twins.circuit.trainable].index(element.name)
    pace = MEMORY / learning.volt * learning.rates[place] / (learning.period * learning.duty)
    if learning.resolution is not None:
        return np.full(element.shape, pace)
    factor = np.broadcast_to(learning.factors[element.name], element.shape)
    if learning.knobs:
        return learning.rates[place] / (learning.volt * learning.cycles) * factor / (2 * learning.beta * learning.spread)
    return pace * factor / (2 * learning.beta * learning.spread)

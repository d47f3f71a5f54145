"""Inspection: blocks of a circuit, their numbers, and warnings about parts that will not learn."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from circuits.arrays import Divisible, Trainable
from circuits.checks import islands
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.controlled import (
    CurrentControlledCurrentSources,
    CurrentControlledVoltageSources,
    VoltageControlledCurrentSources,
    VoltageControlledVoltageSources,
)
from circuits.elements import Amplifiers, Diodes, IdealDiodes, Resistors
from circuits.errors import floating
from circuits.passed import Passed
from hwsim.core.protocol import UnsupportedCircuitError
from hwsim.formatting import counted
from hwsim.inspection.crossbars import FormedCrossbar, crossbars
from hwsim.inspection.neurons import NeuronGroup, neurons
from hwsim.inspection.reachability import Reach
from hwsim.inspection.symmetry import is_odd
from hwsim.numeric.layered.recognize import stages
from hwsim.typing import Weights

if TYPE_CHECKING:
    from netlists.deck import Deck

PINS = 1004
"""Pins of a subcircuit; one more is too many for ngspice (`N_GLOBAL_NODES overflow`)."""

_EDGE = 0.01
"""Share of a bound within which a conductance counts as at that bound."""

_MANY = 0.2
"""Share of an array at its bounds that is worth a warning."""

_SHOWN = 4

_RSHUNT = (
    ".options rshunt puts a resistor from every node to ground, and layers may have such resistors at their columns alone: "
    "the circuit is solved by its ports, which takes longer"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """Result of inspecting a circuit.

    Parameters
    ----------
    circuit, g
        The circuit, with its conductances [S].
    layers
        Columns of each crossbar, the inputs first; None where the circuit is no chain of layers.
    solver
        What solves it: `layers`, `ports` or `ngspice`; None where nodes float, and so nothing does.
    counts
        Elements by kind, nodes, inputs, outputs.
    formed
        Crossbars that single devices form.
    neurons
        The diodes, grouped by what they do.
    warnings
        Parts that will not learn, or are probably not intended.

    """

    circuit: Circuit
    g: Weights
    layers: tuple[int, ...] | None
    solver: str | None
    counts: dict[str, int]
    formed: tuple[FormedCrossbar, ...]
    neurons: tuple[NeuronGroup, ...]
    warnings: tuple[str, ...]

    @property
    def blocks(self) -> list[dict[str, Any]]:
        """Crossbars, other trainable devices, neurons and amplifiers, each with its numbers."""
        return [*self._learning(), *self._neurons(), *self._amplifiers()]

    def _learning(self) -> Iterator[dict[str, Any]]:
        inside = dict.fromkeys(self.g, 0)
        for k, one in enumerate(self.formed, start=1):
            values = np.array([self.g[name][place] for name, place in one.devices])
            for name, _ in one.devices:
                inside[name] += 1
            yield {"kind": "crossbar", "name": f"found {k}", "rows": len(one.rows), "columns": len(one.columns)} | _range(values)
        for element in self.circuit.trainable:
            shape = dict(zip(("rows", "columns"), element.shape, strict=True)) if isinstance(element, Divisible) else {}
            bounds = {"g_min": float(np.min(element.g_min)), "g_max": float(np.max(element.g_max))}
            at = self.at_bounds(element.name)
            count = {"count": len(element), "in_crossbars": inside[element.name], "at_g_min": at[0], "at_g_max": at[1]}
            yield {"kind": element.kind, "name": element.name} | shape | count | _range(self.g[element.name]) | bounds

    def _neurons(self) -> Iterator[dict[str, Any]]:
        names = self.circuit.node_names
        for one in self.neurons:
            currents = [clamp.i_sat for clamp in one.clamps]
            at = [names[node] for node in one.nodes[:_SHOWN]]
            yield {"kind": one.kind, "count": len(one.nodes), "rails": list(one.rails), "i_sat": max(currents), "nodes": at}

    def _amplifiers(self) -> Iterator[dict[str, Any]]:
        for element in self.circuit.of(Amplifiers):
            gain, back, offset = (np.asarray(values) for values in (element.gain, element.back, element.offset))
            yield {
                "kind": "amplifier",
                "name": element.name,
                "count": len(element),
                "gain": [float(gain.min()), float(gain.max())],
                "back": [float(back.min()), float(back.max())],
                "offset": [float(offset.min()), float(offset.max())],
            }

    def at_bounds(self, name: str) -> tuple[int, int]:
        """Count the conductances of an array at their lower bound and at their upper one."""
        element, g = self.circuit[name], self.g[name]
        return int((g <= np.asarray(element.g_min) * (1 + _EDGE)).sum()), int((g >= np.asarray(element.g_max) * (1 - _EDGE)).sum())


def _range(g: NDArray[np.float64]) -> dict[str, float]:
    ordered = np.sort(g, axis=None)
    middle = ordered[(g.size - 1) // 2 : g.size // 2 + 1]  # without NumPy's median, which loads masked arrays first
    return {"least": float(ordered[0]), "median": float(middle.mean()), "most": float(ordered[-1])}


def inspect(circuit: Circuit, chip: Chip, g: Weights, deck: "Deck | None" = None, *, learns: bool = True) -> Inspection:
    """Inspect a circuit with its conductances [S], and the deck that it was read from; one that never learns needs no gradient."""
    layers, solver = _solver(circuit)
    bent = tuple(neurons(circuit))
    formed = () if layers else tuple(crossbars(circuit))
    counts = {"nodes": circuit.size, "inputs": circuit.input_count, "outputs": len(circuit.outputs)}
    added = {e.name for e in circuit.of(Resistors) if deck is not None and not deck.members.get(e.name)}
    for element in circuit.elements:
        kind = "gmin" if element.name in added else type(element).__name__
        if len(element):
            counts[kind] = counts.get(kind, 0) + len(element)
    bare = Inspection(circuit=circuit, g=g, layers=layers, solver=solver, counts=counts, formed=formed, neurons=bent, warnings=())
    complete = circuit.input_count and len(circuit.outputs)
    warnings = [*(_of_deck(deck) if deck else ()), *_of_islands(circuit), *(_of_reach(circuit) if complete else ())]
    warnings += _of_nodes(circuit)
    if learns:
        warnings += [*_of_bounds(bare), *((*_of_one_way(circuit), *_of_signs(circuit)) if complete else ())]
    warnings += _of_symmetry(circuit, chip, g) if complete else ()
    if solver == "ports" and any(name.startswith("rshunt") for name in added):
        warnings.append(_RSHUNT)
    return Inspection(
        circuit=circuit,
        g=g,
        layers=layers,
        solver=solver,
        counts=counts,
        formed=formed,
        neurons=bent,
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _solver(circuit: Circuit) -> tuple[tuple[int, ...] | None, str | None]:
    if islands(circuit):
        return None, None
    try:
        layers = stages(circuit)
    except UnsupportedCircuitError:
        return None, "ngspice" if circuit.of(Passed) else "ports"
    return (circuit.input_count, *(stage.size for stage in layers[:-1]), len(circuit.outputs)), "layers"


def _named(circuit: Circuit, nodes: Any) -> str:
    names = [circuit.node_names[int(node)] for node in nodes]
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def _of_deck(deck: "Deck") -> Iterator[str]:
    """Warn of contradictions in the deck, and of subcircuits with more pins than ngspice can have."""
    from netlists.text.lines import read_lines  # noqa: PLC0415 - only for circuits that are decks

    yield from map(str, (*deck.warnings, *deck.missing))
    for source in deck.sources:
        for card in read_lines(source, title=source is deck.sources[0])[0]:
            if card.text.startswith(".subckt"):
                words = card.text.split("params:")[0].split()
                pins = len([word for word in words if "=" not in word]) - 2
                if pins > PINS:
                    yield f"{source.name}:{card.number}: subcircuit {words[1]} has {pins} pins; ngspice crashes above {PINS}; tile it"


def _of_islands(circuit: Circuit) -> Iterator[str]:
    for island in islands(circuit):
        yield f"floating: {floating([circuit.node_names[node] for node in island.tolist()])}; until then the circuit has no solution"


def _of_reach(circuit: Circuit) -> Iterator[str]:
    reach = Reach(circuit)
    driven, observed = reach.driven(), reach.observed()
    outputs = circuit.outputs
    for k, (plus, minus) in enumerate(zip(outputs.plus.tolist(), outputs.minus.tolist(), strict=True)):
        if not driven[[node for node in (plus, minus) if node]].any():
            yield f"output {k} ({_named(circuit, [n for n in (plus, minus) if n])}): independent of all inputs; connect it to them"
    free = ~reach.fixed
    still = np.flatnonzero(free & ~driven)
    if len(still):
        yield f"{counted(len(still), 'node')} independent of all inputs: {_named(circuit, still)}"
    idle = np.flatnonzero(free & ~observed)
    if len(idle):
        yield f"{counted(len(idle), 'node')} with no effect on any output: {_named(circuit, idle)}; resistors there will not learn"
    unused = [node for source in circuit.inputs for node in source.driven.tolist() if not observed[node]]
    if unused:
        yield f"{counted(len(unused), 'input')} with no effect on any output: {_named(circuit, unused)}"


def _of_one_way(circuit: Circuit) -> Iterator[str]:
    """Warn of parts that pass nothing back, or not what they should."""
    one_way = (VoltageControlledVoltageSources, CurrentControlledCurrentSources, CurrentControlledVoltageSources)
    odd = [e.name for e in circuit.of(*one_way, Passed)]
    odd += [e.name for e in circuit.of(VoltageControlledCurrentSources) if len(e.pairs[0][0]) < len(e)]
    if odd:
        rule = "set training.rule.kind to adjoint for it" if not circuit.of(Passed) else "its loss may still decrease"
        yield f"{', '.join(odd)} {'are' if len(odd) > 1 else 'is'} not reciprocal: equilibrium propagation's gradient is not exact; {rule}"


def _of_nodes(circuit: Circuit) -> Iterator[str]:
    """Warn of nodes at which only one part ends."""
    touched = np.zeros(circuit.size + 1, dtype=np.intp)
    for element in circuit.elements:
        if isinstance(element, Trainable):
            for end in element.ends:
                np.add.at(touched, end, 1)
            continue
        for terminal in element.terminals:
            if terminal != "feature":
                np.add.at(touched, getattr(element, terminal), 2 if isinstance(element, Passed) else 1)
    ends = np.flatnonzero(touched == 1)
    ends = ends[ends > 0]
    if len(ends):
        yield f"{counted(len(ends), 'node')} at which only one part ends, so that it carries no current: {_named(circuit, ends)}"


def _of_bounds(inspected: Inspection) -> Iterator[str]:
    for element in inspected.circuit.trainable:
        low, high = inspected.at_bounds(element.name)
        for count, bound in ((low, "g_min"), (high, "g_max")):
            if count > _MANY * len(element):
                yield f"{element.name}: {count} of {len(element)} conductances are at {bound}; wider bounds may let it learn more"


def _of_signs(circuit: Circuit) -> Iterator[str]:
    """Warn of outputs that rise with every source of a feature: without an inverting element, all voltages do."""
    turning = (CurrentControlledCurrentSources, CurrentControlledVoltageSources, VoltageControlledCurrentSources)
    if circuit.of(*turning, VoltageControlledVoltageSources, Passed) or circuit.input_count == 1:
        return
    signs: dict[int, set[float]] = {}
    for source in circuit.inputs:
        for feature, scale in zip(source.feature.tolist(), np.sign(source.scale).tolist(), strict=True):
            signs.setdefault(feature, set()).add(scale)
    if (circuit.outputs.minus == 0).any() and all(len(scales) == 1 for scales in signs.values()):
        yield (
            "no feature comes with its negative, so outputs that are read at one node only rise with each source, whatever is learned; "
            "add sources of the negatives (scale=-1), or read pairs of nodes"
        )


def _of_symmetry(circuit: Circuit, chip: Chip, g: Weights) -> Iterator[str]:
    if not circuit.of(Diodes, IdealDiodes) and not circuit.of(Passed):
        yield "all parts are linear: the outputs are linear in the inputs, and XOR cannot be learned"
    elif not islands(circuit) and is_odd(circuit, chip, g):
        yield "an odd function of its inputs, which cannot learn XOR: a circuit symmetric about 0 V needs a bias, or asymmetric rails"

"""The reduced deck: what ngspice is given when nobody asks for every part. The same circuit, with as few unknowns as it can have.

Nodes that sources hold at one constant voltage become one node; the first crossbar becomes what its columns see of it; an amplifier is
a source whose own current is sensed, unless it vanishes in units of its layer. There are no subcircuits, which ngspice reads more slowly.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from circuits.arrays import Divisible, Trainable
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.elements import Amplifiers, Diodes, Elements, InputSources, Nudges, VoltageSources
from circuits.nodes import Nodes
from hwsim.ngspice.eliminated_nodes import EliminatedNodes
from hwsim.ngspice.voltage_scales import VoltageScales, terminal_nodes
from netlists.text.numbers import plain, resistances
from netlists.write.cards import flat, heads, ohms
from netlists.write.names import free_stem
from netlists.write.sections import EXTERNAL, NudgeNodes

Places = Mapping[str, NDArray[np.intp]]


class Constants:
    """Sources of constant voltage against ground, one for each voltage that is asked for."""

    def __init__(self, stem: str) -> None:
        self.stem = stem
        self.volts: list[float] = []

    def node(self, volts: float) -> str:
        """Return the node that has this voltage."""
        if volts == 0:
            return "0"
        if volts not in self.volts:
            self.volts.append(volts)
        return f"{self.stem}_{self.volts.index(volts)}"

    def cards(self) -> list[str]:
        """Write the sources."""
        written = plain(self.volts, "constant voltages")
        return [f"V_{self.stem}_{k} {self.stem}_{k} 0 {word}" for k, word in enumerate(written)]


@dataclass(frozen=True, slots=True)
class NodeNames:
    """What a deck calls the nodes of a circuit: those of one constant voltage alike, and an amplifier's input as its output if it vanishes.

    Parameters
    ----------
    names
        Of all nodes.
    volts
        The constant voltages [V], by node; NaN where a node is none of them.
    scales
        The units of the deck.
    constants
        Its sources of constant voltage.

    """

    names: list[str]
    volts: NDArray[np.float64]
    scales: VoltageScales
    constants: Constants

    @classmethod
    def of(cls, circuit: Circuit, volts: NDArray[np.float64], scales: VoltageScales) -> Self:
        """Name the nodes of a circuit."""
        names = list(circuit.node_names)
        vanished = [e for e in circuit.of(Amplifiers) if e.name in scales.vanished]
        for _ in vanished:  # one may stand behind another
            for amplifiers in vanished:
                for into, out in zip(amplifiers.input.tolist(), amplifiers.output.tolist(), strict=True):
                    names[into] = names[out]
        return cls(names, volts, scales, Constants(free_stem(circuit, "constant")))

    def at(self, element: Elements, kept: Any) -> list[str]:
        """Return the names that an array has for its nodes, where `kept` of it is written; those of constant voltages are in its unit."""
        factor, names = self.scales.of_element(element), list(self.names)
        for k in np.unique(np.concatenate([nodes[kept] for nodes in terminal_nodes(element)])).tolist():
            if np.isfinite(self.volts[k]):
                names[k] = self.constants.node(float(self.volts[k]) * factor)
        return names


@dataclass(frozen=True, slots=True)
class ReducedDeck:
    """A deck without its conductances.

    Parameters
    ----------
    scales
        Its units.
    names
        What it calls the nodes of the circuit, those of constant voltage aside.
    fixed
        All cards that never change.
    conductances
        Each trainable array with the beginnings of its cards, behind which resistances go.
    folded
        The arrays whose columns each have one resistor, for the sum of their conductances.

    """

    scales: VoltageScales
    names: Sequence[str]
    fixed: list[str]
    conductances: list[tuple[Trainable, list[str]]]
    folded: frozenset[str]

    @classmethod
    def of(cls, circuit: Circuit, chip: Chip, nodes: EliminatedNodes, folded: Iterable[Trainable], driven: Places, asked: Nodes) -> Self:
        """Write a circuit without ideal diodes; the arguments are those of a Plan."""
        gone = frozenset(w.name for w in folded)
        volts = _constant(circuit, chip, nodes, asked)
        merged = np.isfinite(volts)
        scales = VoltageScales.of(circuit, chip, gone, merged | (np.arange(circuit.size + 1) == 0))
        naming, units = NodeNames.of(circuit, volts, scales), scales.scaled(chip)
        constants, kept = naming.constants, _kept(circuit, nodes, merged)
        fixed, conductances = list[str](), list[tuple[Trainable, list[str]]]()
        for element in circuit.elements:
            names = naming.names if element.name in gone else naming.at(element, kept.get(element.name, slice(None)))
            match element:
                case Trainable(name=name, columns=columns):
                    if isinstance(element, Divisible):
                        which = "R_{0}_j, I_{0}_j: its rows folded at column j" if name in gone else f"R_{{0}}_i_j joins {element.legend}"
                        fixed.append(f"* {type(element).__name__} {name}: {which.format(name)}")
                    fixed += [f"I_{name}_{j} 0 {names[k]} {EXTERNAL}" for j, k in enumerate(columns.tolist()) if name in gone]
                    conductances.append((element, _folded(element, names) if name in gone else heads(element, names)))
                case Amplifiers(name=name) if name in scales.vanished:
                    pass
                case Amplifiers(name=name):
                    behind = free_stem(circuit, name) if units(name, "output_resistance").any() else None
                    fixed += _amplifiers(element, units, names, kept[name], constants, behind)
                case VoltageSources(name=name, plus=plus, minus=minus):
                    v = plain(units(name, "v"), f"{name}: v")
                    fixed += [f"V_{name}_{k} {names[plus[k]]} {names[minus[k]]} {v[k]}" for k in kept[name]]
                case InputSources(name=name, plus=plus):
                    fixed += [f"V_{name}_{k} {names[plus[k]]} 0 {EXTERNAL}" for k in driven[name]]
                case Nudges():
                    fixed += _nudges(element, units, NudgeNodes.of(circuit), names)
                case Diodes():
                    cards = flat(element, units, {}, names)
                    fixed += [f"{card} off" if card.startswith("D_") else card for card in cards]  # the search begins at 0 V across them
                case _:
                    fixed += flat(element, units, {}, names)
        return cls(scales, naming.names, [*fixed, *constants.cards()], conductances, gone)

    def cards(self, g: Mapping[str, Any]) -> Iterator[str]:
        """Return all cards, for conductances [S]."""
        yield from self.fixed
        for element, begun in self.conductances:
            values = np.asarray(g[element.name], dtype=np.float64)
            folded = element.name in self.folded
            yield from map(str.__add__, begun, resistances(element.column_sum(values), element.name) if folded else ohms(element, values))


def _constant(circuit: Circuit, chip: Chip, nodes: EliminatedNodes, asked: Nodes) -> NDArray[np.float64]:
    """Return the voltages of the nodes that sources hold at a constant one [V]; NaN elsewhere, and where a node is asked for."""
    unknown_x, unknown_v = np.full((1, circuit.input_count), np.nan), np.full((1, len(nodes.free)), np.nan)
    v: NDArray[np.float64] = nodes.voltages(circuit, chip, unknown_x, unknown_v)[0]
    v[asked] = np.nan
    v[0] = np.nan
    return v


def _kept(circuit: Circuit, nodes: EliminatedNodes, merged: NDArray[np.bool_]) -> Places:
    """List the sources and amplifiers that are still needed: those which do not hold a node that was merged."""
    kept = {element.name: np.ones(len(element), dtype=bool) for element in circuit.of(VoltageSources, Amplifiers)}
    for step in nodes.steps:
        if not isinstance(step.element, InputSources):
            kept[step.element.name][step.places[merged[step.target]]] = False
    return {name: np.flatnonzero(places) for name, places in kept.items()}


def _folded(array: Trainable, names: list[str]) -> list[str]:
    return [f"R_{array.name}_{j} {names[column]} 0 " for j, column in enumerate(array.columns.tolist())]


def _amplifiers(
    amplifiers: Amplifiers, chip: Chip, names: list[str], kept: NDArray[np.intp], constants: Constants, behind: str | None
) -> Iterator[str]:
    """Write v_out = gain·(v_in − v_ref), v_ref = −offset, and back times the current that the source E delivers drawn from the input.

    `behind` names the nodes between sources and output resistances; None: there are none.
    """
    name, back = amplifiers.name, chip(amplifiers.name, "back")
    r = plain(chip(name, "output_resistance"), f"{name}: output_resistance")
    gain, drawn = plain(chip(name, "gain"), f"{name}: gain"), plain(-back, f"{name}: back")  # a current into a source counts as positive
    for k in kept.tolist():
        into, out = names[amplifiers.input[k]], names[amplifiers.output[k]]
        reference = constants.node(-float(chip(name, "offset")[k]))
        if behind is not None:
            yield f"R_{name}_{k} {behind}_{k} {out} {r[k]}"
            out = f"{behind}_{k}"
        yield f"E_{name}_{k} {out} 0 {into} {reference} {gain[k]}"
        yield f"F_{name}_{k} {into} 0 E_{name}_{k} {drawn[k]}"


def _nudges(nudges: Nudges, chip: Chip, nodes: NudgeNodes, names: list[str]) -> Iterator[str]:
    """Write a current into each output, and beta as a conductance across it; what beta draws to a target is part of the current."""
    gains = chip(nudges.name, "gain")
    factors = [f"{gain} * " if gain != "1.0" else "" for gain in plain(gains, f"{nudges.name}: gain")]
    yield f"V_{nodes.beta} {nodes.beta} 0 {EXTERNAL}"
    for k, (plus, minus) in enumerate(zip(nudges.plus.tolist(), nudges.minus.tolist(), strict=True)):
        yield f"I_{nodes.currents[k]} {names[minus]} {names[plus]} {EXTERNAL}"
        yield f"B_{nodes.currents[k]} {names[plus]} {names[minus]} I = {factors[k]}V({nodes.beta}) * V({names[plus]},{names[minus]})"

"""The reduced deck: what ngspice is given when nobody asks for every part. The same circuit, with as few unknowns as it can have.

Nodes that sources hold at one constant voltage become one node; the first crossbar becomes what its columns see of it; an amplifier is
a source whose own current is sensed. There are no subcircuits, which ngspice reads more slowly.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from circuits.arrays import Divisible, Trainable
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.elements import Amplifiers, Diodes, InputSources, Nudges, VoltageSources
from circuits.nodes import Nodes
from hwsim.ngspice.eliminated_nodes import EliminatedNodes
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
class ReducedDeck:
    """A deck without its conductances.

    Parameters
    ----------
    fixed
        All cards that never change.
    conductances
        Each trainable array with the beginnings of its cards, behind which resistances go.
    folded
        The arrays whose columns each have one resistor, for the sum of their conductances.

    """

    fixed: list[str]
    conductances: list[tuple[Trainable, list[str]]]
    folded: frozenset[str]

    @classmethod
    def of(cls, circuit: Circuit, chip: Chip, nodes: EliminatedNodes, folded: Iterable[Trainable], driven: Places, asked: Nodes) -> Self:
        """Write a circuit without ideal diodes; the arguments are those of a Plan."""
        constants = Constants(free_stem(circuit, "constant"))
        names, merged = _merged(circuit, chip, nodes, asked, constants)
        kept = _kept(circuit, nodes, merged)
        gone = frozenset(w.name for w in folded)
        fixed, conductances = list[str](), list[tuple[Trainable, list[str]]]()
        for element in circuit.elements:
            match element:
                case Trainable(name=name, columns=columns):
                    if isinstance(element, Divisible):
                        which = "R_{0}_j, I_{0}_j: its rows folded at column j" if name in gone else f"R_{{0}}_i_j joins {element.legend}"
                        fixed.append(f"* {type(element).__name__} {name}: {which.format(name)}")
                    fixed += [f"I_{name}_{j} 0 {names[k]} {EXTERNAL}" for j, k in enumerate(columns.tolist()) if name in gone]
                    conductances.append((element, _folded(element, names) if name in gone else heads(element, names)))
                case Amplifiers(name=name):
                    behind = free_stem(circuit, name) if chip(name, "output_resistance").any() else None
                    fixed += _amplifiers(element, chip, names, kept[name], constants, behind)
                case VoltageSources(name=name, plus=plus, minus=minus):
                    volts = plain(chip(name, "v"), f"{name}: v")
                    fixed += [f"V_{name}_{k} {names[plus[k]]} {names[minus[k]]} {volts[k]}" for k in kept[name]]
                case InputSources(name=name, plus=plus):
                    fixed += [f"V_{name}_{k} {names[plus[k]]} 0 {EXTERNAL}" for k in driven[name]]
                case Nudges():
                    fixed += _nudges(element, chip, NudgeNodes.of(circuit), names)
                case Diodes():
                    cards = flat(element, chip, {}, names)
                    fixed += [f"{card} off" if card.startswith("D_") else card for card in cards]  # the search begins at 0 V across them
                case _:
                    fixed += flat(element, chip, {}, names)
        return cls([*fixed, *constants.cards()], conductances, gone)

    def cards(self, g: Mapping[str, Any]) -> Iterator[str]:
        """Return all cards, for conductances [S]."""
        yield from self.fixed
        for element, begun in self.conductances:
            values = np.asarray(g[element.name], dtype=np.float64)
            folded = element.name in self.folded
            yield from map(str.__add__, begun, resistances(element.column_sum(values), element.name) if folded else ohms(element, values))


def _merged(
    circuit: Circuit, chip: Chip, nodes: EliminatedNodes, asked: Nodes, constants: Constants
) -> tuple[list[str], NDArray[np.bool_]]:
    """Name all nodes, those that have one constant voltage alike, and return which were merged so. What is asked for stays apart."""
    unknown_x, unknown_v = np.full((1, circuit.input_count), np.nan), np.full((1, len(nodes.free)), np.nan)
    v = nodes.voltages(circuit, chip, unknown_x, unknown_v)[0]
    merged = np.isfinite(v)
    merged[asked] = False
    merged[0] = False
    names = [constants.node(float(v[k])) if merged[k] else name for k, name in enumerate(circuit.node_names)]
    return names, merged


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

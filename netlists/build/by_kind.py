"""By kind: cards that no role names become the elements of their letters, or of the library's subcircuits."""

from typing import Any

import numpy as np

from circuits.controlled import (
    CurrentControlledCurrentSources,
    CurrentControlledVoltageSources,
    VoltageControlledCurrentSources,
    VoltageControlledVoltageSources,
)
from circuits.diode import BAND_GAP, XTI
from circuits.elements import Capacitors, CurrentSources, Diodes, Elements, IdealDiodes, Inductors, VoltageSources
from circuits.errors import CircuitError
from circuits.passed import Passed
from circuits.quoting import quote_all
from netlists.build.arrays import Array
from netlists.build.builder import Making
from netlists.read import temperatures
from netlists.write import subcircuits

_MAKERS: dict[str, tuple[type[Elements], tuple[str, ...]]] = {
    "c": (Capacitors, ("c",)),
    "d": (Diodes, Diodes.parameters),
    "e": (VoltageControlledVoltageSources, ("gain",)),
    "f": (CurrentControlledCurrentSources, ("gain",)),
    "g": (VoltageControlledCurrentSources, ("gm",)),
    "h": (CurrentControlledVoltageSources, ("rm",)),
    "i": (CurrentSources, ("i",)),
    "l": (Inductors, ("l",)),
    "v": (VoltageSources, ("v",)),
}
"""The element of each kind of part, and its parameters in the order of the part's values."""


def parts(making: Making, array: Array) -> None:
    """Make elements that have nodes and values alone."""
    kind, parameters = _MAKERS[array.kind]
    cards = [making.sorting.parts[name] for name in array.members]
    terminals = {t: making.nodes([card.nodes[k] for card in cards]) for k, t in enumerate(kind.terminals)}
    if array.role == "ideal":
        making.add(IdealDiodes, array.members, name=array.name, **terminals)
        return
    values = {p: np.array([card.values[k] for card in cards]) for k, p in enumerate(parameters)}
    making.add(kind, array.members, name=array.name, **terminals, **values)


def sensing(making: Making, array: Array) -> None:
    """Make sources that follow the current of another one; an array for each array of those."""
    kind, (parameter,) = _MAKERS[array.kind]
    parts = [making.sorting.parts[name] for name in array.members]
    groups: dict[str, list[int]] = {}
    homes = []
    for k, part in enumerate(parts):
        if part.more not in making.home:
            making.sorting.findings.mistakes.append(making.at(part.name, f"{part.name}: there is no source {part.more} to sense"))
            return
        homes.append(making.home[part.more])
        groups.setdefault(homes[-1][0], []).append(k)
    if len(groups) > 1 and array.statement:
        msg = f"these sense sources of different arrays ({quote_all(groups)}); write a line for each"
        raise CircuitError(msg)
    for source, places in groups.items():
        chosen = [parts[k] for k in places]
        name = array.name if len(groups) == 1 else f"{array.name}_of_{source}"
        terminals = {t: making.nodes([part.nodes[k] for part in chosen]) for k, t in enumerate(kind.terminals)}
        values: dict[str, Any] = {parameter: np.array([part.values[0] for part in chosen])}
        sensed: dict[str, Any] = {"source": source, "place": np.array([homes[k][1] for k in places])}
        making.add(kind, [part.name for part in chosen], name=name, **terminals, **values, **sensed)


def passed(making: Making, array: Array) -> None:
    """Make what only ngspice knows."""
    cards = [making.sorting.parts[name] for name in array.members]
    places: dict[str, int] = {}
    for card in cards:
        for node in card.nodes:
            places.setdefault(node, len(places))
    joined = [(places[card.nodes[a]], places[card.nodes[b]]) for card in cards for a, b in card.more.joined]
    nodes = making.nodes(list(places))
    beyond, letter = sorted({name for card in cards for name in card.more.beyond}), cards[0].more.letter
    kept = {"letter": letter, "cards": array.members, "joined": joined, "beyond": beyond}
    making.add(Passed, array.members, name=array.name, nodes=nodes, **kept)


def amplifiers(making: Making, array: Array) -> None:
    """Make amplifiers of instances of the library's."""
    parts = [making.sorting.parts[name] for name in array.members]
    kind = parts[0].more[0] if parts[0].more[0] in subcircuits.AMPLIFIERS else "amplifier"
    wrong = next((part.name for part in parts if part.more[0] != kind), None)
    if wrong:
        msg = f"{wrong} is no {kind} of the library; only block, nudge and array know subcircuits that stay whole"
        raise CircuitError(msg)
    _library(making, subcircuits.LIBRARY[kind][0], array.name, array, ("input", "output"))


def block(making: Making, array: Array) -> None:
    """Make the arrays that instances of one of the library's subcircuits stand for."""
    if array.statement is None:
        return
    kind, names = array.statement.words[1], array.parts
    used = {member: making.sorting.parts[member].more[0] for member in array.members}
    subcircuit = next(iter(used.values()))
    parts = subcircuits.LIBRARY.get(subcircuit, ())
    wrong = next((m for m, called in used.items() if called != subcircuit or subcircuits.plain_kind(called or "") != kind), None)
    if wrong or len(parts) != len(names):
        msg = f"{wrong or kind} is not what the library calls {kind} with {len(parts)} parts; remove the statement"
        raise CircuitError(msg)
    ideal = array.statement.options.get("ideal", "").split(",")
    pins = tuple(dict.fromkeys(pin for part in parts for pin in part.pins.values() if pin != "0"))
    for part, name in zip(parts, names, strict=True):
        _library(making, part, name, array, pins, ideal=name in ideal)


def _library(
    making: Making, part: subcircuits.SubcircuitElement, name: str, array: Array, pins: tuple[str, ...], *, ideal: bool = False
) -> None:
    """Make one array of the elements that a subcircuit of the library stands for."""
    parts = [making.sorting.parts[member] for member in array.members]
    terminals = {
        terminal: making.nodes(["0" if pin == "0" else p.nodes[pins.index(pin)] for p in parts]) for terminal, pin in part.pins.items()
    }
    values = {parameter: np.array([p.more[1][called] for p in parts]) for parameter, called in part.parameters.items()}
    if part.kind is Diodes:
        settings, eg, xti = making.settings, values.get("eg", BAND_GAP), values.get("xti", XTI)
        i_sat, n = temperatures.junction(values["i_sat"], values["n"], settings.temperature, settings.nominal, eg=eg, xti=xti)
        values |= {"i_sat": i_sat, "n": n}
    kind, values = (IdealDiodes, {}) if ideal else (part.kind, values)
    making.add(kind, array.members, name=name, **terminals, **values)

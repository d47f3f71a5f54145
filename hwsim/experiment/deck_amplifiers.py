"""Amplifiers: controlled sources that are joined as one bidirectional amplifier are recognized, whatever they are called.

    E   v(driven) = gain·v(input)                            the voltage that goes forward
    V   v(driven) − v(output) = −gain·offset                 what senses the output's current; E itself may be sensed instead
    F   the input draws back times what the output delivers

The pieces may stand either way round: signs show which.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from circuits.circuit import Circuit
from circuits.controlled import (
    CurrentControlledCurrentSources,
    CurrentControlledVoltageSources,
    VoltageControlledVoltageSources,
)
from circuits.elements import Amplifiers, Elements, Nudges, VoltageSources
from circuits.passed import Passed
from hwsim.experiment.rebuilt_deck import free_name, rebuilt, take
from netlists.deck import Deck

Single = tuple[str, int]
"""One element: its array and its place there."""


class _Found(NamedTuple):
    """An amplifier, the elements that it is made of, and the node that only these touch (0: none)."""

    input: int
    output: int
    gain: float
    back: float
    offset: float
    parts: tuple[Single, ...]
    inside: int


class _Forward(NamedTuple):
    """A voltage that follows another one against ground."""

    single: Single
    output: int
    input: int
    gain: float
    sign: int


def with_amplifiers(deck: Deck) -> Deck:
    """Put amplifiers in the place of the controlled sources that make them; a deck without any stays what it is."""
    circuit = deck.circuit
    if circuit.of(Passed):  # its cards may read any source
        return deck
    amplifiers = list(_search(circuit))
    if not amplifiers:
        return deck
    amplifiers.sort(key=lambda amplifier: amplifier.input)
    used = defaultdict(set)
    for amplifier in amplifiers:
        for name, place in amplifier.parts:
            used[name].add(place)
    elements: list[Elements] = []
    members, places = {}, {}
    for element in circuit.elements:
        left = np.array([k for k in range(len(element)) if k not in used[element.name]], dtype=np.intp)
        places[element.name] = {int(old): new for new, old in enumerate(left)}
        of_element = deck.members.get(element.name, [])
        members[element.name] = [of_element[k] for k in left] if used[element.name] and of_element else of_element
        if len(left):
            elements.append(take(element, left) if used[element.name] else element)
    elements = [_looking(element, places) if isinstance(element, _SENSING) else element for element in elements]
    name = free_name("amplifiers", [element.name for element in circuit.elements])
    columns = {field: np.array([getattr(amplifier, field) for amplifier in amplifiers]) for field in _Found._fields[:5]}
    elements.append(Amplifiers(name=name, **columns))
    inside = np.array([amplifier.inside for amplifier in amplifiers if amplifier.inside], dtype=np.intp)
    return rebuilt(deck, elements, {e.name: members.get(e.name, []) for e in elements}, inside)


def _search(circuit: Circuit) -> list[_Found]:
    """Look at what each F senses."""
    forwards = {forward.single: forward for forward in _forwards(circuit)}
    by_output = {forward.output: forward for forward in forwards.values()}
    touched = Counter(node for element in circuit.elements for t in element.terminals if t != "feature" for node in _terminal(element, t))
    sensors = Counter((element.source, int(k)) for element in circuit.of(*_SENSING) for k in element.place)
    used: set[Single] = set()
    amplifiers = []
    for element in circuit.of(CurrentControlledCurrentSources):
        for k in range(len(element)):
            sensed = element.source, int(element.place[k])
            ends = int(element.a[k]), int(element.b[k])
            if sensors[sensed] != 1 or (ends[0] and ends[1]):
                continue
            drawn = float(element.gain[k]) * (1 if ends[0] else -1)
            made = _amplifier(circuit, sensed, forwards, by_output, touched)
            if made is None or made[0].input != max(ends) or made[0].single in used:
                continue
            forward, output, sign, volts, inside = made
            amplifier = _Found(
                input=forward.input,
                output=output,
                gain=forward.gain,
                back=sign * drawn,
                offset=-volts / forward.gain if volts else 0.0,
                parts=tuple(dict.fromkeys((forward.single, sensed, (element.name, k)))),
                inside=inside,
            )
            if amplifier.gain > 0 and amplifier.back > 0:
                used.add(forward.single)
                amplifiers.append(amplifier)
    return amplifiers


_SENSING = (CurrentControlledCurrentSources, CurrentControlledVoltageSources)


def _looking(element: Any, places: Mapping[str, Mapping[int, int]]) -> Elements:
    """Let elements sense where their sources are now."""
    moved: Elements = replace(element, place=np.array([places[element.source][int(k)] for k in element.place], dtype=np.intp))
    return moved


def _terminal(element: Elements, terminal: str) -> list[int]:
    nodes: list[int] = getattr(element, terminal).tolist()
    return nodes


def _forwards(circuit: Circuit) -> list[_Forward]:
    """List the voltages that follow another one, both against ground."""
    forwards = []
    for element in circuit.of(VoltageControlledVoltageSources):
        for k in range(len(element)):
            plus, minus, cp, cm = (int(getattr(element, terminal)[k]) for terminal in element.terminals)
            if (plus and minus) or (cp and cm) or not (plus or minus) or not (cp or cm):
                continue
            sign, control = (1 if plus else -1), (1 if cp else -1)
            gain = float(element.gain[k]) * sign * control
            forwards.append(_Forward((element.name, k), plus or minus, cp or cm, gain, sign))
    return forwards


def _amplifier(
    circuit: Circuit, sensed: Single, forwards: dict[Single, _Forward], by_output: dict[int, _Forward], touched: Counter[int]
) -> tuple[_Forward, int, int, float, int] | None:
    """Return what a sensed source senses: the forward source, output, sign of the delivered current, volts lost, and inner node."""
    if sensed in forwards:
        forward = forwards[sensed]
        return forward, forward.output, -forward.sign, 0.0, 0
    element = circuit[sensed[0]]
    if not isinstance(element, VoltageSources):
        return None
    plus, minus, volts = int(element.plus[sensed[1]]), int(element.minus[sensed[1]]), float(np.asarray(element.v)[sensed[1]])
    outputs = {int(node) for nudges in circuit.of(Nudges) for node in (*nudges.plus, *nudges.minus)}
    for inner, outer, sign in ((plus, minus, 1), (minus, plus, -1)):
        if inner in by_output and outer and touched[inner] == 2 and inner not in outputs:  # noqa: PLR2004 - the E and the V alone
            return by_output[inner], outer, sign, sign * volts, inner
    return None

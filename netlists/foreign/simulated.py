"""A user's deck with other values: its sources have a sample's values, its resistors what was learned, and nudges stand at its outputs."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.constants import TEMPERATURE, ZERO_CELSIUS
from circuits.elements import InputSources
from circuits.errors import CircuitError
from circuits.passed import Passed
from circuits.quoting import quote
from circuits.user_text import UserText
from netlists.text.numbers import plain

_BETWEEN = re.compile(r"[\s,()=]+")
_GROUND = {"0", "gnd"}
_SHOWN = 60


def user_text(circuit: Circuit) -> UserText:
    """Return the text of a circuit that has one."""
    assert circuit.text is not None  # noqa: S101 - callers look first
    return circuit.text


@dataclass(frozen=True, slots=True)
class Added:
    """Names of what is added to a user's deck, none of which occurs in it: sources of beta, currents and noise, and counters."""

    stem: str
    outputs: int

    @classmethod
    def of(cls, circuit: Circuit) -> Self:
        """Choose names for a circuit's text."""
        cards = "\n".join(user_text(circuit).cards).lower()
        stem = "hwsim"
        while stem in cards:
            stem += "_"
        return cls(stem, len(circuit.outputs))

    @property
    def beta(self) -> str:
        """The source whose voltage is beta [S]."""
        return f"V_{self.stem}_beta"

    @property
    def currents(self) -> list[str]:
        """The sources whose currents are pushed into the outputs."""
        return [f"I_{self.stem}_{k}" for k in range(self.outputs)]

    def nudges(self, circuit: Circuit, chip: Chip, beta: str, currents: Sequence[str]) -> Iterator[str]:
        """Write nudges: a current into each output and beta as a conductance across it; no user's name stands in an expression."""
        stem, names, outputs = self.stem, circuit.node_names, circuit.outputs
        gains = plain(chip(outputs.name, "gain"), f"{outputs.name}: gain")
        yield f"{self.beta} {stem}_beta 0 {beta}"
        for k, (plus, minus) in enumerate(zip(outputs.plus.tolist(), outputs.minus.tolist(), strict=True)):
            yield f"{self.currents[k]} {names[minus]} {names[plus]} {currents[k]}"
            yield f"E_{stem}_{k} {stem}_drop_{k} 0 {names[plus]} {names[minus]} 1"
            yield f"B_{stem}_{k} {names[plus]} {names[minus]} I = {gains[k]} * V({stem}_beta) * V({stem}_drop_{k})"


def directions(circuit: Circuit) -> dict[str, NDArray[np.float64]]:
    """Return, by input array, 1 for each source that counts as in the circuit, and -1 for a voltage whose first node is ground."""
    text = user_text(circuit)
    volts = {element.name for element in circuit.of(InputSources)}
    return {
        name: np.array([-1.0 if name in volts and _head(text.cards[k])[1].lower() in _GROUND else 1.0 for k in places])
        for name, places in text.inputs.items()
    }


def with_sources(
    circuit: Circuit, chip: Chip, words: Mapping[str, Sequence[str]], g: Mapping[str, NDArray[np.float64]] | None = None
) -> list[str]:
    """Return the cards on a chip: other fixed voltages, a temperature, and conductances `g` [S].

    `words`, a number or `external` each, stand in the place of what the input sources state.
    """
    text = user_text(circuit)
    cards = list(text.cards if g is None else text.learned(g))
    places = {**text.inputs, **text.voltages}
    drawn = {name: _drawn(circuit, chip, name) for name in text.voltages if "v" in chip.values.get(name, {})}
    for name, stated in {**drawn, **words}.items():
        for place, word in zip(places[name], stated, strict=True):
            cards[place] = " ".join([*_head(cards[place])[:3], word])
    heat = [f".temp {round(chip.temperature - ZERO_CELSIUS, 9)!r}"] if chip.temperature != TEMPERATURE else []
    return [*cards, *heat]


def _drawn(circuit: Circuit, chip: Chip, name: str) -> list[str]:
    """Return what the cards of an array of fixed voltages state on a chip."""
    v = chip(name, "v")
    first = [_head(user_text(circuit).cards[place])[1].lower() for place in user_text(circuit).voltages[name]]
    turned = np.array([node in _GROUND for node in first]) & (circuit[name].plus != 0)
    return plain(np.where(turned, -v, v), f"{name}: v")


def volts(circuit: Circuit, chip: Chip, x: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Return what the sources of each input array state [V] for features x, shape (I,)."""
    ways = directions(circuit)
    return {e.name: (x[e.feature] * chip(e.name, "scale") + chip(e.name, "offset")) * ways[e.name] for e in circuit.inputs}


def sample_cards(circuit: Circuit, chip: Chip, g: Mapping[str, NDArray[np.float64]], x: NDArray[np.float64]) -> list[str]:
    """Return the cards with conductances `g` [S] and what features x, shape (I,), make of the input sources."""
    words = {name: plain(values, f"{name}: volts") for name, values in volts(circuit, chip, x).items()}
    return with_sources(circuit, chip, words, g)


def _head(card: str) -> list[str]:
    return _BETWEEN.split(card)


_OWN_HEAT = re.compile(r"\.temp\b|.*(?<![\w.])(?:d?temp|tnom|tc[12e]?)\s*=", re.IGNORECASE)


def check_chip(circuit: Circuit, chip: Chip) -> None:
    """Refuse a chip whose values would have to be written into the user's own cards: those of other parts than sources and memristors.

    Raises
    ------
    CircuitError
        Naming the elements.

    """
    text = user_text(circuit)
    free = {*text.inputs, *text.voltages, *(element.name for element in circuit.trainable), circuit.outputs.name}
    drawn = [
        name
        for name, parameters in chip.values.items()
        if name not in free and any(not np.array_equal(values, getattr(circuit[name], key)) for key, values in parameters.items())
    ]
    numeric = "" if circuit.of(Passed) else "use --engine numeric, or "
    if drawn:
        msg = f"{circuit.name}: this chip has other values of {', '.join(drawn)} than the deck, which ngspice simulates as it stands: "
        msg += f"spreads of parts other than memristors and sources have no place in the user's own text; {numeric}set variation to 0 there"
        raise CircuitError(msg)
    heated = next((card for card in text.cards if _OWN_HEAT.match(card)), None) if chip.temperature != TEMPERATURE else None
    if heated is not None:
        msg = f"{circuit.name}: the deck states temperatures of its own ({quote(heated, _SHOWN)}), which the chip's cannot replace; "
        msg += "omit variation.temperature, and change the deck"
        raise CircuitError(msg)

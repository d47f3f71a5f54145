"""A layered circuit written as a stranger might: flat, with nodes and parts called anything, in any order, and either way round."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from netlists.write.writer import write_deck
from support.reading import parse


class Disguise:
    """Writes one circuit; only its trainable elements, inputs and outputs are named."""

    def __init__(self, circuit: Circuit, g: dict[str, np.ndarray], x: np.ndarray, seed: int) -> None:
        self.rng = random.Random(seed)  # noqa: S311 - nothing secret
        self.deck = parse(write_deck(circuit, Chip.nominal(circuit), g, x=x))
        count = self.deck.circuit.size
        self.nodes = ["0", *(f"q{number}" for number in self.rng.sample(range(count), count))]
        self.numbers = iter(self.rng.sample(range(10**6), 10**5))
        self.models: list[str] = []

    def text(self, *options: str) -> str:
        """Return the deck."""
        cards: list[str] = []
        roles: list[str] = []
        ways: dict[str, Callable[[Any], Iterator[str]]] = {
            "Crossbar": self._crossbar,
            "InputSources": self._inputs,
            "VoltageSources": self._sources,
            "Diodes": self._diodes,
            "Amplifiers": self._amplifiers,
            "Nudges": self._outputs,
        }
        for element in self.deck.circuit.elements:
            for line in ways[type(element).__name__](element):
                (roles if line.startswith("*") else cards).append(line)
        self.rng.shuffle(cards)
        trainable = "*hwsim: trainable R# g_min=1e-12 g_max=1"
        return "\n".join(["Disguised", *options, *self.models, *cards, *roles, trainable, ".end"]) + "\n"

    def _at(self, *numbers: int) -> str:
        return " ".join(self.nodes[number] for number in numbers)

    def _crossbar(self, element: Any) -> Iterator[str]:
        for (i, j), g in np.ndenumerate(self.deck.g[element.name]):
            ends = [element.rows[i], element.columns[j]]
            self.rng.shuffle(ends)
            yield f"R{next(self.numbers)} {self._at(*ends)} {1 / float(g)!r}"

    def _inputs(self, element: Any) -> Iterator[str]:
        for plus, feature, scale in zip(element.plus, element.feature, element.scale, strict=True):
            name = f"Vin{next(self.numbers)}"
            yield f"{name} {self._at(plus)} 0 {float(self.deck.x[feature] * scale)!r}"
            yield f"*hwsim: input {name} feature={feature} scale={float(scale)!r}"

    def _sources(self, element: Any) -> Iterator[str]:
        for plus, v in zip(element.plus, element.v, strict=True):
            ends, volts = self.rng.choice([(self._at(plus, 0), v), (self._at(0, plus), -v)])
            yield f"V{next(self.numbers)} {ends} {float(volts)!r}"

    def _diodes(self, element: Any) -> Iterator[str]:
        for a, b, i_sat, n in zip(element.anode, element.cathode, element.i_sat, element.n, strict=True):
            yield f"D{next(self.numbers)} {self._at(a, b)} m{len(self.models)}"
            self.models.append(f".model m{len(self.models)} D(is={float(i_sat)!r} n={float(n)!r})")

    def _amplifiers(self, element: Any) -> Iterator[str]:
        columns = (element.input, element.output, *(values.tolist() for values in (element.gain, element.back, element.offset)))
        for a, b, gain, back, offset in zip(*columns, strict=True):
            number, inner = next(self.numbers), f"inner{next(self.numbers)}"
            if offset == 0 and self.rng.random() < 0.5:  # E itself is sensed
                yield f"E{number} {self._at(b, 0, a, 0)} {gain!r}"
                yield f"F{number} {self._at(a, 0)} E{number} {-back!r}"
            else:  # a source stands between, all of it the other way round
                yield f"E{number} 0 {inner} {self._at(a, 0)} {-gain!r}"
                yield f"Vs{number} {self._at(b)} {inner} {gain * offset!r}"
                yield f"F{number} {self._at(a, 0)} Vs{number} {-back!r}"

    def _outputs(self, element: Any) -> Iterator[str]:
        for plus, minus in zip(element.plus, element.minus, strict=True):
            yield f"*hwsim: output {self._at(plus, minus)}"


def disguised(circuit: Circuit, g: dict[str, np.ndarray], x: np.ndarray, seed: int, *options: str) -> str:
    """Write a circuit with a sample (I,) at its inputs, and lines of options."""
    return Disguise(circuit, g, x, seed).text(*options)

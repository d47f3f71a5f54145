"""Plan: how a circuit becomes a deck with EXTERNAL sources, and the values of these for a batch of samples."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from circuits.arrays import Divisible, Trainable
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.controlled import CurrentControlledCurrentSources, CurrentControlledVoltageSources
from circuits.elements import InputCurrents, InputSources
from circuits.nodes import Nodes
from hwsim.core.protocol import Equilibrium
from hwsim.ngspice.eliminated_nodes import EliminatedNodes
from hwsim.ngspice.reduced_deck import ReducedDeck
from hwsim.typing import Conductances, Floats
from netlists.write.cards import source_card
from netlists.write.ideal_diodes import sharpened, sharpened_chip
from netlists.write.names import free_stem
from netlists.write.options import Tolerances, options
from netlists.write.sections import EXTERNAL, NudgeNodes, Words
from netlists.write.writer import Body

_A_LINE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What a worker must know of a deck.

    Parameters
    ----------
    counter
        The voltage source over which to sweep.
    sources
        The EXTERNAL sources in the order of their values; last come beta and the outputs' currents.
    nodes
        Whose voltages are asked for.
    plus, minus
        Places of the outputs' nodes in `nodes`; behind the last for ground.
    gain
        What the outputs' currents are to be multiplied by, shape (K,); the full deck's nudges do that themselves.
    node_factors, source_factors
        By what the deck multiplies the voltages of `nodes`, and the values of all sources but those of the nudges.
    groups
        The source that counts samples, if each is to begin as the deck defines, which may choose among several stable states.

    """

    counter: str
    sources: tuple[str, ...]
    nodes: tuple[str, ...]
    plus: NDArray[np.intp]
    minus: NDArray[np.intp]
    gain: NDArray[np.float64]
    node_factors: NDArray[np.float64] | float = 1.0
    source_factors: NDArray[np.float64] | float = 1.0
    groups: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A circuit on a chip, as ngspice is given it.

    Parameters
    ----------
    circuit, chip
        With sharp diodes in the place of ideal ones.
    eliminated
        The nodes that need not be asked for.
    asked
        The nodes that are: the free ones and those of the outputs.
    folded
        Crossbars between ideal sources and columns, of which ngspice sees one resistor and one current source a column.
    driven
        By the name of an array of sources of the data, the places of those that ngspice sees.
    layout
        For the workers.
    reduced
        The deck without its conductances; none when every part is to stand in it.
    noisy
        The nodes with a source of noise.

    """

    circuit: Circuit
    chip: Chip
    eliminated: EliminatedNodes
    asked: Nodes
    folded: tuple[Trainable, ...]
    driven: dict[str, NDArray[np.intp]]
    layout: Layout
    reduced: ReducedDeck | None
    noisy: Nodes

    @classmethod
    def of(cls, circuit: Circuit, chip: Chip, *, full: bool, noise: bool = False) -> Self:
        """Look at the structure of a circuit; `full` folds nothing, and `noise` puts sources of noise to all nodes that may move."""
        sharp, on_chip = sharpened(circuit), sharpened_chip(chip)
        sensing = CurrentControlledCurrentSources, CurrentControlledVoltageSources  # they may sense any source
        full = full or bool(sharp.of(*sensing, InputCurrents))
        nodes = EliminatedNodes.of(sharp, on_chip)
        folded = () if full else tuple(w for w in sharp.trainable if isinstance(w, Divisible) and nodes.fixed[w.rows].all())
        needed = _needed(sharp, folded)
        driven = {e.name: np.arange(len(e)) if full else np.flatnonzero(needed[e.driven]) for e in sharp.inputs}
        outputs, gain = sharp.outputs, on_chip(sharp.outputs.name, "gain")
        asked = np.union1d(nodes.free, np.concatenate([outputs.plus, outputs.minus[outputs.minus > 0]]))
        plus, minus = np.searchsorted(asked, outputs.plus), np.searchsorted(asked, outputs.minus)
        plus, minus = np.where(outputs.plus == 0, len(asked), plus), np.where(outputs.minus == 0, len(asked), minus)
        reduced = None if full else ReducedDeck.of(sharp, on_chip, nodes, folded, driven, asked)
        names = sharp.node_names if reduced is None else reduced.names
        factors = np.ones(sharp.size + 1) if reduced is None else reduced.scales.factors
        nudge, noisy = NudgeNodes.of(sharp), np.flatnonzero(~nodes.fixed) if noise else np.zeros(0, dtype=np.intp)
        at = [e.driven[driven[e.name]] for e in sharp.inputs]
        layout = Layout(
            counter=f"V_{free_stem(sharp, 'point')}_count",
            sources=(
                *(source_card(sharp, name, k) for name, places in driven.items() for k in places.tolist()),
                *(f"I_{w.name}_{k}" for w in folded for k in range(len(w.columns))),
                *(f"I_{free_stem(sharp, 'noise')}_{k}" for k in noisy),
                f"V_{nudge.beta}",
                *(f"{'V' if full else 'I'}_{node}" for node in nudge.currents),
            ),
            nodes=tuple(names[k] for k in asked),
            plus=plus,
            minus=minus,
            gain=np.ones(len(outputs)) if full else gain * np.maximum(factors[outputs.plus], factors[outputs.minus]),
            node_factors=factors[asked],
            source_factors=factors[np.concatenate([*at, *(w.columns for w in folded), noisy])],
        )
        return cls(
            circuit=sharp,
            chip=on_chip,
            eliminated=nodes,
            asked=asked,
            folded=folded,
            driven=driven,
            layout=layout,
            reduced=reduced,
            noisy=noisy,
        )

    def deck(self, g: Conductances, tolerances: Tolerances) -> str:
        """Write the deck that libngspice loads."""
        counter = self.layout.counter.removeprefix("V_")
        names = [f"v({name})" for name in dict.fromkeys(self.layout.nodes)]
        lines = [
            f"* {self.circuit.name}, for libngspice: hwsim gives its EXTERNAL sources their values; the ngspice program does not know them",
            *(self._body(g, tolerances) if self.reduced is None else [*options(tolerances, self.chip.temperature), *self.reduced.cards(g)]),
            *self._noise(),
            "*",
            "* The counter of the points of a sweep, and what is reported of each",
            f"V_{counter} {counter} 0 0",
            f"R_{counter} {counter} 0 1",
            *(f".save {' '.join(names[k : k + _A_LINE])}" for k in range(0, len(names), _A_LINE)),
            ".end",
        ]
        return "\n".join(lines) + "\n"

    def _noise(self) -> Iterator[str]:
        """Write the sources of noise."""
        if len(self.noisy):
            stem, names = free_stem(self.circuit, "noise"), self.circuit.node_names if self.reduced is None else self.reduced.names
            yield from ("*", f"* Noise: I_{stem}_k pushes into node number k")
            yield from (f"I_{stem}_{k} 0 {names[k]} {EXTERNAL}" for k in self.noisy.tolist())

    def _body(self, g: Conductances, tolerances: Tolerances) -> list[str]:
        """Write every part as decks for people have it."""
        outputs = range(len(self.circuit.outputs))
        words = Words(
            inputs={e.name: [EXTERNAL] * len(e) for e in self.circuit.inputs},
            beta=EXTERNAL,
            targets=["0" for _ in outputs],
            currents=[EXTERNAL for _ in outputs],
        )
        return Body.of(self.circuit, self.chip, g, words, tolerances).lines()

    def altered(self, g: Conductances) -> dict[str, float]:  # noqa: ARG002 - as UserPlan's
        """Return the resistances that are set once the deck is loaded: none, it holds them."""
        return {}

    def values(self, g: Conductances, x: Floats) -> Floats:
        """Return the values of the sources, all but those of the nudges, shape (B, sources) [V or A], from features (B, I)."""
        parts = []
        for element in self.circuit.inputs:
            places = self.driven[element.name]
            scale, offset = (self.chip(element.name, what)[places] for what in ("scale", "offset"))
            parts.append(x[:, element.feature[places]] * scale + offset)
        if self.folded:
            v = self.eliminated.voltages(self.circuit, self.chip, x, np.zeros((len(x), len(self.eliminated.free))))
            parts += [w.forward(np.asarray(g[w.name], dtype=np.float64), v[:, w.rows]) for w in self.folded]
        return np.concatenate(parts, axis=1)

    def values_at(self, g: Conductances, free: Equilibrium) -> Floats:
        """Return the values of the sources where equilibria are free ones, as `values` does."""
        seen = [e.plus[places] for e in self.circuit.of(InputSources) if len(places := self.driven[e.name])]
        parts = [np.asarray(free.at(self.circuit, nodes), float) for nodes in seen]
        parts += [w.forward(np.asarray(g[w.name], float), np.asarray(free.at(self.circuit, w.rows), float)) for w in self.folded]
        return np.concatenate(parts, axis=1)

    def voltages(self, x: Floats, answer: Floats) -> dict[str, Floats]:
        """Return all voltages by node group, each (B, n) [V], from features (B, I) and what ngspice reported, (B, nodes) [V]."""
        free = answer[:, np.searchsorted(self.asked, self.eliminated.free)]
        v = self.eliminated.voltages(self.circuit, self.chip, x, free)
        return {group.name: v[:, group.start : group.start + len(group)] for group in self.circuit.groups}


def _needed(circuit: Circuit, folded: tuple[Trainable, ...]) -> NDArray[np.bool_]:
    """Return at which nodes something stands besides sources of inputs and folded arrays."""
    needed = np.zeros(circuit.size + 1, dtype=bool)
    gone = {array.name for array in folded}
    for element in circuit.elements:
        if not isinstance(element, InputSources) and element.name not in gone:
            for terminal in element.terminals:
                needed[getattr(element, terminal)] = True
    return needed

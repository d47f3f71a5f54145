"""UserPlan: a user's own deck as ngspice is given it, with EXTERNAL sources at its inputs and outputs and nothing else changed."""

import re
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.elements import InputSources
from circuits.nodes import Nodes
from circuits.rows import fixed_nodes
from hwsim.core.protocol import Equilibrium
from hwsim.ngspice.inner_nodes import InnerNodes
from hwsim.ngspice.plan import Layout
from hwsim.typing import Conductances, Floats
from netlists.foreign.expansion import STEADY, first_word
from netlists.foreign.simulated import Added, check_chip, directions, user_text, with_sources
from netlists.text.numbers import plain
from netlists.write.options import Tolerances
from netlists.write.sections import EXTERNAL

_AC = re.compile(r"[vi]\S*\s.*\bac\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class UserPlan:
    """A circuit whose text ngspice simulates.

    Parameters
    ----------
    circuit, chip
        What it is; only inputs, outputs and trainable elements may differ from the deck's values.
    added
        Names of what is added to the deck.
    layout
        For the workers.
    noisy
        The nodes with a source of noise.
    asked, inner
        The nodes that ngspice reports, and those that it does not.

    """

    circuit: Circuit
    chip: Chip
    added: Added
    layout: Layout
    noisy: Nodes
    asked: Nodes
    inner: InnerNodes

    @classmethod
    def of(cls, circuit: Circuit, chip: Chip, *, noise: bool = False) -> Self:
        """Plan the simulation of a circuit's text; `noise` puts sources of noise to all nodes that may move."""
        check_chip(circuit, chip)
        added, names, outputs, inner = Added.of(circuit), circuit.node_names, circuit.outputs, InnerNodes.of(circuit, chip)
        asked = np.setdiff1d(np.arange(1, circuit.size + 1), inner.inner)
        noisy = np.setdiff1d(np.flatnonzero(~fixed_nodes(circuit)), inner.inner) if noise else np.zeros(0, dtype=np.intp)
        cards = user_text(circuit).cards
        layout = Layout(
            counter=f"V_{added.stem}_point",
            groups=f"V_{added.stem}_group",
            sources=(
                *(first_word(cards[place]) for e in circuit.inputs for place in user_text(circuit).inputs[e.name]),
                *(f"I_{added.stem}_noise_{k}" for k in noisy),
                added.beta,
                *added.currents,
            ),
            nodes=tuple(names[k] for k in asked),
            plus=_places(outputs.plus, asked),
            minus=_places(outputs.minus, asked),
            gain=chip(outputs.name, "gain"),
        )
        return cls(circuit=circuit, chip=chip, added=added, layout=layout, noisy=noisy, asked=asked, inner=inner)

    def deck(self, g: Conductances, tolerances: Tolerances) -> str:  # noqa: ARG002 - conductances are altered once the deck is loaded
        """Return the deck that libngspice loads."""
        stem, names = self.added.stem, self.circuit.node_names
        external = {name: [EXTERNAL] * len(places) for name, places in user_text(self.circuit).inputs.items()}
        values = plain([tolerances.relative, tolerances.voltage, tolerances.current], "tolerances")
        lines = [
            "* a user's deck, for libngspice",
            STEADY,
            *with_sources(self.circuit, self.chip, external),
            *self.added.nudges(self.circuit, self.chip, EXTERNAL, [EXTERNAL] * self.added.outputs),
            *(f"I_{stem}_noise_{k} 0 {names[k]} {EXTERNAL}" for k in self.noisy.tolist()),
            *(f"{counter} {counter[2:]} 0 0\nR_{counter[2:]} {counter[2:]} 0 1" for counter in (self.layout.counter, self.layout.groups)),
            ".options " + " ".join(f"{name}={value}" for name, value in zip(("reltol", "vntol", "abstol"), values, strict=True)),
            ".end",
        ]
        return "\n".join(lines) + "\n"

    def altered(self, g: Conductances) -> dict[str, float]:
        """Return the values of the trainable cards for conductances [S]: resistances [ohm] by ngspice's names."""
        text = user_text(self.circuit)
        return {name: ohm for element in text.resistors for name, ohm in text.resistances(element, np.asarray(g[element])).items()}

    def values(self, g: Conductances, x: Floats) -> Floats:  # noqa: ARG002 - as Plan's
        """Return the values of the input sources, shape (B, sources) [V or A], from features (B, I)."""
        ways = directions(self.circuit)
        parts = [(x[:, e.feature] * self.chip(e.name, "scale") + self.chip(e.name, "offset")) * ways[e.name] for e in self.circuit.inputs]
        return np.concatenate(parts, axis=1)

    def values_at(self, g: Conductances, free: Equilibrium) -> Floats:  # noqa: ARG002 - as Plan's
        """Return the values of the input sources where equilibria are free ones, as `values` does."""
        ways = directions(self.circuit)
        return np.concatenate(
            [np.asarray(free.at(self.circuit, e.plus), float) * ways[e.name] for e in self.circuit.of(InputSources)], axis=1
        )

    @property
    def linearisable(self) -> bool:
        """Whether an analysis at a frequency shows how all nodes answer: no source of the user's acts then, and no node is hidden."""
        return not len(self.inner.inner) and not any(_AC.search(card) for card in user_text(self.circuit).cards)

    def voltages(self, x: Floats, answer: Floats) -> dict[str, Floats]:  # noqa: ARG002 - as Plan's
        """Return all voltages by node group, each (B, n) [V], from what ngspice reported, (B, nodes) [V]."""
        v = np.zeros((len(answer), self.circuit.size + 1))
        v[:, self.asked] = answer
        self.inner.fill(v)
        return {group.name: v[:, group.start : group.start + len(group)] for group in self.circuit.groups}


def _places(nodes: Nodes, asked: Nodes) -> NDArray[np.intp]:
    """Return the places of nodes among those that are asked for; behind the last for ground."""
    return np.where(nodes == 0, len(asked), np.searchsorted(asked, nodes))

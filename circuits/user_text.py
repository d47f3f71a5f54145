"""UserText: the deck that a circuit was read from, as ngspice simulates it, and where in it inputs and learned values stand."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits.errors import CircuitError

_WAVE = r"(?i)[vi]\S*\s+\S+\s+\S+.*?\b(?:sin|pulse|pwl|exp|sffm|am|trnoise|trrandom)\b"
"""A source whose voltage or current is a function of time."""

_BEGINNING = r"(?i)\s+ic\s*=\s*\S+"
"""Where a capacitor or an inductor begins."""

_SAME = 1e-9
"""Share by which resistances may differ that are written as one value: rounding."""


Place = tuple[int, int, int]
"""Where a value stands: the place of its card, the first character and the one behind the last."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UserText:
    """Cards that only a circuit simulator can read; a circuit of the same elements names its parts.

    Parameters
    ----------
    cards
        The deck's, without title, end, commands and comments.
    inputs, voltages
        By the name of an array of input sources, or of fixed voltages that all have cards, the place of each source's card.
    resistors
        By the name of an array that learns, what the simulator calls each of its resistors.
    factors
        By the same name, the resistance [ohm] of each over that on its card: what multipliers and temperature make of it.
    spots
        By the same name, where each value stands.
    untrained
        Of resistors that do not learn: where the value stands, the name, and the value on the card [ohm].
    roles
        The structured comments that name inputs, outputs and trainable elements.
    flat
        The cards without subcircuits and parameters.

    """

    cards: tuple[str, ...]
    inputs: Mapping[str, tuple[int, ...]]
    resistors: Mapping[str, tuple[str, ...]]
    factors: Mapping[str, NDArray[np.float64]]
    spots: Mapping[str, tuple[Place, ...]]
    untrained: tuple[tuple[Place, str, float], ...] = ()
    voltages: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    roles: tuple[str, ...] = ()
    flat: tuple[str, ...] = ()

    @property
    def changing(self) -> list[str]:
        """The names of sources that change in time by themselves; inputs do not count, as hwsim writes theirs."""
        written = {self.cards[place].split()[0].lower() for places in self.inputs.values() for place in places}
        return [card.split()[0] for card in self.flat if re.match(_WAVE, card) and card.split()[0].lower() not in written]

    def learned(self, g: Mapping[str, NDArray[np.float64]]) -> tuple[str, ...]:
        """Return the cards with the values of conductances [S] in the place of their own.

        Raises
        ------
        CircuitError
            When elements that share a value have different ones.

        """
        wrong = self.contradiction(g)
        if wrong is not None:
            raise CircuitError(wrong[1])
        cards = list(self.cards)
        for (place, start, end), ohm in sorted({spot: ohm for spot, _, ohm in self._values(g)}.items(), reverse=True):
            cards[place] = cards[place][:start] + repr(ohm) + cards[place][end:]
        return tuple(cards)

    def contradiction(self, g: Mapping[str, Any]) -> tuple[int, str] | None:
        """Return a card that would need two values at one place, for conductances [S], and what to do; None where there is none."""
        learned = self._values(g)
        places = {place for place, _, _ in learned}
        first: dict[Place, tuple[str, float]] = {}
        for place, name, ohm in (*(fixed for fixed in self.untrained if fixed[0] in places), *learned):
            other, as_ohm = first.setdefault(place, (name, ohm))
            if abs(as_ohm - ohm) > _SAME * ohm:
                why = f"{name} shares its value with {other}, and they have {ohm:.6g} and {as_ohm:.6g} ohm"
                return place[0], f"{why}; give each instance its own, as a parameter, or write the expanded deck (--flat)"
        return None

    def _values(self, g: Mapping[str, Any]) -> list[tuple[Place, str, float]]:
        """List where the value of each element that learns stands, its name and its value on the card [ohm]."""
        of_arrays = ((spots, self.resistances(name, g[name])) for name, spots in self.spots.items())
        return [(spot, called, ohm) for spots, values in of_arrays for spot, (called, ohm) in zip(spots, values.items(), strict=True)]

    def resistances(self, name: str, g: NDArray[np.float64]) -> dict[str, float]:
        """Return the values on the cards of an array for conductances [S]: resistances [ohm] by the simulator's names."""
        ohm = 1.0 / np.asarray(g, dtype=np.float64).ravel() / self.factors[name]
        return dict(zip(self.resistors[name], ohm.tolist(), strict=True))


def from_elsewhere(cards: Sequence[str]) -> list[str]:
    """Return cards without what they begin with, `.ic` and `ic=`: the caller states where all nodes begin."""
    kept = (card for card in cards if not card.lower().startswith(".ic"))
    return [re.sub(_BEGINNING, "", card) if card[:1].lower() in "cl" else card for card in kept]

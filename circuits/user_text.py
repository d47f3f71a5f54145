"""UserText: the deck that a circuit was read from, as ngspice simulates it, and where in it inputs and learned values stand."""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from circuits.errors import CircuitError

_SAME = 1e-9
"""Share by which resistances may differ that are written as one value: rounding."""


def contradiction(values: Iterable[tuple[Hashable, str, float]]) -> tuple[str, str] | None:
    """Return an element whose value differs from that of another one at the same spot of a text, and what to do; None without any.

    Parameters
    ----------
    values
        Of each element: the spot where its value stands, its name, and the value [ohm].

    """
    first: dict[Hashable, tuple[str, float]] = {}
    for spot, name, ohm in values:
        other, as_ohm = first.setdefault(spot, (name, ohm))
        if abs(as_ohm - ohm) > _SAME * ohm:
            why = f"{name} shares its value with {other}, and they have {ohm:.6g} and {as_ohm:.6g} ohm"
            return name, f"{why}; give each instance its own, as a parameter, or write the expanded deck (--flat)"
    return None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UserText:
    """Cards that only a circuit simulator can read; a circuit of the same elements names its parts.

    Parameters
    ----------
    cards
        The deck's, without title, end, commands and comments.
    inputs
        By the name of an array of input sources, the place of each source's card among the cards.
    resistors
        By the name of an array that learns, what the simulator calls each of its resistors.
    factors
        By the same name, the resistance [ohm] of each over that on its card: what multipliers and temperature make of it.
    spots
        By the same name, where each value stands: the place of the card, the first character and the one behind the last.
    untrained
        By the same kind of spot, the name and the value on the card [ohm] of a resistor there that does not learn.
    roles
        The structured comments that name inputs, outputs and trainable elements.
    flat
        The cards without subcircuits and parameters.

    """

    cards: tuple[str, ...]
    inputs: Mapping[str, tuple[int, ...]]
    resistors: Mapping[str, tuple[str, ...]]
    factors: Mapping[str, NDArray[np.float64]]
    spots: Mapping[str, tuple[tuple[int, int, int], ...]]
    untrained: Mapping[tuple[int, int, int], tuple[str, float]] = field(default_factory=dict)
    roles: tuple[str, ...] = ()
    flat: tuple[str, ...] = ()

    def learned(self, g: Mapping[str, NDArray[np.float64]]) -> tuple[str, ...]:
        """Return the cards with the values of conductances [S] in the place of their own.

        Raises
        ------
        CircuitError
            When elements that share a value have different ones.

        """
        learned = [
            (spot, called, ohm)
            for name, spots in self.spots.items()
            for spot, (called, ohm) in zip(spots, self.resistances(name, g[name]).items(), strict=True)
        ]
        wrong = contradiction([*((spot, *fixed) for spot, fixed in self.untrained.items()), *learned])
        if wrong is not None:
            raise CircuitError(wrong[1])
        cards = list(self.cards)
        for (place, start, end), ohm in sorted({spot: ohm for spot, _, ohm in learned}.items(), reverse=True):
            cards[place] = cards[place][:start] + repr(ohm) + cards[place][end:]
        return tuple(cards)

    def resistances(self, name: str, g: NDArray[np.float64]) -> dict[str, float]:
        """Return the values on the cards of an array for conductances [S]: resistances [ohm] by the simulator's names."""
        ohm = 1.0 / np.asarray(g, dtype=np.float64).ravel() / self.factors[name]
        return dict(zip(self.resistors[name], ohm.tolist(), strict=True))

"""Passed: what only a circuit simulator of transistors solves, kept as the text of its cards."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from circuits.elements import Elements
from circuits.errors import CircuitError
from circuits.nodes import Nodes

PLAIN = r"[A-Za-z0-9_.+\-*/^%(),:<>=!&|?~{} \t]"
"""A character that means nothing but itself and arithmetic to ngspice: no quote, backtick or `$`, no comment, no end of a line."""

_CARD = re.compile(rf"{PLAIN}*")

HOLE = re.compile(r"\{([a-z0-9_]+)(?::(\d+))?\}")
"""What a card leaves open: `{3}`, the fourth of the touched nodes, or `{v_dd:0}`, the first source of the element array v_dd."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Passed(Elements):
    """Transistors (M, Q, J), behavioural sources (B) and diodes beyond the junction's law, which ngspice alone solves.

    Parameters
    ----------
    nodes
        All nodes that the cards join or read, each once.
    letter
        What the names of the cards begin with.
    cards
        What stands behind the names, with a HOLE for each node and each source that is read.
    models
        The `.model` cards that the cards name.
    joined
        Places in `nodes` between which the cards conduct, two by two.

    """

    terminals: ClassVar[tuple[str, ...]] = ("nodes",)

    nodes: Nodes
    letter: str
    cards: Sequence[str]
    models: Sequence[str] = ()
    joined: Sequence[tuple[int, int]] = ()

    def __post_init__(self) -> None:
        """Check that no hole names a node that is not there."""
        Elements.__post_init__(self)
        for name in ("cards", "models"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
            for text in getattr(self, name):
                if not _CARD.fullmatch(text):
                    msg = f"{self.name}: {text!a} holds more than letters, digits and the signs of expressions; only these are passed on"
                    raise CircuitError(msg)
        object.__setattr__(self, "joined", tuple((int(a), int(b)) for a, b in self.joined))
        places = [int(name) for card in self.cards for name, place in HOLE.findall(card) if not place]
        if max((*places, *(k for pair in self.joined for k in pair)), default=0) >= len(self.nodes):
            msg = f"{self.name}: its cards name more nodes than the {len(self.nodes)} that it touches"
            raise CircuitError(msg)

    def __len__(self) -> int:
        return len(self.cards)

    @property
    def sources(self) -> tuple[tuple[str, int], ...]:
        """Element array and place of each source whose current the cards read."""
        return tuple((name, int(place)) for card in self.cards for name, place in HOLE.findall(card) if place)

    @property
    def ends(self) -> tuple[Nodes, Nodes]:
        """The pairs of nodes that the cards join."""
        pairs = np.array(self.joined, dtype=np.intp).reshape(-1, 2)
        return self.nodes[pairs[:, 0]], self.nodes[pairs[:, 1]]

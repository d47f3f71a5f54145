"""Passed: parts of a user's deck whose laws only a circuit simulator knows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from circuits.elements import Elements
from circuits.errors import CircuitError
from circuits.nodes import Nodes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Passed(Elements):
    """Transistors, behavioural sources, switches and all else that ngspice alone solves; it stands in the circuit's text.

    Parameters
    ----------
    nodes
        All nodes that the cards join or read, each once.
    letter
        What the names of the cards begin with.
    cards
        Their names in the user's deck.
    joined
        Places in `nodes` between which the cards conduct, two by two.
    beyond
        Parameters of theirs whose effect only ngspice knows, where these alone keep others from solving them.

    """

    terminals: ClassVar[tuple[str, ...]] = ("nodes",)

    nodes: Nodes
    letter: str
    cards: Sequence[str]
    joined: Sequence[tuple[int, int]] = ()
    beyond: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Check that the pairs are places of nodes."""
        Elements.__post_init__(self)
        object.__setattr__(self, "cards", tuple(self.cards))
        object.__setattr__(self, "beyond", tuple(self.beyond))
        object.__setattr__(self, "joined", tuple((int(a), int(b)) for a, b in self.joined))
        if max((k for pair in self.joined for k in pair), default=0) >= len(self.nodes):
            msg = f"{self.name}: its cards join more nodes than the {len(self.nodes)} that it touches"
            raise CircuitError(msg)

    def __len__(self) -> int:
        return len(self.cards)

    @property
    def ends(self) -> tuple[Nodes, Nodes]:
        """The pairs of nodes that the cards join."""
        pairs = np.array(self.joined, dtype=np.intp).reshape(-1, 2)
        return self.nodes[pairs[:, 0]], self.nodes[pairs[:, 1]]

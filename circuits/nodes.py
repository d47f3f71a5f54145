"""Node groups: named rows of nodes. Node number 0 is ground; a group owns a run of numbers from 1 up."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Nodes = NDArray[np.intp]
"""Node numbers; 0 is ground."""

GROUND = np.zeros(1, dtype=np.intp)


@dataclass(frozen=True, slots=True)
class NodeGroup:
    """A named row of nodes: `NodeGroup("h1", 100, 1)` holds h1_0 … h1_99, numbered from 1.

    A lone node (`size` None) bears the name of its group: `NodeGroup("bias", None, 101)` is the node `bias`.
    """

    name: str
    size: int | None
    start: int

    def __len__(self) -> int:
        return 1 if self.size is None else self.size

    @property
    def nodes(self) -> Nodes:
        """The numbers of the nodes, in order; shape (size,)."""
        return np.arange(self.start, self.start + len(self), dtype=np.intp)

    @property
    def names(self) -> list[str]:
        """The names of the nodes, in order."""
        return [self.name] if self.size is None else [f"{self.name}_{k}" for k in range(self.size)]


def node_names(groups: Sequence[NodeGroup]) -> list[str]:
    """List the name of every node by its number, ground ("0") first."""
    return ["0", *(name for group in groups for name in group.names)]

"""Rows: the devices of a circuit one after the other, with what they are sent by; joined from blocks, and cut into blocks again.

What pulses do is compiled for every row, and each row takes time by itself, however short it is; but to join long blocks takes longer. So
a long block is a row of its own, and all short ones make one.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from hwsim.devices.arrays.models import Devices
from hwsim.devices.arrays.pairs import Pairs
from hwsim.devices.kinds.steps import Table
from hwsim.devices.programming.rounding import Sizes
from hwsim.typing import Array

_LONG = 16_384
"""Devices of a block that is a row of its own."""


class Parts(NamedTuple):
    """The devices of a circuit in a row, with Tiki-Taka also the fast ones; the size of a pulse; after a reset, the way up.

    `pairs` names the pairs, where pairs are asked for. `curve` holds the conductance [S] of a nominal device after 0, 1, 2 … pulses
    from its lower bound. `copies` counts the devices that each stands for, because they share its conductance: all get its pulses.
    """

    devices: Devices
    sizes: Sizes
    fast: Devices | None = None
    curve: Array | None = None
    pairs: Pairs | None = None
    copies: Array | float = 1.0

    def of(self, spans: Sequence[slice]) -> "Parts":
        """Return those of some spans only."""
        devices, sizes, fast, copies = (_cut(rows, spans) for rows in (self.devices, self.sizes, self.fast, self.copies))
        return Parts(devices, sizes, fast, self.curve, copies=copies)


class Row(NamedTuple):
    """Some blocks that stand in a row.

    Parameters
    ----------
    shapes
        Theirs, by name.
    spans
        Where each is among all devices of the circuit.
    first
        How many devices the rows before have.

    """

    shapes: dict[str, tuple[int, ...]]
    spans: tuple[slice, ...]
    first: int

    @property
    def size(self) -> int:
        """Return the number of devices."""
        return sum(span.stop - span.start for span in self.spans)

    def join(self, blocks: Mapping[str, Array]) -> Array:
        """Lay the values of the blocks in a row; those of a single one keep their shape."""
        if len(self.shapes) == 1:
            return blocks[next(iter(self.shapes))]
        parts = [blocks[name].reshape(-1) for name in self.shapes]
        return parts[0].__array_namespace__().concatenate(parts)

    def cut(self, row: Array) -> dict[str, Array]:
        """Cut a row into the blocks."""
        ends = np.cumsum([0, *(span.stop - span.start for span in self.spans)]).tolist()
        return {name: row[ends[k] : ends[k + 1]].reshape(shape) for k, (name, shape) in enumerate(self.shapes.items())}


def rows(like: Mapping[str, Array], names: Sequence[str], *, one: bool) -> list[Row]:
    """Choose the rows of blocks of these names, in the order of all devices: one row of all, or one for each long block."""
    ends = np.cumsum([0, *(like[name].size for name in names)]).tolist()
    spans = {name: slice(*ends[k : k + 2]) for k, name in enumerate(names)}
    long = [] if one else [name for name in names if like[name].size >= _LONG]
    groups = [[name] for name in long] + [[name for name in names if name not in long]]
    segments: list[Row] = []
    for group in filter(None, groups):
        first = segments[-1].first + segments[-1].size if segments else 0
        segments.append(Row({name: like[name].shape for name in group}, tuple(spans[name] for name in group), first))
    return segments


def _cut(row: Any, spans: Sequence[slice]) -> Any:
    """Cut some spans out of a row, or out of all rows of a tuple; a number that all devices share is theirs too."""
    if isinstance(row, Table):
        return row._replace(rate_up=_cut(row.rate_up, spans), rate_down=_cut(row.rate_down, spans))
    if isinstance(row, tuple):
        return type(row)(*(_cut(inner, spans) for inner in row))
    if np.ndim(row) == 0:
        return row
    return row[spans[0]] if len(spans) == 1 else row.__array_namespace__().concatenate([row[span] for span in spans])


def in_a_row(values: Sequence[Any], shapes: Sequence[tuple[int, ...]]) -> Any:
    """Join what several element arrays have: a number that all share stays one, others become one value a device."""
    first = values[0]
    if isinstance(first, Table):
        rates = [in_a_row([getattr(value, key) for value in values], shapes) for key in ("rate_up", "rate_down")]
        return Table(first.up, first.down, *rates)
    if isinstance(first, Parts):
        keys = ("devices", "sizes", "fast", "copies")
        devices, sizes, fast, copies = (in_a_row([getattr(value, key) for value in values], shapes) for key in keys)
        return Parts(devices, sizes, fast, first.curve, copies=copies)
    if isinstance(first, tuple):
        return type(first)(*(in_a_row(list(inner), shapes) for inner in zip(*values, strict=True)))
    if first is None or all(np.ndim(value) == 0 and value == first for value in values):
        return first
    return np.concatenate([np.broadcast_to(value, shape).reshape(-1) for value, shape in zip(values, shapes, strict=True)])

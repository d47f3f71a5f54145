"""Voltages of nodes, gathered out of those by node group."""

from collections.abc import Iterator, Mapping
from functools import lru_cache

import numpy as np

from circuits.circuit import Circuit
from circuits.nodes import Nodes
from hwsim.typing import Array


def gather(circuit: Circuit, v: Mapping[str, Array], nodes: Array) -> Array:
    """Return the voltages of node numbers out of voltages by group, shape (B, len(nodes)) [V]; ground is 0 V.

    A run of nodes within one group is a slice: no copy, and cheap under JAX.
    """
    first = next(iter(v.values()))
    xp = first.__array_namespace__()
    numbers = np.asarray(nodes)
    if not len(numbers):
        return xp.zeros((first.shape[0], 0), dtype=first.dtype)
    parts = [
        xp.zeros((first.shape[0], run.stop), dtype=first.dtype) if group is None else v[group][:, run]
        for group, run in _pieces(circuit, np.ascontiguousarray(numbers, dtype=np.int64).tobytes())
    ]
    return parts[0] if len(parts) == 1 else xp.concatenate(parts, axis=1)


@lru_cache(maxsize=256)  # every equilibrium's residual asks for the same
def _pieces(circuit: Circuit, nodes: bytes) -> tuple[tuple[str | None, slice], ...]:
    """Cut node numbers, as bytes of 64-bit ones, into runs of one group and one stride; ground is no group's, so many times."""
    numbers = np.frombuffer(nodes, dtype=np.int64)
    owners = np.searchsorted([group.start for group in circuit.groups], numbers, side="right") - 1
    pieces: list[tuple[str | None, slice]] = []
    for begin, end in _runs(owners, numbers):
        if owners[begin] < 0:
            pieces.append((None, slice(0, end - begin)))
            continue
        group, stride = circuit.groups[owners[begin]], int(numbers[begin + 1] - numbers[begin]) if end > begin + 1 else 1
        pieces.append((group.name, slice(int(numbers[begin]) - group.start, int(numbers[end - 1]) - group.start + 1, stride)))
    return tuple(pieces)


def _runs(owners: Nodes, nodes: Nodes) -> Iterator[tuple[int, int]]:
    """Cut node numbers into runs of one owner and one stride; gives where each begins and ends."""
    strides = np.diff(nodes)
    within = (np.diff(owners) == 0) & (strides >= 1)
    begin = 0
    for k in np.flatnonzero(~within | (np.diff(strides, prepend=strides[:1]) != 0)).tolist():
        if k > begin or not within[k]:  # the first two nodes of a run set its stride
            yield begin, k + 1
            begin = k + 1
    yield begin, len(nodes)

"""A grid's nodes, eliminated line by line.

    inner nodes p:  D_k·p_k − g_k·q_k = what the line's end pushes in                 D_k tridiagonal
    outer nodes q:  M_k·q_k + (q_k − q_(k−1))/R_(k−1) + (q_k − q_(k+1))/R_k = …       M_k = diag(g_k) − g_k·D_k⁻¹·g_k

so that q is found by elimination from line to line with matrices of m×m. That is done once for a volt at each end whose voltage is
unknown, and once for each sample's voltages at the ends that sources fix; all phases of a sample share these.

No conductance of a wire is ever added to one of a memristor, so that wires of any small resistance lead to voltages that are equally
right. Where a wire has more resistance than memristors by many powers of ten, these cancel: at 1e12 ohm 7e-10 V are lost.
"""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from circuits.chip import AnyChip
from circuits.nodes import Nodes
from hwsim.numeric.general.inverses import Passes, inverse_of_lines
from hwsim.numeric.general.wire_grids import Grid, Wire
from hwsim.typing import Floats

_AT_ONCE = 1 << 15
"""Voltages that are computed at a time: they stay in the cache."""


@dataclass(frozen=True, slots=True)
class EliminatedGrid:
    """A grid with numbers, ready to answer what its ends do: those of the L lines, then those of the m outer wires, E in all.

    Parameters
    ----------
    g
        Conductances of the memristors, (L, m) [S].
    along
        D_k⁻¹, (L, m, m) [ohm].
    passes
        What passes over the lines multiply by.
    end
        Conductances of the segments at the inner ends, (L,) [S].
    inner_at
        Next to which node of a line these are.
    free
        Which ends have voltages that no source fixes, (E,).
    response
        How the outer nodes answer a volt at each of these, (L, m, F).

    """

    g: Floats
    along: Floats
    passes: Passes
    end: Floats
    inner_at: int
    free: NDArray[np.bool_]
    response: Floats

    @classmethod
    def of(cls, grid: Grid, g: Any, chip: AnyChip, free: NDArray[np.bool_]) -> Self:
        """Eliminate a grid's nodes.

        Raises
        ------
        LinAlgError
            When a matrix is not positive definite.

        """
        values, wires, across = grid.laid(g), 1.0 / _resistances(grid, grid.inner, chip), _resistances(grid, grid.outer, chip)
        inner_at, between = (-1, wires[:, :-1]) if grid.inner.last else (0, wires[:, 1:])
        aside, end = values.copy(), wires[:, inner_at]
        aside[:, inner_at] += end
        along = inverse_of_lines(aside, between)
        units = np.sqrt(across)
        weighted = values * units
        lines = np.multiply(along, weighted[:, None, :], order="C")
        lines *= -weighted[:, :, None]
        lines.reshape(len(lines), -1)[:, :: lines.shape[1] + 1] += weighted * units  # on their diagonals
        one = cls(values, along, Passes.of(lines, across), end, inner_at, free, np.zeros((0, 0, 0)))
        return replace(one, response=one._outer(np.eye(sum(values.shape))[:, free], None))

    @property
    def coupling(self) -> Floats:
        """The conductances by which all ends see each free end, (E, F) [S]; no end sees itself."""
        p = self._next_to_inner(self.response, np.eye(len(self.free))[:, self.free])
        inner, outer = np.split(self.free, [len(self.g)])
        last = self.response[-1] / self.passes.resistances[-1, :, None]
        last[:, np.count_nonzero(inner) :] = -self.passes.seen[:, outer]
        coupling = np.concatenate([self.end[:, None] * p, last])
        coupling[self.free, np.arange(coupling.shape[1])] = 0.0
        return coupling

    def handed_on(self, into: tuple[Floats, Floats]) -> Floats:
        """Return what the nodes next to the ends, all at 0 V, hand on there, (E, B) [A], of currents into p and q, both (L, m, B)."""
        nothing = np.zeros((len(self.free), into[0].shape[2]))
        q = self._outer(nothing, into)
        p = self._inner(slice(None), q, nothing, into, np.empty_like(q))
        return np.concatenate([self.end[:, None] * p[:, self.inner_at], q[-1] / self.passes.resistances[-1, :, None]])

    def nodes(self, ends: Floats, into: tuple[Floats, Floats] | None, p: Floats, q: Floats) -> None:
        """Write the voltages of all nodes into p and q, both (L, m, B) [V], from those behind the ends, (E, B).

        `into` are currents into p and q from elsewhere, of their shapes [A].
        """
        fixed, free = np.where(self.free[:, None], 0.0, ends), ends[self.free]
        if into is not None:
            np.matmul(self.response, free, out=q)
            q += self._outer(fixed, into)
            self._inner(slice(None), q, ends, into, p)
            return
        first, which = _distinct(fixed)
        answers = self._outer(fixed[:, first], None)
        in_turn = np.array_equal(which, np.tile(np.arange(len(first)), len(which) // max(len(first), 1)))  # phase by phase
        at_once = max(_AT_ONCE // q[0].size, 1)
        for begin in range(0, len(q), at_once):
            some = slice(begin, begin + at_once)
            np.matmul(self.response[some], free, out=q[some])
            if in_turn:
                phases = q[some].reshape(*q[some].shape[:2], -1, len(first))
                phases += answers[some, :, None]
            else:
                q[some] += answers[some].take(which, axis=2)
            self._inner(some, q[some], ends, None, p[some])

    def _outer(self, ends: Floats, into: tuple[Floats, Floats] | None) -> Floats:
        """Return the voltages q, (L, m, B) [V], by a pass over the lines forward and one back."""
        inner, outer = np.split(ends, [len(self.g)])
        if into is None and not inner.any():
            return self.passes.from_ends(outer)
        right = (self.g * self.along[:, :, self.inner_at] * self.end[:, None])[:, :, None] * inner[:, None, :]
        if into is not None:
            right += self.g[:, :, None] * (self.along @ into[0]) + into[1]
        return self.passes.from_all(right, outer)

    def _inner(self, some: slice, q: Floats, ends: Floats, into: tuple[Floats, Floats] | None, p: Floats) -> Floats:
        """Return the voltages of some lines that belong to their q in p, (lines, m, B) [V]."""
        pushed = self.g[some, :, None] * q
        pushed[:, self.inner_at] += self.end[some, None] * ends[: len(self.g)][some]
        if into is not None:
            pushed += into[0]
        return np.matmul(self.along[some], pushed, out=p)

    def _next_to_inner(self, q: Floats, ends: Floats) -> Floats:
        """Return the voltages p next to the inner ends alone, (L, B) [V]."""
        near = self.along[:, self.inner_at]
        p: Floats = ((near * self.g)[:, None, :] @ q)[:, 0]
        return p + near[:, self.inner_at, None] * (self.end[:, None] * ends[: len(p)])


def _distinct(values: Floats) -> tuple[Nodes, Nodes]:
    """Return which columns of values (n, B) differ, by the first of each, and which of these each column is."""
    first: dict[bytes, int] = {}
    like = [first.setdefault(column.tobytes(), k) for k, column in enumerate(np.ascontiguousarray(values.T))]
    places, which = np.unique(like, return_inverse=True)
    return places, which


def _resistances(grid: Grid, wire: Wire, chip: AnyChip) -> Floats:
    """Return those of a wire's segments, (L, m) [ohm]."""
    return grid.laid(np.broadcast_to(np.asarray(chip(wire.name, "r")), (wire.nodes.size,)))

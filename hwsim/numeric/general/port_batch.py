"""A batch of samples on a factorized circuit: from currents into its ports to the voltages of all nodes, and whether these balance."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from circuits.chip import Chip
from circuits.circuit import Circuit
from hwsim.core.kirchhoff import holds_at
from hwsim.core.protocol import Drive, Equilibrium, Push, Result
from hwsim.numeric.general.linear_system import MNASystem
from hwsim.numeric.general.thread_pool import on_all_cores
from hwsim.numeric.general.wired_linear import WiredLinear
from hwsim.typing import Conductances, Floats


class PortBatch(NamedTuple):
    """What all phases of a batch share.

    Parameters
    ----------
    circuit, chip
        What is solved.
    rows
        Unknowns of the linear part.
    g, x
        Conductances [S], and features (B, I).
    linear
        The factorized circuit, None where it is singular.
    noise
        One phase's own: currents into the nodes of groups, each (B, n) [A].

    """

    circuit: Circuit
    chip: Chip
    rows: int
    g: Conductances
    x: Floats
    linear: MNASystem | WiredLinear | None
    noise: Mapping[str, Any] | None = None

    def repeated(self, noise: Sequence[Mapping[str, Any] | None]) -> "PortBatch":
        """Return as many phases of the batch as there are entries of `noise`, one behind the other."""
        together = {name: np.concatenate([each[name] for each in noise if each is not None]) for name in noise[0] or {}}
        return self._replace(x=np.tile(self.x, (len(noise), 1)), noise=together or None)

    def injected(self, some: slice) -> Floats | None:
        """Return the noise of some samples as what stands on the right of the linear part, (rows, B) [A]; None: there is none."""
        if self.noise is None:
            return None
        right = np.zeros((self.rows, len(self.x[some])))
        for name, i in self.noise.items():
            right[self.circuit.nodes(name) - 1] = np.asarray(i, dtype=np.float64)[some].T
        return right

    def open(self) -> Floats:
        """Return the voltages of open ports, (B, P) [V]."""
        assert self.linear is not None  # noqa: S101 - the caller has looked
        if self.noise is None:
            return self.linear.open(self.x)
        return np.concatenate([self.linear.open(self.x[some], self.injected(some)) for some in self.linear.runs(len(self.x))])

    def voltages(self, i: Floats, *, sources: bool = True, adjoint: bool = False) -> Floats:
        """Return the voltages by node number, (B, N + 1), where currents `i` (B, P) flow into the ports; in memory node by node.

        Without the `sources`, and their noise, or with.
        """
        linear = self.linear
        assert linear is not None  # noqa: S101 - the caller has looked
        v = np.empty((self.circuit.size + 1, len(i)))

        def lay_out(some: slice) -> None:
            with np.errstate(all="ignore"):
                driven = (self.x[some], self.injected(some)) if sources else (None, None)
                linear.lay_out(v[:, some], i[some], *driven, adjoint=adjoint)

        on_all_cores(lay_out, linear.runs(len(i)))
        return v.T

    def by_group(self, v: Floats) -> Equilibrium:
        """Return voltages by node number, (B, N + 1), as an equilibrium that nothing has verified."""
        each = {group.name: v[:, group.start : group.start + len(group)] for group in self.circuit.groups}
        return Equilibrium(each, np.zeros(len(v)), np.zeros(len(v), dtype=np.intp), np.full(len(v), int(Result.CONVERGED)))

    def laid_out(self, i: Floats, *, sources: bool = True, adjoint: bool = False) -> Equilibrium:
        """Return the voltages by group where currents `i` (B, P) flow into the ports, as for `voltages`."""
        v = self.voltages(i, sources=sources, adjoint=adjoint)
        return self.by_group(v)._replace(result=np.where(_finite(v), int(Result.CONVERGED), int(Result.NOT_FINITE)))

    def balanced(self, push: Push, equilibrium: Equilibrium, v: Floats) -> Equilibrium:
        """Decide by Kirchhoff's law which samples have settled; `v` are the equilibrium's voltages by node number, (B, N + 1)."""
        assert self.linear is not None  # noqa: S101 - there are voltages
        residual, result = np.zeros(len(equilibrium.result)), equilibrium.result
        one_each = (len(self.x), len(self.circuit.outputs))
        parts = [np.broadcast_to(np.asarray(part, dtype=np.float64), one_each) for part in push]

        def verify(some: slice) -> None:
            with np.errstate(all="ignore"):
                noise = None if self.noise is None else {name: np.asarray(i)[some] for name, i in self.noise.items()}
                drive = Drive(self.x[some], Push(*(part[some] for part in parts)), noise)
                residual[some], holds = holds_at(self.circuit, self.chip, self.g, drive, v[some])
            off = some.start + np.flatnonzero(~holds & (result[some] == Result.CONVERGED))  # what is not finite is off
            result[off] = np.where(_finite(v[off]), int(Result.MAX_STEPS), int(Result.NOT_FINITE))

        on_all_cores(verify, self.linear.runs(len(result)))
        return equilibrium._replace(residual=residual)

    def unsolved(self) -> Equilibrium:
        """Return the error of a circuit whose nodes nothing fixes."""
        count = len(self.x)
        v = {group.name: np.full((count, len(group)), np.nan) for group in self.circuit.groups}
        return Equilibrium(v, np.full(count, np.nan), np.zeros(count, dtype=np.intp), np.full(count, int(Result.NOT_FINITE)))


def _finite(v: Floats) -> NDArray[np.bool_]:
    """Return which samples have finite voltages, (B,)."""
    finite: NDArray[np.bool_] = np.all(np.isfinite(v), axis=1)
    return finite

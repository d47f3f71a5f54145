"""Newton's method on the voltages across all that is not linear, for a batch of samples at once.

    p = p₀ − Q·i(p)

`p₀` are the voltages of the open ports, `Q` how ports answer currents, `i` the laws of what stands between them.
"""

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.constants import V_T
from circuits.diode import diode_current
from circuits.elements import Diodes, IdealDiodes
from circuits.nodes import Nodes
from hwsim.numeric.general.shared_ports import SharedPorts, Tangents
from hwsim.typing import Array, Floats

HARD = 1e14
"""An ideal diode conducts so many times better than what it sees of the circuit."""

_GMIN_STEPS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12, 0.0)
"""S; gmin stepping, for samples that Newton's method alone does not settle: conductances across the diodes, each from the last state."""

_CHUNK = 2**23
"""Numbers of a batch's Newton matrices that are held at once; more samples wait."""

_COMPLEX, _FEW = 1e-15, 60
"""Share of the largest voltage that complex steps end at, and most of them: from the free state, a nudge takes 5."""

_NEAR, _CLOSER = 12, 0.1
"""Most steps by tangents nearby, and by what share of the last step the next one must be smaller."""

_ROUNDING = 1e-9
"""Share of the largest voltage: steps below it that no longer shrink are rounding. Kirchhoff's law, summed up afterwards, decides."""


class Ports(NamedTuple):
    """What is not linear: its nodes, the law's parameters, and which ports are what.

    Parameters
    ----------
    a, b
        Nodes; currents flow from `a` to `b`.
    i_sat, n_v_t
        Of the diodes [A, V]; 1 elsewhere.
    ideal
        Which are ideal diodes.
    outputs
        Where the outputs begin; they are the last.
    shared
        Which of the diodes share a voltage.

    """

    a: Nodes
    b: Nodes
    i_sat: Floats
    n_v_t: Floats
    ideal: NDArray[np.bool_]
    outputs: int
    shared: SharedPorts

    @classmethod
    def of(cls, circuit: Circuit, chip: Chip) -> Self:
        """Collect the diodes, then the outputs."""
        diodes, outputs = circuit.of(Diodes, IdealDiodes), circuit.outputs
        soft = [None if isinstance(e, IdealDiodes) else (chip(e.name, "i_sat"), chip(e.name, "n") * V_T) for e in diodes]
        laws = [(np.ones(len(e)), np.ones(len(e))) if law is None else law for e, law in zip(diodes, soft, strict=True)]
        none, count = np.zeros(0), sum(len(e) for e in diodes)
        a = np.concatenate([*(e.anode for e in diodes), outputs.plus])
        b = np.concatenate([*(e.cathode for e in diodes), outputs.minus])
        return cls(
            a,
            b,
            np.concatenate([none, *(law[0] for law in laws)]),
            np.concatenate([none, *(law[1] for law in laws)]),
            np.concatenate([none, *(np.full(len(e), isinstance(e, IdealDiodes)) for e in diodes)]).astype(bool),
            count,
            SharedPorts.of(circuit, a, b, count),
        )


class Problem(NamedTuple):
    """One batch: p₀ (B, P) [V], Q between groups of ports (M, M) [ohm], conductance that it holds already (P,) [S], pushes of outputs (B, K).

    `hard` are the conductances of ideal diodes that conduct [S]; `near` are the tangents at states nearby, which steps then use.
    """

    ports: Ports
    p0: Floats
    q: Floats
    shunt: Floats
    hard: Floats
    beta: Floats
    pushed: Floats
    near: Tangents | None = None

    def at(self, samples: Any) -> "Problem":
        """Take some samples."""
        return self._replace(p0=self.p0[samples], beta=self.beta[samples], pushed=self.pushed[samples])

    def law(self, p: Array, gmin: float) -> tuple[Array, Array]:
        """Return the currents through the ports and their slopes, both (B, P), less what Q holds already."""
        ports, count = self.ports, self.ports.outputs
        v = p[:, :count]
        i, slope = np.empty_like(p), np.empty_like(p)
        with np.errstate(over="ignore", invalid="ignore"):
            i[:, :count], slope[:, :count] = diode_current(v, ports.i_sat, ports.n_v_t / V_T)
        if ports.ideal.any():
            on = v > 0
            i[:, :count] = np.where(ports.ideal, np.where(on, self.hard * v, 0.0), i[:, :count])
            slope[:, :count] = np.where(ports.ideal, np.where(on, self.hard, 0.0), slope[:, :count])
        if gmin:
            i[:, :count] += gmin * v
            slope[:, :count] += gmin
        i[:, count:] = self.beta * p[:, count:] - self.pushed  # flows from plus to minus: against the push
        slope[:, count:] = self.beta
        return i - self.shunt * p, slope - self.shunt

    def step(self, p: Floats, gmin: float) -> tuple[Array, Array]:
        """Return where one step of Newton's method leads, with the voltages across diodes kept from overshooting, and its currents.

        These are the tangents' where the whole step leads, (B, P) [A]: they fit the rest of the circuit.
        """
        i, slope = self.law(p, gmin)
        moved = self._moved(p, i, slope)
        new, count = p + moved, self.ports.outputs
        new[:, :count] = _limited(new[:, :count], p[:, :count], self.ports)
        return new, i + slope * moved

    def _moved(self, p: Array, i: Array, slope: Array) -> Array:
        """Return a whole step of Newton's method from port voltages, currents and slopes."""
        return self.ports.shared.moved(p, self.p0, self.q, i, slope, self.near)

    def tangents(self, p: Floats) -> Tangents | None:
        """Return the inverted tangents at port voltages, for steps from there; None where there are too many to invert, or one is singular."""
        if p.size * p.shape[1] > _CHUNK:
            return None
        try:
            return self.ports.shared.tangents(self.q, self.law(p, 0.0)[1]).inverse()
        except np.linalg.LinAlgError:
            return None

    def currents(self, p: Floats) -> Floats:
        """Return the port currents at an equilibrium, (B, P) [A].

        Those of stiff ports, where a rounding of the voltage is a large current, are better known from the rest of the circuit: a last
        step, by the tangents, makes them fit it.
        """
        currents = np.empty_like(p)
        at_once = max(_CHUNK // max(p.shape[1] ** 2, 1), 1)
        for first in range(0, len(p), at_once):
            some = slice(first, first + at_once)
            i, slope = self.at(some).law(p[some], 0.0)
            try:
                currents[some] = i + slope * self.at(some)._moved(p[some], i, slope)  # noqa: SLF001 - of its own kind
            except np.linalg.LinAlgError:
                currents[some] = i
        return currents

    def unstable(self, p: Floats) -> NDArray[np.bool_]:
        """Return, (B,), whether outputs diverge under a negative nudge: I + beta·Q of the outputs is no longer positive.

        `Q` is then what the outputs see with all diodes in the place of their tangents.
        """
        count = self.ports.outputs
        unstable = np.zeros(len(p), dtype=bool)
        pushed_away = np.flatnonzero((self.beta < 0).any(axis=1))
        at_once = max(_CHUNK // max(p.shape[1] ** 2, 1), 1)
        for first in range(0, len(pushed_away), at_once):
            some = pushed_away[first : first + at_once]
            _, slope = self.at(some).law(p[some], 0.0)
            slope[:, count:] = 0.0
            loop = self.beta[some][:, :, None] * self.ports.shared.seen(self.q, slope, slice(count, None))
            finite = np.isfinite(loop).all(axis=(1, 2))  # what overflowed has no equilibrium anyway
            large = finite & (np.abs(loop).sum(axis=2).max(axis=1, initial=0.0) >= 1.0)  # no eigenvalue of a smaller one reaches -1
            unstable[some[large]] = (np.linalg.eigvals(np.eye(loop.shape[1]) + loop[large]).real <= 0).any(axis=1)
        return unstable


def _limited(new: Floats, old: Floats, ports: Ports) -> Floats:
    """Keep steps into the exponential to where its tangent's current is: a step of many n·v_t forward becomes its logarithm."""
    n_v_t = ports.n_v_t
    critical = n_v_t * np.log(n_v_t / (np.sqrt(2.0) * ports.i_sat))
    with np.errstate(all="ignore"):
        rise = (new - old) / n_v_t
        limited = (new > critical) & (rise > 2.0) & ~ports.ideal  # noqa: PLR2004 - steps of 2·n·v_t are harmless
        if not limited.any():
            return new
        above = np.where(old > 0, old + n_v_t * np.log1p(np.maximum(rise, 0.0)), n_v_t * np.log(np.maximum(new / n_v_t, 1.0)))
    return np.where(limited, above, new)


class Settled(NamedTuple):
    """Port voltages and currents of all samples, both (B, P) [V, A], and the steps of each, (B,)."""

    p: Floats
    i: Floats
    steps: NDArray[np.intp]


def settle(problem: Problem, begin: Floats, tolerance: float, max_steps: int) -> Settled:
    """Find the port voltages of all samples.

    Parameters
    ----------
    problem
        The batch.
    begin
        Where to search from, (B, P) [V].
    tolerance
        A sample has settled when no port voltage changes any more by this share of the largest (at least 1 mV).
    max_steps
        Most steps, and most of each gmin step.

    """
    p, i, steps = done = Settled(begin.copy(), np.zeros_like(begin), np.zeros(len(begin), dtype=np.intp))
    at_once = max(_CHUNK // max(p.shape[1] ** 2, 1), 1)
    for first in range(0, len(p), at_once):
        samples = np.arange(first, min(first + at_once, len(p)))
        samples = samples[np.isfinite(problem.p0[samples]).all(axis=1)]  # no step makes the others finite
        walk = _Walk(problem, done, tolerance, max_steps)
        left = walk(samples, 0.0)
        if len(left):
            p[left] = 0.0
            for gmin in _GMIN_STEPS:
                walk(left, gmin)
            i[left] = problem.at(left).currents(p[left])
    if problem.ports.ideal.any():  # so stiff that the last step's rounding counts
        i[:] = problem.currents(p)
    return done


def settle_near(problem: Problem, begin: Floats, tolerance: float) -> Settled | None:
    """Find the port voltages of all samples as `settle` does, by tangents nearby alone; None where these are too far off."""
    p, before, going = begin.copy(), np.full(len(begin), np.inf), np.ones(len(begin), dtype=bool)
    steps = np.zeros(len(begin), dtype=np.intp)
    scale = np.maximum(np.abs(problem.p0).max(axis=1, initial=0.0), 1e-3)
    for _ in range(_NEAR):
        i, slope = problem.law(p, 0.0)
        change = problem._moved(p, i, slope)  # noqa: SLF001 - of its own kind
        moved = np.abs(change).max(axis=1, initial=0.0) / scale
        p[going] += change[going]
        steps += going
        going &= ~((moved <= tolerance) | ((moved <= _ROUNDING) & (moved >= before)))
        if not going.any():
            return Settled(p, i + slope * change, steps)
        if (going & (moved > _ROUNDING) & ~(moved <= _CLOSER * before)).any():
            break
        before = moved
    return None


class _Walk(NamedTuple):
    """Walks from where samples are, `at`, which it changes."""

    problem: Problem
    at: Settled
    tolerance: float
    max_steps: int

    def __call__(self, samples: NDArray[np.intp], gmin: float) -> NDArray[np.intp]:
        """Take steps until the samples stand still; give those that do not."""
        (p, i, steps), before = self.at, np.full(len(samples), np.inf)
        scale = np.maximum(np.abs(self.problem.p0[samples]).max(axis=1, initial=0.0), 1e-3)
        for _ in range(self.max_steps):
            if not len(samples) or not p.shape[1]:
                return samples[:0]
            try:
                old = p[samples]
                new, i[samples] = self.problem.at(samples).step(old, gmin)
            except np.linalg.LinAlgError:
                return samples
            steps[samples] += 1
            moved = np.abs(new - old).max(axis=1) / scale
            p[samples] = np.where(np.isfinite(new), new, old)
            going = ~((moved <= self.tolerance) | ((moved <= _ROUNDING) & (moved >= before)))
            samples, before, scale = samples[going], moved[going], scale[going]
        return samples


def settle_complex(problem: Problem, free: Floats, max_steps: int) -> tuple[NDArray[np.complex128], int, NDArray[np.bool_]]:
    """Find the complex port voltages of a batch by Newton's method from the free ones (B, P), the steps, and which samples settled."""
    p = free.astype(np.complex128)
    scale = np.maximum(np.abs(free).max(axis=1), 1e-3)
    moved = np.full(len(p), np.inf)
    for step in range(1, max_steps + 1):
        with np.errstate(all="ignore"):
            change = problem._moved(p, *problem.law(p, 0.0))  # noqa: SLF001 - of its own kind
        before, moved = moved, np.abs(change).max(axis=1, initial=0.0) / scale
        p = np.where(np.isfinite(change), p + change, p)
        over = (moved <= _COMPLEX) | ((moved <= _ROUNDING) & (moved >= before)) | ~np.isfinite(moved)
        if over.all() or step >= _FEW:
            break
    return p, step, moved <= _ROUNDING

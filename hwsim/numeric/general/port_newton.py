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
from hwsim.numeric.general.shared_ports import SharedPorts
from hwsim.numeric.general.tangents import Couplings, Matrices, Tangents
from hwsim.typing import Array, Floats

HARD = 1e14
"""An ideal diode conducts so many times better than what it sees of the circuit."""

CHUNK = 2**23
"""Numbers of a batch's Newton matrices that are held at once; more samples wait."""


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
    """One batch: p₀ (B, P) [V], Q between groups of ports, the shunts in it (P,) [S], and what pushes the outputs (B, K).

    `hard` are the conductances of ideal diodes that conduct [S]; `near` are the tangents at states nearby, which steps then use.
    """

    ports: Ports
    p0: Floats
    couplings: Couplings
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
        moved = self.moved(p, i, slope)
        new, count = p + moved, self.ports.outputs
        new[:, :count] = _limited(new[:, :count], p[:, :count], self.ports)
        return new, i + slope * moved

    def moved(self, p: Array, i: Array, slope: Array) -> Array:
        """Return a whole step of Newton's method from port voltages, currents and slopes."""
        return self.ports.shared.moved(p, self.p0, self.couplings, i, slope, self.near)

    def tangents(self, p: Floats) -> Tangents | None:
        """Return the inverted tangents at port voltages; None where there are too many to invert, or one is singular."""
        if p.size * p.shape[1] > CHUNK:
            return None
        try:
            return self.ports.shared.tangents(self.couplings, self.law(p, 0.0)[1]).inverse()
        except np.linalg.LinAlgError:
            return None

    def currents(self, p: Floats) -> Floats:
        """Return the port currents at an equilibrium, (B, P) [A].

        Those of stiff ports, where a rounding of the voltage is a large current, are better known from the rest of the circuit: a last
        step, by the tangents, makes them fit it.
        """
        currents = np.empty_like(p)
        at_once = max(CHUNK // max(p.shape[1] ** 2, 1), 1)
        for first in range(0, len(p), at_once):
            some = slice(first, first + at_once)
            i, slope = self.at(some).law(p[some], 0.0)
            try:
                exact = Matrices.of(self.couplings.q, self.ports.shared.summed(slope))
                currents[some] = i + slope * self.at(some)._replace(near=exact).moved(p[some], i, slope)
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
        at_once = max(CHUNK // max(p.shape[1] ** 2, 1), 1)
        for first in range(0, len(pushed_away), at_once):
            some = pushed_away[first : first + at_once]
            _, slope = self.at(some).law(p[some], 0.0)
            slope[:, count:] = 0.0
            loop = self.beta[some][:, :, None] * self.ports.shared.seen(self.couplings.q, slope, slice(count, None))
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

"""One step in time: explicitly by Tsitouras' method, or implicitly by the trapezoidal rule; both of fixed length, for a batch.

Explicit steps are an order more exact and need nothing solved; they are stable while h·rate < 3.5. The trapezoidal rule is stable at any
length: each of its steps is the circuit at equilibrium with a conductance 2C/h next to each capacitor.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from circuits.constants import V_T
from circuits.diode import diode_current
from hwsim.typing import Array

NODES = (0.0, 0.161, 0.327, 0.9, 0.9800255409045097, 1.0)
TABLE = (
    (),
    (0.161,),
    (-0.008480655492356989, 0.335480655492357),
    (2.8971530571054935, -6.359448489975075, 4.3622954328695815),
    (5.325864828439257, -11.748883564062828, 7.4955393428898365, -0.09249506636175525),
    (5.86145544294642, -12.92096931784711, 8.159367898576159, -0.071584973281401, -0.028269050394068383),
)
WEIGHTS = (0.09646076681806523, 0.01, 0.4798896504144996, 1.379008574103742, -3.290069515436081, 2.324710524099774)
"""Of order 5. Source: Tsitouras 2011, Comput. Math. Appl. 62, 770; an explicit step has its first six stages."""

STABLE = 3.5
"""Largest h·rate at which explicit steps are stable. Source: as above, its stability polynomial on the real axis; confirmed by a test."""

_CLIMB = 1.0
"""A; beyond, Newton's method takes a diode for its tangent, so that no voltage overflows. No current of a solution is so large."""

_NEWTON, _SETTLED = 60, 1e-13
"""Most steps of Newton's method, and the share of the largest voltage (at least 1 V) below which the last is rounding."""


class Ode(NamedTuple):
    """dv/dt = v·coupling + u − i(v·ports + e)·drawn, as JAX's arrays: shapes (n, n) [1/s], (n, P), (P, n) [1/F]; `i_sat`, `n` (P,)."""

    coupling: Array
    ports: Array
    drawn: Array
    i_sat: Array
    n: Array

    def flow(self, v: Array, u: Array, e: Array) -> tuple[Array, Array]:
        """Return dv/dt (B, n) [V/s] at states (B, n), for drives u (B, n) [V/s] and e (P,) or (B, P) [V], and diodes' slopes (B, P) [S]."""
        i, slope = diode_current(v @ self.ports + e, self.i_sat, self.n)
        return v @ self.coupling + u - i @ self.drawn, slope


class Stepped(NamedTuple):
    """States after a step (B, n), the diodes' largest slopes in it (P,) [S], and how far its equation is off [V]."""

    v: Array
    slope: Array
    off: Array


At = Callable[[Array], tuple[Array, Array]]
"""Drives u and e at a share of the step."""

Step = Callable[[Ode, Array, At, Array], Stepped]
"""Takes the ODE, states (B, n), drives and the step's length [s]."""


def explicit(ode: Ode, v: Array, at: At, h: Array) -> Stepped:
    """Step by Tsitouras' method of order 5."""
    stages: list[Array] = []
    largest = jnp.zeros(ode.i_sat.shape)
    for node, row in zip(NODES, TABLE, strict=True):
        moved = v + h * sum((a * k for a, k in zip(row, stages, strict=True)), start=jnp.zeros(()))
        flow, slope = ode.flow(moved, *at(jnp.asarray(node)))
        stages.append(flow)
        largest = slope.max(axis=0, initial=0.0) if node == 0.0 else largest
    new = v + h * sum((b * k for b, k in zip(WEIGHTS, stages, strict=True)), start=jnp.zeros(()))
    return Stepped(new, largest, jnp.zeros(()))


def trapezoidal(*, dense: bool) -> Step:
    """Return the trapezoidal step; `dense` solves with the whole Jacobian, otherwise its diagonal must outweigh what else is in it."""

    def step(ode: Ode, v: Array, at: At, h: Array) -> Stepped:
        begun = 2.0 / h * v + ode.flow(v, *at(jnp.zeros(())))[0]
        u, e = at(jnp.ones(()))
        return balanced(ode, (begun + u, e), v, 2.0 / h, dense=dense)

    return step


def balanced(ode: Ode, drive: tuple[Array, Array], guess: Array, twice: Array | float, *, dense: bool) -> Stepped:
    """Solve twice·v = v·coupling + u − i(v·ports + e)·drawn by Newton's method; `twice` [1/s] is 0 at equilibrium.

    Parameters
    ----------
    ode
        The circuit.
    drive
        u (B, n) and e (P,) or (B, P).
    guess
        Where to begin, (B, n) [V].
    twice
        2/h of an implicit step; 0: no time passes.
    dense
        Whether the whole Jacobian is needed, not its diagonal alone.

    """
    u, e = drive
    top = ode.n * V_T * jnp.log(_CLIMB / ode.i_sat)

    def newton(state: tuple[Array, Array, Array, Array]) -> tuple[Array, Array, Array, Array]:
        guess, _, _, count = state
        p = guess @ ode.ports + e
        i, slope = diode_current(jnp.minimum(p, top), ode.i_sat, ode.n)
        i = i + slope * jnp.maximum(p - top, 0.0)
        left = guess @ ode.coupling + u - i @ ode.drawn - twice * guess
        change = _solved(ode, slope, twice, left, dense=dense)
        scale = jnp.maximum(jnp.abs(guess).max(), 1.0)
        return guess + change, slope, jnp.abs(change).max() / scale, count + 1

    def unsettled(state: tuple[Array, Array, Array, Array]) -> Array:
        return (state[2] > _SETTLED) & (state[3] < _NEWTON)

    begin = guess, jnp.zeros((len(guess), len(ode.i_sat))), jnp.asarray(jnp.inf), jnp.asarray(0)
    new, slope, off, _ = jax.lax.while_loop(unsettled, newton, begin)
    return Stepped(new, slope.max(axis=0, initial=0.0), off)


DIAGONAL, DENSE = trapezoidal(dense=False), trapezoidal(dense=True)
"""The trapezoidal steps."""


def _solved(ode: Ode, slope: Array, twice: Array | float, left: Array, *, dense: bool) -> Array:
    """Return by how much a step of Newton's method moves the states, (B, n) [V]; `twice` is 2/h [1/s]."""
    if dense:
        taken = jnp.einsum("ip,bp,pj->bij", ode.ports, slope, ode.drawn)
        jacobian = twice * jnp.eye(len(ode.coupling)) - ode.coupling + taken
        return jnp.linalg.solve(jacobian.transpose(0, 2, 1), left[:, :, None])[:, :, 0]
    return left / (twice - jnp.diagonal(ode.coupling) + slope @ (ode.ports.T * ode.drawn))


def diagonal_suffices(ode: Ode, h: float) -> bool:
    """Whether each diode has one state alone, and states are coupled so weakly in steps of length h [s] that the diagonal solves them."""
    coupling, ports, drawn = (np.asarray(array) for array in ode[:3])
    alone = ((ports != 0).sum(axis=0) <= 1).all() and ((drawn != 0).sum(axis=1) <= 1).all()
    diagonal = 2.0 / h - np.diagonal(coupling)
    across = np.abs(coupling).sum(axis=0) - np.abs(np.diagonal(coupling))
    # each pass then halves what is left, at least
    return bool(alone and (diagonal > 0).all() and (across < 0.5 * diagonal).all())

"""Settling: sweeps until nothing changes; where that proves too little, Newton's method on all nodes until it has nothing to correct."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from hwsim.engine import Push, Result
from hwsim.numeric import neuron
from hwsim.numeric.direct import is_convex, newton, path
from hwsim.numeric.layered import Layers, Linear, Outputs, Settled, State
from hwsim.numeric.parameters import Coupling, StageParameters
from hwsim.numeric.structure import Stage
from hwsim.numeric.sweeps import Slopes, System, first_guess, sweep

Array = Any

SWEEPS = 64
"""Sweeps after which Newton's method takes over, where it may; the circuits that are made for learning need 5 to 40."""

TRUST = 100.0
"""Sweeps that change nothing are proof enough on circuits that multiply a change by no more than this."""

DOUBT = 1000.0
"""Tolerances by which voltages may be off after all: where rounding leaves more than one, or a sweep's change is multiplied."""

_WALK = 4
"""Steps of the walk that bounds how far a circuit multiplies a change."""

_ADJOINT_TOLERANCE = 1e-13
"""As a share of the largest adjoint voltage at the outputs, or 32 roundings."""


class Limits(NamedTuple):
    """When to stop.

    Parameters
    ----------
    amplified
        The circuit's `amplification`.
    tolerance
        How far voltages may be from equilibrium, shape (B,) [V]; DOUBT times as far where they come no nearer.
    max_steps
        Most sweeps and Newton steps to spend together.
    newton
        Whether to go on by Newton's method on all nodes where sweeps are not enough; without it such samples end as not converged, and
        what has to be compiled is a third.

    """

    amplified: Array
    tolerance: Array
    max_steps: int
    newton: bool


def settle_adjoint(layers: Layers, parts: Sequence[Linear], free: State, error: Array, *, max_steps: int, newton: bool) -> Settled:
    """Solve the adjoint of a settled circuit, driven by currents `error` (B, K) at the outputs: a linear circuit of the same layers."""
    exchanged = [None if c is None else Coupling(c.back, c.gain, jnp.zeros_like(c.offset)) for c in layers.couplings]
    numbers = [old._replace(coupling=new) for old, new in zip(layers.parameters, exchanged, strict=True)]
    at = zip(layers.stages, layers.parameters, free.columns, free.drivers, strict=True)
    slopes = Slopes(tuple(_slope(*stage) for stage in at))
    quiet = [part._replace(fixed=jnp.zeros_like(part.fixed), drawn=jnp.zeros_like(part.drawn)) for part in parts]
    system = System(layers._replace(parameters=numbers), tuple(quiet), Push(current=error), slopes)
    start = first_guess(system)
    share = max(_ADJOINT_TOLERANCE, 32 * float(np.finfo(error.dtype).eps))
    largest = jnp.max(jnp.stack([jnp.abs(columns).max(1) for columns in start.columns]), axis=0)
    return settle(system, start, Limits(amplification(system.layers, quiet), share * largest, max_steps, newton))


class _Search(NamedTuple):
    """How far the search has come, sample by sample (B,).

    Parameters
    ----------
    off
        How far off the state is [V]: the largest change in the last sweep, or the size of the last Newton step.
    residual
        Largest sum of currents into a node, met before the last sweep [A].
    steps
        Sweeps and Newton steps so far.
    rounding
        How far rounding may leave the state off [V], as far as that is known.
    stalled
        Whether the error no longer shrinks.

    """

    state: State
    off: Array
    residual: Array
    steps: Array
    rounding: Array
    stalled: Array

    def updated(self, active: Array, state: State, **found: Array) -> "_Search":
        """Take over what was found for the active samples."""
        kept = jax.tree.map(lambda new, old: jnp.where(active[:, None], new, old), state, self.state)
        return self._replace(state=kept, **{name: jnp.where(active, new, getattr(self, name)) for name, new in found.items()})


def settle(system: System, start: State, limits: Limits) -> Settled:
    """Find the equilibria of a batch from a start."""
    amplified, tolerance, max_steps, with_newton = limits
    batch, unknown = len(tolerance), jnp.full_like(tolerance, jnp.inf)
    begin = _Search(start, unknown, unknown, jnp.zeros(batch, jnp.int32), jnp.zeros_like(unknown), jnp.zeros(batch, bool))
    found = _by_sweeps(system, begin, tolerance, min(SWEEPS, max_steps) if with_newton else max_steps)
    settled = (_trusted(system, amplified) & (found.off <= tolerance)) | jnp.isnan(found.off)
    found = found._replace(off=jnp.where(settled, found.off, jnp.inf))
    if with_newton:
        found = _by_newton(system, found, tolerance, max_steps)
    result = jnp.where(jnp.maximum(found.off, found.rounding) <= DOUBT * tolerance, int(Result.CONVERGED), int(Result.MAX_STEPS))
    result = jnp.where(jnp.isnan(found.off) | ~jnp.isfinite(found.residual), int(Result.NOT_FINITE), result)
    convex = _holds_outputs(system.layers.outputs, system.parts[-1].a, system.push.beta)
    if with_newton and not isinstance(system.push.beta, float):  # 0 where nothing nudges, known while tracing
        sure = (system.push.beta >= 0) | (convex & _trusted(system, amplified))
        convex = jax.lax.cond(sure, lambda: jnp.asarray(True), lambda: is_convex(system, path(system.layers)))  # noqa: FBT003 - JAX's own
    return Settled(found.state, found.residual, found.steps, jnp.where(convex, result, int(Result.NOT_CONVEX)))


def _by_sweeps(system: System, begin: _Search, tolerance: Array, sweeps: int) -> _Search:
    """Sweep until nothing changes by more than the tolerance."""

    def moving(search: _Search) -> Array:
        return (search.off > tolerance) & (search.steps < sweeps)

    def once(search: _Search) -> _Search:
        state, change, residual = sweep(system, search.state)
        return search.updated(moving(search), state, off=change, residual=residual, steps=search.steps + 1)

    return jax.lax.while_loop(lambda search: jnp.any(moving(search)), once, begin)


def _by_newton(system: System, begin: _Search, tolerance: Array, max_steps: int) -> _Search:
    """Correct all nodes at once, a sweep behind each step, until steps are within the tolerance or rounding lets them shrink no more."""
    where = path(system.layers)

    def going(search: _Search) -> Array:
        return (search.off > tolerance) & ~search.stalled & (search.steps < max_steps)

    def once(search: _Search) -> _Search:
        state, size, rounding = newton(system, where, search.state)
        state, _, residual = sweep(system, state)
        stalled = (size > 0.5 * search.off) & (size <= jnp.maximum(DOUBT * tolerance, rounding))
        found = {"off": size, "residual": residual, "steps": search.steps + 1, "rounding": rounding, "stalled": stalled}
        return search.updated(going(search), state, **found)

    return jax.lax.while_loop(lambda search: jnp.any(going(search)), once, begin)


def amplification(layers: Layers, parts: Sequence[Linear]) -> Array:
    """Bound how many times farther from equilibrium a state can be than the last sweep changed it; infinite where nothing bounds it.

    Neurons only pull towards equilibrium, so the bound of the circuit without them holds. What is off in a layer spreads as a walk from
    node to node that ends at the sources: with P the share of a node's conductance that leads to each neighbour, errors are at most
    (1 − P)⁻¹·change, and any z > 0 with P·z < z bounds that (Varga: M-matrices). Here z counts where the first steps of the walk lead.
    """
    if any(stage.behind is not None for stage in layers.stages):
        return jnp.asarray(jnp.inf)  # what is behind a dead zone may hang on its leakage alone
    unit = [jnp.asarray(1.0, parts[0].a.dtype)]  # the voltage in a layer that belongs to 1 V in the first
    for coupling in layers.couplings[:-1]:
        unit.append(unit[-1] * (1.0 if coupling is None else jnp.exp(jnp.log(coupling.gain).mean())))
    walk = tuple(jnp.broadcast_to(one, part.a.shape) for one, part in zip(unit, parts, strict=True))
    visited = tuple(jnp.zeros_like(ones) for ones in walk)
    for _ in range(_WALK):
        visited = tuple(v + w for v, w in zip(visited, walk, strict=True))
        walk = _walked(layers, parts, walk)
    left = 1.0 - jnp.max(jnp.stack([jnp.max(w / u) for w, u in zip(walk, unit, strict=True)]))
    most = jnp.max(jnp.stack([jnp.max(v) for v in visited])) / jnp.min(jnp.stack(unit))
    return jnp.where(left > 0, most / left, jnp.inf)


def _walked(layers: Layers, parts: Sequence[Linear], walk: Sequence[Array]) -> tuple[Array, ...]:
    """Spread what is off in each layer's columns (n,) to their neighbours."""
    found = []
    for k, part in enumerate(parts):
        c = jnp.zeros_like(part.a)
        before, behind = layers.couplings[k - 1], layers.couplings[k]
        if part.w is not None:
            c += (walk[k - 1] if before is None else before.gain * walk[k - 1]) @ part.w
        if k + 1 < len(parts):
            pushed = parts[k + 1].w @ walk[k + 1]
            c += pushed if behind is None else behind.back * pushed
        found.append(c / (part.a + part.a_behind))
    plus, minus = layers.outputs
    if minus is not None:  # a nudge between the two mixes them, to whatever shares
        most = jnp.maximum(found[-1][plus], found[-1][minus])
        found[-1] = found[-1].at[plus].set(most).at[minus].set(most)
    return tuple(found)


def _trusted(system: System, amplification: Array) -> Array:
    """Whether sweeps that change nothing prove an equilibrium, with the nudge in place: a negative one adds to the walk at the outputs."""
    nudged = 2 * jnp.maximum(-system.push.beta, 0.0) / jnp.min(system.parts[-1].a)
    return amplification <= TRUST * (1 - nudged * amplification)


def _holds_outputs(outputs: Outputs, a: Array, beta: Array) -> Array:
    """Whether every output by itself holds against a negative nudge: its conductance with the nudge's must stay positive."""
    a_plus = a[outputs.plus]
    if outputs.minus is None:
        return jnp.all(a_plus + beta > 0)
    a_minus = a[outputs.minus]
    return jnp.all(a_plus * a_minus + beta * (a_plus + a_minus) > 0)


def _slope(stage: Stage, numbers: StageParameters, columns: Array, drivers: Array) -> Array:
    """Give the neurons' small-signal conductance (B, n) [S]: infinite where an ideal diode conducts."""
    if stage.kind != "ideal":
        u = columns if stage.behind is None else columns - drivers
        return neuron.current(numbers.neuron, u, ideal=False)[1]
    clamped = jnp.zeros(columns.shape, bool)
    high, low = numbers.neuron
    if high is not None:
        clamped |= columns >= high.rail
    if low is not None:
        clamped |= columns <= low.rail
    return jnp.where(clamped, jnp.inf, 0.0)

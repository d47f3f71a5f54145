"""Settling: sweeps until nothing changes; where that proves too little, Newton's method on all nodes until it has nothing to correct."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from hwsim.engine import Push, Result
from hwsim.numeric import neuron
from hwsim.numeric.direct import is_convex, newton, path
from hwsim.numeric.layered import Layers, Linear, Settled, State
from hwsim.numeric.parameters import Coupling, StageParameters
from hwsim.numeric.structure import Stage
from hwsim.numeric.sweeps import Inward, Met, Slopes, System, change, first_guess, largest, residual, sweep

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
        The circuit's `amplification`; None where the caller knows it to be small enough for sweeps.
    tolerance
        How far voltages may be from equilibrium, one number or (B,) [V]; DOUBT times as far where they come no nearer.
    max_steps
        Most sweeps and Newton steps to spend together.
    newton
        Whether to go on by Newton's method on all nodes where sweeps are not enough; without it such samples end as not converged, and
        what has to be compiled is a third.

    """

    amplified: Array | None
    tolerance: Array | float
    max_steps: int
    newton: bool


def settle_adjoint(layers: Layers, parts: Sequence[Linear], free: State, error: Array, *, max_steps: int, newton: bool) -> Settled:
    """Solve the adjoint of a settled circuit, driven by currents `error` (B, K) at the outputs: a linear circuit of the same layers.

    `parts` must be those of a circuit whose sources and offsets are 0.
    """
    exchanged = [None if c is None else Coupling(c.back, c.gain, np.zeros_like(c.offset)) for c in layers.couplings]
    numbers = [old._replace(coupling=new) for old, new in zip(layers.parameters, exchanged, strict=True)]
    slopes = Slopes(tuple(_slope(*stage, free, k) for k, stage in enumerate(zip(layers.stages, layers.parameters, strict=True))))
    system = System(layers._replace(parameters=numbers), tuple(parts), Inward.of(Push(current=error), layers.outputs), slopes)
    start = first_guess(system)
    share = max(_ADJOINT_TOLERANCE, 32 * float(np.finfo(error.dtype).eps))
    tolerance = share * largest([jnp.abs(columns).max(1) for columns in start.columns])
    return settle(system, start, Limits(amplification(system.layers, parts), tolerance, max_steps, newton))


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
    found = _by_sweeps(system, start, tolerance, min(SWEEPS, max_steps) if with_newton else max_steps)
    if amplified is not None:
        settled = (_trusted(system, amplified) & (found.off <= tolerance)) | jnp.isnan(found.off)
        found = found._replace(off=jnp.where(settled, found.off, jnp.inf))
    if with_newton:
        found = _by_newton(system, found, tolerance, max_steps)
    result = jnp.where(jnp.maximum(found.off, found.rounding) <= DOUBT * tolerance, int(Result.CONVERGED), int(Result.MAX_STEPS))
    result = jnp.where(jnp.isnan(found.off) | ~jnp.isfinite(found.residual), int(Result.NOT_FINITE), result)
    return Settled(found.state, found.residual, found.steps, _unless_not_convex(system, limits, result))


def _unless_not_convex(system: System, limits: Limits, result: Array) -> Array:
    """Give the results, unless a negative nudge makes an output unstable."""
    beta = system.inward.beta
    if isinstance(beta, float) and beta >= 0.0:
        return result  # known while tracing
    convex = _holds_outputs(system)
    if limits.newton and limits.amplified is not None:
        sure = jnp.all(jnp.asarray(beta) >= 0) | (jnp.all(convex) & _trusted(system, limits.amplified))
        convex = jax.lax.cond(sure, lambda: jnp.asarray(True), lambda: is_convex(system, path(system.layers)))  # noqa: FBT003 - JAX's own
    return jnp.where(convex, result, int(Result.NOT_CONVEX))


class _Sweeping(NamedTuple):
    """What one sweep hands to the next."""

    state: State
    off: Array
    steps: Array
    met: tuple[Met, ...]


def _by_sweeps(system: System, start: State, tolerance: Array | float, sweeps: int) -> _Search:
    """Sweep until every sample once changed by no more than the tolerance; those that were done sooner come nearer still."""

    def once(last: _Sweeping) -> _Sweeping:
        state, met = sweep(system, last.state)
        moving = ~(last.off <= tolerance)
        return _Sweeping(state, jnp.where(moving, change(state, last.state), last.off), last.steps + moving, met)

    def going(last: _Sweeping) -> Array:
        return jnp.any((last.off > tolerance) & (last.steps < sweeps))

    batch, dtype = start.columns[-1].shape[0], start.columns[-1].dtype
    nothing = tuple(Met(jnp.zeros_like(columns), jnp.zeros_like(columns)) for columns in start.columns[:-1])
    begin = _Sweeping(start, jnp.full(batch, jnp.inf, dtype), jnp.zeros(batch, jnp.int32), nothing)
    state, off, steps, met = jax.lax.while_loop(going, once, begin)
    return _Search(state, off, residual(system, met), steps, jnp.zeros_like(off), jnp.zeros(batch, bool))


def _by_newton(system: System, begin: _Search, tolerance: Array | float, max_steps: int) -> _Search:
    """Correct all nodes at once, a sweep behind each step, until steps are within the tolerance or rounding lets them shrink no more."""
    where = path(system.layers)

    def going(search: _Search) -> Array:
        return (search.off > tolerance) & ~search.stalled & (search.steps < max_steps)

    def once(search: _Search) -> _Search:
        state, size, rounding = newton(system, where, search.state)
        state, met = sweep(system, state)
        stalled = (size > 0.5 * search.off) & (size <= jnp.maximum(DOUBT * tolerance, rounding))
        found = {"off": size, "residual": residual(system, met), "steps": search.steps + 1, "rounding": rounding, "stalled": stalled}
        return search.updated(going(search), state, **found)

    return jax.lax.while_loop(lambda search: jnp.any(going(search)), once, begin)


def amplification(layers: Layers, parts: Sequence[Linear]) -> Array:
    """Bound how many times farther from equilibrium a state can be than the last sweep changed it; infinite where nothing bounds it.

    Neurons only pull towards equilibrium, so the bound of the circuit without them holds. What is off in a layer spreads as a walk from
    node to node that ends at the sources: with P the share of a node's conductance that leads to each neighbour, errors are at most
    (1 − P)⁻¹·change, and any z > 0 with P·z < z bounds that (Varga: M-matrices). Here z counts where the first steps of the walk lead.
    Works on arrays of NumPy and JAX.
    """
    xp = parts[0].a.__array_namespace__()
    if any(stage.behind is not None for stage in layers.stages):
        return xp.asarray(xp.inf)  # what is behind a dead zone may hang on its leakage alone
    unit = [xp.asarray(1.0, dtype=parts[0].a.dtype)]  # the voltage in a layer that belongs to 1 V in the first
    for coupling in layers.couplings[:-1]:
        unit.append(unit[-1] * (1.0 if coupling is None else xp.exp(xp.log(coupling.gain).mean())))
    walk = tuple(one + 0.0 * part.a for one, part in zip(unit, parts, strict=True))
    visited = tuple(0.0 * ones for ones in walk)
    for _ in range(_WALK):
        visited = tuple(v + w for v, w in zip(visited, walk, strict=True))
        walk = _walked(layers, parts, walk)
    left = 1.0 - xp.stack([(w / u).max() for w, u in zip(walk, unit, strict=True)]).max()
    most = xp.stack([v.max() for v in visited]).max() / xp.stack(unit).min()
    return xp.where(left > 0, most / xp.where(left > 0, left, 1.0), xp.inf)


def _walked(layers: Layers, parts: Sequence[Linear], walk: Sequence[Array]) -> tuple[Array, ...]:
    """Spread what is off in each layer's columns (n,) to their neighbours."""
    found = []
    for k, part in enumerate(parts):
        c = 0.0 * part.a
        before, behind = layers.couplings[k - 1], layers.couplings[k]
        if part.w is not None:
            c = c + (walk[k - 1] if before is None else before.gain * walk[k - 1]) @ part.w
        if k + 1 < len(parts):
            pushed = parts[k + 1].w @ walk[k + 1]
            c = c + (pushed if behind is None else behind.back * pushed)
        found.append(c / (part.a + part.a_behind))
    xp = found[-1].__array_namespace__()
    found[-1] = xp.maximum(found[-1], found[-1][layers.outputs.partners])  # a nudge between the two mixes them, to whatever shares
    return tuple(found)


def _trusted(system: System, amplification: Array) -> Array:
    """Whether sweeps that change nothing prove an equilibrium, with the nudge in place: a negative one adds to the walk at the outputs."""
    beta = jnp.min(jnp.asarray(system.inward.beta))
    nudged = 2 * jnp.maximum(-beta, 0.0) / jnp.min(system.parts[-1].a)
    return amplification <= TRUST * (1 - nudged * amplification)


def _holds_outputs(system: System) -> Array:
    """Whether every output by itself holds against a negative nudge: a nudge of −1 over the resistance between its columns is too much."""
    resistance = (1 / system.parts[-1].a) @ abs(system.layers.outputs.signs.T).astype(system.parts[-1].a.dtype)
    return jnp.all(1 + system.inward.beta * resistance > 0, axis=-1)


def _slope(stage: Stage, numbers: StageParameters, state: State, k: int) -> Array:
    """Give the neurons' small-signal conductance (B, n) [S]: infinite where an ideal diode conducts."""
    columns = state.columns[k]
    if stage.kind != "ideal":
        u = columns if stage.behind is None else columns - state.drivers(k)
        return neuron.current(numbers.neuron, u, ideal=False)[1]
    clamped = jnp.zeros(columns.shape, bool)
    high, low = numbers.neuron
    if high is not None:
        clamped |= columns >= high.rail
    if low is not None:
        clamped |= columns <= low.rail
    return jnp.where(clamped, jnp.inf, 0.0)

"""Settling: sweeps until nothing changes; where that proves too little, Newton's method on all nodes until it has nothing to correct."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from hwsim.core.protocol import Result
from hwsim.numeric.layered import error_bound, linearized_start
from hwsim.numeric.layered.anderson import AndersonState
from hwsim.numeric.layered.gauss_seidel import Met, System, change, first_guess, largest, residual, sweep, unmet
from hwsim.numeric.layered.layers import LayerState, Settled
from hwsim.numeric.layered.newton import in_64_bits, is_convex, newton, path
from hwsim.typing import Array

SWEEPS = 64
"""Sweeps after which Newton's method takes over, where it may; the circuits that are made for learning need 3 to 20."""

_AHEAD = 16
"""Sweeps that may begin ahead of the last one's end. Later ones do not: these converge from anywhere, however slowly."""

DOUBT = 1000.0
"""Tolerances by which voltages may be off after all: where rounding leaves more than one, or a sweep's change is multiplied."""

_MORE = 2
"""Sweeps that follow on a response: each brings a layer at least some ten times nearer."""

_RELATIVE_TOLERANCE = 1e-13
"""Of responses, as a share of the largest one at the start, or 32 roundings."""


class SettleLimits(NamedTuple):
    """When to stop.

    Parameters
    ----------
    amplified
        How far the circuit multiplies a change, by `error_bound`. None where nothing is known: Newton's method then checks every
        state, and without it the caller sees to it that the circuit multiplies changes by little.
    tolerance
        How far voltages may be from equilibrium, one number or (B,) [V]; DOUBT times as far where they come no nearer.
    max_steps
        Most sweeps and Newton steps to spend together; 0: none at all, not those either that any circuit needs.
    newton
        Whether to continue by Newton's method on all nodes where sweeps are not enough; without it such samples end as not converged, and
        what has to be compiled is a third.
    unchecked_sweeps
        Sweeps to do before looking at what changes, for circuits that are known to need more. With a number, as many and the one after
        them are compiled in a row, which is quicker to do and takes longer to compile; None: all are turns of one loop.
    updated_layers
        Layers before the output layer that the start has already updated.

    """

    amplified: Array | None
    tolerance: Array | float
    max_steps: int
    newton: bool
    unchecked_sweeps: int | None = None
    updated_layers: int = 0


def settle_linearised(system: System, limits: SettleLimits) -> Settled:
    """Solve a linear circuit that currents at the outputs alone drive; the tolerance is found here."""
    start = first_guess(system)
    return settle(system, start, limits._replace(tolerance=_share_of(start)), start.columns[-1])


def settle_displaced(system: System, free: LayerState, at: tuple[Array, ...], limits: SettleLimits) -> Settled:
    """Solve the circuit of displacements from a free state, at which neurons have the slopes `at`; the tolerance is found here."""
    rest: LayerState = jax.tree.map(jnp.zeros_like, free)
    begun, start = linearized_start.nudged(system, rest, at)
    settled = settle(system, start, limits._replace(tolerance=_share_of(start)), start.columns[-1] - begun.columns[-1])
    return refined(system, settled)


def refined(system: System, settled: Settled) -> Settled:
    """Sweep a few times more: the first layer's response may be a hundredth of the outputs', by which the tolerance goes."""
    state = settled.state
    for _ in range(_MORE):
        state = sweep(system, state).state
    return settled._replace(state=state, steps=settled.steps + _MORE)


def _share_of(start: LayerState) -> Array:
    """Return the tolerance of what has no sources of its own to compare with: a share of the largest voltage at the start, (B,) [V]."""
    share = max(_RELATIVE_TOLERANCE, 32 * float(np.finfo(start.columns[-1].dtype).eps))
    return share * largest([jnp.abs(columns).max(1) for columns in start.columns])


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
    holds
        Whether the state would come back after a disturbance, as far as Newton's method saw it.

    """

    state: LayerState
    off: Array
    residual: Array
    steps: Array
    rounding: Array
    stalled: Array
    holds: Array

    def updated(self, active: Array, state: LayerState, **values: Array) -> "_Search":
        """Take over what was found for the active samples."""
        kept = jax.tree.map(lambda new, old: jnp.where(active[:, None], new, old), state, self.state)
        return self._replace(state=kept, **{name: jnp.where(active, new, getattr(self, name)) for name, new in values.items()})


def settle(system: System, start: LayerState, limits: SettleLimits, moved: Array | None = None) -> Settled:
    """Find the equilibria of a batch from a start; `moved` (B, n) [V] is by how much its outputs moved if a sweep of a kind led there."""
    amplified, tolerance, max_steps, with_newton, *_ = limits
    if max_steps == 0:
        return _as_begun(start)
    search = _by_sweeps(system, AndersonState.of(start, moved), limits)
    finite = jnp.isfinite(search.off)  # what changes by a number is one
    if with_newton or amplified is not None:
        settled = (_trusted(system, amplified) & (search.off <= tolerance)) | jnp.isnan(search.off)
        search = search._replace(off=jnp.where(settled, search.off, jnp.inf))
    if with_newton:
        search = _by_newton(system, search, tolerance, max_steps)
        finite = ~jnp.isnan(search.off) & jnp.isfinite(search.residual) & _is_finite(search.state)
    result = jnp.where(jnp.maximum(search.off, search.rounding) <= DOUBT * tolerance, int(Result.CONVERGED), int(Result.MAX_STEPS))
    result = jnp.where(search.holds, result, int(Result.NOT_CONVEX))
    result = jnp.where(finite, result, int(Result.NOT_FINITE))
    return Settled(search.state, search.residual, search.steps, _unless_not_convex(system, limits, result))


def _as_begun(start: LayerState) -> Settled:
    """Return a start as it is, not converged: without any step, as the floor of a benchmark asks for."""
    last = start.columns[-1]
    count, dtype = last.shape[0], last.dtype
    return Settled(start, jnp.full(count, jnp.inf, dtype), jnp.zeros(count, jnp.int32), jnp.full(count, int(Result.MAX_STEPS), jnp.int32))


def _is_finite(state: LayerState) -> Array:
    """Whether every voltage of a sample is a number, shape (B,)."""
    parts = [part for part in (*state.columns, *state.behind) if part is not None]
    return functools.reduce(jnp.logical_and, [jnp.isfinite(part).all(1) for part in parts])


def _unless_not_convex(system: System, limits: SettleLimits, result: Array) -> Array:
    """Return the results, unless a negative nudge makes an output unstable."""
    beta = system.output_nudge.beta
    if isinstance(beta, float) and beta >= 0.0:
        return result  # known while tracing
    convex = _holds_outputs(system)
    if limits.newton:
        sure = jnp.all(jnp.asarray(beta) >= 0) | (jnp.all(convex) & _trusted(system, limits.amplified))
        convex = jax.lax.cond(sure, lambda: jnp.asarray(True), lambda: is_convex(in_64_bits(system), path(system.layers)))  # noqa: FBT003 - JAX's own
    return jnp.where(convex, result, int(Result.NOT_CONVEX))


class _Sweeping(NamedTuple):
    """What one sweep hands to the next."""

    history: AndersonState
    off: Array
    steps: Array
    met: tuple[Met, ...]


def _by_sweeps(system: System, history: AndersonState, limits: SettleLimits) -> _Search:
    """Sweep until every sample once changed by no more than the tolerance; those that were done sooner come nearer still.

    A nudge at the outputs needs one sweep per layer to reach the first layer, so at least that many sweeps are made.
    """
    least = max(1, len(system.layers.stages) - 1 - limits.updated_layers)
    tolerance, sweeps = limits.tolerance, min(SWEEPS, limits.max_steps) if limits.newton else limits.max_steps

    def once(last: _Sweeping) -> _Sweeping:
        moving = ~(last.off <= tolerance) | (last.steps < least)
        return looked_at(last, last.history.extrapolate(moving & (last.steps < _AHEAD)), moving)

    def looked_at(last: _Sweeping, begun: LayerState, moving: Array) -> _Sweeping:
        state, met = sweep(system, begun)
        changed = change(system.layers, state, begun)
        off = jnp.where(moving | ~jnp.isfinite(changed), changed, last.off)
        return _Sweeping(last.history.push(begun, state), off, last.steps + moving, met)

    def going(last: _Sweeping) -> Array:
        return jnp.any(((last.off > tolerance) & (last.steps < sweeps)) | (last.steps < least))

    batch, dtype = history.moved.shape[0], history.moved.dtype
    unchecked_sweeps, every = limits.unchecked_sweeps or 0, jnp.ones(batch, bool)
    for k in range(unchecked_sweeps):
        begun = history.extrapolate(every) if k else history.state
        history = history.push(begun, sweep(system, begun).state)
    begin = _Sweeping(history, jnp.full(batch, jnp.inf, dtype), jnp.full(batch, unchecked_sweeps, jnp.int32), unmet(system, history.state))
    if limits.unchecked_sweeps is not None:
        begin = looked_at(begin, history.extrapolate(every) if unchecked_sweeps else history.state, every)
    history, off, steps, met = jax.lax.while_loop(going, once, begin)
    nothing = jnp.zeros(batch, bool)
    return _Search(history.state, off, residual(system, met), steps, jnp.zeros_like(off), nothing, ~nothing)


def _by_newton(system: System, begin: _Search, tolerance: Array | float, max_steps: int) -> _Search:
    """Correct all nodes at once, a sweep behind each step, until steps are within the tolerance or rounding lets them shrink no more.

    In 64 bits, whatever the numbers came in, and as finely: where nodes hold each other tight, 32 lose what little holds them all, and a
    step that is small in 32 is no sign of an equilibrium. How far off the numbers' own rounding leaves the state is then known.
    """
    where, eps = path(system.layers), float(np.finfo(begin.off.dtype).eps)
    wide, finer = in_64_bits(system), float(np.finfo(np.float64).eps) / eps
    fine = jnp.asarray(tolerance, jnp.float64) * finer**0.5

    def unsettled(search: _Search) -> Array:
        return (search.off > fine) & ~search.stalled

    def going(search: _Search) -> Array:
        return unsettled(search) & (search.steps < max_steps)

    def once(search: _Search) -> _Search:
        state, size, rounding, holds = newton(wide, where, search.state, eps)
        state, met = sweep(wide, state)
        stalled = (size > 0.5 * search.off) & (size <= jnp.maximum(DOUBT * fine, rounding * finer))
        values = {"off": size, "residual": residual(wide, met), "steps": search.steps + 1, "rounding": rounding, "stalled": stalled}
        values["holds"] = holds
        return search.updated(going(search), state, **values)

    start = in_64_bits(begin)._replace(off=jnp.where(begin.off <= tolerance, 0.0, begin.off.astype(jnp.float64)))
    ended = jax.lax.while_loop(lambda search: jnp.any(going(search)), once, start)
    ended = ended._replace(off=jnp.where(unsettled(ended), jnp.inf, ended.off))
    narrow: _Search = jax.tree.map(lambda value, as_it_came: value.astype(as_it_came.dtype), ended, begin)
    return narrow


def _trusted(system: System, amplified: Array | None) -> Array:
    """Whether sweeps that change nothing prove an equilibrium, with the nudge in place."""
    if amplified is None:
        return jnp.asarray(False)  # noqa: FBT003 - JAX's own
    return error_bound.suffices(amplified, jnp.min(jnp.asarray(system.output_nudge.beta)), jnp.min(system.parts[-1].a))


def _holds_outputs(system: System) -> Array:
    """Whether every output by itself is stable under a negative nudge: −1 over the resistance between its columns is too much."""
    resistance = (1 / system.parts[-1].a) @ abs(system.layers.outputs.signs.T).astype(system.parts[-1].a.dtype)
    return jnp.all(1 + system.output_nudge.beta * resistance > 0, axis=-1)

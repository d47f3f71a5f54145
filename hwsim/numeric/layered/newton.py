"""Newton's method on all free nodes of a sample at once: for circuits whose layers hold each other tighter than anything holds them.

Sweeps need about as many passes as the current needs detours on its way to a source; here their number does not matter. The groups
of free nodes form a path in which only neighbours conduct to each other, so every second group is eliminated before anything is
factorized: a circuit of one hidden layer costs a matrix of its outputs alone.
"""

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from hwsim.numeric.layered.gauss_seidel import System, bent, pushed_in
from hwsim.numeric.layered.layers import Layers, LayerState
from hwsim.typing import Array

Numbers = TypeVar("Numbers")

_SHARES = (*(4.0**-k for k in range(13)), 0.0)
"""Parts of a Newton step that are tried; the one that leaves the least current unbalanced is taken. Exponentials may want small ones."""

_SIGN = 1e-6
"""As a share of the largest voltage that a disturbance leads to: what counts as negative, and not as rounding."""

_ELEMENTS = 2**24
"""Matrix elements that are held at once; more samples wait."""


class Path(NamedTuple):
    """Where the groups of free nodes lie in one vector of them all (N,): the columns of each stage, and the nodes behind dead zones.

    The first `kept` nodes stay when every second group is eliminated; the outputs are among them. All stay where the nodes of a group
    depend on each other through rows behind output resistances.
    """

    columns: tuple[slice, ...]
    drivers: tuple[slice, ...]
    kept: int
    size: int


def path(layers: Layers) -> Path:
    """Lay out the free nodes."""
    groups = [(k, behind) for k, stage in enumerate(layers.stages) for behind in ((False, True) if stage.behind is not None else (False,))]
    places, start, kept = {}, 0, 0
    for part in (groups[::-2], groups[-2::-2]):
        for k, behind in part:
            places[k, behind] = slice(start, start + layers.stages[k].size)
            start += layers.stages[k].size
        kept = kept or start
    columns = [places[k, False] for k in range(len(layers.stages))]
    kept = start if layers.resistive else kept
    return Path(tuple(columns), tuple(places.get((k, True), columns[k]) for k in range(len(columns))), kept, start)


class Surplus(NamedTuple):
    """Kirchhoff's law at a state.

    Parameters
    ----------
    i
        Sum of the currents out of each free node, shape (B, N) [A].
    slope
        Small-signal conductance of what hangs there, shape (B, N) [S].
    clamped
        Where an ideal diode holds the node; `i` is then what its distance to the rail would carry.

    """

    i: Array
    slope: Array
    clamped: Array


def vector(layers: Layers, where: Path, columns: Sequence[Array], drivers: Sequence[Array]) -> Array:
    """Lay out one array (B, n) a group of nodes as one row a sample, shape (B, N)."""
    placed = {}
    for stage, column_span, driver_span, of_columns, of_drivers in zip(
        layers.stages, where.columns, where.drivers, columns, drivers, strict=True
    ):
        placed[column_span.start] = of_columns
        if stage.behind is not None:
            placed[driver_span.start] = of_drivers
    return jnp.concatenate([placed[start] for start in sorted(placed)], axis=1)


def _state(where: Path, v: Array) -> LayerState:
    parts = zip(where.columns, where.drivers, strict=True)
    return LayerState(
        tuple(v[:, span] for span in where.columns), tuple(None if behind is span else v[:, behind] for span, behind in parts)
    )


def surplus(system: System, where: Path, state: LayerState) -> Surplus:
    """Add up the currents out of every free node."""
    columns, drivers = [], []
    for k, stage in enumerate(system.layers.stages[:-1]):
        a, a_behind = system.parts[k].a, system.parts[k].a_behind
        c, c_behind = pushed_in(system, state, k)
        if stage.behind is None:
            of_columns = Surplus(*system.columns.law(k, a + a_behind, c + c_behind, state.columns[k]))
            columns.append(of_columns)
            drivers.append(of_columns)
        else:
            through = Surplus(*system.columns.law(k, 0.0, 0.0, state.columns[k] - state.drivers(k)))
            columns.append(through._replace(i=a * state.columns[k] + through.i - c))
            drivers.append(through._replace(i=a_behind * state.drivers(k) - through.i - c_behind))
    columns.append(_outputs_surplus(system, state))
    drivers.append(columns[-1])
    groups = zip(zip(*columns, strict=True), zip(*drivers, strict=True), strict=True)
    return Surplus(*(vector(system.layers, where, *group) for group in groups))


def _outputs_surplus(system: System, state: LayerState) -> Surplus:
    last, v = len(state.columns) - 1, state.columns[-1]
    c, _ = pushed_in(system, state, last)
    if bent(system):
        return Surplus(*system.columns.law(last, system.parts[-1].a, c + system.output_nudge.at(v), v))
    return Surplus(system.parts[-1].a * v - c - system.output_nudge.at(v), jnp.zeros_like(v), jnp.zeros(v.shape, bool))


def _matrix(system: System, where: Path) -> Array:
    """Return the conductance matrix of all free nodes without what hangs on them, shape (N, N) [S]: one for all samples."""
    parts, couplings = system.parts, system.layers.couplings
    whole = jnp.zeros((where.size, where.size), parts[0].a.dtype)
    for k, part in enumerate(parts[1:], start=1):
        assert part.w is not None  # noqa: S101 - for the type checker: every stage but the first has signal rows
        coupling, before, columns = couplings[k - 1], where.drivers[k - 1], where.columns[k]
        w = part.w.matrix
        forward, backward = (w, w) if coupling is None else (coupling.gain[:, None] * w, coupling.back[:, None] * w)
        if part.kept is not None and part.series is not None:
            forward, backward = part.kept[:, None] * forward, part.kept[:, None] * backward
            whole = whole.at[columns, columns].set(-(w.T * part.series) @ w)
        whole = whole.at[columns, before].set(-forward.T).at[before, columns].set(-backward)
    joined = [stage.behind is None for stage in system.layers.stages]
    on_columns = [(part.a + part.a_behind if one else part.a)[None] for part, one in zip(parts, joined, strict=True)]
    whole += jnp.diag(vector(system.layers, where, on_columns, [part.a_behind[None] for part in parts])[0])
    signs = np.zeros((len(system.layers.outputs.plus), where.size))
    signs[:, where.columns[-1]] = system.layers.outputs.signs
    return whole + jnp.asarray(signs.T, whole.dtype) * system.output_nudge.beta @ jnp.asarray(signs, whole.dtype)


def _bridged(layers: Layers, where: Path, whole: Array, slope: Array) -> Array:
    """Let dead zones conduct between their two ends; `slope` (N,) [S]."""
    for stage, columns, drivers in zip(layers.stages, where.columns, where.drivers, strict=True):
        if stage.behind is not None:
            between = -jnp.diag(slope[columns])
            whole = whole.at[columns, drivers].set(between).at[drivers, columns].set(between)
    return whole


def is_convex(system: System, where: Path) -> Array:
    """Whether the co-content is strictly convex whatever the neurons carry, which a negative nudge may end.

    Row k of the conductance matrix, times the weight c of its layer in the energy, is symmetric; for mismatched amplifiers its symmetric
    part is checked. Neurons only add to it; dead zones at least what they conduct at 0 V.
    """
    layers = system.layers
    weights, columns, drivers = [jnp.ones((), system.parts[0].a.dtype)], [], []
    for k, (stage, coupling) in enumerate(zip(layers.stages, layers.couplings, strict=True)):
        nothing = jnp.zeros((1, stage.size), weights[0].dtype)
        least = nothing if stage.behind is None else system.columns.law(k, 0.0, 0.0, nothing).slope
        columns.append((weights[-1] + nothing, least))
        drivers.append((weights[-1] + nothing, least))
        weights.append(weights[-1] * (1.0 if coupling is None else jnp.exp(jnp.log(coupling.back / coupling.gain).mean())))
    weight, least = (vector(layers, where, *parts)[0] for parts in zip(zip(*columns, strict=True), zip(*drivers, strict=True), strict=True))
    whole = _bridged(layers, where, _matrix(system, where), least) + jnp.diag(least)
    energy = weight[:, None] * whole
    energy = (energy + energy.T) / 2
    size = jnp.sqrt(jnp.abs(jnp.diagonal(energy)))
    return jnp.all(jnp.isfinite(jnp.linalg.cholesky(energy / size[:, None] / size)))


def in_64_bits(whole: Numbers) -> Numbers:
    """Return numbers, or what holds them, in 64 bits."""
    wide: Numbers = jax.tree.map(lambda one: one.astype(jnp.float64) if getattr(one, "dtype", None) == jnp.float32 else one, whole)
    return wide


def _correction(layers: Layers, where: Path, whole: Array, at: Surplus, v: Array, eps: float) -> tuple[Array, Array, Array]:
    """Solve J·dv = i for one sample, all of shape (N,), by eliminating every second group of nodes; also for what rounding adds to i.

    Currents and conductances are off by `eps` of themselves, and so is their sum, however much of it cancels. J has nothing positive off
    its diagonal but where a nudge is negative: a state then holds only where currents into nodes lift all voltages (Varga: M-matrices).
    """
    jacobian = _bridged(layers, where, jnp.where(at.clamped[:, None], 0.0, whole), at.slope)
    diagonal, k = jnp.diagonal(whole) + at.slope, where.kept
    jacobian = jnp.where(np.eye(where.size, dtype=bool), 1.0, jacobian / diagonal[:, None])
    i = jnp.stack([at.i / diagonal, eps * (jnp.abs(jacobian) @ jnp.abs(v)), jnp.ones_like(v)], axis=1)
    to, back = jacobian[:k, k:], jacobian[k:, :k]
    kept = jnp.linalg.solve(jacobian[:k, :k] - to @ back, i[:k] - to @ i[k:])
    solved = jnp.concatenate([kept, i[k:] - back @ kept])
    lifted = solved[:, 2]
    return solved[:, 0], jnp.abs(solved[:, 1]).max(), lifted.min() >= -_SIGN * jnp.abs(lifted).max()


def _corrections(layers: Layers, where: Path, whole: Array, at: Surplus, v: Array, eps: float) -> tuple[Array, Array, Array]:
    """Return how far each voltage is from equilibrium, to first order (B, N) [V], how far rounding may leave them (B,) [V], what holds."""

    def one(sample: tuple[Surplus, Array]) -> tuple[Array, Array, Array]:
        return _correction(layers, where, whole, *sample, eps)

    batch, fitting = len(v), max(1, _ELEMENTS // where.size**2)
    if batch <= fitting:
        return jax.vmap(one)((at, v))
    corrections: tuple[Array, Array, Array] = jax.lax.map(one, (at, v), batch_size=next(n for n in range(fitting, 0, -1) if batch % n == 0))
    return corrections


class NewtonStep(NamedTuple):
    """What a Newton step did: the new state, the size of the whole step (so far was the old one off), what rounding may leave; (B,) [V].

    `holds` (B,) is whether the old state would come back after a disturbance, as far as nudges are not negative: amplifiers far apart
    in gain and back may feed back more than the circuit takes up.
    """

    state: LayerState
    size: Array
    rounding: Array
    holds: Array


def newton(system: System, where: Path, state: LayerState, eps: float) -> NewtonStep:
    """Do one step of Newton's method on all nodes; numbers are rounded to `eps` of themselves."""
    layers, whole = system.layers, _matrix(system, where)
    drivers = [state.drivers(k) for k in range(len(state.columns))]
    v, at = vector(layers, where, state.columns, drivers), surplus(system, where, state)
    dv, rounding, holds = _corrections(layers, where, whole, at, v, eps)
    tried = v - jnp.asarray(_SHARES, v.dtype)[:, None, None] * dv

    def unbalanced(v: Array) -> Array:
        return jnp.abs(surplus(system, where, _state(where, v)).i).sum(1)

    left = jax.vmap(unbalanced)(tried)
    left = jnp.where(jnp.isnan(left), jnp.inf, left)
    # argmin, which JAX lowers by the process's precision and not by the one that it was traced in
    best = jnp.where(left == left.min(0), jnp.arange(len(_SHARES), dtype=jnp.int32)[:, None], len(_SHARES)).min(0)
    chosen = jnp.take_along_axis(tried, best[None, :, None], axis=0)[0]
    return NewtonStep(_state(where, chosen), jnp.abs(dv).max(1), rounding, holds | jnp.any(jnp.asarray(system.output_nudge.beta) < 0))

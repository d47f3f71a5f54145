"""Runs of clocked circuits: clock after clock, each of which is a circuit at equilibrium."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.constants import BOLTZMANN
from circuits.units import Kelvin, Volt
from hwsim.core.protocol import ConvergenceError, UnsupportedCircuitError
from hwsim.core.signal import Signal
from hwsim.core.transient import Feeds, NoiseInTime, Reduction, Trajectory, initial_states, state_groups, stored_groups
from hwsim.numeric.jax_scope import jax_scope
from hwsim.numeric.transient.clocked_form import ClockedForm, Holding
from hwsim.numeric.transient.run import Driven
from hwsim.numeric.transient.sequence_problem import driven_by, folding, ode_of
from hwsim.numeric.transient.steps import Ode, balanced
from hwsim.random.counter import Draws
from hwsim.typing import Array, Conductances

_OFF = 1e-9
"""Share of the largest voltage by which a clock's equation may be off."""


class ClockedRun(NamedTuple):
    """What came of a run: states (T, B, N) and outputs (T, B, K) [V], the last states, how far equations are off, and the fold's sum."""

    states: Array
    outputs: Array
    end: Array
    off: Array
    folded: Any


def settled(ode: Ode, driven: Driven, of: tuple[Array, Array, Array], *, dense: bool) -> tuple[Array, Array]:
    """Return what settles (B, n) [V] for inputs, states and a guess, and how far the equation is off."""
    x, s, guess = of
    balance = balanced(ode, driven(jnp.concatenate([x, s], axis=1)), guess, 0.0, dense=dense)
    return balance.v, balance.off


def next_states(
    ode: Ode, driven: Driven, holding: Holding, of: tuple[Array, Array, Array], noise: Array | float, *, dense: bool
) -> tuple[Array, Array, Array]:
    """Take one clock from inputs, states and a guess of what settles: returns the next states, what settled, and how far that is off."""
    p, off = settled(ode, driven, of, dense=dense)
    s = of[1] + holding.share * (holding.gain * p[:, holding.control] - of[1]) + noise
    return holding.rounded(s), p, off


@partial(jax.jit, static_argnames=("dense", "again", "fold", "feeds"))
def run_clocks(  # noqa: PLR0913 - what a compiled run depends on
    ode: Ode,
    driven: Driven,
    holding: Holding,
    begin: tuple[Array, Any],
    x: Array,
    noise: tuple[Array, Array] | None,
    *,
    dense: bool,
    again: bool,
    fold: Callable[[Any, Array, Array], Any] | None,
    feeds: Feeds | None = None,
) -> ClockedRun:
    """Take clock after clock.

    Parameters
    ----------
    ode, driven, holding
        The circuit, whose features are inputs and states.
    begin
        States (B, N) [V], and the fold's sum.
    x
        Inputs (T, B, I).
    noise
        A seed, and the standard deviation of what each clock adds to the states (N,) [V]; None: nothing.
    dense
        Whether nodes that settle are coupled so strongly that their whole Jacobian is needed.
    again
        Whether outputs depend on nodes that settle, so that these are solved for the new states as well.
    fold, feeds
        What is folded up, and what inputs are made of it; None: nothing, and the inputs as they are.

    """

    def clock(carry: tuple[Any, ...], now: tuple[Array, Array]) -> tuple[tuple[Any, ...], tuple[Array, Array]]:
        s, p, off, folded = carry
        x, number = now
        x = x if feeds is None else feeds(folded, x, number)
        added = 0.0 if noise is None else noise[1] * Draws(noise[0], s).normal("voltage", turn=number)
        s, p, first = next_states(ode, driven, holding, (x, s, p), added, dense=dense)
        p, second = settled(ode, driven, (x, s, p), dense=dense) if again else (p, first)
        y = p @ driven.y_of_v + jnp.concatenate([x, s], axis=1) @ driven.y_of_x + driven.y_fixed
        folded = folded if fold is None else fold(folded, s, number)
        return (s, p, jnp.maximum(off, jnp.maximum(first, second)), folded), (s, y)

    s, initial = begin
    first = holding.rounded(s), jnp.zeros((len(s), len(ode.coupling))), jnp.zeros(()), initial
    (end, _, off, folded), (states, outputs) = jax.lax.scan(clock, first, (x, jnp.arange(len(x))))
    return ClockedRun(states, outputs, end, off, folded)


@jax_scope()
def integrate_clocked(  # noqa: PLR0913 - what Transient.integrate takes, and the circuit
    circuit: Circuit,
    chip: Chip,
    g: Conductances,
    signal: Signal,
    v0: Mapping[str, Array] | None = None,
    *,
    groups: Sequence[str] | None = None,
    fold: Reduction | None = None,
    accuracy: Volt | None = None,  # noqa: ARG001 - the recursion has no steps, and no error by them
    steps: int | None = None,  # noqa: ARG001 - as above
    noise: NoiseInTime | None = None,
) -> Trajectory:
    """Take a clock an interval, whose length has no effect; the parameters are those of `Transient.integrate`.

    Raises
    ------
    CircuitError, UnsupportedCircuitError, ConvergenceError
        As `Transient.integrate`.

    """
    signal, stored = signal.checked(circuit), stored_groups(circuit, groups, folded=True)
    clocked = ClockedForm.of(circuit, chip, g, signal.push.beta)
    kept = np.searchsorted(clocked.nodes, np.concatenate([np.zeros(0, dtype=np.intp), *(group.nodes for group in stored)]))
    kept_fold = None if fold is None else _of_kept(folding(fold.step, tuple(stored)), tuple(kept.tolist()))
    came = run_clocks(
        ode_of(clocked.form),
        driven_by(clocked.form, signal),
        clocked.holding,
        (initial_states(circuit, v0, len(signal.x))[:, clocked.nodes], None if fold is None else fold.initial),
        np.moveaxis(signal.x, 1, 0),
        None if noise is None else _of_switches(circuit, clocked, chip.temperature, noise),
        dense=clocked.dense,
        again=bool(clocked.form.outputs.of_v.any()),
        fold=kept_fold,
        feeds=None if fold is None else fold.feeds,
    )
    states, end = np.moveaxis(np.asarray(came.states), 0, 1), np.asarray(came.end)
    refuse_unsettled(circuit, end, float(came.off))
    place = {int(node): k for k, node in enumerate(clocked.nodes)}
    at = {group.name: [place[int(node)] for node in group.nodes] for group in state_groups(circuit)}
    return Trajectory(
        signal.times,
        {group.name: states[:, :, at[group.name]] for group in stored},
        np.moveaxis(np.asarray(came.outputs), 0, 1),
        {name: end[:, where] for name, where in at.items()},
        float(came.off) * max(1.0, float(np.abs(end).max(initial=0.0))),
        1.0,
        "clocked",
        came.folded,
    )


def refuse_unsettled(circuit: Circuit, end: Array, off: float) -> None:
    """Refuse last states without bound, and clocks whose equation is off by too large a share of the largest voltage.

    Raises
    ------
    ConvergenceError
        With what to change.

    """
    if not np.isfinite(end).all() or off > _OFF:
        msg = f"{circuit.name}: states of a clock grow without bound; lower the gain of what feeds back, or limit it by diodes"
        raise ConvergenceError(msg)


def _of_switches(circuit: Circuit, clocked: ClockedForm, temperature: Kelvin, noise: NoiseInTime) -> tuple[Array, Array]:
    """Return a seed and how much noise a clock adds to each state [V].

    Raises
    ------
    UnsupportedCircuitError
        When shot noise is asked for.

    """
    if noise.shot:
        msg = f"{circuit.name} is clocked: nothing at its columns limits how fast their shot noise is; omit it"
        raise UnsupportedCircuitError(msg)
    return np.uint32(noise.seed % 2**32), clocked.noise * (float(noise.thermal) * np.sqrt(BOLTZMANN * temperature))


@lru_cache(maxsize=64)
def _of_kept(fold: Callable[[Any, Array, Array], Any], kept: tuple[int, ...]) -> Callable[[Any, Array, Array], Any]:
    """Fold up the states that are kept; one function a fold, so that it compiles once."""

    def folded(total: Any, states: Array, number: Array) -> Any:
        return fold(total, states[:, list(kept)], number)

    return folded

"""A run through all intervals as one compiled scan: k steps an interval, and nothing stored but what is asked for."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, Self

import jax
import jax.numpy as jnp

from hwsim.core.transient import Feeds
from hwsim.numeric.transient.steps import Ode, Step, Stepped
from hwsim.numeric.transient.time_noise import NoiseForm
from hwsim.typing import Array

_ROUNDING = 1e-6
"""Of a number of steps: intervals that are equally long but for rounding have as many."""


class Driven(NamedTuple):
    """How inputs and pushes drive the ODE: u = x·u_of_x + u_fixed, e = x·e_of_x + e_fixed, ŷ = v·y_of_v + x·y_of_x + y_fixed.

    `e_of_x` is None where no diode sees an input directly, which saves work.
    """

    u_of_x: Array
    u_fixed: Array
    e_of_x: Array | None
    e_fixed: Array
    y_of_v: Array
    y_of_x: Array
    y_fixed: Array

    def __call__(self, x: Array) -> tuple[Array, Array]:
        """Return u (B, n) [V/s] and e (P,) or (B, P) [V] for inputs (B, I)."""
        e = self.e_fixed if self.e_of_x is None else x @ self.e_of_x + self.e_fixed
        return x @ self.u_of_x + self.u_fixed, e


class Came(NamedTuple):
    """What came of a run.

    Parameters
    ----------
    kept
        The states that are stored, shape (T, B, m) [V].
    outputs
        Read-outs, shape (T, B, K) [V].
    end
        The last states, shape (B, n) [V].
    slope
        The largest slope that each diode had, shape (P,) [S].
    off
        How far a step's equation was off at most, as a share of the largest voltage.
    folded
        The sum of the fold.

    """

    kept: Array
    outputs: Array
    end: Array
    slope: Array
    off: Array
    folded: Any


class Cut(NamedTuple):
    """How an interval is cut into steps: its rise, a share of it, into `early` ones, and what is left into `late` ones."""

    rise: Array | float
    early: Array
    late: Array

    @classmethod
    def of(cls, rise: Array, steps: Array, share: Array) -> Self:
        """Take `steps` behind the rise of the longest interval, and elsewhere as many as keep them as short; `share` is of the longest."""
        late = jnp.maximum(jnp.ceil(steps * share - _ROUNDING), 1.0)
        early = jnp.where(rise < 1.0, jnp.maximum(jnp.ceil(rise * late / jnp.maximum(1.0 - rise, rise / steps) - _ROUNDING), 1.0), 0.0)
        return cls(rise, early, late)

    def step(self, number: Array) -> tuple[Array, Array]:
        """Return where a step begins and how long it is, as shares of the interval."""
        begin = jnp.where(self.early > 0, self.rise, 0.0)
        early, late = self.rise / jnp.maximum(self.early, 1.0), (1.0 - begin) / self.late
        rising = number < self.early
        return jnp.where(rising, number * early, begin + (number - self.early) * late), jnp.where(rising, early, late)


def advance(  # noqa: PLR0913 - what an interval depends on
    ode: Ode,
    step: Step,
    steps: tuple[Array | int, Array | float],
    drives: tuple[tuple[Array, Array], tuple[Array, Array]],
    lengths: tuple[Array, Array],
    begin: Stepped,
    *,
    noise: NoiseForm | None = None,
) -> Stepped:
    """Take the steps of one interval.

    Parameters
    ----------
    ode, step
        The circuit, and how a step is taken.
    steps
        Of the longest interval behind its rise, and the share of an interval that is its rise.
    drives
        Before the interval and from the end of its rise on.
    lengths
        The interval's [s], and what share of the longest that is.
    begin
        States at its beginning, and what is known of the run until then.
    noise
        Of the interval; None: none.

    """
    (count, rise), (before, after), (length, share_of_longest) = steps, drives, lengths
    cut = Cut.of(jnp.asarray(rise), jnp.asarray(count), share_of_longest)

    def at(share: Array) -> tuple[Array, Array]:
        risen = jnp.minimum(share / rise, 1.0)
        u = before[0] + risen * (after[0] - before[0])
        return u, after[1] if after[1].ndim == 1 else before[1] + risen * (after[1] - before[1])

    def substep(number: Array, inner: Stepped) -> Stepped:
        first, part = cut.step(number)
        h = part * length
        v = inner.v if noise is None else noise.added(ode, inner.v, at(first)[1], h, 2 * number)
        stepped = step(ode, v, lambda share: at(first + share * part), h)
        v = stepped.v if noise is None else noise.added(ode, stepped.v, at(first + part)[1], h, 2 * number + 1)
        return Stepped(v, jnp.maximum(inner.slope, stepped.slope), jnp.maximum(inner.off, stepped.off))

    state: Stepped = jax.lax.fori_loop(0, (cut.early + cut.late).astype(int), substep, begin)
    return state


@partial(jax.jit, static_argnames=("step", "fold", "feeds"))
def run(  # noqa: PLR0913, PLR0917 - what a compiled run depends on
    ode: Ode,
    driven: Driven,
    kept: Array,
    begin: tuple[Array, Array],
    intervals: tuple[Array, Array],
    steps: tuple[Array | int, Array | float],
    initial: Any,
    *,
    step: Step,
    fold: Callable[[Any, Array, Array], Any] | None,
    noise: NoiseForm | None = None,
    feeds: Feeds | None = None,
) -> Came:
    """Integrate.

    Parameters
    ----------
    ode, driven
        The circuit.
    kept
        Which states are stored, shape (m,).
    begin
        States (B, n) and inputs (B, I) at 0 s.
    intervals
        Inputs (T, B, I) and lengths (T,) [s].
    steps
        Of the longest interval behind its rise, and the share of each interval that is its rise.
    initial, fold
        What is folded up; None: nothing.
    step
        How one is taken.
    noise
        Of the circuit; None: none.
    feeds
        Which inputs are made of what is folded up; None: those that are given.

    """
    longest = intervals[1].max()

    def interval(carry: tuple[Any, ...], given: tuple[Array, Array, Array]) -> tuple[tuple[Any, ...], tuple[Array, Array]]:
        v, before, slope, off, folded = carry
        x, length, number = given
        x = x if feeds is None else feeds(folded, x, number)
        after = driven(x)
        drawn = None if noise is None else noise.at(number)
        v, slope, off = advance(ode, step, steps, (before, after), (length, length / longest), Stepped(v, slope, off), noise=drawn)
        folded = folded if fold is None else fold(folded, v[:, kept], number)
        y = v @ driven.y_of_v + x @ driven.y_of_x + driven.y_fixed
        return (v, after, slope, off, folded), (v[:, kept], y)

    first = begin[0], driven(begin[1]), jnp.zeros(ode.i_sat.shape), jnp.zeros(()), initial
    (end, _, slope, off, folded), (states, outputs) = jax.lax.scan(interval, first, (*intervals, jnp.arange(len(intervals[1]))))
    return Came(states, outputs, end, slope, off, folded)

"""Whether a circuit forgets how it began: a certificate for any input, and the largest Lyapunov exponent along a run.

For two trajectories of one input, e apart, V = ½·Σ C·e² changes by dV/dt = −eᵀ·(−H)·e − eᵀ·(secants of the diodes)·e. Where each diode's
current leaves just the nodes whose voltages it sees, the last term only takes from V; and if −(H + Hᵀ)/2 is positive definite, V falls
whatever the input, the diodes and the capacitors are: the echo state property (Jaeger 2001, GMD Report 148), in continuous time. Of
states that only feed others forward, as layers do, each group that feeds itself back is looked at alone: once it has forgotten, so do
those that it feeds. The terms of V may have any weights: those that balance −H make amplifiers that pass current back symmetric.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.nodes import Nodes
from hwsim.core.protocol import ConvergenceError
from hwsim.core.signal import Signal
from hwsim.core.transient import state_groups
from hwsim.numeric.jax_scope import jax_scope
from hwsim.numeric.transient.run import Driven, advance
from hwsim.numeric.transient.sequence_problem import MOST_STEPS, SequenceProblem
from hwsim.numeric.transient.state_form import StateForm
from hwsim.numeric.transient.steps import Ode, Step, Stepped, explicit
from hwsim.typing import Array, Conductances, Floats

_SCALINGS = 300
"""Scalings of all states: differences of layers shrink by a half with each, or sooner."""

_SAME = 1e-9
"""Share by which a diode may see other voltages than it acts on, by rounding."""


def forgetting_rate(form: StateForm) -> float | None:
    """Return the rate at which every difference between two trajectories of one input fades at least [1/s].

    Zero or less: it is not certified; a circuit may forget all the same. None: some diode acts elsewhere than on the voltages that it
    sees, so that there is no such certificate.
    """
    largest = max(float(np.abs(form.drawn).max(initial=0.0)), 1.0)
    if np.abs(form.drawn - form.ports.of_v.T).max(initial=0.0) > _SAME * largest:
        return None
    root = np.sqrt(form.c)
    fading = -form.rates() * root[:, None] / root
    alone = ((form.ports.of_v != 0).sum(axis=1) <= 1).all()
    return min(_certified(fading[np.ix_(some, some)], weighed=bool(alone)) for some in _fed_back(form))


def _certified(fading: Floats, *, weighed: bool) -> float:
    """Return the rate of a group of states; `weighed` lets C·e² have weights, which no diode between two states would permit."""
    forms = [fading, _balanced(fading)] if weighed else [fading]
    return max(float(np.linalg.eigvalsh(0.5 * (one + one.T))[0]) for one in forms)


def _balanced(fading: Floats) -> Floats:
    """Scale states until each is coupled as strongly to others as they are to it (Osborne 1960, J. ACM 7, 338), all at once and damped.

    SciPy's matrix_balance takes powers of 2 alone, and counts the diagonal.
    """
    coupling = np.abs(fading)
    np.fill_diagonal(coupling, 0.0)
    scale = np.ones(len(fading))
    for _ in range(_SCALINGS):
        weighed = coupling / scale[:, None] * scale
        there, back = weighed.sum(axis=1), weighed.sum(axis=0)
        fed = (there > 0) & (back > 0)
        scale[fed] *= (there[fed] / back[fed]) ** 0.25
    return fading / scale[:, None] * scale


def _fed_back(form: StateForm) -> Iterator[Nodes]:
    """Return the groups of states that feed each other, in both directions."""
    from scipy.sparse import csr_array  # noqa: PLC0415 - help does without
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415 - only circuits in time need it

    coupled = (form.charging.of_v != 0) | (np.abs(form.drawn) @ np.abs(form.ports.of_v) > 0)
    count, labels = connected_components(csr_array(coupled), directed=True, connection="strong")
    yield from (np.flatnonzero(labels == k) for k in range(count))


@jax_scope()
def lyapunov_exponents(circuit: Circuit, chip: Chip, g: Conductances, signal: Signal, steps: int, seed: int = 0) -> Floats:
    """Return the largest Lyapunov exponent along each sequence, from 0 V on, shape (B,) [1/s]; negative: small differences fade.

    A direction that is drawn at random goes along with the states, by the derivative of each step, and is scaled to length 1 after each
    interval; the mean logarithm of its growth over the second half of the intervals is the exponent (Benettin et al. 1980, Meccanica
    15, 9).

    Parameters
    ----------
    circuit, chip, g
        The circuit.
    signal
        What is applied.
    steps
        Of the longest interval, to begin with: explicit ones, of which more are taken until they are stable.
    seed
        Of the direction.

    Raises
    ------
    CircuitError, UnsupportedCircuitError
        As `Transient.integrate`.
    ConvergenceError
        When diodes make explicit steps too short.

    """
    signal = signal.checked(circuit)
    problem = SequenceProblem.of(circuit, chip, g, signal, None, state_groups(circuit), None)
    tangent = np.random.default_rng(seed).standard_normal(problem.v0.shape)
    lengths = np.diff(signal.times, prepend=0.0)
    x = np.moveaxis(signal.x, 1, 0)
    while steps <= MOST_STEPS:
        begin = problem.v0, tangent, signal.begin
        growth, slope = map(np.asarray, _growth(problem.ode, problem.driven, begin, (x, lengths), (steps, signal.rise), step=explicit))
        if np.isfinite(growth).all() and problem.stable(steps, slope):
            break
        steps *= 2
    else:
        msg = f"{circuit.name}: {MOST_STEPS} explicit steps of an interval are too few for its diodes; shorten the intervals"
        raise ConvergenceError(msg)
    late = len(lengths) // 2
    exponents: Floats = growth[late:].sum(axis=0) / lengths[late:].sum()
    return exponents


@partial(jax.jit, static_argnames=("step",))
def _growth(
    ode: Ode,
    driven: Driven,
    begin: tuple[Array, Array, Array],
    intervals: tuple[Array, Array],
    steps: tuple[Array, Array],
    *,
    step: Step,
) -> tuple[Array, Array]:
    """Return the logarithm of the growth of a direction in each interval, (T, B), and the diodes' largest slopes (P,) [S]."""
    longest = intervals[1].max()

    def interval(carry: tuple[Array, Array, Any, Array], given: tuple[Array, Array]) -> tuple[tuple[Array, ...], Array]:
        v, direction, before, slope = carry
        x, length = given
        after = driven(x)

        def through(state: Array) -> tuple[Array, Array]:
            stepped = advance(ode, step, steps, (before, after), (length, length / longest), Stepped(state, slope, jnp.zeros(())))
            return stepped.v, stepped.slope

        v, direction, slope = jax.jvp(through, (v,), (direction,), has_aux=True)
        grown = jnp.linalg.norm(direction, axis=1)
        return (v, direction / grown[:, None], after, slope), jnp.log(grown)

    first = begin[0], begin[1] / jnp.linalg.norm(begin[1], axis=1)[:, None], driven(begin[2]), jnp.zeros(ode.i_sat.shape)
    (*_, slope), growth = jax.lax.scan(interval, first, intervals)
    return growth, slope

"""Whether a clocked circuit forgets how it began: a certificate for any input, and the largest Lyapunov exponent along a run."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from hwsim.core.signal import Signal
from hwsim.numeric.jax_scope import jax_scope
from hwsim.numeric.transient.clocked import next_states
from hwsim.numeric.transient.clocked_form import ClockedForm, Holding
from hwsim.numeric.transient.run import Driven
from hwsim.numeric.transient.sequence_problem import driven_by, ode_of
from hwsim.numeric.transient.steps import Ode
from hwsim.typing import Array, Conductances, Floats


def spectral_radius(form: ClockedForm) -> float:
    """Return the largest magnitude of an eigenvalue of the weights that states have on each other, without diodes."""
    return float(np.abs(np.linalg.eigvals(form.linear_weights)).max())


def clock_contraction(form: ClockedForm) -> float | None:
    """Return by what factor each clock shrinks every difference between two runs of one input, at least; None: no such factor is known.

    Diodes let a node answer less than without them, by factors d of 0 to 1, so that a difference e becomes (1 − a)·e + a·d·W·e. In the norm
    of the largest magnitude, weighed by Perron's vector, that is as long as the spectral radius of 1 − a + a·|W| at most; in the Euclidean
    norm, as max(1 − a) + max(a)·‖W‖. A factor of 1 or more certifies nothing: such a circuit may forget all the same. Converters round
    differences up, and where diodes couple nodes that settle there are no such factors d.
    """
    if form.dense or form.holding.step.any():
        return None
    share, weights = np.asarray(form.holding.share), form.linear_weights
    largest = float(np.abs(np.linalg.eigvals(np.diag(1 - share) + share[:, None] * np.abs(weights))).max())
    return min(largest, float((1 - share).max() + share.max() * np.linalg.norm(weights, 2)))


@jax_scope()
def clock_exponents(circuit: Circuit, chip: Chip, g: Conductances, signal: Signal, seed: int = 0) -> Floats:
    """Return the largest Lyapunov exponent along each sequence, from 0 V on, shape (B,) [1/clock]; negative: small differences fade.

    As `forgetting.lyapunov_exponents`, with clocks for intervals; of states that converters round it is that of the circuit without them.

    Parameters
    ----------
    circuit, chip, g
        The circuit.
    signal
        What is applied.
    seed
        Of the direction.

    Raises
    ------
    CircuitError, UnsupportedCircuitError
        As `Transient.integrate`.

    """
    signal = signal.checked(circuit)
    form = ClockedForm.of(circuit, chip, g, signal.push.beta)
    smooth = form.holding._replace(step=np.zeros_like(form.holding.step))
    tangent = np.random.default_rng(seed).standard_normal((len(signal.x), len(form.nodes)))
    growth = _growth(ode_of(form.form), driven_by(form.form, signal), smooth, tangent, np.moveaxis(signal.x, 1, 0), dense=form.dense)
    exponents: Floats = np.asarray(growth)[len(growth) // 2 :].mean(axis=0)
    return exponents


@partial(jax.jit, static_argnames=("dense",))
def _growth(ode: Ode, driven: Driven, holding: Holding, tangent: Array, x: Array, *, dense: bool) -> Array:
    """Return the logarithm of the growth of a direction in each clock, (T, B)."""

    def clock(carry: tuple[Array, Array, Array], now: Array) -> tuple[tuple[Array, Array, Array], Array]:
        s, p, direction = carry

        def through(states: Array) -> tuple[Array, Array]:
            after, settled, _ = next_states(ode, driven, holding, (now, states, p), 0.0, dense=dense)
            return after, settled

        s, direction, p = jax.jvp(through, (s,), (direction,), has_aux=True)
        grown = jnp.linalg.norm(direction, axis=1)
        return (s, p, direction / grown[:, None]), jnp.log(grown)

    begin = jnp.zeros_like(tangent), jnp.zeros((len(tangent), len(ode.coupling))), tangent / jnp.linalg.norm(tangent, axis=1)[:, None]
    growth: Array = jax.lax.scan(clock, begin, x)[1]
    return growth

"""Noise of a circuit in time, as increments: what thermal and shot noise add to the states in each step.

A conductance g pushes a white current of the two-sided density 2·k·T·g from one of its ends to the other, so that in a step h the charge
that it moves has the variance 2·k·T·g·h; all that is linear in the circuit leads it on to the capacitors. Half of a step's noise is added
before it and half behind it (Strang's splitting). What is left of it on a capacitor of the rate λ would be h·λ·coth(h·λ) times as large as
it should, so that each half is divided by that: the variance is right for steps of any length where states are not coupled, and elsewhere
to the square of the step.
"""

from typing import NamedTuple, Self

import jax.numpy as jnp
import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.constants import BOLTZMANN, ELEMENTARY_CHARGE
from circuits.diode import diode_current
from circuits.elements import Resistors
from hwsim.core.transient import NoiseInTime
from hwsim.numeric.general.linear_system import conductance, learned
from hwsim.numeric.transient.state_form import StateForm
from hwsim.numeric.transient.steps import Ode
from hwsim.random.counter import Draws
from hwsim.typing import Array, Conductances, Floats

_GOLDEN = np.uint32(0x9E3779B9)
"""Spreads intervals over 32 bits: 2³² over the golden ratio. Source: Knuth, The Art of Computer Programming 3, 6.4."""

_SLOW = 1e6
"""Steps in which a state changes by itself, at most: slower ones, and what grows, take noise as if nothing else moved them."""


class NoiseForm(NamedTuple):
    """Noise of a run.

    Parameters
    ----------
    seed
        Of the run, and from there of an interval, below 2^32.
    thermal
        Root of the covariance of what thermal noise adds to the states in a second, shape (n, n) [V/√s]; None: it adds nothing.
    charge
        That of which diodes' currents consist [C]; None: they flow evenly.

    """

    seed: Array
    thermal: Array | None
    charge: Array | None

    @classmethod
    def of(cls, form: StateForm, circuit: Circuit, chip: Chip, g: Conductances, noise: NoiseInTime) -> Self:
        """Find how all that is noisy moves the states."""
        root = _root(_covariance(form, circuit, chip, g)) if noise.thermal else None
        return cls(np.uint32(noise.seed % 2**32), root, np.asarray(ELEMENTARY_CHARGE) if noise.shot and len(form.i_sat) else None)

    def at(self, interval: Array) -> "NoiseForm":
        """Return that of an interval by its number."""
        return self._replace(seed=self.seed + interval.astype(np.uint32) * _GOLDEN)

    def added(self, ode: Ode, v: Array, e: Array, h: Array, half: Array) -> Array:
        """Return the states (B, n) after a half of the noise of a step h [s], numbered within the interval.

        Diodes see the voltages e (P,) or (B, P) besides.
        """
        moved = jnp.zeros_like(v)
        i, slope = diode_current(v @ ode.ports + e, ode.i_sat, ode.n)
        rate = jnp.maximum(slope @ (ode.ports.T * ode.drawn) - jnp.diagonal(ode.coupling), 1.0 / (_SLOW * h))
        if self.thermal is not None:
            moved = Draws(self.seed, v).normal("current", turn=half) @ self.thermal
        if self.charge is not None:
            flows = jnp.maximum(i, -ode.i_sat) + 2.0 * ode.i_sat
            moved = moved - (jnp.sqrt(self.charge * flows) * Draws(self.seed, flows).normal("voltage", turn=half)) @ ode.drawn
        return v + jnp.sqrt(0.5 * jnp.tanh(rate * h) / rate) * moved


def _covariance(form: StateForm, circuit: Circuit, chip: Chip, g: Conductances) -> Floats:
    """Return that of the states' voltages that thermal noise causes in a second, shape (n, n) [V²/s]."""
    from scipy.sparse import csc_array  # noqa: PLC0415 - only noise in time needs it

    values = {name: np.asarray(array, dtype=np.float64) for name, array in g.items()}
    parts = [part for e in circuit.trainable for part in learned(e, values)]
    parts += [part for e in circuit.of(Resistors) for part in conductance(e.a, e.b, 1.0 / chip(e.name, "r"))]
    if not parts:
        return np.zeros((len(form.c), len(form.c)))
    row, column, value = (np.concatenate(of) for of in zip(*parts, strict=True))
    laplacian = csc_array((value, (row, column)), shape=(form.size + 1, form.size + 1))[1:, 1:]
    wanted = np.eye(len(form.system.sources.fixed), len(form.c), -form.branch)
    answer = form.system.solve(wanted, transposed=True)[: form.size]
    covariance: Floats = 2.0 * BOLTZMANN * chip.temperature * (answer.T @ (laplacian @ answer)) / np.outer(form.c, form.c)
    return covariance


def _root(covariance: Floats) -> Floats:
    """Return a matrix whose product with normal numbers, on its left, has this covariance."""
    values, vectors = np.linalg.eigh(covariance)
    root: Floats = (vectors * np.sqrt(np.maximum(values, 0.0))).T
    return root

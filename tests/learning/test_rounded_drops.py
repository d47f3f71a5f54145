"""Free drops in few bits: what they can be, that rounding by chance is right in the mean, and that every rule's gradient is then too."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

from circuits.chip import Chip
from circuits.junction_neurons import DiodePair
from circuits.network import Amplifier, Layer, Network
from hwsim.learning.gradient.rounded_drops import DropRounding
from hwsim.learning.losses import SquaredError
from hwsim.learning.rules.adjoint import Adjoint
from hwsim.learning.rules.coupled_learning import CoupledLearning
from hwsim.learning.rules.equilibrium_propagation import EquilibriumPropagation
from hwsim.learning.rules.estimator import Draw, EstimatorRule
from hwsim.learning.rules.nudges import Frozen, Volts
from hwsim.learning.rules.richardson import Richardson
from hwsim.learning.rules.small_signal import SmallSignal
from hwsim.numeric.numeric_engine import NumericEngine

pytestmark = pytest.mark.usefixtures("jax_64_bits")

COPIES = 4000
"""Of one sample, whose roundings differ: their mean errs by a sixtieth."""

BY_CHANCE = [DropRounding("power-of-two"), DropRounding(5)]
RULES: dict[str, Callable[..., EstimatorRule]] = {
    "equilibrium-propagation": lambda **given: EquilibriumPropagation(Frozen(1e-7), "centred", **given),
    "one-sided": lambda **given: EquilibriumPropagation(Frozen(1e-7), "positive", **given),
    "volts": lambda **given: EquilibriumPropagation(Volts(1e-3), "centred", **given),
    "richardson": lambda **given: Richardson(Frozen(1e-7), "centred", **given),
    "coupled-learning": lambda **given: CoupledLearning(0.01, 1e-2, **given),
    "small-signal": SmallSignal,
    "adjoint": Adjoint,
}


@pytest.mark.parametrize("rounding", BY_CHANCE)
def test_the_mean_of_rounded_voltages_is_the_voltage(rounding: DropRounding) -> None:
    """Each is one of the two values around it, and each copy has a draw of its own."""
    v = np.concatenate([[0.0, 0.25, -1.0, 1.0], np.random.default_rng(0).uniform(-1, 1, 20)])
    rounded, x = rounding({"h": np.tile(v, (COPIES, 1))}, np.tile(v, (COPIES, 1)), 7)
    for values in (rounded["h"], x):
        gaps = np.ptp(values, axis=0)
        assert all(len(np.unique(column)) <= 2 for column in values.T)
        np.testing.assert_allclose(values.mean(axis=0), v, atol=1e-12 + 4 * gaps.max() / 2 / np.sqrt(COPIES))
    assert (rounded["h"] != x).any()


def test_powers_of_two_are_shifts_and_signs_are_comparators() -> None:
    """A power of two stays, and others become one; signs have one size, the root mean square."""
    v = np.random.default_rng(1).standard_normal((50, 8)).astype(np.float32)
    v[0] = 2.0 ** np.arange(-4, 4)
    powers, x = DropRounding("power-of-two")({"h": v}, v, 3)
    assert powers["h"].dtype == v.dtype
    np.testing.assert_array_equal(x[0], v[0])
    np.testing.assert_array_equal(np.log2(np.abs(powers["h"])) % 1, 0)
    signs, _ = DropRounding("sign")({"h": v}, v, 3)
    np.testing.assert_allclose(np.abs(signs["h"]), np.sqrt((v**2).mean()), rtol=1e-6)
    np.testing.assert_array_equal(np.sign(signs["h"]), np.sign(v))


@cache
def problem() -> tuple[Any, ...]:
    layer = Layer(size=3, neuron=DiodePair(v_low=-0.15, v_high=0.1, i_sat=2e-7, n=1.3), amplifier=Amplifier(gain=4.0, back=0.25))
    circuit = Network(inputs=2, layers=(layer,), outputs=2).compile()
    rng = np.random.default_rng(5)
    g = {e.name: np.exp(rng.uniform(np.log(2e-6), np.log(5e-5), e.shape)) for e in circuit.trainable}
    x, y = (np.tile(rng.uniform(-1, 1, 2), (COPIES, 1)) for _ in range(2))
    return NumericEngine().prepare(circuit, Chip.nominal(circuit)), g, x, 0.2 * y


@pytest.mark.parametrize("name", RULES)
def test_the_mean_gradient_is_that_of_exact_drops(name: str) -> None:
    """Of every rule, as only the free drop is rounded; a single gradient differs from it, and the quiet rule rounds nothing."""
    solver, g, x, y = problem()
    exact = RULES[name]().gradient(solver, g, x, y, SquaredError()).g
    rule = RULES[name](rounding=DropRounding("power-of-two"))
    rounded = rule.gradient(solver, g, x, y, SquaredError(), Draw(seed=np.uint32(5))).g
    quiet = rule.quiet.gradient(solver, g, x, y, SquaredError()).g
    for array, values in exact.items():
        size = np.abs(values).max()
        assert 1e-6 * size < np.abs(rounded[array] - values).max() < 0.05 * size
        np.testing.assert_array_equal(quiet[array], values)

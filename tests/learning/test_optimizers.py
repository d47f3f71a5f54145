"""Optimizers and programming: short sequences worked out by hand, in NumPy and in JAX."""

import jax.numpy as jnp
import numpy as np
import pytest

from circuits.chip import Chip
from circuits.network import Network
from hwsim.devices.programming.programming import Ideal
from hwsim.learning.optimizers import Adam, Desynchronous, Optimizer, Sgd, Sign

pytestmark = pytest.mark.usefixtures("jax_64_bits")

GRADIENTS = (2.0, -1.0, 0.5)
WAYS = {"sgd": Sgd(), "momentum": Sgd(0.5), "adam": Adam(0.5, 0.75)}
STEPS = {
    "sgd": (-0.2, 0.1, -0.05),  # −0.1·gradient
    "momentum": (-0.2, 0.0, -0.05),  # m: 2, 0, 0.5
    # m: 1, 0, 0.25; s: 1, 1, 0.8125; over 1 − 0.5^t and 1 − 0.75^t
    "adam": (-0.1, 0.0, -0.1 * (0.25 / 0.875) / np.sqrt(0.8125 / 0.578125)),
}


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize("xp", [np, jnp], ids=["numpy", "jax"])
def test_steps_by_hand(name: str, xp) -> None:
    """Three steps at a rate of 0.1 are those of the formula, each crossbar with a rate and a memory of its own."""
    optimizer: Optimizer = WAYS[name]
    g = {"w1": np.zeros((1, 2)), "w2": np.zeros((1, 1))}
    moments = optimizer.begin(g)
    for gradient, expected in zip(GRADIENTS, STEPS[name], strict=True):
        along = {"w1": xp.asarray([[gradient, -gradient]]), "w2": xp.asarray([[gradient]])}
        steps, moments = optimizer.step(along, moments, {"w1": 0.1, "w2": 0.3}, along)
        np.testing.assert_allclose(steps["w1"], [[expected, -expected]], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(steps["w2"], [[3 * expected]], rtol=1e-9, atol=1e-12)
    assert int(moments.count) == len(GRADIENTS)


@pytest.mark.parametrize("xp", [np, jnp], ids=["numpy", "jax"])
def test_ideal_programming_stays_within_each_devices_bounds(xp) -> None:
    """A conductance becomes what was wanted, or the bound of its own device on this chip that it would pass."""
    circuit = Network(inputs=1, outputs=1, differential=False, g_min=1e-7, g_max=1e-4).compile()
    low, high = np.array([[1e-6], [1e-7], [2e-6]]), np.array([[3e-5], [1e-4], [4e-5]])
    chip = Chip(circuit, {"w1": {"g_min": low, "g_max": high}})
    wanted = np.array([[-1.0], [1e-5], [1.0]])
    done = Ideal().update({"w1": xp.full((3, 1), 1e-5)}, {"w1": xp.asarray(wanted)}, chip, None)
    np.testing.assert_allclose(done.g["w1"], [[1e-6], [2e-5], [4e-5]], rtol=1e-12)
    assert (done.pulses, done.energy) == (0, 0.0)


@pytest.mark.parametrize("xp", [np, jnp], ids=["numpy", "jax"])
def test_signs_alone_move_conductances_by_their_rate(xp) -> None:
    """Whatever the gradient's size is; where it is 0, nothing moves, and nothing is remembered."""
    gradient = {"w1": xp.asarray([3.0, -1e-9, 0.0])}
    steps, moments = Sign().step(gradient, Sign().begin(gradient), {"w1": 2e-6}, gradient)
    np.testing.assert_array_equal(steps["w1"], [-2e-6, 2e-6, 0.0])
    assert moments.count == 1
    assert not moments.mean


def test_each_device_takes_a_step_with_the_same_probability() -> None:
    """Other devices in every update; a probability of 1 changes nothing at all."""
    steps = {"w1": np.full((50, 40), 1e-6), "w2": np.full((30, 20), 1e-6)}
    assert Desynchronous(1.0)(steps, np.uint32(0)) is steps
    reached = [Desynchronous(0.25)(steps, np.uint32(seed)) for seed in (1, 2)]
    for one in reached:
        shares = [(values != 0).mean() for values in one.values()]
        np.testing.assert_allclose(shares, 0.25, atol=0.06)
        assert set(np.unique(one["w1"])) == {0.0, 1e-6}
    assert (reached[0]["w1"] != reached[1]["w1"]).any()
    assert (reached[0]["w1"][:30, :20] != reached[0]["w2"]).any()

"""Losses: the stated error is the derivative of the stated value."""

import jax.numpy as jnp
import numpy as np
import pytest

from hwsim.learning.losses import CrossEntropy, Loss, SquaredError

pytestmark = pytest.mark.usefixtures("jax_64_bits")

STEP = 1e-6
LOSSES = [SquaredError(), CrossEntropy(v_softmax=0.1, low=-0.1, high=0.3)]
of_each_loss = pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: type(loss).__name__)


def read_outs() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(6)
    return rng.uniform(-0.5, 0.5, (4, 3)), rng.permuted(np.tile([-0.1, -0.1, 0.3], (4, 1)), axis=1)


@of_each_loss
def test_error_is_the_derivative_of_the_value(loss: Loss) -> None:
    """Each output's error is what the loss gains a volt of it."""
    outputs, y = read_outs()
    for k in range(outputs.shape[1]):
        step = STEP * np.eye(outputs.shape[1])[k]
        slope = (loss.value(outputs + step, y) - loss.value(outputs - step, y)) / (2 * STEP)
        np.testing.assert_allclose(loss.error(outputs, y)[:, k], slope, rtol=0, atol=1e-8)


@of_each_loss
def test_jax_computes_what_numpy_does(loss: Loss) -> None:
    """Arrays of both libraries give the same numbers."""
    outputs, y = read_outs()
    for part in (loss.value, loss.error):
        np.testing.assert_allclose(part(jnp.asarray(outputs), jnp.asarray(y)), part(outputs, y), rtol=1e-12, atol=1e-15)


@of_each_loss
def test_outputs_as_targets_leave_no_error(loss: Loss) -> None:
    """Read-outs have no error towards the targets that they are as."""
    outputs, _ = read_outs()
    np.testing.assert_allclose(loss.error(outputs, loss.as_targets(outputs)), 0.0, atol=1e-15)


def test_cross_entropy_survives_large_voltages() -> None:
    """A softmax of hundreds of volts neither overflows nor loses its errors' sum, which is 0."""
    loss = CrossEntropy(v_softmax=0.1, low=0.0, high=0.1)
    outputs, y = np.array([[300.0, -300.0, 0.0]]), np.array([[0.0, 0.1, 0.0]])
    assert loss.value(outputs, y)[0] == pytest.approx(0.1 * 600.0)
    np.testing.assert_allclose(loss.error(outputs, y), [[0.1, -0.1, 0.0]], rtol=0, atol=1e-15)

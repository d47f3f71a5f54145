"""A circuit inside of a JAX model: its gradients, its types, and what it refuses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from circuits.errors import CircuitError
from circuits.junction_neurons import DiodePair
from circuits.network import Amplifier, Layer, Network
from hwsim.compose.jax_layer import JaxLayer, jax_layer
from hwsim.core.protocol import ConvergenceError, UnsupportedCircuitError
from hwsim.experiment.loading import load
from hwsim.numeric.jax_scope import jax_scope

HIDDEN = Layer(size=3, neuron=DiodePair(v_low=-0.1, v_high=0.15, i_sat=1e-7), amplifier=Amplifier(gain=4.0, back=0.5))
CIRCUIT = Network(inputs=3, layers=(HIDDEN,), outputs=2, input_scale=0.7).compile("inner")
RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, (4, 2))
TOLERANCES = {"adjoint": 1e-6, "equilibrium-propagation": 1e-3}
PARAMETERS = {
    "before": RNG.normal(0, 0.7, (2, 3)),
    "g": {element.name: RNG.uniform(0.2, 5.0, element.shape) for element in CIRCUIT.trainable},
    "behind": RNG.normal(0, 0.7, (2, 2)),
}


@pytest.fixture(scope="module")
def crossbar() -> JaxLayer:
    """Make a layer of one crossbar."""
    return jax_layer(Network(inputs=2, outputs=2, g_min=1e-6, g_max=2e-5), rule="adjoint")


def model(layer: JaxLayer, parameters, x):
    """Return the loss of Dense, circuit, Dense; conductances are in units of 10 µS."""
    v = layer({name: 1e-5 * values for name, values in parameters["g"].items()}, jnp.tanh(x @ parameters["before"]))
    return ((jnp.tanh(v @ parameters["behind"]) - 0.3) ** 2).sum()


@pytest.mark.parametrize("rule", TOLERANCES)
def test_the_gradient_of_a_model_is_that_of_finite_differences(rule) -> None:
    """By every number of Dense → circuit → Dense: exact with the adjoint, and to the nudge's error with equilibrium propagation.

    Where no error comes back, gradients are 0, and not what 0/0 is.
    """
    layer = jax_layer(CIRCUIT, rule=rule)
    with jax_scope():
        flat, shaped = ravel_pytree(PARAMETERS)
        result, _ = ravel_pytree(jax.grad(lambda parameters: model(layer, parameters, X))(shaped(flat)))

        def loss(flat):
            return float(model(layer, shaped(flat), X))

        def slope(k: int, step: float = 1e-3) -> float:
            near, far = (loss(flat.at[k].add(m * step)) - loss(flat.at[k].add(-m * step)) for m in (1, 2))
            return (8 * near - far) / (12 * step)

        wanted = np.array([slope(k) for k in range(len(flat))])
        none = jax.grad(lambda parameters: 0 * model(layer, parameters, X))(PARAMETERS)
    assert all((np.asarray(leaf) == 0).all() for leaf in jax.tree.leaves(none))
    assert result.dtype == np.float64
    np.testing.assert_allclose(result, wanted, rtol=0, atol=TOLERANCES[rule] * np.abs(wanted).max())


def test_a_process_of_32_bits_stays_one(crossbar) -> None:
    """Under jit, vmap and grad, outputs and gradients have the caller's type, and are right to its digits."""
    g, x = crossbar.init(seed=1), jnp.asarray(X, jnp.float32)
    slopes = jax.jit(jax.vmap(jax.grad(lambda g, row: (crossbar(g, row) ** 2).sum(), argnums=(0, 1)), (None, 0)))
    outputs, (dg, dx) = crossbar(g, x), slopes(g, x)
    assert {leaf.dtype for leaf in (outputs, dg["w1"], dx)} == {jnp.dtype("float32")}
    assert not jax.config.jax_enable_x64
    exact, residuals = crossbar.forward(g, x)
    np.testing.assert_allclose(outputs, exact, rtol=0, atol=1e-7)
    exact_dg, exact_dx = crossbar.backward(residuals, 2 * exact)
    np.testing.assert_allclose(dg["w1"].sum(0), exact_dg["w1"], rtol=0, atol=1e-6 * np.abs(dg["w1"]).max())
    np.testing.assert_allclose(dx, exact_dx, rtol=0, atol=1e-6 * np.abs(dx).max())
    assert crossbar(g, jnp.ones((4, 2), int)).dtype == jnp.float32


def test_second_derivatives_raise(crossbar) -> None:
    """Rather than be numbers that leave the circuit out, in forward over reverse and in reverse over reverse."""

    def loss(x):
        return (crossbar(crossbar.init(), x) ** 2).sum()

    for second in (jax.hessian(loss), jax.jacrev(jax.jacrev(loss))):
        with pytest.raises(NotImplementedError, match="no second derivatives"):
            second(jnp.asarray(X, jnp.float32))


def test_steps_stay_within_the_bounds(crossbar) -> None:
    """A projected step ends where the devices do, and elsewhere is the optimizer's."""
    g = crossbar.init()
    step = {"w1": jnp.linspace(-1e-4, 1e-4, g["w1"].size, dtype=jnp.float32).reshape(g["w1"].shape)}
    moved = jax.jit(crossbar.apply_updates)(g, step)["w1"]
    np.testing.assert_allclose(moved, np.clip(g["w1"] + step["w1"], 1e-6, 2e-5), rtol=1e-6)
    assert moved.dtype == jnp.float32


def test_what_does_not_fit_is_named(crossbar) -> None:
    """In a line: shapes, names, types, circuits without layers; conductances that are not positive give no number."""
    g, x = crossbar.init(), jnp.asarray(X, jnp.float32)
    for wrong, features, message in (
        (g, x[:, :1], r"x has shape \(4, 1\); layer takes \(..., 2\)"),
        (g, x + 1j, "x is of type complex64"),
        ({}, x, "given for nothing; it has w1"),
        ({"w1": g["w1"].T}, x, r"have shape \(4, 5\) .* it has \(5, 4\)"),
        ({"w1": g["w1"].astype(jnp.float16)}, x, "in float32 or float64"),
    ):
        with pytest.raises((CircuitError, ValueError), match=message):
            crossbar(wrong, features)
    assert np.isnan(crossbar({"w1": -g["w1"]}, x)).all()
    with pytest.raises(CircuitError, match="is not a positive number"):
        crossbar.check({"w1": -g["w1"]}, x)
    assert np.isnan(crossbar(g, x.at[1].set(jnp.nan))).any(1).tolist() == [False, True, False, False]
    with pytest.raises(ConvergenceError, match="sample 1"):
        crossbar.check(g, x.at[1].set(jnp.nan))
    with pytest.raises(UnsupportedCircuitError, match="not a chain of layers"):
        jax_layer(load("netlists/examples/iris-mesh.cir").circuit.deck.circuit)

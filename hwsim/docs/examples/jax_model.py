"""Train a JAX model in which a circuit is one of the layers: Dense, circuit, Dense."""

# %% The exclusive or, with noise
import jax
import jax.numpy as jnp
import numpy as np

import hwsim as hw

STEPS = 150

rng = np.random.default_rng(0)
corners = rng.integers(0, 2, (32, 2))
x = jnp.asarray(2.0 * corners - 1 + rng.normal(0, 0.2, corners.shape))
y = jnp.asarray((corners[:, 0] ^ corners[:, 1]).astype(float))

# %% The circuit is a function of its conductances [S] and inputs, and so is the model
hidden = hw.Layer(4, amplifier=hw.Amplifier())
circuit = hw.jax_layer(hw.Network(inputs=2, layers=[hidden], outputs=2))
g = circuit.init(seed=0)
dense = {"before": 3 * jnp.eye(2), "after": 10 * jnp.asarray([1.0, -1.0])}


def logits(g, dense, x):
    """Return the logarithm of the odds of a 1 for each sample, (n,)."""
    return circuit(g, jnp.tanh(x @ dense["before"])) @ dense["after"]


def loss(g, dense):
    """Return the mean cross-entropy."""
    z = logits(g, dense, x)
    return (jnp.logaddexp(0, z) - y * z).mean()


# %% Gradient descent: of conductances in shares of their largest slope, and within the devices' bounds
@jax.jit
def step(g, dense):
    """Return the loss, and the parameters after a step."""
    value, (dg, d) = jax.value_and_grad(loss, (0, 1))(g, dense)
    updates = {name: -3e-7 * dg[name] / jnp.abs(dg[name]).max() for name in dg}
    return value, circuit.apply_updates(g, updates), {name: dense[name] - 0.5 * d[name] for name in dense}


for _ in range(STEPS):
    value, g, dense = step(g, dense)
score = float(((logits(g, dense, x) > 0) == y).mean())
print(f"loss {value:.3f}, {score:.0%} right")

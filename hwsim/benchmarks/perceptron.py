"""A plain perceptron, trained by back-propagation: the time of the same sizes without a circuit.

ReLU, softmax cross-entropy, stochastic gradient descent or Adam; a whole turn of updates is one compiled scan, with the data on the device.
"""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from hwsim.learning.dataset import Dataset
from hwsim.numeric.jax_scope import jax_scope
from hwsim.random.streams import stream
from hwsim.typing import Array

Weights = list[tuple[Array, Array]]
"""A layer's weights (rows, columns) and biases (columns,)."""

_ADAM = optax.scale_by_adam()


class Perceptron:
    """Learns a data set in 32 bits.

    Parameters
    ----------
    hidden
        Sizes of the hidden layers.
    rate
        Step size of gradient descent.
    adam
        Whether steps are Adam's (Kingma & Ba 2015), as Optax computes them.
    seed
        Seed of the initial weights.

    """

    @jax_scope()
    def __init__(self, hidden: Sequence[int], data: Dataset, rate: float, seed: int = 0, *, adam: bool = False) -> None:
        self.weights = initial((data.features, *hidden, data.classes), seed)
        self.rate = np.float32(rate)
        self.moments = _ADAM.init(self.weights) if adam else None
        self.x, self.labels = jnp.asarray(data.x_train, jnp.float32), jnp.asarray(data.labels_train, jnp.int32)
        self.error = 1.0

    @property
    def count(self) -> int:
        """Number of weights and biases."""
        return sum(w.size + b.size for w, b in self.weights)

    @jax_scope()
    def learn(self, order: Array) -> None:
        """Make an update with each row of sample numbers (updates, batch); `error` is then the share that was wrong on the way."""
        if self.moments is None:
            self.weights, wrong = _learn(self.weights, self.x, self.labels, order, self.rate)
        else:
            carried = self.weights, self.moments
            (self.weights, self.moments), wrong = _learn_by_adam(carried, self.x, self.labels, order, self.rate)
        self.error = int(wrong) / order.size


def initial(sizes: Sequence[int], seed: int) -> Weights:
    """Draw weights for these layer sizes, normal with variance 2/rows (He et al. 2015), and biases of 0."""
    drawn = []
    for k, (rows, columns) in enumerate(pairwise(sizes)):
        w = stream(seed, f"perceptron/{k}").standard_normal((rows, columns)) * np.sqrt(2 / rows)
        drawn.append((jnp.asarray(w, jnp.float32), jnp.zeros(columns, jnp.float32)))
    return drawn


def outputs(weights: Weights, x: Array) -> Array:
    """Return the logits (B, K) of samples x (B, I)."""
    for w, b in weights[:-1]:
        x = jax.nn.relu(x @ w + b)
    w, b = weights[-1]
    return x @ w + b


def mean_loss(weights: Weights, x: Array, labels: Array) -> tuple[Array, Array]:
    """Return the mean cross-entropy, and how many samples are in the wrong class."""
    logits = outputs(weights, x)
    one_hot = jax.nn.one_hot(labels, logits.shape[1], dtype=logits.dtype)
    loss = (jax.nn.logsumexp(logits, axis=1) - (logits * one_hot).sum(1)).mean()
    return loss, (logits.argmax(1) != labels).sum()


@partial(jax.jit, donate_argnums=0)
def _learn(weights: Weights, x: Array, labels: Array, order: Array, rate: Array) -> tuple[Weights, Array]:
    def update(weights: Weights, chosen: Array) -> tuple[Weights, Array]:
        gradient, wrong = jax.grad(mean_loss, has_aux=True)(weights, x[chosen], labels[chosen])
        return jax.tree.map(lambda value, slope: value - rate * slope, weights, gradient), wrong

    done: Any = jax.lax.scan(update, weights, order)
    return done[0], done[1].sum()


@partial(jax.jit, donate_argnums=0)
def _learn_by_adam(carried: tuple[Weights, Any], x: Array, labels: Array, order: Array, rate: Array) -> tuple[tuple[Weights, Any], Array]:
    def update(carried: tuple[Weights, Any], chosen: Array) -> tuple[tuple[Weights, Any], Array]:
        weights, moments = carried
        gradient, wrong = jax.grad(mean_loss, has_aux=True)(weights, x[chosen], labels[chosen])
        steps, moments = _ADAM.update(gradient, moments)
        return (jax.tree.map(lambda value, step: value - rate * step, weights, steps), moments), wrong

    done: Any = jax.lax.scan(update, carried, order)
    return done[0], done[1].sum()

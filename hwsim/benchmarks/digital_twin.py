"""The digital twin of a chain of blocks: its layers with weights in the place of circuits, trained as JAX and Optax train it.

Cross-entropy, Adam, 32 bits; a whole turn of updates is one compiled scan, with the data on the device.
"""

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from circuits.network_layers import Layer
from hwsim.chains.batch_norm import BatchStatistics
from hwsim.chains.digital_stack import as_maps, begun, flat, stack
from hwsim.experiment.experiment import Experiment, ExperimentError
from hwsim.learning.dataset import Dataset
from hwsim.numeric.jax_scope import jax_scope
from hwsim.settings.block_settings import DigitalBlock, shapes
from hwsim.settings.circuit_block import CircuitBlock
from hwsim.settings.digital_layers import DenseLayer, DigitalLayer, TanhLayer
from hwsim.typing import Array

if TYPE_CHECKING:
    from hwsim.chains.operations import LayerStack

_ADAM = optax.adam(1e-3)


def twin_layers(experiment: Experiment) -> tuple[DigitalLayer, ...]:
    """Return a chain's layers, with dense ones and hyperbolic tangents where circuits have crossbars and neurons.

    Raises
    ------
    ExperimentError
        When it is no chain, or a circuit in it is no row of dense layers.

    """
    layers: list[DigitalLayer] = []
    for block in experiment.blocks or ():
        layers += block.layers if isinstance(block, DigitalBlock) else _of_circuit(experiment, block)
    if not layers:
        msg = f"{experiment.name} is one circuit; name a chain of blocks, such as ff-digits"
        raise ExperimentError(msg)
    return tuple(layers)


def _of_circuit(experiment: Experiment, block: CircuitBlock) -> list[DigitalLayer]:
    if block.window is not None or not all(type(layer) is Layer for layer in block.circuit.layers):
        msg = f"{experiment.name}: a circuit of windows or convolutions has no dense twin; name a chain of dense ones, such as ff-digits"
        raise ExperimentError(msg)
    hidden = [part for layer in block.circuit.layers for part in (DenseLayer(size=layer.size), TanhLayer())]
    return [*hidden, DenseLayer(size=block.circuit.outputs)]


class _Learned(NamedTuple):
    """Parameters by name, those that are running averages by themselves, and what Adam remembers."""

    weights: dict[str, Array]
    averages: dict[str, Array]
    moments: Any


class DigitalTwin:
    """Learns a data set in 32 bits.

    Parameters
    ----------
    experiment
        The chain.
    data
        Samples of classes.
    seed
        Seed of the initial weights.

    """

    @jax_scope()
    def __init__(self, experiment: Experiment, data: Dataset, seed: int = 0) -> None:
        layers = twin_layers(experiment)
        self.shape = shapes(experiment.blocks or ())[0][0]
        self.stack: LayerStack = stack(layers, self.shape)
        drawn = {name: jnp.asarray(values, jnp.float32) for name, values in begun(self.stack, seed).items()}
        averages = {name: drawn.pop(name) for name in self.stack.running}
        self.learned = _Learned(drawn, averages, _ADAM.init(drawn))
        self.x, self.labels = jnp.asarray(data.x_train, jnp.float32), jnp.asarray(data.labels_train, jnp.int32)
        self.error = 1.0

    @jax_scope()
    def learn(self, order: Array) -> None:
        """Make an update with each row of sample numbers (updates, batch); `error` is then the share that was wrong on the way."""
        self.learned, wrong = _learn(self.learned, self.x, self.labels, order, self.stack, self.shape)
        self.error = int(wrong) / np.size(order)


@partial(jax.jit, static_argnums=(4, 5), donate_argnums=0)
def _learn(learned: _Learned, x: Array, labels: Array, order: Array, made: Any, shape: Any) -> tuple[_Learned, Array]:
    def loss(weights: dict[str, Array], averages: dict[str, Array], chosen: Array) -> tuple[Array, tuple[dict[str, Array], Array]]:
        y, after = made({**weights, **averages}, as_maps(x[chosen], shape), BatchStatistics(training=True))
        logits = flat(y)
        each = optax.softmax_cross_entropy_with_integer_labels(logits, labels[chosen])
        return each.mean(), (after, (logits.argmax(1) != labels[chosen]).sum())

    def update(carried: _Learned, chosen: Array) -> tuple[_Learned, Array]:
        gradient, (after, wrong) = jax.grad(loss, has_aux=True)(carried.weights, carried.averages, chosen)
        steps, moments = _ADAM.update(gradient, carried.moments)
        return _Learned(optax.apply_updates(carried.weights, steps), after, moments), wrong

    done: Any = jax.lax.scan(update, learned, order)
    return done[0], done[1].sum()

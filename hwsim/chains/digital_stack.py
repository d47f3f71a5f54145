"""Digital layers in a row: from their settings to what they compute, and back-propagation through them."""

import math
from collections.abc import Sequence
from functools import lru_cache, singledispatch
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp

from hwsim.chains.batch_norm import BatchNorm, BatchStatistics
from hwsim.chains.operations import (
    LayerStack,
    Module,
    Operation,
    Parameters,
    PatchConvolution,
    Plain,
    Pooled,
    Residual,
    Scaled,
)
from hwsim.numeric.jax_scope import jax_scope
from hwsim.settings import digital_layers as kinds
from hwsim.settings.digital_layers import DigitalLayer, Shape
from hwsim.typing import Array, Floats


@singledispatch
def operation(layer: Any, shape: Shape) -> Operation:
    """Return what a layer computes of samples of a shape."""
    raise NotImplementedError(f"{type(layer).__name__} for samples of shape {shape}")


@operation.register
def _dense(layer: kinds.DenseLayer, shape: Shape) -> Operation:
    settings = (("in_features", math.prod(shape)), ("out_features", layer.size), ("use_bias", layer.bias))
    linear = Module(eqx.nn.Linear, settings, ("weight", "bias")[: 1 + layer.bias])
    return linear if len(shape) == 1 else LayerStack((Plain(flat), linear))


@operation.register
def _convolution(layer: kinds.DigitalConvolution, shape: Shape) -> Operation:
    return PatchConvolution(shape[-1], layer)


@operation.register
def _batch_norm(layer: kinds.BatchNormLayer, shape: Shape) -> Operation:
    return BatchNorm(shape[-1], layer)


@operation.register
def _layer_norm(layer: kinds.LayerNormLayer, shape: Shape) -> Operation:
    return Module(eqx.nn.LayerNorm, (("shape", shape), ("eps", layer.eps)), ("weight", "bias"), drawn=False)


@operation.register
def _rms_norm(layer: kinds.RmsNormLayer, shape: Shape) -> Operation:
    settings = (("shape", shape), ("eps", layer.eps), ("use_weight", layer.affine), ("use_bias", layer.affine))
    return Module(eqx.nn.RMSNorm, settings, ("weight", "bias") if layer.affine else (), drawn=False)


@operation.register
def _max_pool(layer: kinds.MaxPoolLayer, shape: Shape) -> Operation:  # noqa: ARG001 - of whatever comes in
    return Plain(Pooled(eqx.nn.MaxPool2d, layer.size, layer.step))


@operation.register
def _average_pool(layer: kinds.AveragePoolLayer, shape: Shape) -> Operation:  # noqa: ARG001 - of whatever comes in
    return Plain(Pooled(eqx.nn.AvgPool2d, layer.size, layer.step))


@operation.register
def _relu(layer: kinds.ReluLayer, shape: Shape) -> Operation:  # noqa: ARG001 - of whatever comes in
    return Plain(jax.nn.relu)


@operation.register
def _tanh(layer: kinds.TanhLayer, shape: Shape) -> Operation:  # noqa: ARG001 - of whatever comes in
    return Plain(jnp.tanh)


@operation.register
def _softmax(layer: kinds.SoftmaxLayer, shape: Shape) -> Operation:  # noqa: ARG001 - of whatever comes in
    return Plain(jax.nn.softmax) if len(shape) == 1 else Plain(_softmax_of_all)


@operation.register
def _scale(layer: kinds.ScaleLayer, shape: Shape) -> Operation:  # noqa: ARG001 - of whatever comes in
    return Plain(Scaled(layer.factor))


@operation.register
def _flatten(layer: kinds.FlattenLayer, shape: Shape) -> Operation:  # noqa: ARG001 - of whatever comes in
    return Plain(flat)


@operation.register
def _residual(layer: kinds.ResidualLayer, shape: Shape) -> Operation:
    return Residual(stack(layer.layers, shape))


def _softmax_of_all(x: Array) -> Array:
    return jax.nn.softmax(x, axis=tuple(range(1, x.ndim)))


def flat(x: Array) -> Array:
    """Return maps (B, height, width, channels) as rows of numbers; rows stay rows."""
    return x.reshape(len(x), -1)


def as_maps(x: Array, shape: Shape) -> Array:
    """Return rows of numbers (B, n) as samples of a shape."""
    return x.reshape(len(x), *shape)


@lru_cache(maxsize=64)
def stack(layers: Sequence[DigitalLayer], shape: Shape) -> LayerStack:
    """Return what layers in a row compute of samples of a shape."""
    each = []
    for layer in layers:
        each.append(operation(layer, shape))
        shape = layer.after(shape)
    return LayerStack(tuple(each))


@jax_scope()
def begun(made: LayerStack, seed: int) -> dict[str, Floats]:
    """Draw the parameters of layers, in 64 bits."""
    return made.begin(jax.random.key(seed))


class Mode(NamedTuple):
    """What a forward is for: whether it normalises by the batch, as training does, and whether an error is to be passed back."""

    training: bool
    back: bool


TRAINING, TESTING, TESTED_ERROR = Mode(training=True, back=True), Mode(training=False, back=False), Mode(training=False, back=True)


def propagated(
    made: LayerStack, shape: Shape, p: Parameters, x: Array, mode: Mode, good: Array | None = None
) -> tuple[Array, dict[str, Array], Any]:
    """Return what layers make of a batch (B, n), the averages after it, and the function that takes dC/dŷ back; compiled once outside.

    Samples that are not `good` (B,) count in no mean over the batch.
    """
    inside = any(isinstance(values, jax.core.Tracer) for values in (x, *p.values()))
    done: tuple[Array, dict[str, Array], Any] = (_propagated if inside else _compiled)(made, shape, p, x, mode, good)
    return done


def _propagated(made: LayerStack, shape: Shape, p: Parameters, x: Array, mode: Mode, good: Array | None) -> Any:
    def of(p: Parameters, x: Array) -> tuple[Array, dict[str, Array]]:
        y, after = made(p, as_maps(x, shape), BatchStatistics(mode.training, good))
        return flat(y), after

    if not mode.back:
        return *of(p, x), None
    y, back, after = jax.vjp(of, p, x, has_aux=True)
    return y, after, back


_compiled: Any = jax.jit(_propagated, static_argnums=(0, 1, 4))

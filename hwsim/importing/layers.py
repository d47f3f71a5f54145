"""The layers of a file or a module in order, whatever its format, and the perceptron that they make."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from circuits.quoting import quote
from hwsim.importing.dense_perceptron import Activation, DensePerceptron
from hwsim.typing import Floats

MAPPED = "Linear, ReLU, Tanh, Sigmoid, Hardtanh, Flatten, Identity, Dropout"
"""What a perceptron is made of, in PyTorch's words."""

_SHOWN = 8
"""Layers that a message names."""


class ImportingError(ValueError):
    """A trained network that cannot be read, or has no circuit; the message names the file, its layers and the remedy.

    Examples
    --------
    >>> import hwsim as hw
    >>> try:
    ...     hw.from_onnx("model.h5", [[0.0]])
    ... except hw.ImportingError as error:
    ...     print(error)
    model.h5: has no suffix of a trained network; hwsim imports .pt, .pth, .onnx, .npz

    """


@dataclass(frozen=True, slots=True)
class Dense:
    """x·w + b, with w (inputs, outputs) and b (outputs,); `place` is what the file calls it."""

    place: str
    w: Floats
    b: Floats


@dataclass(frozen=True, slots=True)
class Elementwise:
    """An activation; None: the identity."""

    place: str
    activation: Activation | None


@dataclass(frozen=True, slots=True)
class FinalLayer:
    """A softmax or sigmoid, which as the last layer changes no answer, and is left out."""

    place: str
    kind: str
    activation: Activation | None = None


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A layer that has no circuit."""

    place: str
    kind: str


Entry = Dense | Elementwise | FinalLayer | Unmapped


def dense(place: str, w: NDArray[np.generic], b: NDArray[np.generic] | None) -> Dense:
    """Check and convert the weights (inputs, outputs) of a layer, and its biases (outputs,); None: 0.

    Raises
    ------
    ImportingError
        When they do not fit each other, or are no finite numbers.

    """
    b = np.zeros(w.shape[-1:]) if b is None else b
    for name, values in (("weights", w), ("biases", b)):
        if values.dtype.kind not in "fiu" or not values.size or not np.isfinite(values.astype(np.float64)).all():
            msg = f"layer {quote(place)}: its {name} are not all finite numbers; export a trained network of float32 or float64"
            raise ImportingError(msg)
    if w.ndim != 2 or b.shape != w.shape[1:]:  # noqa: PLR2004 - a matrix
        msg = f"layer {quote(place)}: weights of shape {w.shape} and biases of shape {b.shape} are no dense layer's"
        raise ImportingError(msg)
    return Dense(place, w.astype(np.float64), b.astype(np.float64))


def perceptron(source: str, entries: Sequence[Entry]) -> DensePerceptron:
    """Make a perceptron of layers in order; dense layers with nothing between them become one.

    Raises
    ------
    ImportingError
        Naming each layer that has no place in a perceptron.

    """
    last = max((k for k, one in enumerate(entries) if isinstance(one, Dense)), default=-1)
    ended = [one for one in entries[last + 1 :] if not isinstance(one, FinalLayer)]
    strange: list[Entry] = [one for one in entries if isinstance(one, Unmapped)]
    strange += [one for one in ended if isinstance(one, Elementwise) and one.activation is not None]
    chain = [_inner(one) for one in entries[: last + 1]]
    strange += [one for one in chain if isinstance(one, FinalLayer)]
    previous: Dense | Elementwise | None = None
    weights: list[Floats] = []
    biases: list[Floats] = []
    activations: list[Activation] = []
    for one in chain:
        if isinstance(one, Dense):
            if previous is not None and len(one.w) != weights[-1].shape[1]:
                msg = (
                    f"{source}: layer {quote(one.place)} takes {len(one.w)} inputs, and the layer before has {weights[-1].shape[1]} outputs"
                )
                raise ImportingError(msg)
            if isinstance(previous, Dense):
                weights[-1], biases[-1] = weights[-1] @ one.w, biases[-1] @ one.w + one.b
            else:
                weights.append(one.w)
                biases.append(one.b)
            previous = one
        elif isinstance(one, Elementwise) and one.activation is not None:
            if not isinstance(previous, Dense):
                strange.append(one)
            else:
                activations.append(one.activation)
                previous = one
    if strange:
        raise ImportingError(_refusal(source, strange))
    if not weights:
        msg = f"{source}: has no dense layer; hwsim imports perceptrons of {MAPPED}"
        raise ImportingError(msg)
    return DensePerceptron(tuple(weights), tuple(biases), tuple(activations))


def _inner(one: Entry) -> Entry:
    """Return a layer before the last dense one: a sigmoid there is an activation."""
    return Elementwise(one.place, one.activation) if isinstance(one, FinalLayer) and one.activation else one


def _refusal(source: str, strange: Sequence[Entry]) -> str:
    listed = ", ".join(f"{quote(one.place)} ({_kind(one)})" for one in strange[:_SHOWN]) + (", …" if len(strange) > _SHOWN else "")
    return f"{source}: no circuit for {'layer' if len(strange) == 1 else 'layers'} {listed}; hwsim imports perceptrons of {MAPPED}"


def _kind(one: Entry) -> str:
    match one:
        case Unmapped(kind=kind):
            return quote(kind)
        case FinalLayer(kind=kind):
            return f"{quote(kind)} before the last dense layer"
        case Elementwise(activation=Activation(name=name)):
            return f"{name} without a dense layer before and after it"
        case _:
            return "dense"

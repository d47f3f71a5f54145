"""PyTorch's modules and state dicts as layers. Nothing here imports PyTorch: a module is what has the attributes of one."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits.quoting import quote
from hwsim.importing.dense_perceptron import Activation
from hwsim.importing.layers import Elementwise, Entry, FinalLayer, ImportingError, Unmapped, dense

_ACTIVATIONS = {
    "ReLU": Activation("relu"),
    "Tanh": Activation("tanh"),
    "ReLU6": Activation("hardtanh", 0.0, 6.0),
    **dict.fromkeys(("Identity", "Dropout", "AlphaDropout"), None),
}
"""Modules without parameters; the last do nothing once a network is trained."""

_CONTAINERS = {"Sequential"}

_WEIGHT, _BIAS = ".weight", ".bias"


def layers_of_module(module: Any, place: str = "") -> list[Entry]:
    """List the layers of a `torch.nn.Sequential`, of those within it, or of a single layer.

    Raises
    ------
    ImportingError
        When the order of layers is in the code of a module.

    """
    kind, ours = type(module).__name__, type(module).__module__.startswith("torch.nn.")
    if ours and kind in _CONTAINERS:
        return [
            one for name, child in vars(module)["_modules"].items() for one in layers_of_module(child, f"{place}.{name}" if place else name)
        ]
    if not ours and getattr(module, "_modules", None):
        msg = f"{quote(kind)}: the order of its layers is in its code; pass a torch.nn.Sequential of them, or export it to ONNX"
        raise ImportingError(msg)
    return [_layer(module, kind if ours else f"{kind}, not of torch.nn", place or kind)]


def _layer(module: Any, kind: str, place: str) -> Entry:
    values = getattr(module, "__dict__", {})
    match kind:
        case "Linear":
            parameters = values["_parameters"]
            return dense(place, _array(parameters["weight"]).T, None if parameters["bias"] is None else _array(parameters["bias"]))
        case "Hardtanh":
            return Elementwise(place, Activation("hardtanh", float(values["min_val"]), float(values["max_val"])))
        case "Flatten" if (values["start_dim"], values["end_dim"]) == (1, -1):
            return Elementwise(place, None)
        case "Sigmoid" | "Softmax" | "LogSoftmax":
            return FinalLayer(place, kind, Activation("logistic") if kind == "Sigmoid" else None)
        case _:
            return Elementwise(place, _ACTIVATIONS[kind]) if kind in _ACTIVATIONS else Unmapped(place, kind)


def _array(value: Any) -> NDArray[Any]:
    return value if isinstance(value, np.ndarray) else np.asarray(value.detach().cpu().double().numpy())


def layers_of_state(source: str, state: Mapping[str, Any], activations: Sequence[Activation]) -> list[Entry]:
    """List the layers of a state dict: weights (outputs, inputs) and biases in order, with the activations between them.

    Raises
    ------
    ImportingError
        When an array belongs to no dense layer, or the activations are not known.

    """
    entries = list(_entries(state))
    hidden = sum(not isinstance(one, Unmapped) for one in entries) - 1
    strange = any(isinstance(one, Unmapped) for one in entries)
    if hidden < 1 or strange:
        return entries
    if len(activations) not in {1, hidden}:
        some = f"{len(activations)} activations" if activations else "no activations"
        msg = f"{source}: has weights of {hidden + 1} layers and {some}; name one for all hidden layers, or {hidden} (--activation tanh)"
        raise ImportingError(msg)
    each = list(activations) * (hidden if len(activations) == 1 else 1)
    between = [Elementwise(f"activation {k + 1}", one) for k, one in enumerate(each)]
    return [one for pair in zip(entries, [*between, None], strict=True) for one in pair if one is not None]


def _entries(state: Mapping[str, Any]) -> Iterator[Entry]:
    """Pair weights with biases; whatever is no matrix with a bias belongs to no dense layer."""
    used: set[str] = set()
    for name, value in state.items():
        stem = name.removesuffix(_WEIGHT) if name.endswith(_WEIGHT) else name.removesuffix(_BIAS)
        if stem in used or f"{stem}{_WEIGHT}" not in state:
            if stem not in used:
                yield Unmapped(name, "an array of no dense layer")
            continue
        used.add(stem)
        w, b = _array(state[f"{stem}{_WEIGHT}"]), state.get(f"{stem}{_BIAS}")
        if w.ndim != 2:  # noqa: PLR2004 - a matrix
            yield Unmapped(stem, f"weights of shape {w.shape}, as of a convolution or a normalisation")
            continue
        del value
        yield dense(stem, w.T, None if b is None else _array(b))

"""Files of trained networks: `.pt`, `.onnx`, `.npz`, each read without running anything in it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits.quoting import quote, quote_path
from hwsim.files import atomic
from hwsim.importing import onnx_files, torch_files
from hwsim.importing.dense_perceptron import Activation, DensePerceptron
from hwsim.importing.layers import Entry, ImportingError, perceptron
from hwsim.importing.torch_layers import layers_of_module, layers_of_state

ACTIVATIONS = {
    "relu": Activation("relu"),
    "tanh": Activation("tanh"),
    "hardtanh": Activation("hardtanh"),
    "relu6": Activation("hardtanh", 0.0, 6.0),
    "sigmoid": Activation("logistic"),
    "logistic": Activation("logistic"),
}
"""Activations by name."""

SUFFIXES = (".pt", ".pth", ".onnx", ".npz")
"""What files of trained networks are called."""

_LISTED = "activations"
"""The array of an `.npz` file that names the activation of each hidden layer, or one for all."""


def read(path: str | Path, activations: Sequence[str] = ()) -> DensePerceptron:
    """Read a trained perceptron.

    Parameters
    ----------
    path
        A file of `torch.save` (`.pt`, `.pth`: a state dict or a Sequential), `.onnx`, or `.npz` with arrays as in a state dict
        (`0.weight` (outputs, inputs), `0.bias`) or `w1` (inputs, outputs), `b1`, `w2` and so on, and a text array `activations`.
    activations
        Of all hidden layers, or of each: `relu`, `tanh`, `hardtanh`, `relu6`, `sigmoid`; for files of weights alone.

    Raises
    ------
    ImportingError
        Naming the file, what is wrong or which layers have no circuit, and the remedy.
    OSError
        When it is missing or may not be read.

    """
    place = Path(path)
    chosen = [activation(name) for name in activations]
    source = quote_path(str(place))
    if place.suffix.lower() not in SUFFIXES:
        msg = f"{source}: has no suffix of a trained network; hwsim imports {', '.join(SUFFIXES)}"
        raise ImportingError(msg)
    try:
        return perceptron(source, _entries(source, place, chosen))
    except atomic.UnreadableError as error:
        msg = f"{source}: cannot be read: {error}"
        raise ImportingError(msg) from None
    except ImportingError as error:
        raise ImportingError(str(error) if str(error).startswith(source) else f"{source}: {error}") from None


def _entries(source: str, place: Path, chosen: Sequence[Activation]) -> list[Entry]:
    match place.suffix.lower():
        case ".npz":
            return _of_arrays(source, atomic.read_arrays(place), chosen)
        case ".onnx":
            return _named(onnx_files.layers_of_file(place), chosen)
        case _:
            content = torch_files.read(place)
            return layers_of_state(source, content, chosen) if isinstance(content, Mapping) else _named(layers_of_module(content), chosen)


def activation(name: str) -> Activation:
    """Return an activation by its name.

    Raises
    ------
    ImportingError
        When there is none of this name.

    """
    if name not in ACTIVATIONS:
        msg = f"activation {quote(name)} has no circuit; there are {', '.join(ACTIVATIONS)}"
        raise ImportingError(msg)
    return ACTIVATIONS[name]


def _named(entries: list[Entry], chosen: Sequence[Activation]) -> list[Entry]:
    """Refuse activations for a file that has its own."""
    if chosen:
        msg = "names its own activations; omit yours"
        raise ImportingError(msg)
    return entries


def _of_arrays(source: str, arrays: dict[str, NDArray[Any]], chosen: Sequence[Activation]) -> list[Entry]:
    """List the layers of named arrays."""
    listed = arrays.pop(_LISTED, None)
    if listed is not None:
        if listed.dtype.kind != "U":
            msg = f"{_LISTED} holds {listed.dtype}, not texts such as 'tanh'"
            raise ImportingError(msg)
        chosen = chosen or [activation(str(name)) for name in listed.reshape(-1)]
    layers = sorted(int(name[1:]) for name in arrays if name[:1] == "w" and name[1:].isdecimal())
    if layers:
        state = {}
        for k in layers:
            state[f"w{k}.weight"] = arrays.pop(f"w{k}").T
            if (b := arrays.pop(f"b{k}", None)) is not None:
                state[f"w{k}.bias"] = np.asarray(b)
        arrays = {**state, **arrays}
    return layers_of_state(source, arrays, chosen)

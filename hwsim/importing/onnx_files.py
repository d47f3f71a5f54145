"""ONNX: the chain of a graph's nodes as layers, read from the few fields that a perceptron needs.

Source: ONNX, `onnx.proto` and its operator schemas.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits.quoting import quote
from circuits.regular_file import open_regular
from hwsim.files.atomic import UnreadableError, bounded
from hwsim.importing.dense_perceptron import Activation
from hwsim.importing.layers import Dense, Elementwise, Entry, FinalLayer, ImportingError, Unmapped, dense
from hwsim.importing.protobuf import content, fields, numbers

_GRAPH = 7
_NODES, _TENSORS, _INPUTS, _OUTPUTS = 1, 5, 11, 12
_FROM, _INTO, _NAME, _KIND, _ATTRIBUTES = 1, 2, 3, 4, 5
_ATTRIBUTE_NAME, _FLOAT, _INT, _TENSOR, _INTS = 1, 2, 3, 5, 8
_DIMS, _TYPE, _FLOATS, _INT64S, _TENSOR_NAME, _RAW, _DOUBLES, _EXTERNAL = 1, 2, 4, 7, 8, 9, 10, 14
"""Numbers of the fields of a model, a graph, a node, an attribute and a tensor."""

_TYPES = {1: "f4", 7: "i8", 6: "i4", 10: "f2", 11: "f8"}
"""NumPy's types of ONNX's element types."""

_ACTIVATIONS = {"Relu": Activation("relu"), "Tanh": Activation("tanh"), **dict.fromkeys(("Identity", "Dropout", "Cast"), None)}
"""Nodes without weights; the last do nothing once a network is trained, as numbers are computed in 64 bits anyway."""

_ENDINGS = {"Softmax": None, "LogSoftmax": None, "Sigmoid": Activation("logistic")}

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class _Node:
    """An operator: its name, what it does, what it takes and makes, and its attributes."""

    name: str
    kind: str
    takes: tuple[str, ...]
    makes: tuple[str, ...]
    attributes: Mapping[str, Any]


def layers_of_file(path: Path) -> list[Entry]:
    """List the layers of an ONNX file.

    Raises
    ------
    UnreadableError
        Naming what is wrong with the file.
    ImportingError
        When its graph is no chain.
    OSError
        When it is missing or may not be read.

    """
    with open_regular(path) as file:
        bounded(path.stat().st_size)
        message = file.read()
    try:
        return _layers(message)
    except (UnreadableError, ImportingError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever a damaged file leads to
        msg = f"it is damaged ({type(error).__name__})"
        raise UnreadableError(msg) from None


def _layers(message: bytes) -> list[Entry]:
    model = fields(message)
    if _GRAPH not in model:
        msg = "it is no ONNX file"
        raise UnreadableError(msg)
    graph = fields(content(model[_GRAPH]))
    constants = dict(_named(_message(one)) for one in graph[_TENSORS])
    nodes = [_node(_message(one)) for one in graph[_NODES]]
    inputs = [name for one in graph[_INPUTS] if (name := _text(fields(_message(one))[1])) not in constants]
    outputs = [_text(fields(_message(one))[1]) for one in graph[_OUTPUTS]]
    return _chain(nodes, constants, inputs, outputs)


def _chain(nodes: Sequence[_Node], constants: dict[str, Array], inputs: Sequence[str], outputs: Sequence[str]) -> list[Entry]:
    """Follow the graph from its one input; nodes with constants alone were computed before."""
    if len(inputs) != 1 or len(outputs) != 1:
        msg = f"its graph has {len(inputs)} inputs and {len(outputs)} outputs; export a perceptron with one of each"
        raise ImportingError(msg)
    current, entries = inputs[0], list[Entry]()
    for node in nodes:
        if node.kind == "Constant":
            constants[node.makes[0]] = node.attributes["value"]
            continue
        if current not in node.takes or sum(name not in constants and name != "" for name in node.takes) != 1:
            msg = f"node {quote(node.name)} ({quote(node.kind)}) branches off or joins two paths; export a perceptron, which is a chain"
            raise ImportingError(msg)
        if node.kind == "Add":
            entries[-1:] = _shifted(node, constants, entries[-1:])
        else:
            entries.append(_entry(node, constants, current))
        current = node.makes[0]
    if current != outputs[0]:
        msg = f"its output {quote(outputs[0])} is not what its last node makes; export a perceptron, which is a chain"
        raise ImportingError(msg)
    return entries


def _entry(node: _Node, constants: Mapping[str, Array], current: str) -> Entry:
    given = [constants.get(name) for name in node.takes]
    of, kind = node.attributes, node.kind
    match kind:
        case "MatMul" | "Gemm" if node.takes[0] == current and given[1] is not None and not of.get("transA", 0):
            w = of.get("alpha", 1.0) * (given[1].T if of.get("transB", 0) else given[1])
            b = given[2] if len(given) > 2 else None  # noqa: PLR2004 - its third input is optional
            return dense(node.name, w, None if b is None else np.broadcast_to(of.get("beta", 1.0) * b, w.shape[-1:]))
        case "Clip":
            return _clip(node, *(of.get(name, value) for name, value in zip(("min", "max"), (*given[1:], None, None), strict=False)))
        case _ if kind in _ENDINGS:
            return FinalLayer(node.name, kind, _ENDINGS[kind])
        case _ if kind in _ACTIVATIONS or _flattens(node, given):
            return Elementwise(node.name, _ACTIVATIONS.get(kind))
        case _:
            return Unmapped(node.name, kind)


def _flattens(node: _Node, given: Sequence[Array | None]) -> bool:
    """Whether a node makes a row of each sample, which features are anyway."""
    if node.kind == "Flatten":
        return bool(node.attributes.get("axis", 1) == 1)
    shape = given[1] if node.kind == "Reshape" else None
    return shape is not None and shape.size == 2 and -1 in shape  # noqa: PLR2004 - (n, -1) or (-1, I)


def _shifted(node: _Node, constants: Mapping[str, Array], previous: Sequence[Entry]) -> list[Entry]:
    """Return the layer before with the biases that an Add adds to it."""
    (b,) = (constants[name] for name in node.takes if name in constants)
    for one in previous:
        if isinstance(one, Dense) and b.size == one.b.size:
            return [dense(one.place, one.w, one.b + b.reshape(-1))]
    return [*previous, Unmapped(node.name, "Add without a MatMul before it")]


def _clip(node: _Node, low: Array | float | None, high: Array | float | None) -> Entry:
    """Return the activation of a Clip."""
    ends = [None if end is None else float(np.asarray(end).reshape(())) for end in (low, high)]
    if ends[0] == 0.0 and ends[1] is None:
        return Elementwise(node.name, Activation("relu"))
    if ends[0] is None or ends[1] is None or not ends[0] < ends[1]:
        return Unmapped(node.name, "Clip without two ends in order")
    return Elementwise(node.name, Activation("hardtanh", ends[0], ends[1]))


def _node(message: bytes) -> _Node:
    parts = fields(message)
    attributes = dict(_attribute(_message(one)) for one in parts[_ATTRIBUTES])
    takes, makes = (tuple(_decoded(_message(one)) for one in parts[key]) for key in (_FROM, _INTO))
    if not makes:
        msg = "a node of its graph makes nothing"
        raise UnreadableError(msg)
    kind = _text(parts[_KIND])
    return _Node(_text(parts[_NAME]) or makes[0], kind, takes, makes, attributes)


def _attribute(message: bytes) -> tuple[str, Any]:
    parts = fields(message)
    name = _text(parts[_ATTRIBUTE_NAME])
    if parts[_TENSOR]:
        return name, _array(content(parts[_TENSOR]))
    if parts[_FLOAT]:
        return name, float(np.frombuffer(content(parts[_FLOAT]), "<f4")[0])
    if parts[_INT]:
        return name, numbers(parts[_INT])[0]
    return name, numbers(parts[_INTS]) if parts[_INTS] else None


def _named(message: bytes) -> tuple[str, Array]:
    return _text(fields(message)[_TENSOR_NAME]), _array(message)


def _array(message: bytes) -> Array:
    """Return a tensor; numbers in a file next to this one are not read."""
    parts = fields(message)
    if parts[_EXTERNAL] and numbers(parts[_EXTERNAL])[0]:
        msg = "its weights are in another file; export it with all of them inside"
        raise UnreadableError(msg)
    shape, code = numbers(parts[_DIMS]), (numbers(parts[_TYPE]) or [0])[0]
    if code not in _TYPES:
        msg = f"a tensor has numbers of ONNX's type {code}; export it in float32 or float64"
        raise UnreadableError(msg)
    dtype = np.dtype(_TYPES[code]).newbyteorder("<")
    if parts[_RAW]:
        values = np.frombuffer(content(parts[_RAW]), dtype)
    elif parts[_INT64S]:
        values = np.array(numbers(parts[_INT64S]), np.int64)
    else:
        values = np.frombuffer(content(parts[_FLOATS] or parts[_DOUBLES]), "<f4" if parts[_FLOATS] else "<f8")
    if min(shape, default=0) < 0 or math.prod(shape) != len(values):
        msg = f"a tensor of shape {tuple(shape)} holds {len(values)} numbers"
        raise UnreadableError(msg)
    return values.reshape(shape)


def _message(value: int | bytes) -> bytes:
    return content([value])


def _text(values: list[int | bytes]) -> str:
    return _decoded(content(values[-1:]))


def _decoded(value: bytes) -> str:
    return value.decode("utf-8", "replace")

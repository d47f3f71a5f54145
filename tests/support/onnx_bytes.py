"""Files of ONNX, byte by byte, without ONNX."""

import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def varint(value: int) -> bytes:
    """Write a number, seven bits a byte."""
    value %= 1 << 64
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def field(number: int, value: float | str | bytes) -> bytes:
    """Write a field of a message: a whole number, a float of 32 bits, a text or a message."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    content = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(content)) + content


def tensor(name: str, values: Any) -> bytes:
    """Write a tensor of 32 bits, its numbers raw."""
    array = np.asarray(values, np.float32)
    return b"".join(field(1, n) for n in array.shape) + field(2, 1) + field(8, name) + field(9, array.tobytes())


def node(kind: str, takes: Sequence[str], makes: str, **attributes: float) -> bytes:
    """Write an operator."""
    written = b"".join(
        field(5, field(1, name) + (field(2, value) if isinstance(value, float) else field(3, value))) for name, value in attributes.items()
    )
    return b"".join(field(1, name) for name in takes) + field(2, makes) + field(3, f"/{makes}") + field(4, kind) + written


def model(nodes: Sequence[bytes], tensors: Mapping[str, Any], output: str) -> bytes:
    """Write a model from the input x to an output."""
    graph = b"".join(field(1, one) for one in nodes) + b"".join(field(5, tensor(name, of)) for name, of in tensors.items())
    return field(1, 8) + field(7, graph + field(11, field(1, "x")) + field(12, field(1, output)))

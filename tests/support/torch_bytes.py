"""Files of PyTorch, byte by byte, without PyTorch: what `torch.save` writes, and what it never would."""

import struct
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

ORDERED = b"ccollections\nOrderedDict\n)R"
"""An empty dictionary."""


def text(value: str) -> bytes:
    """Write a text."""
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def whole(value: int) -> bytes:
    """Write a whole number."""
    return b"J" + struct.pack("<i", value)


def many(*values: bytes) -> bytes:
    """Write a tuple."""
    return b"(" + b"".join(values) + b"t"


def tensor(key: str, shape: Sequence[int], count: int, strides: Sequence[int] | None = None) -> bytes:
    """Write a tensor of 32 bits that lies in the storage `key` of `count` numbers, row by row unless strides differ."""
    steps = strides or [int(np.prod(shape[k + 1 :])) for k in range(len(shape))]
    storage = many(text("storage"), b"ctorch\nFloatStorage\n", text(key), text("cpu"), whole(count)) + b"Q"
    sizes = (many(*map(whole, of)) for of in (shape, steps))
    return b"ctorch._utils\n_rebuild_tensor_v2\n" + many(storage, whole(0), *sizes, b"\x89", ORDERED) + b"R"


def table(items: Mapping[str, bytes]) -> bytes:
    """Write an ordered dictionary."""
    return ORDERED + b"(" + b"".join(text(name) + value for name, value in items.items()) + b"u"


def module(kind: str, **attributes: bytes) -> bytes:
    """Write a layer: an object of a class of PyTorch with attributes."""
    given = b"}(" + b"".join(text(name) + value for name, value in attributes.items()) + b"u"
    return f"ctorch.nn.modules.{kind}\n".replace(":", "\n").encode() + b")\x81" + given + b"b"


def save(path: Path, pickled: bytes, arrays: Sequence[np.ndarray]) -> Path:
    """Write a file of `torch.save`, with storages 0, 1 and so on."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/data.pkl", b"\x80\x02" + pickled + b".")
        archive.writestr("model/byteorder", "little")
        for k, values in enumerate(arrays):
            archive.writestr(f"model/data/{k}", np.ascontiguousarray(values, "<f4").tobytes())
    return path

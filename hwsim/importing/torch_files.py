"""PyTorch's files: state dicts and modules, without PyTorch, and without running anything that is in a file.

A file is a zip archive of a pickle and of the bytes of each tensor. The pickle is read by a reader that knows the names below alone:
tensors become arrays, and modules become empty objects with their attributes. Whatever else it names is refused, and never imported.
"""

import math
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from circuits.quoting import quote
from circuits.regular_file import open_regular
from hwsim.files.atomic import UnreadableError, bounded

_TYPES = {
    "FloatStorage": "f4",
    "DoubleStorage": "f8",
    "HalfStorage": "f2",
    "LongStorage": "i8",
    "IntStorage": "i4",
    "ShortStorage": "i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}
"""NumPy's types of PyTorch's storages."""

_MODULES = "torch.nn.modules."
"""Where PyTorch's own layers are; their code is not used."""

_PICKLE = "data.pkl"


class _Ordered(OrderedDict[str, Any]):
    """A dictionary, whose further attributes, such as versions of the layers' formats, are left out."""

    def __setstate__(self, state: Any) -> None:
        pass


class _Module:
    """A layer, with the name and the attributes that a file has of it."""

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, dict) or not all(isinstance(name, str) for name in state):
            msg = "a layer has attributes that are none"
            raise pickle.UnpicklingError(msg)
        self.__dict__.update(state)


def read(path: Path) -> Any:
    """Read a file of `torch.save`: a state dict by name, or a module, whose tensors are arrays.

    Raises
    ------
    UnreadableError
        Naming what is wrong with it; nothing in it has been run.
    OSError
        When it is missing or may not be read.

    """
    with open_regular(path) as file:
        try:
            return _read(file)
        except (UnreadableError, OSError):
            raise
        except pickle.UnpicklingError as error:
            raise UnreadableError(str(error)) from None
        except Exception as error:  # noqa: BLE001 - whatever a damaged or hostile file leads to
            msg = f"it is damaged ({type(error).__name__})"
            raise UnreadableError(msg) from None


def _read(file: BinaryIO) -> Any:
    if not zipfile.is_zipfile(file):
        msg = "it is no file of torch.save, version 1.6 or later; save the state dict again, or as .npz"
        raise UnreadableError(msg)
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        bounded(sum(info.file_size for info in archive.infolist()))
        pickles = [name for name in names if name.rpartition("/")[2] == _PICKLE and name.count("/") <= 1]
        if len(pickles) != 1 or any("/code/" in name for name in names):
            msg = "it is a program (TorchScript) or no file of torch.save; save the module's state_dict()"
            raise UnreadableError(msg)
        root = pickles[0].removesuffix(_PICKLE)
        if f"{root}byteorder" in names and archive.read(f"{root}byteorder") != b"little":
            msg = "its numbers are big-endian; save it on another machine"
            raise UnreadableError(msg)
        with archive.open(pickles[0]) as pickled:
            return _Reader(pickled, archive, f"{root}data/").load()


class _Reader(pickle.Unpickler):  # noqa: S301 - it makes what is listed alone
    def __init__(self, file: Any, archive: zipfile.ZipFile, folder: str) -> None:
        super().__init__(file)
        self._archive, self._folder = archive, folder
        self._made: dict[tuple[str, str], Any] = {}  # of this file alone: whatever its pickle may do to a class, it does to no other's

    def find_class(self, module: str, name: str) -> Any:
        """Return what stands for a name of PyTorch; nothing is imported."""
        if (module, name) not in self._made:
            self._made[module, name] = self._make(module, name)
        return self._made[module, name]

    def _make(self, module: str, name: str) -> Any:
        match module, name:
            case "collections", "OrderedDict":
                return type(name, (_Ordered,), {})
            case "torch._utils", "_rebuild_tensor_v2":
                return lambda *of: _tensor(*of[:4])
            case "torch._utils", "_rebuild_parameter":
                return lambda *of: of[0]
            case "builtins" | "__builtin__", "set":
                return lambda *of: frozenset(*of)  # noqa: PLW0108 - a class would have attributes that the pickle may change
            case "torch", _ if name in _TYPES:
                return _Storage(name)
            case _ if module.startswith(_MODULES) and name.isidentifier():
                return type(name, (_Module,), {"__module__": module})
        msg = f"it names {quote(f'{module}.{name}')}, which is no layer or tensor of PyTorch; save the module's state_dict()"
        raise pickle.UnpicklingError(msg)

    def persistent_load(self, pid: Any) -> Any:
        """Return the numbers of a storage: ('storage', type, key, device, count)."""
        _, kind, key, _, count = pid
        if not isinstance(kind, _Storage) or not isinstance(key, str) or not isinstance(count, int):
            msg = "a tensor's storage is none"
            raise pickle.UnpicklingError(msg)
        content = self._archive.read(f"{self._folder}{key}")
        numbers = np.frombuffer(content, np.dtype(_TYPES[kind.name]).newbyteorder("<"))
        if len(numbers) != count:
            msg = f"a tensor's storage holds {len(numbers)} numbers, not {count}"
            raise pickle.UnpicklingError(msg)
        return numbers


class _Storage:
    def __init__(self, name: str) -> None:
        self.name = name


def _tensor(numbers: Any, offset: Any, size: Any, stride: Any) -> NDArray[Any]:
    """Return the tensor that lies in a storage, as an array of its own; one that would reach beyond it is refused."""
    whole = all(isinstance(one, int) and one >= 0 for one in (offset, *size, *stride))
    if not isinstance(numbers, np.ndarray) or not whole or len(size) != len(stride):
        msg = "a tensor is none"
        raise pickle.UnpicklingError(msg)
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if (math.prod(size) and last >= len(numbers)) or math.prod(size) > len(numbers):
        msg = f"a tensor of shape {tuple(size)} reaches beyond its {len(numbers)} numbers"
        raise pickle.UnpicklingError(msg)
    if not math.prod(size):
        return np.zeros(tuple(size), numbers.dtype)
    bytes_of = [step * numbers.itemsize for step in stride]
    return np.lib.stride_tricks.as_strided(numbers[offset:], tuple(size), bytes_of, writeable=False).copy()

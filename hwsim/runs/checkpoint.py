"""Checkpoint: the state's arrays and the metrics so far, from which a run is resumed, in one file so that both always fit."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits.quoting import quote
from hwsim.files import records
from hwsim.files.atomic import UnreadableError, packed
from hwsim.files.records import Row
from hwsim.files.stored_conductances import fault_of

Arrays = dict[str, NDArray[Any]]

_STATE, _ROWS = "state/", "rows"

_CONDUCTANCES = "g/"
"""Prefix of the names of a state's conductances."""

_NEEDED = frozenset({"loss", "train_error", "test_error", "residual_A", "seconds"})
"""Arrays that the last files of a run are made from."""


def pack(arrays: Mapping[str, NDArray[Any]], rows: list[Row]) -> bytes:
    """Return the file's content."""
    text = np.frombuffer(json.dumps(rows).encode(), dtype=np.uint8)
    return packed({f"{_STATE}{name}": array for name, array in arrays.items()} | {_ROWS: text})


def unpack(stored: Mapping[str, NDArray[Any]], like: Arrays) -> tuple[Arrays, list[Row]]:
    """Return the state's arrays, which must have the names, shapes and types of `like`, and a row of metrics for each epoch.

    Raises
    ------
    UnreadableError
        With the reason.

    """
    arrays = {name.removeprefix(_STATE): array for name, array in stored.items() if name != _ROWS}
    for name, wanted in like.items():
        _check(name, arrays.get(name), wanted)
    if fault := fault_of({name: values for name, values in arrays.items() if name.startswith(_CONDUCTANCES)}):
        raise UnreadableError(fault)
    try:
        rows = records.rows(stored.get(_ROWS, np.zeros(0, np.uint8)).tobytes(), _NEEDED, int(arrays["epoch"]))
    except UnreadableError as error:
        msg = f"its metrics cannot be read ({error})"
        raise UnreadableError(msg) from None
    return {name: arrays[name] for name in like}, rows


def _check(name: str, array: NDArray[Any] | None, wanted: NDArray[Any]) -> None:
    if array is None or (array.shape, array.dtype) != (wanted.shape, wanted.dtype):
        content = "nothing" if array is None else quote(f"{array.dtype} {array.shape}")
        msg = f"{name} is {content}; this run needs {wanted.dtype} {wanted.shape}"
        raise UnreadableError(msg)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        msg = f"{name} holds {array[~np.isfinite(array)].flat[0]}, which no training produces"
        raise UnreadableError(msg)

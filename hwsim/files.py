"""Files that are either whole or not there: written beside their place, synced, then moved into it."""

import contextlib
import io
import os
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def write(path: Path, content: bytes | str) -> None:
    """Write a file so that after a crash, a kill or on a full disk it is the old one or the new one, never half of one.

    A device or a pipe, such as /dev/null, is written to as it is.

    Raises
    ------
    OSError
        With the file's name; the file at this place is then untouched.

    """
    data = content.encode() if isinstance(content, str) else content
    place = Path(os.path.realpath(path))  # through a link, its target is replaced
    beside = place.with_name(f".{place.name}.tmp")
    try:
        if place.exists() and not place.is_file():
            place.write_bytes(data)
            return
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(place)
        sync_folder(place.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from error


def sync_folder(folder: Path) -> None:
    """Make renames in a folder survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_arrays(path: Path, arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """Write arrays as an `.npz` file, in the way of `write`."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type] # its stub takes the arrays' names for its own options
    write(path, buffer.getvalue())


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read an `.npz` file of plain arrays; nothing in it is ever run.

    Raises
    ------
    UnreadableError
        Saying what is wrong with it.
    OSError
        When it is missing or may not be read.

    """
    try:
        with path.open("rb") as file:
            if not zipfile.is_zipfile(file):
                msg = "it is not, or no longer wholly, an .npz file"
                raise UnreadableError(msg)
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays}
    except _BROKEN as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise UnreadableError(reason) from None


class UnreadableError(Exception):
    """What is wrong with a file, for the reader to say which and what to do."""


_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, KeyError, TypeError, NotImplementedError)
"""What reading a damaged `.npz` file raises."""


def cache_folder() -> Path:
    """Give the folder for what may be made again: $XDG_CACHE_HOME/hwsim, or ~/.cache/hwsim."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hwsim"

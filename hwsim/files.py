"""Files that are either whole or not there: written beside their place, synced, then moved into it."""

import contextlib
import errno
import fcntl
import io
import math
import os
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray


def write(path: Path, content: bytes | str, *, follow: bool = True) -> None:
    """Write a file so that after a crash, a kill or on a full disk it is the old one or the new one, never half of one.

    A device or a pipe, such as /dev/null, is written to as it is. Processes that write the same file do so one after the other.

    Parameters
    ----------
    path
        Where.
    content
        What; text becomes UTF-8.
    follow
        At a link, replace what it points to; otherwise the link itself.

    Raises
    ------
    OSError
        With the file's name; the file at this place is then untouched.

    """
    data = content.encode() if isinstance(content, str) else content
    place = Path(os.path.realpath(path)) if follow else path
    beside = unfinished(place)
    try:
        if place.exists() and not place.is_file():
            place.write_bytes(data)
            return
        with _alone(beside) as file:
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                beside.replace(place)
            except OSError:
                beside.unlink(missing_ok=True)
                raise
        sync_folder(place.parent)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def unfinished(path: Path) -> Path:
    """Give the place of a file that is still being written, or that a killed process left so."""
    return path.with_name(f".{path.name}.tmp")


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[io.BufferedWriter]:
    """Open a file, emptied, for writing as soon as no other process writes it; what a dead one left there is taken over."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor is no path
            fcntl.flock(file, fcntl.LOCK_EX)
            if _is_at(path, file):  # the other one moved it to its place meanwhile
                os.ftruncate(descriptor, 0)
                yield file
                return


def _is_at(path: Path, file: io.BufferedWriter) -> bool:
    try:
        return os.path.samestat(path.stat(follow_symlinks=False), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def sync_folder(folder: Path) -> None:
    """Make renames in a folder survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(path: Path, *, exist_ok: bool) -> None:
    """Make a folder and those above it, so that they survive a loss of power.

    Raises
    ------
    OSError
        When it is there already, unless that is fine, or cannot be made.

    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=exist_ok)
    for folder in missing:
        sync_folder(folder.parent)


def write_arrays(path: Path, arrays: Mapping[str, NDArray[np.generic]], *, follow: bool = True) -> None:
    """Write arrays as an `.npz` file, in the way of `write`."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type] # its stub takes the arrays' names for its own options
    write(path, buffer.getvalue(), follow=follow)


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
            return _unpacked(file)
    except UnreadableError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno != errno.EINVAL:  # a place before the file's beginning; the others are the disk's
            raise
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise UnreadableError(reason) from None


def _unpacked(file: io.BufferedReader) -> dict[str, NDArray[Any]]:
    if not zipfile.is_zipfile(file):
        msg = "it is not, or no longer wholly, an .npz file"
        raise UnreadableError(msg)
    with zipfile.ZipFile(file) as archive:
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        bounded(sum(info.file_size for info in members.values()))
        return {name: _array(archive, info) for name, info in members.items()}


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> NDArray[Any]:
    """Read one array; its header is believed only where as many bytes are there as it says."""
    with archive.open(info) as member:
        version = npy.read_magic(member)
        if version not in _HEADERS:
            msg = f"{info.filename} is of version {version}; only 1.0 and 2.0 are read"
            raise UnreadableError(msg)
        shape, in_columns, dtype = _HEADERS[version](member)
        if dtype.hasobject:
            msg = f"{info.filename}: Object arrays are not read, for they could run anything"
            raise UnreadableError(msg)
        if not dtype.itemsize or dtype.itemsize * math.prod(shape) != info.file_size - member.tell():
            msg = f"{info.filename} says that it has shape {shape} of {dtype}, and holds {info.file_size - member.tell()} bytes"
            raise UnreadableError(msg)
        content = np.empty(dtype.itemsize * math.prod(shape), np.uint8)
        at = 0
        while part := member.read(_AT_ONCE):
            content[at : at + len(part)] = np.frombuffer(part, np.uint8)
            at += len(part)
        if at < len(content):
            msg = f"{info.filename} ends too early"
            raise UnreadableError(msg)
    return content.view(dtype).reshape(shape, order="F" if in_columns else "C")


_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
_AT_ONCE = 1 << 24


def bounded(size: int) -> int:
    """Give a number of bytes that something will take in memory, unless it is more than half of what the machine has.

    Raises
    ------
    UnreadableError
        Then: a small packed file may unpack to any size.

    """
    most = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    if size > most:
        msg = f"it unpacks to {min(size, 10**18) / 1e9:.1f} GB, and {most / 1e9:.1f} GB, half of this machine's memory, are the most"
        raise UnreadableError(msg)
    return size


class UnreadableError(Exception):
    """What is wrong with a file, for the reader to say which and what to do."""


def cache_folder() -> Path:
    """Give the folder for what may be made again: $XDG_CACHE_HOME/hwsim, or ~/.cache/hwsim."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hwsim"

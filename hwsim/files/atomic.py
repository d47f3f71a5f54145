"""Files that are either whole or not there: written next to their place, synced, then moved into it."""

import contextlib
import errno
import fcntl
import io
import math
import os
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from circuits.regular_file import open_regular


def write(path: Path, content: bytes | str, *, within: int | None = None) -> None:
    """Write a file so that after a crash, a kill or on a full disk it is the old one or the new one, never half of one.

    A device or a pipe, such as /dev/null, is written to as it is. Processes that write the same file do so one after the other.

    Parameters
    ----------
    path
        Where.
    content
        What; text becomes UTF-8.
    within
        Descriptor of an open folder that `path` starts from: the file gets into this folder, whatever it is called by now. A link is
        then replaced itself; without, what it points to.

    Raises
    ------
    OSError
        With the file's name; the file at this place is then untouched.

    """
    data = content.encode() if isinstance(content, str) else content
    try:
        if within is None and path.exists() and not path.is_file():
            path.write_bytes(data)
            return
        place = Path(os.path.realpath(path)) if within is None else path
        with opened(place.parent, within) as folder:
            _put(folder, place.name, data)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


@contextlib.contextmanager
def opened(folder: Path, within: int | None = None) -> Iterator[int]:
    """Open a folder, within another one that is open already or by its path alone; the descriptor stays with it when it is renamed."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=within)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _put(folder: int, name: str, data: bytes) -> None:
    """Write a file of an open folder next to its place, and move it there."""
    temporary = _temporary(name)
    with _alone(folder, temporary) as file:
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        except OSError:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=folder)
            raise
    os.fsync(folder)


def unfinished(path: Path) -> Path:
    """Return the place of a file that is still being written, or that a killed process left so."""
    return path.with_name(_temporary(path.name))


def _temporary(name: str) -> str:
    return f".{name}.tmp"


@contextlib.contextmanager
def _alone(folder: int, name: str) -> Iterator[io.BufferedWriter]:
    """Open a file, emptied, for writing as soon as no other process writes it; what a dead one left there is taken over."""
    while True:
        descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666, dir_fd=folder)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor is no path
            fcntl.flock(file, fcntl.LOCK_EX)
            if _is_at(folder, name, file):  # the other one moved it to its place meanwhile
                os.ftruncate(descriptor, 0)
                yield file
                return


def _is_at(folder: int, name: str, file: io.BufferedWriter) -> bool:
    try:
        return os.path.samestat(os.stat(name, dir_fd=folder, follow_symlinks=False), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def place_of(folder: int, opened: Path) -> Path:
    """Return the path of an open folder: the one it was opened by while that leads there, else the present one if the system reports it."""
    if identity(folder) == identity(opened):
        return opened
    with contextlib.suppress(OSError):
        present = Path(_reported(folder))
        if identity(folder) == identity(present):
            return present.relative_to(Path.cwd()) if present.is_relative_to(Path.cwd()) and not opened.is_absolute() else present
    return opened


def identity(place: Path | int) -> tuple[int, int] | None:
    """Return what a file or folder is, whatever leads to it, a path or the descriptor of an open one; None where there is none."""
    try:
        state = os.stat(place)  # noqa: PTH116 - a descriptor is no path
    except OSError:
        return None
    return state.st_dev, state.st_ino


def _reported(descriptor: int) -> str:
    if sys.platform == "darwin":
        return os.fsdecode(fcntl.fcntl(descriptor, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0"))
    return str(Path(f"/proc/self/fd/{descriptor}").readlink())


def names_in(folder: int | Path) -> list[str]:
    """List what is in a folder, open or by its path."""
    return os.listdir(folder)  # noqa: PTH208 - a descriptor is no path


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
        with opened(folder.parent) as above:
            os.fsync(above)


def make_folders_within(folder: int, path: Path) -> None:
    """Make the folders on a path that starts from an open folder, where they are missing, so that they survive a loss of power."""
    for inner in (*reversed(path.parents), path):
        with contextlib.suppress(FileExistsError):
            os.mkdir(inner, dir_fd=folder)
            with opened(inner.parent, folder) as above:
                os.fsync(above)


def write_arrays(path: Path, arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """Write arrays as an `.npz` file, in the way of `write`."""
    write(path, packed(arrays))


def packed(arrays: Mapping[str, NDArray[np.generic]]) -> bytes:
    """Return the content of an `.npz` file."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type] # its stub takes the arrays' names for its own options
    return buffer.getvalue()


def read_arrays(path: Path, within: int | None = None) -> dict[str, NDArray[Any]]:
    """Read an `.npz` file of plain arrays; nothing in it is ever run.

    Parameters
    ----------
    path
        Where.
    within
        Descriptor of an open folder that `path` starts from.

    Raises
    ------
    UnreadableError
        Naming what is wrong with it.
    OSError
        When it is missing or may not be read.

    """
    try:
        with open_regular(path, within) as file:
            return _unpacked(file)
    except UnreadableError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno != errno.EINVAL:  # a place before the file's beginning; the others are the disk's
            raise
        reason = (getattr(error, "strerror", None) or str(error) or type(error).__name__).splitlines()[0]
        raise UnreadableError(reason) from None


def _unpacked(file: BinaryIO) -> dict[str, NDArray[Any]]:
    if not zipfile.is_zipfile(file):
        msg = "it is not, or no longer wholly, an .npz file"
        raise UnreadableError(msg)
    with zipfile.ZipFile(file) as archive:
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        bounded(sum(info.file_size for info in members.values()))
        return {name: _array(archive, info) for name, info in members.items()}


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> NDArray[Any]:
    """Read one array; its header is believed only where as many bytes are there as it declares."""
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
            msg = f"{info.filename} declares shape {shape} of {dtype}, and holds {info.file_size - member.tell()} bytes"
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
    """Return a number of bytes that something will take in memory, unless it is more than half of what the machine has.

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
    """What is wrong with a file, for the reader to name the file and the remedy."""

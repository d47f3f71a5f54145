"""Where libngspice is on this machine, and what to do when it is not."""

import mmap
import os
import sys
from collections.abc import Iterator
from ctypes.util import find_library as ask_the_linker
from pathlib import Path

from hwsim.ngspice.ngspice_errors import NgspiceMissingError

VARIABLE = "HWSIM_NGSPICE_LIBRARY"
"""Environment variable with the path of a libngspice, for those who have several or one in an unusual place."""

_NAMES = ("libngspice.so.0", "libngspice.so", "libngspice.0.dylib", "libngspice.dylib")
_FOLDERS = ("/usr/local/lib", "/usr/local/lib64", "/usr/lib/*-linux-*", "/usr/lib64", "/usr/lib", "/opt/homebrew/lib", "/opt/local/lib")
_KLU = b"Using KLU as Direct Linear Solver"
_REMEDY = f"install it (Debian, Ubuntu: apt-get install ngspice libngspice0; macOS: brew install libngspice) or set {VARIABLE} to its path"


def find_library() -> Path | None:
    """Return the path of libngspice, or None: the value of HWSIM_NGSPICE_LIBRARY, else the first in the usual places."""
    chosen = os.environ.get(VARIABLE)
    if chosen:
        return Path(chosen).absolute() if Path(chosen).is_file() else None
    return next(_candidates(), None)


def _candidates() -> Iterator[Path]:
    folders = [Path(folder) for folder in os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep) if folder]
    folders.append(Path(sys.prefix) / "lib")
    for folder in [*folders, *(place for pattern in _FOLDERS for place in sorted(Path("/").glob(pattern.removeprefix("/"))))]:
        yield from ((folder / name).absolute() for name in _NAMES if (folder / name).is_file())
    name = ask_the_linker("ngspice")
    if name is not None:
        yield Path(name)  # a bare name: the loader knows the folder


def require_library() -> Path:
    """Return the path of libngspice.

    Raises
    ------
    NgspiceMissingError
        When there is none; the message describes how to install it.

    """
    library = find_library()
    if library is None:
        chosen = os.environ.get(VARIABLE)
        what = f"{VARIABLE} = {chosen!r} is no file" if chosen else "libngspice is not installed"
        raise missing(what)
    return library


def has_klu(library: Path) -> bool | None:
    """Return whether a libngspice was built with KLU, of SuiteSparse, besides its own linear solver, SPARSE 1.3.

    It then holds the line by which it announces KLU, which it otherwise prints when a deck asks for it by `.options klu`. None: the file
    cannot be read, as where only the loader knows its folder.
    """
    try:
        with library.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return content.find(_KLU) >= 0
    except (OSError, ValueError):  # an empty file has no map
        return None


def missing(what: str) -> NgspiceMissingError:
    """Return the error that names what is wrong with the library, and what to do about it."""
    return NgspiceMissingError(f"{what}; {_REMEDY}")

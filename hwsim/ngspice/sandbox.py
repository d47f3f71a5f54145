"""A sandbox for this process: it may compute, but read or write no file besides its own, start no program, reach no network.

What a deck makes ngspice do stays inside, whatever it is; `seccomp` refuses sockets of every kind. Linux alone has one (Landlock,
from 5.13 on); elsewhere, what libngspice is given is looked through all the same.
"""

import ctypes
import os
import struct
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

_VERSION, _CREATE, _ADD, _RESTRICT = 1, 444, 445, 446
"""A flag, and the numbers of the system calls, the same on all machines. Source: Linux, include/uapi/linux/landlock.h."""

_EXECUTE, _WRITE, _READ, _LIST, _RENAME, _TRUNCATE = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 13, 1 << 14
_REMOVE = 1 << 5
_MAKE = sum(1 << bit for bit in range(6, 13))
"""Rights to files. That to remove empty folders stays: it belongs to a folder's parent, and this process's own goes when it ends."""

_BENEATH, _NO_NEW_PRIVILEGES, _CONNECT_AND_BIND, _SCOPES = 1, 38, 0b11, 0b11
_WITH_RENAME, _WITH_TRUNCATE, _WITH_NETWORK, _WITH_SCOPES = 2, 3, 4, 6
"""From which version of Landlock on there are further rights: to rename, to cut off, to connect, to signal other processes."""


_SYSTEM = ("/usr", "/lib", "/lib64", "/opt", "/proc", "/sys", "/dev", "/etc/ld.so.cache", "/etc/localtime")
"""Where libraries and what describes the machine lie; nobody's secrets do."""


def landlock() -> int:
    """Return the version of the system's Landlock, below 1 where it has none."""
    if sys.platform != "linux":
        return 0
    return int(ctypes.CDLL(None).syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint(_VERSION)))


def close_behind(home: Path) -> bool:
    """Confine this process and its children, for good: they may write in `home` alone. Return whether the system could."""

    def rules(version: int) -> tuple[int, int, int]:
        more = (_RENAME if version >= _WITH_RENAME else 0) | (_TRUNCATE if version >= _WITH_TRUNCATE else 0)
        scopes = _SCOPES if version >= _WITH_SCOPES else 0
        return _WRITE | _REMOVE | _MAKE | more, _CONNECT_AND_BIND if version >= _WITH_NETWORK else 0, scopes

    return _restrict(rules, [home], forbidden=_EXECUTE)


def close_reading(home: Path, programs: Iterable[str | Path], listed: Iterable[Path] = ()) -> bool:
    """Let this process read in `home`, in programs and in the system's folders alone, for good. Return whether it could.

    To be called once libngspice is at work: it asks for the user's entry in /etc/passwd when it starts, and crashes without.

    Parameters
    ----------
    home
        The process's own folder.
    programs
        Folders and files of programs.
    listed
        Folders in which only the names of files may be read.

    """
    return _restrict(lambda _: (_READ | _LIST, 0, 0), [home, *map(Path, _SYSTEM), *map(Path, programs)], listed=listed)


def _restrict(
    rules: Callable[[int], tuple[int, int, int]], places: Iterable[Path], forbidden: int = 0, listed: Iterable[Path] = ()
) -> bool:
    """Allow what rules of a version cover of files, network and signals below some places alone, and what is forbidden nowhere."""
    version = landlock()
    if version < 1:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    rights, network, scopes = rules(version)
    handled = struct.pack("=QQQ", rights | forbidden, network, scopes)
    handled = handled[: 8 if version < _WITH_NETWORK else 16 if version < _WITH_SCOPES else 24]
    ruleset = libc.syscall(_CREATE, handled, ctypes.c_size_t(len(handled)), ctypes.c_uint(0))
    if ruleset < 0:
        return False
    try:
        allowed = [(place, rights) for place in dict.fromkeys(places)] + [(place, rights & _LIST) for place in listed]
        refused = [_allow(libc, ruleset, place, to) for place, to in allowed if place.exists()]
        return not (any(refused) or libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) or libc.syscall(_RESTRICT, ruleset, ctypes.c_uint(0)))
    finally:
        os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, place: Path, rights: int) -> bool:
    """Add rights to all below a place; return whether that failed."""
    opened = os.open(place, os.O_PATH)
    try:
        allowed = rights if place.is_dir() else rights & (_READ | _WRITE | _TRUNCATE)
        beneath = struct.pack("=Qi", allowed, opened)
        return bool(libc.syscall(_ADD, ruleset, ctypes.c_int(_BENEATH), beneath, ctypes.c_uint(0)))
    finally:
        os.close(opened)

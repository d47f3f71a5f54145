"""A fence around this process: it may read and compute, but write no file outside its own folder, start no program, reach no network.

What a deck makes ngspice do stays inside, whatever it is. Linux alone has such fences (Landlock, from 5.13 on); elsewhere, what
libngspice is given is looked through all the same.
"""

import ctypes
import os
import struct
import sys
from pathlib import Path

_VERSION, _CREATE, _ADD, _RESTRICT = 1, 444, 445, 446
"""A flag, and the numbers of the system calls, the same on all machines. Source: Linux, include/uapi/linux/landlock.h."""

_EXECUTE, _WRITE, _RENAME, _TRUNCATE = 1 << 0, 1 << 1, 1 << 13, 1 << 14
_REMOVE = 1 << 5
_MAKE = sum(1 << bit for bit in range(6, 13))
"""Rights to files. That to remove empty folders stays: it belongs to a folder's parent, and this process's own goes when it ends."""

_BENEATH, _NO_NEW_PRIVILEGES, _CONNECT_AND_BIND, _SCOPES = 1, 38, 0b11, 0b11
_WITH_RENAME, _WITH_TRUNCATE, _WITH_NETWORK, _WITH_SCOPES = 2, 3, 4, 6
"""From which version of Landlock on there are further rights: to rename, to cut off, to connect, to signal other processes."""


def close_behind(home: Path) -> bool:
    """Fence this process and its children in, for good; they may write in `home` alone. Say whether the system could."""
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint(_VERSION))
    if version < 1:
        return False
    writing = _WRITE | _REMOVE | _MAKE | (_RENAME if version >= _WITH_RENAME else 0) | (_TRUNCATE if version >= _WITH_TRUNCATE else 0)
    network = _CONNECT_AND_BIND if version >= _WITH_NETWORK else 0
    rules = struct.pack("=QQQ", _EXECUTE | writing, network, _SCOPES if version >= _WITH_SCOPES else 0)
    rules = rules[: 8 if version < _WITH_NETWORK else 16 if version < _WITH_SCOPES else 24]
    ruleset = libc.syscall(_CREATE, rules, ctypes.c_size_t(len(rules)), ctypes.c_uint(0))
    if ruleset < 0:
        return False
    folder = os.open(home, os.O_PATH | os.O_DIRECTORY)
    try:
        beneath = struct.pack("=Qi", writing, folder)
        refused = libc.syscall(_ADD, ruleset, ctypes.c_int(_BENEATH), beneath, ctypes.c_uint(0))
        refused = refused or libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) or libc.syscall(_RESTRICT, ruleset, ctypes.c_uint(0))
        return not refused
    finally:
        os.close(folder)
        os.close(ruleset)

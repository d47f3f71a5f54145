"""System calls that a worker may not make: those that open sockets, whatever their kind, and those that start programs.

Landlock confines TCP alone: datagrams and the sockets of other programs on the machine (D-Bus, Docker, X) it leaves open. Here the kernel
refuses the calls themselves, by a filter (seccomp). Sockets that are already open, such as the pipe to the engine, stay.
"""

import ctypes
import platform
import struct
import sys
from typing import NamedTuple


class _Machine(NamedTuple):
    """What the kernel calls a machine, and the numbers of its calls: socket, socketpair, io_uring_setup, execve, execveat."""

    architecture: int
    refused: tuple[int, ...]


_MACHINES = {
    "x86_64": _Machine(0xC000003E, (41, 53, 425, 59, 322)),
    "aarch64": _Machine(0xC00000B7, (198, 199, 425, 221, 281)),
}
"""Source: Linux, include/uapi/linux/audit.h, arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h."""

_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 38, 22, 2
"""Arguments of prctl. Source: Linux, include/uapi/linux/prctl.h and seccomp.h."""

_LOAD, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
"""Instructions: load a word of what the call is, jump, end. Source: Linux, include/uapi/linux/bpf_common.h."""

_NUMBER, _ARCHITECTURE = 0, 4
"""Places in what the filter sees of a call."""

_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | 13
"""What a filter returns: proceed, or fail with EACCES."""

_OTHER_NUMBERS = 0x40000000
"""From here on x86-64 numbers the same calls a second time (x32)."""


def known_machine() -> _Machine | None:
    """Return the numbers of this processor's system calls; None: another system, or a processor without a filter here."""
    return _MACHINES.get(platform.machine()) if sys.platform == "linux" else None


def refuse_sockets() -> bool:
    """Refuse this process and its children, for good, to open sockets and to start programs. Return whether the system could."""
    machine = known_machine()
    if machine is None:
        return False
    code = _program(machine)
    instructions = ctypes.create_string_buffer(code)
    count = len(code) // struct.calcsize("=HBBI")
    program = ctypes.create_string_buffer(struct.pack("@HP", count, ctypes.addressof(instructions)))
    libc = ctypes.CDLL(None, use_errno=True)
    return not (libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) or libc.prctl(_SET_SECCOMP, ctypes.c_ulong(_FILTER), program, 0, 0))


def _program(machine: _Machine) -> bytes:
    """Return the filter: calls of another architecture, the second numbers and the refused calls fail, all others proceed."""
    tests = [(_IF_AT_LEAST, _OTHER_NUMBERS), *((_IF_EQUAL, number) for number in machine.refused)]
    refuse = len(tests) + 4  # the place of the last instruction
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_IF_EQUAL, 0, refuse - 2, machine.architecture),
        (_LOAD, 0, 0, _NUMBER),
        *((test, refuse - k - 1, 0, value) for k, (test, value) in enumerate(tests, start=3)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    ]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)

"""Limits of a worker process: how much memory, how much processor time, and how long it may be silent."""

import math
import os
import resource
from dataclasses import dataclass
from pathlib import Path

from circuits.units import Byte, Second

_FILE = 100_000_000
"""Bytes that a file may have which a worker writes: its log, where a library may complain without end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLimits:
    """What a worker may use.

    Parameters
    ----------
    silence
        After so long without a word it counts as hung [s].
    processor
        Processor time of one job, some hundred equilibria [s].
    memory
        All that it holds, the library included [B]; None is the machine's memory over the number of workers.

    """

    silence: Second = 300.0
    processor: Second = 3600.0
    memory: Byte | None = None

    def __post_init__(self) -> None:
        """Check that all are positive."""
        for name, unit in (("silence", "s"), ("processor", "s"), ("memory", "B")):
            value = getattr(self, name)
            if value is not None and not value > 0:
                msg = f"ngspice: {name} = {value:g} {unit} must be above 0"
                raise ValueError(msg)

    def of_memory(self, workers: int) -> int:
        """Return the memory of one of so many workers [B]."""
        if self.memory is not None:
            return int(self.memory)
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // workers


def limit_memory(size: int) -> None:
    """Let this process hold so many bytes, and leave neither a large file nor a picture of its memory behind."""
    _lower(resource.RLIMIT_DATA, size)
    _lower(resource.RLIMIT_FSIZE, _FILE)
    _lower(resource.RLIMIT_CORE, 0)


def limit_processor(seconds: float) -> None:
    """Let this process use so much processor time from now on; the system ends it then."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _lower(resource.RLIMIT_CPU, math.ceil(min(used.ru_utime + used.ru_stime + seconds, 1e9)))


def _lower(what: int, value: int) -> None:
    hard = resource.getrlimit(what)[1]
    resource.setrlimit(what, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


def memory_held() -> int:
    """Return the memory that this process holds [B]; where the system does not report it, the most that it has held."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

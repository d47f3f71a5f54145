"""A worker process as the engine sees it: started in a directory of its own, spoken to through a pipe, ended for good."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import weakref
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from hwsim.ngspice.importable import MODULES, loaded
from hwsim.ngspice.installed import require_library
from hwsim.ngspice.leftovers import LOG, WORKER, lock_log, remove_leftovers

_NO_MEMORY = ("MemoryError", "can't allocate", "Cannot allocate", "start new thread")
"""What Python, ngspice and the system write when memory ends."""

_LAST = 2000
"""Characters of what a dead worker wrote that are worth showing."""


_PASSED = frozenset([
    "PATH", "LANG", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH", "TZ", "TZDIR", "PYTHONHOME", "PYTHONUTF8",
    "PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE", "PYTHONWARNINGS", "PYTHONNOUSERSITE",
])  # fmt: skip
_PASSED_FAMILIES = ("LC_", "JAX_", "XLA_", "NPY_", "OPENBLAS_", "MKL_")
"""Environment variables that a worker is given: what Python and its libraries start with, and what numbers depend on."""


class WorkerProcess:
    """One process with one libngspice in it. `deck` is what it holds, `settled` the memory that it held after its first job [B].

    `answered` is whether it has answered yet.

    Parameters
    ----------
    memory
        What it may hold [B].
    processor
        What it may use for a job [s].

    Raises
    ------
    NgspiceMissingError
        When there is no libngspice.

    """

    def __init__(self, memory: int, processor: float) -> None:
        library = require_library()
        self.memory, self.processor = memory, processor
        remove_leftovers()
        self.home = Path(tempfile.mkdtemp(prefix=WORKER))
        (self.home / MODULES).write_text("\n".join(loaded()), encoding="utf-8", errors="surrogateescape")
        self.deck: object = None
        self.settled: int | None = None
        self.answered = False
        self.connection, theirs = Pipe()
        environment = {name: value for name, value in os.environ.items() if name in _PASSED or name.startswith(_PASSED_FAMILIES)} | {
            "HOME": str(self.home),  # nobody's .spiceinit is read, nor what SPICE_SCRIPTS names
            "NGSPICE_LIBRARY_PATH": str(library),  # where PySpice looks
            "PYTHONPATH": os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path),
            "OMP_NUM_THREADS": "1",  # a process a core is enough
            "OPENBLAS_NUM_THREADS": "1",
        }
        with theirs, (self.home / LOG).open("wb") as log:
            lock_log(log.fileno())
            self.process = subprocess.Popen(  # noqa: S603 - this Python, with a module of ours
                [sys.executable, "-m", "hwsim.ngspice.worker", str(theirs.fileno()), str(memory), str(processor)],
                cwd=self.home,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # a terminal's Ctrl-C reaches the engine alone, which then ends its workers
            )
        self.end = weakref.finalize(self, _end, self.process, self.connection, self.home)

    def send(self, request: Any) -> None:
        """Send a request; that the worker is dead shows when the answer is awaited."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.connection.send(request)

    def death(self) -> tuple[str, bool]:
        """Describe how the process ended and what it wrote last, and whether another would end so too."""
        status = self.process.wait()
        if status == -signal.SIGXCPU:
            how = f"was ended after {self.processor:g} s of processor time for one job; raise solver.ngspice_processor if it was only slow"
            return how, True
        how = f"died of {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        wrote = (self.home / LOG).read_text(encoding="utf-8", errors="replace").strip()
        if any(word in wrote for word in _NO_MEMORY):
            how += f" because it needed memory beyond {self.memory / 1e9:.3g} GB; raise solver.ngspice_memory, or use fewer workers"
        return (f"{how}; it wrote: {wrote[-_LAST:]}" if wrote else how), status >= 0


def _end(process: "subprocess.Popen[bytes]", connection: Connection, home: Path) -> None:
    connection.close()
    process.kill()
    process.wait()
    shutil.rmtree(home, ignore_errors=True)

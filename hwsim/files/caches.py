"""What may be made again: where it is kept, and that what is compiled is kept there, for processes of our own."""

import contextlib
import os
import stat
from pathlib import Path


def cache_folder() -> Path:
    """Return the folder for what may be made again: $XDG_CACHE_HOME/hwsim, or ~/.cache/hwsim."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hwsim"


PROGRAMS = "HWSIM_PROGRAMS"
"""The variable with the folder of programs that are ready to run."""


def program_folder() -> Path | None:
    """Return the folder of programs that are ready to run; None where this process keeps none, or others may write there."""
    named = os.environ.get(PROGRAMS)
    return Path(named) if named and private(Path(named)) else None


def private(folder: Path) -> bool:
    """Whether a folder is this user's, and nobody else may write into it: what is loaded from there is run."""
    try:
        state = folder.stat()
    except OSError:
        return False
    return state.st_uid == os.getuid() and not state.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def keep_compiled() -> None:
    """Let JAX, which this process has not loaded yet, keep all that it compiles in the cache folder, if that can be written.

    It is set in the environment, so that JAX loads only where it is needed, and the processes that this one starts do the same. A user's
    JAX_COMPILATION_CACHE_DIR stays as it is. Programs of training and solving are kept ready to run too (`numeric/kept_programs.py`).
    """
    if "JAX_COMPILATION_CACHE_DIR" in os.environ:
        return
    folder, programs = cache_folder() / "jax", cache_folder() / "programs"
    with contextlib.suppress(OSError):
        folder.parent.mkdir(parents=True, exist_ok=True)
        for one in (folder, programs):
            one.mkdir(mode=0o700, exist_ok=True)  # what is loaded from there is run
        os.environ |= {
            "JAX_COMPILATION_CACHE_DIR": str(folder),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
            PROGRAMS: str(programs),
        }

"""What may be made again: where it is kept, and that JAX keeps what it compiles there, for processes of our own."""

import contextlib
import os
from pathlib import Path


def cache_folder() -> Path:
    """Return the folder for what may be made again: $XDG_CACHE_HOME/hwsim, or ~/.cache/hwsim."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hwsim"


def keep_compiled() -> None:
    """Let JAX, which this process has not loaded yet, keep all that it compiles in the cache folder, if that can be written.

    It is set in the environment, so that JAX loads only where it is needed, and the processes that this one starts do the same. A user's
    JAX_COMPILATION_CACHE_DIR stays as it is.
    """
    if "JAX_COMPILATION_CACHE_DIR" in os.environ:
        return
    folder = cache_folder() / "jax"
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        os.environ |= {
            "JAX_COMPILATION_CACHE_DIR": str(folder),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        }

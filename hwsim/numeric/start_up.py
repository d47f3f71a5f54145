"""Sets JAX up once: 64 bit, and compiled functions kept on disk so that a second start is quick."""

import contextlib
import os
from pathlib import Path

import jax


def cache_folder() -> Path:
    """Give the folder for what may be made again: $XDG_CACHE_HOME/hwsim, or ~/.cache/hwsim."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hwsim"


def configure() -> None:
    """Switch 64 bit on (32-bit arrays stay possible) and point the compilation cache to the cache folder, if it can be written."""
    jax.config.update("jax_enable_x64", True)  # noqa: FBT003 - JAX's signature
    if jax.config.jax_compilation_cache_dir is None:
        folder = cache_folder() / "jax"
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            jax.config.update("jax_compilation_cache_dir", str(folder))
            jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
            jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)

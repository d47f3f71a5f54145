"""Sets JAX up once: 64 bit, products in full, and compiled functions kept on disk so that a second start is quick."""

import contextlib
import os
from pathlib import Path

import jax


def cache_folder() -> Path:
    """Give the folder for what may be made again: $XDG_CACHE_HOME/hwsim, or ~/.cache/hwsim."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hwsim"


def configure() -> None:
    """Switch 64 bit on, ask for whole products, and point the compilation cache to the cache folder, if it can be written.

    32-bit arrays stay possible; but their products keep all 24 bits on graphics cards too, whose own way keeps 11.
    """
    settings: dict[str, bool | str | float] = {"jax_enable_x64": True, "jax_default_matmul_precision": "highest"}
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        folder = cache_folder() / "jax"
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            settings |= {
                "jax_compilation_cache_dir": str(folder),
                "jax_persistent_cache_min_compile_time_secs": 0.0,
                "jax_persistent_cache_min_entry_size_bytes": -1,
            }
    for name, value in settings.items():
        jax.config.update(name, value)  # type: ignore[no-untyped-call]  # JAX leaves it untyped


def compiler_options() -> dict[str, str]:
    """Give those of programs that train: on CPUs vectors as long as there are, on others none.

    What pulses do to a device is one long chain of operations, and of longer vectors fewer are waited for. Processors without such long
    ones take two shorter ones at once.
    """
    return {"xla_cpu_prefer_vector_width": "512"} if jax.default_backend() == "cpu" else {}

"""Loading JAX without reading the descriptions of all packages that are installed, among which it looks for one of its plugins."""

import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any


def load_jax() -> None:
    """Load JAX; of all packages it is shown those alone whose name has `jax` in it, as its plugins' have."""
    if "jax" in sys.modules:
        return
    every: Any = metadata.distributions

    def named_so(**where: Any) -> Iterator[Any]:
        return (package for package in every(**where) if "jax" in _folder(package))

    metadata.distributions = named_so
    try:
        import jax  # noqa: F401, PLC0415 - that is what this is for
    finally:
        metadata.distributions = every


def _folder(package: Any) -> str:
    """Return the name of the folder with a package's description: jax_plugin-1.0.dist-info; of one that is elsewhere, as if it were one."""
    return Path(getattr(package, "_path", "jax")).name

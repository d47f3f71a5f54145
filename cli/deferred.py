"""Modules that libraries load with themselves, and that commands seldom use: they are loaded when something in them is used first."""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import ModuleType

_JAX = ("custom_batching", "debug", "distributed", "dlpack", "export", "ffi", "image", "nn", "ops", "random", "scipy")
"""Parts of JAX that nothing refers to while it loads; they are an eighth of that time."""

_SELDOM = {"PIL.ExifTags", "fontTools.agl", *(f"jax.{part}" for part in _JAX)}
"""Names of photographs' properties, and of glyphs for TeX, are long tables."""


def defer() -> None:
    """Let these modules load when they are first used, in this process."""
    sys.meta_path.insert(0, _Deferring())


class _Deferring:
    """Finds these modules where they are, and puts off to run them."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Return where a module is; None: others find it."""
        spec = PathFinder.find_spec(fullname, path, target) if fullname in _SELDOM else None
        if spec is not None and spec.loader is not None:
            spec.loader = LazyLoader(spec.loader)
        return spec

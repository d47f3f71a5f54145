"""Programs that are kept on disk ready to run: a later process loads them, where JAX's own cache needs them traced and lowered again.

For a small circuit tracing takes longer than training. A kept program is found by all that it depends on: the structure that it was made
from, byte for byte, the shapes of its arguments, the sources of hwsim, the versions of what compiles, and the machine. What differs in any
of these is traced, as what cannot be written down is.
"""

import hashlib
import io
import os
import pickle
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.experimental import serialize_executable
from jax.experimental.compilation_cache import compilation_cache
from pydantic import BaseModel

from hwsim.cores import usable_cores
from hwsim.files import atomic
from hwsim.files.caches import program_folder
from hwsim.siblings import ROOT

_MOST = 128
"""Most programs that are kept, the last that were used; one takes about half a megabyte."""

_DIGEST = hashlib.sha256().digest_size
"""Bytes before a program, by which a damaged one is recognised: XLA runs machine code as it is, right or wrong."""

_OURS = ("circuits", "hwsim")
"""Our packages that programs are made from."""

_KNOWN = {*_OURS, "builtins", "numpy", "jax", "jaxlib", "pathlib", "copyreg", "functools", "operator", "enum", "types", "_codecs"}
"""Packages whose classes and functions a structure may be made of: their sources or versions are a part of what a program is found by."""

_AGAIN = {"xla_embed_ir_in_executable": False}
"""A setting as it is anyway: JAX returns what this process has compiled with the same settings before."""

_LOADED, _TOOK = "/jax/compilation_cache/cache_hits", "/jax/core/compile/backend_compile_duration"
"""What JAX reports where its own cache has a program, which profiles of trainings count."""


def kept(program: Any, structure: Any) -> Any:
    """Return a jitted program that is kept on disk, where this process keeps any; else the program as it is.

    Parameters
    ----------
    program
        The jitted program; all its arguments are arrays or numbers.
    structure
        All that the program was made from, in which equal bytes mean equal programs.

    """
    return program if program_folder() is None else KeptProgram(program, structure)


class KeptProgram:
    """A jitted program, which is looked for on disk for each kind of arguments."""

    def __init__(self, program: Any, structure: Any) -> None:
        self._program, self._made_from = program, _written(structure)
        self._by_arguments: dict[Any, Callable[..., Any]] = {}

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Run it."""
        leaves, form = jax.tree.flatten((arguments, named))
        kind = form, tuple(map(_kind, leaves))
        if kind not in self._by_arguments:
            self._by_arguments[kind] = self._ready(kind, arguments, named)
        return self._by_arguments[kind](*arguments, **named)

    def _ready(self, kind: Any, arguments: Any, named: Any) -> Callable[..., Any]:
        """Load the program for arguments of a kind, or compile and keep it."""
        folder = program_folder()
        if folder is None or self._made_from is None or jax.default_backend() != "cpu" or jax.device_count() != 1:
            return self._program  # type: ignore[no-any-return] # JAX types it not
        key = hashlib.sha256(b"\0".join((self._made_from, repr(kind).encode(), *_surroundings(), repr(_settings()).encode()))).hexdigest()
        path = folder / f"{key}.program"
        loaded = _loaded(path)
        if loaded is not None:
            return loaded
        with _looking() as cached:
            compiled = self._program.lower(*arguments, **named).compile()
        if cached and _seen(path):
            with _without_cache():
                compiled = self._program.lower(*arguments, **named).compile(_AGAIN)
            cached = []
        if not cached:
            _keep(path, compiled)
        return compiled  # type: ignore[no-any-return] # as above


def _kind(leaf: Any) -> tuple[Any, ...]:
    """Return what is compiled in of an argument: shape, type, and whether it is a number that others may widen."""
    if type(leaf) is np.ndarray:
        return leaf.shape, leaf.dtype.str, False
    if isinstance(leaf, bool | int | float | complex):
        return (type(leaf).__name__,)
    return np.shape(leaf), leaf.dtype.str, bool(getattr(leaf, "weak_type", False))


def _written(structure: Any) -> bytes | None:
    """Return a structure as bytes; None where something in it has no name, or is somebody else's, whose sources may change unseen."""
    file = io.BytesIO()
    try:
        _Known(file, protocol=5).dump(structure)
    except (pickle.PicklingError, TypeError, AttributeError, RecursionError):
        return None
    return file.getvalue()


class _Known(pickle.Pickler):
    """Writes what is made of known classes and functions."""

    def reducer_override(self, value: Any) -> Any:
        """Refuse other classes and functions; of settings, write the values alone: which ones were set is kept in no certain order."""
        if isinstance(value, BaseModel):
            return type(value), (), vars(value)
        module = getattr(value, "__module__", None) if callable(value) and hasattr(value, "__qualname__") else None
        if module is not None and module.partition(".")[0] not in _KNOWN:
            raise pickle.PicklingError(module)
        return NotImplemented


@cache  # once a process
def _surroundings() -> tuple[bytes, ...]:
    """Return what every program depends on: sources, versions and machine."""
    versions = sys.version, jax.__version__, version("jaxlib"), np.__version__
    try:
        flags = [line for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines() if "flags" in line[:12]]
    except OSError:
        flags = [platform.processor()]
    sources = sorted(_sources())
    machine = platform.platform(), platform.machine(), usable_cores(), sorted(set(flags))
    return tuple(repr(part).encode() for part in (versions, *machine, sources))


def _sources() -> Iterator[tuple[str, int, int]]:
    """List the files of our packages, with their sizes and times."""
    for package in _OURS:
        folders = [str(ROOT / package)]
        while folders:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    elif entry.name.endswith(".py"):
                        state = entry.stat()
                        yield entry.path, state.st_size, state.st_mtime_ns


def _settings() -> list[tuple[str, Any]]:
    """Return JAX's settings, and the variables that it and XLA read."""
    of_jax = [(name, repr(value)) for name, value in jax.config.values.items() if "cache" not in name]
    named = [(name, value) for name, value in os.environ.items() if name.startswith(("XLA_", "JAX_", "OMP_", "NPROC"))]
    scope = [(name, getattr(jax.config, name)) for name in ("jax_enable_x64", "jax_default_matmul_precision")]  # this thread's
    return sorted(scope + [(name, value) for name, value in (*of_jax, *named) if "CACHE" not in name.upper()], key=repr)


def _loaded(path: Path) -> Callable[..., Any] | None:
    """Load a program; None where there is none, or it is another user's or damaged: then it is compiled, and written again."""
    try:
        if path.lstat().st_uid != os.getuid():
            return None
        content = path.read_bytes()
        digest, written = content[:_DIGEST], content[_DIGEST:]
        if hashlib.sha256(written).digest() != digest:
            return None
        compiled = serialize_executable.deserialize_and_load(*pickle.loads(written))  # noqa: S301 - this user wrote it
    except FileNotFoundError:
        return None
    except Exception:  # noqa: BLE001 - whatever is in the file, it can be compiled again
        return None
    with suppress(OSError):  # a folder that can only be read
        os.utime(path)
    jax.monitoring.record_event_duration_secs(_TOOK, 0.0)
    jax.monitoring.record_event(_LOADED)
    return compiled  # type: ignore[no-any-return] # JAX types it not


@contextmanager
def _looking() -> Iterator[list[str]]:
    """Collect what comes out of JAX's cache: XLA writes that down a second time without a part of what was compiled."""
    cached: list[str] = []

    def note(event: str, **_: Any) -> None:
        if event == _LOADED:
            cached.append(event)

    jax.monitoring.register_event_listener(note)
    try:
        yield cached
    finally:
        jax.monitoring.unregister_event_listener(note)


@contextmanager
def _without_cache() -> Iterator[None]:
    """Let JAX compile what its cache has too."""
    config: Any = jax.config
    before = config.jax_enable_compilation_cache
    config.update("jax_enable_compilation_cache", False)  # noqa: FBT003 - JAX's own
    compilation_cache.reset_cache()
    try:
        yield
    finally:
        config.update("jax_enable_compilation_cache", before)
        compilation_cache.reset_cache()


def _seen(path: Path) -> bool:
    """Whether a program was asked for before; the first time leaves a mark.

    So whoever changes hwsim's sources from run to run has what JAX's cache has, and compiles nothing for the sake of keeping it.
    """
    mark = path.with_suffix(".seen")
    try:
        if mark.exists():
            mark.unlink(missing_ok=True)
            return True
        mark.touch()
    except OSError:
        pass
    return False


def _keep(path: Path, compiled: Any) -> None:
    """Write a compiled program, and remove those that were used the longest ago; a disk that takes none is done without."""
    try:
        written = pickle.dumps(serialize_executable.serialize(compiled))
        atomic.write(path, hashlib.sha256(written).digest() + written)
        used = sorted((*path.parent.glob("*.program"), *path.parent.glob("*.seen")), key=lambda one: one.stat().st_mtime_ns)
        for old in used[:-_MOST]:
            old.unlink(missing_ok=True)
    except Exception:  # noqa: BLE001, S110 - it runs without being kept
        pass

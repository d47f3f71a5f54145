"""Forks: tests run in children of a process that has loaded the packages, each with limits, a file of hwsim's replaced if need be."""

import contextlib
import math
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import NamedTuple, TypeVar

_MEMORY = 16 * 2**30
"""B of address space that a child may take; a fault may ask for all."""

_WAITING = 20.0
"""How many times its processor time a child may take on a busy machine."""

_PACKAGES = (
    "hypothesis.extra.numpy",
    "hypothesis.strategies",
    "jax.numpy",
    "jax.scipy.linalg",
    "jax.scipy.special",
    "numpy",
    "pydantic",
    "pytest",
    "scipy.linalg",
    "scipy.optimize",
    "scipy.sparse.csgraph",
    "scipy.sparse.linalg",
    "scipy.special",
    "scipy.stats",
)

T = TypeVar("T")


class Job(NamedTuple):
    """What a child does, and the processor seconds that it has for it."""

    run: Callable[[], int]
    limit: float


def load(environment: dict[str, str]) -> None:
    """Load the packages that tests need, none of hwsim's own, under settings that children take on."""
    os.environ |= environment
    for package in _PACKAGES:
        import_module(package)


def forked(jobs: Iterable[tuple[T, Job]], at_once: int) -> Iterator[tuple[T, int | None]]:
    """Run each job in a child; gives exit codes as children end, None for one that was out of time or killed."""
    waiting, children, until = iter(jobs), dict[int, T](), dict[int, float]()
    try:
        while True:
            while len(children) < at_once and (job := next(waiting, None)) is not None:
                child = _fork(job[1])
                children[child], until[child] = job[0], time.monotonic() + _WAITING * job[1].limit
            if not children:
                return
            child, status = os.waitpid(-1, os.WNOHANG)
            if child in children:
                _kill(child)  # what it has left behind
                yield children.pop(child), os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else None
                continue
            for late in [child for child in children if time.monotonic() > until[child]]:
                _kill(late)
            time.sleep(0.02)
    finally:
        for child in children:
            _kill(child)
            os.waitpid(child, 0)


def _kill(child: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)


def _fork(job: Job) -> int:
    child = os.fork()
    if child:
        with contextlib.suppress(PermissionError, ProcessLookupError):
            os.setpgid(child, child)
        return child
    code, shown = 70, os.dup(2)
    try:
        os.setpgid(0, 0)
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(job.limit), math.ceil(job.limit) + 5))
        code = job.run()
    except BaseException:  # noqa: BLE001 - whatever it is, the parent's own code must not continue in a child
        os.write(shown, traceback.format_exc().encode())
    finally:
        os._exit(code)


def replaced(name: str, path: Path, text: str) -> None:
    """From now on a module is made from this text, whatever its file holds."""
    sys.meta_path.insert(0, _Finder(name, path, text))


class _Finder(MetaPathFinder):
    def __init__(self, name: str, path: Path, text: str) -> None:
        self._name, self._loader = name, _Loader(name, path, text)

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Return the replaced module's loader."""
        del path, target
        return spec_from_file_location(name, self._loader.path, loader=self._loader) if name == self._name else None


class _Loader(SourceFileLoader):
    def __init__(self, name: str, path: Path, text: str) -> None:
        super().__init__(name, str(path))
        self._text = text

    def get_code(self, fullname: str) -> CodeType:
        """Compile the text; nothing of it is kept."""
        del fullname
        return compile(self._text, self.path, "exec", dont_inherit=True)

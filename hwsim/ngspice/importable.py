"""What a confined worker may read: Python, installed packages, this program, libngspice, and the modules next to a user's script.

A nudge's class may stand in such a module; a worker that only expands decks may not read them. Of the folder of a script, or the one in
which Python was started, nothing else is read.
"""

import os
import site
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

MODULES = "modules"
"""The file in a worker's folder that lists the modules of its engine."""


def loaded() -> list[str]:
    """List the files of the modules that this process has loaded from elsewhere than Python's own folders."""
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    return [file for file in files if isinstance(file, str) and not file.startswith((sys.prefix, sys.base_prefix)) and "\n" not in file]


def programs() -> list[Path]:
    """Return the folders of Python, of installed packages, of this program and of libngspice."""
    library = Path(os.environ.get("NGSPICE_LIBRARY_PATH", ""))
    installed = [sys.prefix, sys.base_prefix, sys.exec_prefix, *site.getsitepackages(), site.getusersitepackages()]
    ours = [folder for package in ("circuits", "hwsim", "netlists") for folder in sys.modules[package].__path__]
    return [*map(Path, installed), *map(Path, ours), *([library.resolve().parent] if library.name else [])]


def readable(modules: Iterable[str]) -> tuple[list[Path], list[Path]]:
    """Return the folders and files that imports need, those that the engine has loaded among them, and folders to be listed only."""
    installed = programs()
    others = [entry for entry in map(Path, filter(None, sys.path)) if not any(entry.is_relative_to(of) for of in installed)]
    folders = [entry for entry in others if entry.is_dir()]
    archives = [entry for entry in others if entry.is_file()]
    return [*installed, *archives, *map(Path, modules), *(module for folder in folders for module in _modules(folder))], folders


def _modules(folder: Path) -> Iterator[Path]:
    """List the modules and packages in a folder, its links aside: they may lead anywhere."""
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if entry.is_symlink():
            continue
        if (entry.is_file() and entry.name.endswith((".py", ".so"))) or (entry.is_dir() and Path(entry, "__init__.py").is_file()):
            yield Path(entry)

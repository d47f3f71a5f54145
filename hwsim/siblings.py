"""What hwsim is made of, and whether it is here: cli, netlists and circuits are common names, which another package may take."""

import base64
import hashlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path

NAMES = ("circuits", "netlists", "cli")
"""The packages that are installed next to this one. The first lines of their `__init__.py` name hwsim."""

ROOT = Path(__file__).parent.parent
"""Where they all are."""

AGAIN = "install hwsim again with pip's --force-reinstall"
"""What brings back files that are gone or overwritten."""


def shadowed(names: Sequence[str] = NAMES) -> str | None:
    """Look for the packages, without importing them: return the first fault, in a line with the remedy, or None.

    It takes less than a millisecond when there is no fault, so that every command begins with it.
    """
    return next((fault for name in names if (fault := _fault(name))), None)


def missing(module: str) -> str:
    """Return the message, with its remedy, where a module cannot be found that hwsim imports."""
    top = module.partition(".")[0]
    if top in {*NAMES, "hwsim"}:
        return f"hwsim's module {module} is missing; {AGAIN}"
    return f"the package {top} is missing here and hwsim needs it; install hwsim with what it depends on (pip install, without --no-deps)"


def altered() -> list[str]:
    """List hwsim's installed files that are missing or not as they were installed; a checkout's files are not compared."""
    from importlib.metadata import PackageNotFoundError, files  # noqa: PLC0415 - slow, and seldom asked for

    try:
        listed = files("hwsim") or ()
    except PackageNotFoundError:  # it runs where it lies
        return []
    recorded = [file for file in listed if file.hash is not None and file.parts[0] in {*NAMES, "hwsim"}]
    return [str(file) for file in recorded if file.hash is not None and _digest(Path(str(file.locate()))) != file.hash.value]


def _fault(name: str) -> str | None:
    if not (ROOT / name).is_dir():
        return f"hwsim's package {name} is missing in {ROOT}; {AGAIN}"
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):  # a module of that name is loaded and has no spec
        spec = None
    if spec is None:
        return f"hwsim's package {name} cannot be imported from {ROOT}; {AGAIN}"
    place = Path(next(iter(spec.submodule_search_locations or ()), spec.origin or ""))
    if not _same(place, ROOT / name):
        return f"{place} hides hwsim's package {name}; {_way_out(name, place)}"
    if not _names_hwsim(place / "__init__.py"):
        others = _claimants(name)
        what, remedy = ("is missing or not hwsim's", AGAIN)
        if others:
            what, remedy = f"belongs to the package {' and '.join(others)}", f"pip uninstall {' '.join(others)}, then {AGAIN}"
        return f"{place / '__init__.py'} {what}; {remedy}"
    return None


def _way_out(name: str, place: Path) -> str:
    others = _claimants(name) if place.parent.name in {"site-packages", "dist-packages"} else []
    if others:
        return f"pip uninstall {' '.join(others)}, or install hwsim in a virtual environment of its own"
    return "rename it, start from another folder, or take it out of PYTHONPATH"


def _claimants(name: str) -> list[str]:
    """List the installed distributions, hwsim aside, that have files in the package `name`."""
    from importlib.metadata import packages_distributions  # noqa: PLC0415 - reads all that is installed: half a second

    return sorted(set(packages_distributions().get(name, ())) - {"hwsim"})


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _names_hwsim(file: Path) -> bool:
    try:
        return b"hwsim" in file.read_bytes()
    except OSError:
        return False


def _digest(file: Path) -> str | None:
    """Return a file's SHA-256 as the records of installed packages write it; None for a file that cannot be read."""
    try:
        return base64.urlsafe_b64encode(hashlib.sha256(file.read_bytes()).digest()).rstrip(b"=").decode()
    except OSError:
        return None

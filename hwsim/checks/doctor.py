"""The requirements of hwsim on this machine: what is installed, and the remedy where something is missing."""

import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hwsim import siblings
from hwsim.cores import usable_cores
from hwsim.data.image_sets import DATA_VARIABLE, NAMED, image_files
from hwsim.files.caches import cache_folder
from hwsim.files.raw import DataError
from hwsim.ngspice.installed import has_klu, require_library
from hwsim.ngspice.ngspice_errors import NgspiceError, NgspiceMissingError
from hwsim.ngspice.pool import library_version
from hwsim.runs.environment import ngspice_version

_KLU = {True: "with KLU", False: "without KLU", None: "KLU unknown"}

PYTHONS = ((3, 11), (3, 13))
"""The oldest and the newest Python that hwsim is tested with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One requirement.

    Parameters
    ----------
    name
        What is required.
    found
        Version and place, or that there is none.
    ok
        Whether it is usable.
    needed
        Whether hwsim is incomplete without it; otherwise it is only reported.
    remedy
        What to do when it is unusable.

    """

    name: str
    found: str
    ok: bool = True
    needed: bool = True
    remedy: str = ""


def examine() -> Iterator[Diagnosis]:
    """Check all requirements, one after the other."""
    for look in (_python, _own_packages, _packages, _ngspice_program, _ngspice_library, _jax, _cores, *map(_images, NAMED), _cache):
        yield look()


def _python() -> Diagnosis:
    version = sys.version_info[:2]
    return Diagnosis(
        name="Python",
        found=f"{platform.python_version()}, {sys.executable}",
        ok=PYTHONS[0] <= version <= PYTHONS[1],
        remedy=f"hwsim is tested with Python {' to '.join('.'.join(map(str, p)) for p in PYTHONS)}; install one of these",
    )


def _own_packages() -> Diagnosis:
    """Check that hwsim's packages are its own, and as they were installed."""
    fault, altered = siblings.shadowed(), siblings.altered()
    if fault is None and altered:
        named = ", ".join(altered[:3]) + (f" and {len(altered) - 3} more" if len(altered) > 3 else "")  # noqa: PLR2004 - enough to see whose
        fault = f"not as installed: {named}; {siblings.AGAIN}"
    return Diagnosis(name="hwsim's files", found=str(siblings.ROOT), ok=fault is None, remedy=fault or "")


def _packages() -> Diagnosis:
    """Check every package that hwsim depends on, and its version."""
    from packaging.requirements import Requirement  # noqa: PLC0415 - only this needs it

    versions, wrong = [], []
    for requirement in map(Requirement, importlib.metadata.requires("hwsim") or []):
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue  # of an optional set, such as dev
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            version = "missing"
        versions.append(f"{requirement.name} {version}")
        if version == "missing" or version not in requirement.specifier:
            wrong.append(f"'{requirement.name}{requirement.specifier}'")
    return Diagnosis(name="packages", found=", ".join(versions), ok=not wrong, remedy=f"pip install {' '.join(wrong)}")


def _ngspice_program() -> Diagnosis:
    """Check the command line program, which runs decks; hwsim itself calls the library."""
    path, version = shutil.which("ngspice"), ngspice_version()
    remedy = "install it (Debian, Ubuntu: apt-get install ngspice; macOS: brew install ngspice); it runs the decks that hwsim writes"
    if path is None:
        return Diagnosis(name="ngspice program", found="not found", ok=False, remedy=remedy)
    broken = f"{path} does not report its version; {remedy}"
    return Diagnosis(name="ngspice program", found=f"{version or 'broken'}, {path}", ok=version is not None, remedy=broken)


def _ngspice_library() -> Diagnosis:
    try:
        path = require_library()
    except NgspiceMissingError as error:
        return Diagnosis(name="ngspice library", found="not found", ok=False, remedy=str(error))
    try:
        version = library_version()
    except NgspiceError as error:
        return Diagnosis(name="ngspice library", found=f"broken, {path}", ok=False, remedy=str(error))
    return Diagnosis(name="ngspice library", found=f"{version}, {_KLU[has_klu(path)]}, {path}")


def _jax() -> Diagnosis:
    try:
        import jax  # noqa: PLC0415 - takes a second to load, and may be the thing that is broken

        devices = ", ".join(f"{device.platform}: {device.device_kind}" for device in jax.devices())
    except Exception as error:  # noqa: BLE001 - any error of JAX is to be reported
        reason = (str(error) or type(error).__name__).splitlines()[0]
        return Diagnosis(name="JAX devices", found=f"none ({reason})", ok=False, remedy="pip install --force-reinstall jax jaxlib")
    return Diagnosis(name="JAX devices", found=devices)


def _cores() -> Diagnosis:
    return Diagnosis(name="cores", found=f"{usable_cores()} usable, {platform.machine()}, {platform.system()} {platform.release()}")


def _images(name: str) -> Callable[[], Diagnosis]:
    def look() -> Diagnosis:
        try:
            paths = image_files(name)
        except DataError as error:
            return Diagnosis(name=f"{name} data", found=f"{DATA_VARIABLE} is wrong", ok=False, remedy=str(error))
        place = str(paths[0] if len(paths) == 1 else paths[0].parent) if paths else "not found"
        remedy = f"put {name}.npz into a folder and let {DATA_VARIABLE} name it; hwsim tries to fetch it where it is asked for"
        return Diagnosis(name=f"{name} data", found=place, ok=bool(paths), needed=False, remedy=remedy)

    return look


def _cache() -> Diagnosis:
    """Check whether the cache can be written: its nearest folder that exists."""
    folder = cache_folder()
    exists = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    return Diagnosis(
        name="cache",
        found=str(folder),
        ok=exists.is_dir() and os.access(exists, os.W_OK | os.X_OK),
        needed=False,
        remedy=f"{exists} cannot be written; let XDG_CACHE_HOME name a folder that can, or each start compiles again",
    )

"""The environment of a run: versions, machine, seed. Nothing that names a person, a folder or a host."""

import os
import platform
import re
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from hwsim.experiment.experiment import Experiment

_PACKAGES = ("hwsim", "jax", "jaxlib", "numpy", "scipy", "scikit-learn", "pydantic", "equinox", "optax", "PySpice")


def environment(experiment: Experiment) -> dict[str, Any]:
    """Describe the machine and everything installed that a result may depend on."""
    return {
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "ngspice": ngspice_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "jax_devices": _jax_devices() if experiment.training.engine == "numeric" else None,
        "seed": experiment.training.seed,
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def ngspice_version() -> str | None:
    """Return the version of the ngspice program; None without one."""
    program = shutil.which("ngspice")
    if program is None:
        return None
    try:
        printed = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20, check=False).stdout  # noqa: S603 - from PATH
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.search(r"ngspice-(\S+)", printed)
    return version[1] if version else None


def _cpu() -> str:
    try:
        listed = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor()
    model = re.search(r"^model name\s*:\s*(.+)$", listed, re.MULTILINE)
    return model[1] if model else platform.processor()


def _jax_devices() -> list[str]:
    import jax  # noqa: PLC0415 - loaded already where the engine is numeric

    return [str(device.device_kind) for device in jax.devices()]

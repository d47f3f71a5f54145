"""The history of benchmarks: a small file for each run, named after its day and the commit that it measured."""

import json
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from hwsim.benchmarks.figures import BenchRun, as_written
from hwsim.files import atomic
from hwsim.siblings import ROOT

FOLDER = "history"
"""Where it is, in the folder of the benchmarks."""


def commit(root: Path = ROOT) -> str:
    """Return the commit of a checkout, with `+` where files differ from it; hwsim's version where it is installed without one."""
    git = shutil.which("git")
    if git is not None and (root / ".git").exists():
        run = [git, "-C", str(root)]
        named = subprocess.run([*run, "rev-parse", "--short=10", "HEAD"], capture_output=True, text=True, check=False)  # noqa: S603 - from PATH
        changed = subprocess.run([*run, "status", "--porcelain", "-uno"], capture_output=True, text=True, check=False)  # noqa: S603 - as above
        if named.returncode == 0:
            return named.stdout.strip() + ("+" if changed.stdout.strip() else "")
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - slow, and seldom needed

    try:
        return version("hwsim")
    except PackageNotFoundError:
        return "unknown"


def add(folder: Path, recorded: BenchRun, now: datetime | None = None) -> Path:
    """Write a run into the history of a folder, and return the file; earlier ones stay.

    Raises
    ------
    OSError
        When it cannot be written.

    """
    when, of = now or datetime.now(UTC), commit()
    content = {"benchmark": "history", "date": when.isoformat(timespec="seconds"), "commit": of}
    path = folder / FOLDER / f"{when:%Y-%m-%dT%H%M%S}-{of}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic.write(path, json.dumps(content | as_written(recorded), indent=1) + "\n")
    return path

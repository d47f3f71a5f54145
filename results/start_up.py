"""Processor time of whole commands, of two checkouts by turns.

    python results/start_up.py OLD NEW TURNS [COMMAND…]

OLD and NEW are folders of checkouts. Each has caches of its own in a temporary folder, which two turns fill before any is counted.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

COMMANDS = {
    "train": "train iris --out run",
    "evaluate": "evaluate base",
    "solve": "solve iris --sample 0:3",
    "inspect": "inspect iris",
    "report": "report base -o page.html",
}
"""Commands by the names that choose them; `base` is a run of iris that was trained before."""

_FILL = 2
"""Turns that fill the caches."""


def seconds(checkout: Path, words: str, folder: Path) -> float:
    """Run a command in a folder, and return the processor time that it and its processes took [s]."""
    shutil.rmtree(folder / "run", ignore_errors=True)
    (folder / "page.html").unlink(missing_ok=True)
    environment = os.environ | {"PYTHONPATH": str(checkout.resolve()), "XDG_CACHE_HOME": str(folder / "cache")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    program = [sys.executable, "-c", "from cli.main import run; run()", *words.split()]
    process = subprocess.Popen(program, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - our own
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        msg = f"{checkout}: hwsim {words} failed"
        raise SystemExit(msg)
    return used.ru_utime + used.ru_stime


def main(old: str, new: str, turns: str, *names: str) -> None:
    """Print minima, medians and ratios."""
    sys.stdout.write("| command | old: least, median [s] | new: least, median [s] | ratio of both |\n|---|---|---|---|\n")
    with tempfile.TemporaryDirectory() as place:
        folders = {Path(checkout): Path(place) / str(k) for k, checkout in enumerate((old, new))}
        for checkout, folder in folders.items():
            (folder / "cache").mkdir(parents=True)
            seconds(checkout, "train iris --out base", folder)
        for name in names or COMMANDS:
            rounds = [[seconds(*pair) for pair in ((c, COMMANDS[name], f) for c, f in folders.items())] for _ in range(_FILL + int(turns))]
            both = list(zip(*rounds[_FILL:], strict=True))
            least, middle = [min(taken) for taken in both], [statistics.median(taken) for taken in both]
            times = " | ".join(f"{a:.2f}, {b:.2f}" for a, b in zip(least, middle, strict=True))
            sys.stdout.write(f"| `{COMMANDS[name]}` | {times} | {least[1] / least[0]:.2f}, {middle[1] / middle[0]:.2f} |\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Kills training and sweeps at random moments, again and again, and holds what comes of it against what was left alone.

`python tests/torture/kills.py 200` kills training 200 times. Most are kill -9; some are Ctrl-C and SIGTERM, which save first.
`python tests/torture/kills.py 60 sweep` kills sweeps, all by kill -9, half of them with two worker processes.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

from support.free_sweep import content  # noqa: E402 - found by the line above
from support.kill_training import WORDS, Victim, numbers  # noqa: E402

_SIGNALS = [signal.SIGKILL] * 8 + [signal.SIGINT, signal.SIGTERM]
_EPOCHS = ("--epochs", "6")


def main(wanted: int, seed: int = 0) -> int:
    """Kill so often; gives the number of runs and folders that were not as they should be."""
    rng, killed, runs, faults = random.Random(seed), dict[str, int](), 0, list[str]()  # noqa: S311 - moments are no secrets
    with tempfile.TemporaryDirectory() as folder:
        alone = Victim(Path(folder) / "alone", (*WORDS, *_EPOCHS))
        seconds = alone.through()
        wanted_numbers = numbers(alone.folder)
        while sum(killed.values()) < wanted:
            victim = Victim(Path(folder) / f"run-{runs}", (*WORDS, *_EPOCHS))
            while sum(killed.values()) + sum(victim.kills.values()) < wanted:
                if not victim.kill(rng.choice(_SIGNALS), rng.uniform(0.0, seconds)):
                    break
            victim.through()
            runs += 1
            faults += victim.faults
            if numbers(victim.folder) != wanted_numbers:
                faults.append(f"run {runs}: its numbers differ from those of the run that was left alone")
            for name, count in victim.kills.items():
                killed[name] = killed.get(name, 0) + count
            sys.stderr.write(f"{sum(killed.values())} kills, {runs} runs, {len(faults)} faults\n")
    report = ", ".join(f"{count} {name}" for name, count in sorted(killed.items()))
    sys.stdout.write(f"{sum(killed.values())} kills ({report}) of {runs} runs; folders damaged or numbers lost: {len(faults)}\n")
    sys.stdout.write("".join(f"{fault}\n" for fault in faults))
    return bool(faults)


_SWEEP = [sys.executable, str(Path(__file__).parents[1] / "support/free_sweep.py")]


def sweeps(wanted: int, seed: int = 0) -> int:
    """Kill sweeps so often; gives the number of databases that were not as they should be."""
    rng, killed, runs, faults = random.Random(seed), 0, 0, list[str]()  # noqa: S311 - moments are no secrets
    with tempfile.TemporaryDirectory() as folder:
        alone = Path(folder) / "alone.db"
        seconds = {jobs: _swept(alone.with_stem(f"alone-{jobs}"), jobs) for jobs in (1, 2)}
        whole = content(alone.with_stem("alone-1"))
        while killed < wanted:
            path, jobs = Path(folder) / f"sweep-{runs}.db", 1 + runs % 2
            while killed < wanted and _kill(path, jobs, rng.uniform(0.0, seconds[jobs])):
                killed += 1
            try:
                _swept(path, jobs)
                faults += [] if content(path) == whole else [f"sweep {runs}, {jobs} jobs: its results differ"]
            except (subprocess.SubprocessError, ValueError) as error:
                faults.append(f"sweep {runs}, {jobs} jobs: {error}")
            runs += 1
            sys.stderr.write(f"{killed} kills, {runs} sweeps, {len(faults)} faults\n")
    sys.stdout.write(f"{killed} kills of {runs} sweeps; databases damaged or results lost: {len(faults)}\n")
    sys.stdout.write("".join(f"{fault}\n" for fault in faults))
    return bool(faults)


def _started(path: Path, jobs: int) -> "subprocess.Popen[bytes]":
    here = Path(__file__).parents[1]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(here.parent), str(here)])}
    return subprocess.Popen([*_SWEEP, str(path), str(jobs)], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def _swept(path: Path, jobs: int) -> float:
    """Let a sweep come to its end, and report how long its file was there [s]."""
    process, begun = _started(path, jobs), None
    while process.poll() is None and begun is None:
        begun = time.monotonic() if path.exists() else None
        time.sleep(0.005)
    _, printed = process.communicate(timeout=300)
    if process.returncode:
        raise ValueError(f"exit code {process.returncode}: {printed.decode()[-500:]}")
    return time.monotonic() - (begun or time.monotonic())


def _kill(path: Path, jobs: int, after: float) -> bool:
    """Start a sweep, or resume it, and kill it some time after its file is there [s]; report whether it was still running."""
    process = _started(path, jobs)
    while process.poll() is None and not path.exists():
        time.sleep(0.002)
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.kill()
    process.communicate()
    return process.returncode != 0


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    sys.exit(sweeps(count) if sys.argv[2:] == ["sweep"] else main(count))

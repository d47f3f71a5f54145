"""Mutation testing of hwsim/numeric and hwsim/learning: how many small faults, put in at random, quick tests notice.

    python tests/torture/mutants.py --jobs 16 --sample 300 --seconds 420 --out mutants.txt

Every worker has a copy of the tree of its own; the checkout is not touched. A mutant is killed when a test fails or does not end in time.
`--numbers 12,345` tries these mutants again, by the numbers that survivors are told with.
"""

import argparse
import contextlib
import math
import multiprocessing
import os
import queue
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

_ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(_ROOT), str(_ROOT / "tests")]

from torture.mutations import Fault, Mutant, faults, mutant  # noqa: E402 - found by the line above
from torture.watchers import watchers  # noqa: E402

_FOLDERS = ("hwsim/numeric", "hwsim/learning")
_LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "results", "__pycache__", "runs", ".*_cache", "corpus", ".hypothesis")
_MEMORY = 16 * 2**30
"""B of address space that a mutant's tests may take; a fault may ask for all."""

_PATIENCE, _GRACE = 2.0, 20.0
"""A mutant has so many times the processor time that its tests take without it, and so many seconds more."""

_WAITING = 20.0
"""How many times as long a busy machine may take for that."""


class Case(NamedTuple):
    """One mutant: its number among all, its file and its fault."""

    number: int
    file: str
    fault: Fault

    def made(self) -> Mutant:
        """Make it."""
        return mutant((_ROOT / self.file).read_text(encoding="utf-8"), self.fault)


class Tried(NamedTuple):
    """A mutant, and whether a test noticed."""

    case: Case
    killed: bool


class Workers:
    """Copies of the tree, one for each test process that runs at a time."""

    def __init__(self, count: int, folder: Path) -> None:
        self._free: queue.Queue[Path] = queue.Queue()
        for k in range(count):
            self._free.put(shutil.copytree(_ROOT, folder / str(k), ignore=_LEFT_OUT))

    def run(self, tests: Sequence[str], limit: float, file: str = "", text: str = "") -> int | None:
        """Run tests with a file replaced; gives pytest's exit code, or None where time was up."""
        tree = self._free.get()
        kept = (tree / file).read_text(encoding="utf-8") if file else ""
        try:
            if file:
                (tree / file).write_text(text, encoding="utf-8")
            return _pytest(tree, tests, limit)
        finally:
            if file:
                (tree / file).write_text(kept, encoding="utf-8")
            self._free.put(tree)


def _pytest(tree: Path, tests: Sequence[str], limit: float) -> int | None:
    """Run tests of a tree, on one core, with the same random examples each time."""
    one = {
        "CI": "1",
        "PYTHONPATH": str(tree),
        "PYTHONDONTWRITEBYTECODE": "1",
        "NPROC": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    one |= {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false", "JAX_COMPILATION_CACHE_DIR": str(tree.parent / "compiled")}
    one |= {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0", "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    process = subprocess.Popen(
        command,
        cwd=tree,
        env=os.environ | one,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=lambda: _limited(limit),  # noqa: PLW1509 - it only sets limits
    )
    try:
        return process.wait(_WAITING * limit)
    except subprocess.TimeoutExpired:
        return None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _limited(seconds: float) -> None:
    """Limit what this process may take: a fault may ask for all memory, or never end."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(seconds), math.ceil(seconds) + 5))


def every() -> list[Case]:
    """Give all mutants of the packages, in a fixed order."""
    files = [path for folder in _FOLDERS for path in sorted((_ROOT / folder).glob("*.py"))]
    found: list[Case] = []
    for path in files:
        for fault in faults(path.read_text(encoding="utf-8")):
            found.append(Case(len(found), path.relative_to(_ROOT).as_posix(), fault))
    return found


def baseline(workers: Workers, pool: ThreadPoolExecutor, files: Sequence[str]) -> dict[str, float]:
    """Run each test file alone without any fault; gives the time that those take which pass, compiling and all [s]."""
    took: dict[str, float] = {}

    def once(file: str) -> None:
        began = time.monotonic()
        code = workers.run([file], 600)
        if code == 0:
            took[file] = time.monotonic() - began
        else:
            sys.stderr.write(f"{file}: fails without any fault, exit code {code}; it is left out\n")

    list(pool.map(once, files))
    return took


def main() -> int:
    """Run as a command; exit code 1 where fewer than `--least` are killed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=multiprocessing.cpu_count(), help="test processes at a time")
    parser.add_argument("--sample", type=int, default=300, help="mutants drawn")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=math.inf, help="begin no further mutant after this time")
    parser.add_argument("--limit", type=float, help="processor seconds a mutant; tests are then trusted to pass without any fault")
    parser.add_argument("--only", default="", help="mutants of files whose path holds this")
    parser.add_argument("--numbers", type=lambda text: [int(one) for one in text.split(",")], help="these mutants alone")
    parser.add_argument("--least", type=float, default=0.0, help="share that must be killed")
    parser.add_argument("--out", type=Path, help="a file for what was found")
    options = parser.parse_args()
    lines, began, cases = list[str](), time.monotonic(), [case for case in every() if options.only in case.file]
    if options.numbers:
        cases = [case for case in cases if case.number in options.numbers]
    drawn = random.Random(options.seed).sample(cases, min(options.sample, len(cases)))  # noqa: S311 - no secret
    with tempfile.TemporaryDirectory(prefix="hwsim-mutants-") as folder, ThreadPoolExecutor(options.jobs) as pool:
        workers = Workers(options.jobs, Path(folder))
        files = sorted({test for case in drawn for test in watchers(case.file)})
        took = dict.fromkeys(files, options.limit) if options.limit else baseline(workers, pool, files)
        sys.stderr.write(f"without faults: {sum(took.values()):.0f} s of tests, {time.monotonic() - began:.0f} s from the start\n")

        def tried(case: Case) -> Tried | None:
            tests = [test for test in watchers(case.file) if test in took]
            if not tests or time.monotonic() - began > options.seconds:
                return None
            limit = options.limit or _PATIENCE * sum(took[test] for test in tests) + _GRACE
            code = workers.run(tests, limit, case.file, case.made().text)
            return Tried(case, code != 0)

        found: list[Tried] = []
        for one in filter(None, pool.map(tried, drawn)):
            found.append(one)
            lines = told(found, len(cases), time.monotonic() - began)
            sys.stderr.write(f"{lines[0]}\n")
            if options.out:  # each time, so that nothing is lost when time is up
                options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    sys.stdout.write("\n".join(lines or ["no mutant was tried"]) + "\n")
    return int(sum(one.killed for one in found) < options.least * len(found))


def told(found: Sequence[Tried], of: int, seconds: float) -> list[str]:
    """Tell what was found: the share killed with a 95 % interval (Wilson 1927), by file, and each survivor."""
    killed = sum(one.killed for one in found)
    low, high = wilson(killed, len(found))
    share = killed / max(len(found), 1)
    what = f"{killed} killed, {100 * share:.1f} % (95 %: {100 * low:.1f} to {100 * high:.1f})"
    lines = [f"{len(found)} of {of} mutants tried in {seconds:.0f} s: {what}"]
    tried, dead = Counter(one.case.file for one in found), Counter(one.case.file for one in found if one.killed)
    lines += [f"  {file}: {dead[file]} of {count}" for file, count in sorted(tried.items())]
    lines.append("survivors:")
    for case, noticed in sorted(found):
        if not noticed:
            one = case.made()
            lines.append(f"{case.file}:{one.line} (number {case.number})\n  - {_short(one.before)}\n  + {_short(one.after)}")
    return lines


def _short(code: str) -> str:
    lines = code.splitlines()
    return lines[0] if len(lines) == 1 else f"{lines[0]} …"


def wilson(hits: int, tries: int, z: float = 1.96) -> tuple[float, float]:
    """Give the 95 % interval of a share."""
    if not tries:
        return 0.0, 1.0
    share, spread = hits / tries, z * z / tries
    middle, half = share + spread / 2, z * math.sqrt(share * (1 - share) / tries + spread / (4 * tries))
    return (middle - half) / (1 + spread), (middle + half) / (1 + spread)


if __name__ == "__main__":
    sys.exit(main())

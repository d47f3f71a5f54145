"""Mutation testing of hwsim/numeric and hwsim/learning: how many small faults, put in at random, the tests notice.

    python tests/torture/mutants.py --jobs 2 --sample 300 --out mutants.txt

First all tests run once, to see which of them run through which line; `--watchers FILE` keeps that for the next time. Then each mutant
has the quickest of the tests that run through its statement, `--limit` processor seconds of them in all. It is killed when one fails or
does not end. Tests run in children of one process, and a fault is put in as a child imports the file: the checkout is not touched.
`--numbers 12,345` tries these mutants again, by the numbers that survivors are reported with; `--sound` runs the same tests without faults,
which must pass.
"""

import argparse
import math
import multiprocessing
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

_ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(_ROOT), str(_ROOT / "tests")]

from torture.forks import Job, forked, load, replaced  # noqa: E402 - found by the line above
from torture.mutations import Fault, Mutant, faults, mutant  # noqa: E402
from torture.watchers import Recorder, Watchers  # noqa: E402

_FOLDERS = ("hwsim/numeric", "hwsim/learning")

_TESTS = (
    "numeric,learning,laws,circuits,devices,core,random,files,data,runs,ensemble,experiment,inspection,checks,"
    "torture,tuning,cli,netlists,report"
)
"""Where tests are that may notice, without those that only start other processes."""

_SETTINGS = {
    "CI": "1",  # the same random examples each time
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONPATH": str(_ROOT),
    "NPROC": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    "JAX_PLATFORMS": "cpu",
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}
"""Environment of all tests: one core each, and what was compiled once is kept."""

_PATIENCE, _GRACE = 2.0, 20.0
"""A mutant has so many times the processor time that its tests take without it, and so many seconds more."""


class Case(NamedTuple):
    """One mutant: its number among all, its file and its fault."""

    number: int
    file: str
    fault: Fault

    def made(self) -> Mutant:
        """Make it."""
        return mutant((_ROOT / self.file).read_text(encoding="utf-8"), self.fault)


class Tried(NamedTuple):
    """A mutant, whether a test noticed, and how many might have."""

    case: Case
    killed: bool
    tests: int


def every() -> list[Case]:
    """Return all mutants of the packages, in a fixed order."""
    files = [path for folder in _FOLDERS for path in sorted((_ROOT / folder).glob("*.py"))]
    result: list[Case] = []
    for path in files:
        for fault in faults(path.read_text(encoding="utf-8")):
            result.append(Case(len(result), path.relative_to(_ROOT).as_posix(), fault))
    return result


def watched(names: Sequence[str], jobs: int) -> Watchers:
    """Run the tests of some folders or files once without any fault, a file at a time; gives which of them run through what."""
    places = [_ROOT / "tests" / name for name in names]
    paths = [path for place in places for path in (sorted(place.glob("test_*.py")) if place.is_dir() else [place])]
    files = [str(path.relative_to(_ROOT)) for path in paths]
    result = Watchers()
    with tempfile.TemporaryDirectory(prefix="hwsim-watchers-") as folder:

        def recording() -> Iterator[tuple[Path, Job]]:
            for number, file in enumerate(files):
                out = Path(folder) / f"{number}.json"
                yield out, Job(lambda file=file, out=out: _pytest([file], [Recorder(_ROOT, _FOLDERS, out)]), 1200)  # type: ignore[misc]

        for out, code in forked(recording(), jobs):
            if out.exists():
                result.add(out)
            sys.stderr.write(f"{files[int(out.stem)]}: exit code {code}\n")
    return result


def _pytest(tests: Sequence[str], plugins: Sequence[object] = ()) -> int:
    import pytest  # noqa: PLC0415 - loaded by the parent, once its settings stand

    stop = [] if plugins else ["-x"]
    return int(pytest.main(["-q", "-p", "no:cacheprovider", "--assert=plain", *stop, *tests], plugins=list(plugins)))


def _noticed(case: Case, text: str, tests: Sequence[str]) -> int:
    """Run tests with a file's text replaced."""
    replaced(case.file.removesuffix(".py").replace("/", "."), _ROOT / case.file, text)
    return _pytest(tests)


def main() -> int:
    """Run as a command; exit code 1 where fewer than `--least` are killed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=multiprocessing.cpu_count(), help="test processes at a time")
    parser.add_argument("--sample", type=int, default=300, help="mutants drawn")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=math.inf, help="begin no further mutant after this time")
    parser.add_argument("--limit", type=float, default=90.0, help="processor seconds of tests a mutant")
    parser.add_argument("--watchers", type=Path, help="a file that keeps which tests run through what")
    parser.add_argument("--tests", type=lambda text: text.split(","), default=_TESTS.split(","), help="folders and files of tests")
    parser.add_argument("--sound", action="store_true", help="put no fault in: what then counts as killed is a fault of these tests")
    parser.add_argument("--only", default="", help="mutants of files whose path holds this")
    parser.add_argument("--numbers", type=lambda text: [int(one) for one in text.split(",")], help="these mutants alone")
    parser.add_argument("--least", type=float, default=0.0, help="share that must be killed")
    parser.add_argument("--out", type=Path, help="a file for what was found")
    options = parser.parse_args()
    load(_SETTINGS)
    cases = [case for case in every() if options.only in case.file and (not options.numbers or case.number in options.numbers)]
    drawn = random.Random(options.seed).sample(cases, min(options.sample, len(cases)))  # noqa: S311 - no secret
    watchers = Watchers()
    if options.watchers and options.watchers.exists():
        watchers.add(options.watchers)
    else:
        watchers = watched(options.tests, options.jobs)
        if options.watchers:
            watchers.write(options.watchers)
    sys.stderr.write(f"{len(watchers.seconds)} tests, {sum(watchers.seconds.values()):.0f} s\n")
    lines, result, began = list[str](), list[Tried](), time.monotonic()

    def trying() -> Iterator[tuple[tuple[Case, int], Job]]:
        for case in drawn:
            if time.monotonic() - began > options.seconds:
                return
            made = case.made()
            tests = watchers.of(case.file, made.lines, options.limit)
            if not tests:
                result.append(Tried(case, killed=False, tests=0))
                continue
            limit = _PATIENCE * sum(watchers.seconds[test] for test in tests) + _GRACE
            text = (_ROOT / case.file).read_text(encoding="utf-8") if options.sound else made.text
            yield (case, len(tests)), Job(lambda case=case, text=text, tests=tests: _noticed(case, text, tests), limit)  # type: ignore[misc]

    for (case, tests), code in forked(trying(), options.jobs):
        result.append(Tried(case, code != 0, tests))
        lines = report_lines(result, len(cases), time.monotonic() - began)
        sys.stderr.write(f"{lines[0]}\n")
        if options.out:  # each time, so that nothing is lost when time is up
            options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    sys.stdout.write("\n".join(lines or ["no mutant was tried"]) + "\n")
    return int(sum(one.killed for one in result) < options.least * len(result))


def report_lines(result: Sequence[Tried], of: int, seconds: float) -> list[str]:
    """Report the share killed with a 95 % interval (Wilson 1927), by file, and each survivor."""
    killed = sum(one.killed for one in result)
    low, high = wilson(killed, len(result))
    share = killed / max(len(result), 1)
    what = f"{killed} killed, {100 * share:.1f} % (95 %: {100 * low:.1f} to {100 * high:.1f})"
    lines = [f"{len(result)} of {of} mutants tried in {seconds:.0f} s: {what}"]
    tried, dead = Counter(one.case.file for one in result), Counter(one.case.file for one in result if one.killed)
    lines += [f"  {file}: {dead[file]} of {count}" for file, count in sorted(tried.items())]
    lines.append("survivors:")
    for case, noticed, tests in sorted(result):
        if not noticed:
            one = case.made()
            lines.append(f"{case.file}:{one.line} (number {case.number}, {tests} tests)\n  - {_short(one.before)}\n  + {_short(one.after)}")
    return lines


def _short(code: str) -> str:
    lines = code.splitlines()
    return lines[0] if len(lines) == 1 else f"{lines[0]} …"


def wilson(hits: int, tries: int, z: float = 1.96) -> tuple[float, float]:
    """Return the 95 % interval of a share."""
    if not tries:
        return 0.0, 1.0
    share, spread = hits / tries, z * z / tries
    middle, half = share + spread / 2, z * math.sqrt(share * (1 - share) / tries + spread / (4 * tries))
    return (middle - half) / (1 + spread), (middle + half) / (1 + spread)


if __name__ == "__main__":
    sys.exit(main())

"""Watchers: which tests run through which line of a file, and how long each takes, found by running them once under coverage.

Compiled programs and cached results are forgotten between tests, so that each test is seen to run through all that it rests on.
"""

import functools
import gc
import json
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import coverage
import pytest

_SHARED = "shared"
"""What coverage calls the making of what several tests of a file share."""


@dataclass(frozen=True)
class Watchers:
    """Tests by what they run through: seconds of each test that passes, and tests by file and line."""

    seconds: dict[str, float] = field(default_factory=dict)
    lines: dict[str, dict[int, set[str]]] = field(default_factory=dict)

    def of(self, file: str, lines: Iterable[int], limit: float) -> list[str]:
        """Return tests that run through lines, the quickest first, of no more than `limit` seconds together.

        What runs as the file is imported is watched by all that runs through the file later.
        """
        by_line = self.lines.get(file, {})
        result = set[str]().union(*(by_line.get(line, ()) for line in lines))
        if "" in result:
            result = set[str]().union(*by_line.values())
        chosen, left = list[str](), limit
        for test in sorted(result & self.seconds.keys(), key=lambda test: (self.seconds[test], test)):
            left -= self.seconds[test]
            if left < 0 and chosen:
                break
            chosen.append(test)
        return chosen

    def add(self, written: Path) -> None:
        """Add what a run of tests has written."""
        seconds, lines = json.loads(written.read_text(encoding="utf-8"))
        self.seconds.update(seconds)
        for file, by_line in lines.items():
            here = self.lines.setdefault(file, {})
            for line, tests in by_line.items():
                here.setdefault(int(line), set()).update(tests)

    def write(self, path: Path) -> None:
        """Write all, for `add`."""
        lines = {file: {line: sorted(tests) for line, tests in by_line.items()} for file, by_line in self.lines.items()}
        path.write_text(json.dumps([self.seconds, lines]), encoding="utf-8")


class Recorder:
    """A plugin of pytest that writes what the tests of one file run through."""

    def __init__(self, root: Path, folders: Iterable[str], out: Path) -> None:
        self._root, self._out = root, out
        self._coverage = coverage.Coverage(data_file=None, config_file=False, include=[f"{root / folder}/*" for folder in folders])
        self._seconds: dict[str, float] = {}
        self._failed: set[str] = set()
        self._test = ""

    def pytest_sessionstart(self) -> None:
        """Watch from before the tests are imported."""
        self._coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Run a test with nothing known from those before."""
        _forget()
        self._test = item.nodeid
        self._coverage.switch_context(self._test)
        began = time.process_time()
        result = yield
        self._seconds[item.nodeid] = time.process_time() - began
        return result  # type: ignore[return-value]  # what pytest makes of it

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[None]:
        """Count what makes a thing that tests share to each of them."""
        if fixturedef.scope != "function":
            self._coverage.switch_context(_SHARED)
        result = yield
        self._coverage.switch_context(self._test)
        return result  # type: ignore[return-value]  # what pytest makes of it

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what fails without any fault."""
        if not report.passed:
            self._failed.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        """Write it."""
        self._coverage.stop()
        with warnings.catch_warnings(action="ignore", category=coverage.exceptions.CoverageWarning):
            data = self._coverage.get_data()  # which may be none
        seconds = {test: took for test, took in self._seconds.items() if test not in self._failed}
        lines: dict[str, dict[int, list[str]]] = {}
        for path in data.measured_files():
            by_line: dict[int, list[str]] = defaultdict(list)
            for line, contexts in data.contexts_by_lineno(path).items():
                shared = set(seconds) if _SHARED in contexts else set[str]()
                by_line[line] = sorted(shared | (set(contexts) - {_SHARED}))
            lines[Path(path).relative_to(self._root).as_posix()] = by_line
        self._out.write_text(json.dumps([seconds, lines]), encoding="utf-8")


def _forget() -> None:
    """Forget compiled programs, and results that functions keep."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in {"hwsim", "circuits", "netlists"}:
            for value in vars(module).values():
                if isinstance(value, functools._lru_cache_wrapper):
                    value.cache_clear()
    if jax := sys.modules.get("jax"):
        jax.clear_caches()
    gc.collect()

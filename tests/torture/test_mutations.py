"""What mutants.py puts into files: one fault at a time, where a test could see it; and how it finds out whether one does."""

import re
import subprocess
import sys
from pathlib import Path

from torture.mutants import wilson
from torture.mutations import faults, mutant
from torture.watchers import Watchers

SOURCE = '''"""A docstring of 3 words."""

LIMIT: int = 2


class Point(NamedTuple):
    def __repr__(self):
        return 7


def shifted(x, by=1.5, *, strict=True):
    """Return x + 1."""
    assert x > 0
    if x is None and not strict:
        raise ValueError(f"{x + 1}")
    x[0] = -by
    return zip(x, strict=True)
'''


def test_faults_are_put_where_a_test_could_see_them():
    """Each of the file's faults, and none in texts, annotations, assertions, errors, or how a thing is printed."""
    result = [mutant(SOURCE, fault) for fault in faults(SOURCE)]
    report = {(one.before, one.after) for one in result}
    assert report == {
        ("2", "3"),
        ("1.5", "3.0"),
        ("True", "False"),
        ("x is None and (not strict)", "x is None or not strict"),
        ("x is None", "x is not None"),
        ("not strict", "strict"),
        ("raise ValueError(f'{x + 1}')", "pass"),
        ("x[0] = -by", "pass"),
        ("0", "1"),
        ("-by", "by"),
        ("return zip(x, strict=True)", "return None"),
    }
    assert len({one.text for one in result}) == len(result)
    for one in result:
        compile(one.text, "mutant", "exec")


def test_the_interval_is_wilsons():
    """For 81 of 263 the 95 % interval is 0.255 to 0.366 (Newcombe 1998, Table I)."""
    low, high = wilson(81, 263)
    assert (round(low, 3), round(high, 3)) == (0.255, 0.366)


def test_the_lines_of_a_fault_are_those_of_its_statement():
    """Of one with a body, those of its head: what runs through them may notice."""
    result = [mutant(SOURCE, fault) for fault in faults(SOURCE)]
    assert {(one.before, one.lines[0], one.lines[-1]) for one in result} >= {
        ("2", 3, 3),
        ("1.5", 11, 11),
        ("not strict", 14, 14),
        ("-by", 16, 16),
    }


def test_the_quickest_tests_watch_first():
    """Those that run through a line, as many as there is time for, one at least; a line that runs at import has all of the file's."""
    watchers = Watchers({"a": 3.0, "b": 1.0, "c": 2.0}, {"file": {1: {""}, 5: {"a", "b"}, 6: {"c", "failed"}}})
    assert watchers.of("file", range(5, 6), 10.0) == ["b", "a"]
    assert watchers.of("file", range(5, 7), 3.5) == ["b", "c"]
    assert watchers.of("file", range(5, 6), 0.1) == ["b"]
    assert watchers.of("file", range(1, 2), 10.0) == ["b", "c", "a"]
    assert watchers.of("file", range(7, 8), 10.0) == watchers.of("other", range(5, 6), 10.0) == []


def test_mutants_of_the_losses_are_killed_and_no_fault_kills_none(tmp_path):
    """By the tests of losses, each in a child of its own; what was found is kept in a file, and the checkout stays as it is."""
    root, out = Path(__file__).parents[2], tmp_path / "out.txt"
    kept = (root / "hwsim/learning/losses.py").read_bytes()
    command = [sys.executable, "tests/torture/mutants.py", "--jobs=2", "--only=learning/losses", "--tests=learning/test_losses.py"]
    watchers = f"--watchers={tmp_path / 'watchers.json'}"
    subprocess.run([*command, watchers, "--sample=3", "--least=1", f"--out={out}"], cwd=root, check=True, capture_output=True)
    assert re.match(r"3 of \d+ mutants tried", out.read_text())
    subprocess.run([*command, watchers, "--sample=2", "--sound", f"--out={out}"], cwd=root, check=True, capture_output=True)
    assert ": 0 killed" in out.read_text()
    assert (root / "hwsim/learning/losses.py").read_bytes() == kept

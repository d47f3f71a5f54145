"""What was once computed is computed again: numbers of small trainings, solutions and sweeps stay what they were recorded to be."""

import json

import pytest

from golden.golden import FILE, QUICK, differences, measure, names

KNOWN = json.loads(FILE.read_text(encoding="utf-8"))


def test_every_case_is_recorded():
    """Each is in the file, and nothing else."""
    assert sorted(KNOWN) == sorted(names())


@pytest.mark.parametrize("case", QUICK)
def test_numbers_are_those_that_were_recorded(case: str, tmp_path, monkeypatch):
    """To a millionth; bits depend on the processor."""
    monkeypatch.chdir(tmp_path)
    assert not list(differences(KNOWN[case], json.loads(json.dumps(measure(case))), relative=1e-6))

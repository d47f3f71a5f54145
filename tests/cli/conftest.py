"""What the tests of the command line share: a way to type, and one run to look at."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.main import main


@dataclass(frozen=True)
class Answer:
    """What a command line gave: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What standard output holds, all of it, as one JSON object."""
        assert self.out.count("\n") == 1
        return json.loads(self.out)

    @property
    def unwrapped(self) -> str:
        """Standard output with every run of white space as one space: what stands there, however it wraps."""
        return " ".join(self.out.split())


_FILES = {"compile", "docs", "--toml", "--fit", "--json", "-h", "--help", "--version"}
"""Words of command lines that print files, JSON or help instead of tables."""

WIDTH = 80


def too_wide(text: str) -> list[str]:
    """List the lines that are wider than the terminal, except those with a path that cannot be broken."""
    return [line for line in text.splitlines() if len(line) > WIDTH and not re.search(r"\S{40}", line)]


class Typist:
    """Types command lines into this process."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self.capture = capture

    def __call__(self, *words: str) -> Answer:
        """Run `hwsim` with some words."""
        self.capture.readouterr()
        code = main([str(word) for word in words])
        shown = self.capture.readouterr()
        if not _FILES.intersection(words) and not (words[:1] == ("zoo",) and len(words) > 1):
            assert not too_wide(shown.out)
        return Answer(code, shown.out, shown.err)


@pytest.fixture
def hwsim(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Typist:
    """Type `hwsim …` in an empty folder, on a terminal of 80 columns, which no table exceeds."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    return Typist(capsys)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train iris for a moment, and give the run's folder; look, but do not write."""
    folder = tmp_path_factory.mktemp("runs") / "iris-0"
    assert main(["train", "iris", "--epochs", "3", "--out", str(folder)]) == 0
    return folder

"""Irregular files: a pipe or a device in place of a file is refused in a line; nobody waits, and no memory is filled."""

import os
import shutil
from pathlib import Path

import pytest

from circuits.regular_file import open_regular

COMMANDS = {
    "evaluate run": "weights.npz",
    "report run -o page.html": "weights.npz",
    "train run --resume --epochs 4": "checkpoint.npz",
    "check run": "experiment.toml",
}
"""Commands, and the file of the run that is irregular."""

NAMED = [
    "train odd.toml",
    "train iris --data odd.csv",
    "train iris --data odd.npz",
    "train iris --from odd.npz",
    "train odd.cir",
    "train iris --set device.preset=odd.toml",
    "sweep odd.db",
    "report odd.db",
    "sweep iris --vary training.beta=1e-6,2e-6 --out odd.db",
]


def irregular(place: Path, kind: str) -> None:
    """Put a pipe that nobody writes to, or a device that never ends, at a place."""
    place.unlink(missing_ok=True)
    os.mkfifo(place) if kind == "pipe" else place.symlink_to("/dev/zero")


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_only_regular_files_are_opened(tmp_path: Path, kind: str) -> None:
    """A pipe is not waited for, and a folder is named as one; a link to a regular file is one."""
    irregular(tmp_path / "odd", kind)
    with pytest.raises(OSError, match="not a regular file"):
        open_regular(tmp_path / "odd")
    with pytest.raises(IsADirectoryError):
        open_regular(tmp_path)
    (tmp_path / "plain").write_bytes(b"text")
    (tmp_path / "link").symlink_to("plain")
    with open_regular(tmp_path / "link") as file:
        assert file.read() == b"text"


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_a_run_with_an_irregular_file_is_refused(hwsim, trained: Path, tmp_path: Path, kind: str) -> None:
    """One line names the file."""
    for words, name in COMMANDS.items():
        shutil.rmtree("run", ignore_errors=True)
        shutil.copytree(trained, "run")
        irregular(tmp_path / "run" / name, kind)
        answer = hwsim(*words.split())
        assert (answer.code, answer.out) == (2, ""), words
        assert name in answer.err.splitlines()[-1], words


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_an_irregular_file_on_the_command_line_is_refused(hwsim, tmp_path: Path, kind: str) -> None:
    """Nothing is written next to it."""
    for words in NAMED:
        place = tmp_path / next(word for word in words.replace("=", " ").split() if word.startswith("odd"))
        irregular(place, kind)
        answer = hwsim(*words.split())
        assert (answer.code, answer.out) == (2, ""), words
        assert place.name in answer.err.splitlines()[-1], words
        assert list(tmp_path.iterdir()) == [place], words
        place.unlink()

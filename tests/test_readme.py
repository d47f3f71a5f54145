"""README.md keeps its word: its commands run, its example runs, what it names is there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cli.main import COMMANDS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Give the fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    """Give the lines of all shell blocks, without their comments."""
    lines = [line.split("  #")[0].strip() for block in blocks("sh") for line in block.splitlines()]
    return [line for line in lines if line]


def run(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command line in a folder as someone would who has activated the virtual environment."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {"PATH": path}
    return subprocess.run(["bash", "-c", line], cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_shell_commands_run(tmp_path: Path) -> None:
    """Typed one after the other, they all succeed and say something; training is cut to two epochs."""
    (tmp_path / "netlists").symlink_to(ROOT / "netlists")
    for line in commands():
        if line.startswith("make"):
            continue
        cut = {"hwsim train": "--epochs 2", "hwsim sweep": "--set training.epochs=2 --jobs 1"}
        short = " ".join([line, *(how for what, how in cut.items() if line.startswith(what))])
        done = run(short, tmp_path)
        assert done.returncode == 0, f"{short}\n{done.stdout}\n{done.stderr}"
        assert done.stdout.strip(), short


def test_the_make_targets_exist() -> None:
    """Every target that README or continuous integration names is in the Makefile, and README names those of the latter."""
    of_ci = re.findall(r"^make (\w+)", (ROOT / ".ci/run").read_text(encoding="utf-8"), re.MULTILINE)
    in_readme = set(re.findall(r"`make (\w+)", README)) | {line.split()[1] for line in commands() if line.startswith("make")}
    assert of_ci == ["lint", "test"]
    assert in_readme >= {"train", *of_ci}
    for target in in_readme:
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), target


@pytest.mark.parametrize("block", blocks("python"))
def test_the_python_example_runs(block: str, tmp_path: Path) -> None:
    """Copied into a file, the example runs and prints numbers that are finite, and not all 0 as those of a symmetric circuit would be."""
    done = subprocess.run([sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    numbers = [float(number) for number in re.sub(r"[\[\],]", " ", done.stdout).split()]
    assert np.isfinite(numbers).all()
    assert np.abs(numbers).max() > 1e-3


def test_the_table_lists_every_command() -> None:
    """The table of commands and the program's own list are the same."""
    assert re.findall(r"^\| `hwsim (\w+)", README, re.MULTILINE) == list(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, tmp_path: Path) -> None:
    """Its help begins with an example that calls it, and tells its options."""
    done = run(f"hwsim {name} -h", tmp_path)
    assert done.returncode == 0, done.stderr
    first, second, *_ = done.stdout.splitlines()
    assert first == "Example:"
    assert second.strip().startswith(f"hwsim {name}")
    assert "--json" in done.stdout


def test_what_it_shows_is_there() -> None:
    """Every local file that it links to exists."""
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
    assert links
    for link in links:
        assert (ROOT / link).exists(), link


def test_its_picture_can_be_drawn_again(tmp_path: Path) -> None:
    """The script beside the picture draws it."""
    picture = tmp_path / "circuit.svg"
    done = run(f"python {ROOT / 'results/figures/circuit.py'} {picture}", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "</svg>" in picture.read_text(encoding="utf-8")[-20:]

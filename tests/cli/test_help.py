"""Help comes at once and shows an example first."""

import subprocess
import sys

import pytest

from circuits import zoo
from cli.main import COMMANDS

HEAVY = {
    "jax",
    "scipy",
    "sklearn",
    "matplotlib",
    "networkx",
    "PySpice",
    "numpy",
    "pydantic",
    "rich",
    "distributed",
    "SALib",
    "pandas",
    "pyarrow",
}


@pytest.mark.parametrize("name", COMMANDS)
def test_help_begins_with_an_example(hwsim, name: str) -> None:
    """The first thing that `hwsim COMMAND -h` shows is a line to copy; every line of it calls that command."""
    answer = hwsim(name, "-h")
    first, *rest = answer.out.splitlines()
    assert (answer.code, first) == (0, "Example:")
    examples = [line.strip() for line in rest[: rest.index("")]]
    assert examples
    assert all(line.startswith(f"hwsim {name}") for line in examples)
    assert answer.out == hwsim(name, "--help").out


def test_the_list_of_commands_is_complete(hwsim) -> None:
    """`hwsim`, `hwsim -h` and `hwsim --help` list every command."""
    answers = [hwsim(), hwsim("-h"), hwsim("--help")]
    assert all(answer.code == 0 for answer in answers)
    assert answers[0].out == answers[1].out == answers[2].out
    assert all(f"\n  {name} " in answers[0].out for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_what_the_command_itself_says(hwsim, name: str) -> None:
    """A command of the list exists and describes itself."""
    assert "Usage: hwsim " + name in hwsim(name, "-h").out


@pytest.mark.parametrize("words", [["--help"], ["zoo"], ["zoo", "--json"], ["--version"], ["no-such-command"]])
def test_nothing_heavy_is_loaded_for_little(words: list[str]) -> None:
    """Help, the zoo and a typing error are answered without loading any of the large libraries."""
    code = f"import sys; from cli.main import main; main({words!r}); sys.stderr.write(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & {module.split(".")[0] for module in done.stderr.split()}


def test_the_version_is_told(hwsim) -> None:
    """It is the package's."""
    answer = hwsim("--version")
    assert answer.code == 0
    assert answer.out.startswith("hwsim ")


def test_the_zoo_is_listed(hwsim) -> None:
    """Every circuit has a row with layers, neurons, memristors and data; JSON says the same."""
    answer, told = hwsim("zoo"), hwsim("zoo", "--json").json
    assert answer.code == 0
    assert [entry["name"] for entry in told["circuits"]] == zoo.names()
    for entry, line in zip(told["circuits"], answer.out.splitlines()[1:], strict=True):
        for said in (entry["name"], "-".join(map(str, entry["layers"])), *entry["neurons"], str(entry["memristors"]), entry["data"]):
            assert said in line


def test_a_file_of_the_zoo_is_printed_as_it_is(hwsim, tmp_path) -> None:
    """`hwsim zoo digits > my.toml` gives a file to begin with."""
    (tmp_path / "my.toml").write_text(hwsim("zoo", "iris").out, encoding="utf-8")
    assert (tmp_path / "my.toml").read_text(encoding="utf-8") == zoo.read("iris")
    assert hwsim("solve", "my.toml").out == hwsim("solve", "iris").out

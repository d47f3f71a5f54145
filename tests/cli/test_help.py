"""Help comes at once and shows an example first."""

import os
import subprocess
import sys

import pytest

from circuits import zoo
from cli.main import COMMANDS
from netlists import examples

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
    """The first thing that `hwsim COMMAND -h` shows is a line to copy; every example calls that command, and no line exceeds 80 columns."""
    answer = hwsim(name, "-h")
    first, *rest = answer.out.splitlines()
    assert (answer.code, first) == (0, "Example:")
    examples = [line.strip() for line in rest[: rest.index("")]]
    assert examples
    assert all(line.startswith(f"hwsim {name}") for line in examples)
    assert [line for line in answer.out.splitlines() if len(line) > 80] == []
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


SIZES = {"numpy", "pydantic"}
"""What the zoo needs: networks know the sizes of their layers."""


@pytest.mark.parametrize("words", [["--help"], ["zoo"], ["zoo", "--json"], ["--version"], ["no-such-command"]])
def test_nothing_heavy_is_loaded_for_little(words: list[str]) -> None:
    """Help, the zoo and a typing error are answered without loading any of the large libraries."""
    code = f"import sys; from cli.main import main; main({words!r}); sys.stderr.write(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = HEAVY - SIZES if words[0] == "zoo" else HEAVY
    assert not heavy & {module.split(".")[0] for module in done.stderr.split()}


def test_the_version_is_printed(hwsim) -> None:
    """It is the package's."""
    answer = hwsim("--version")
    assert answer.code == 0
    assert answer.out.startswith("hwsim ")


def test_the_zoo_is_listed(hwsim) -> None:
    """Every circuit has a row with layers, neurons, memristors and data, every example its title; JSON states the same."""
    answer, report = hwsim("zoo"), hwsim("zoo", "--json").json
    assert answer.code == 0
    classes, regressions, relative, parts, decks = answer.out.split("\n\n")
    assert [entry["name"] for entry in report["circuits"]] == zoo.names()
    listed = sorted(
        line for line in (*classes.splitlines(), *regressions.splitlines(), *relative.splitlines()) if line.startswith(tuple(zoo.names()))
    )
    for entry, (name, layers, data, *_) in zip(report["circuits"], map(str.split, listed), strict=True):
        maps = any(isinstance(size, str) for size in entry["layers"])  # height×width×channels
        sizes = [
            size
            for part in layers.split("-")
            for one, _, times in [part.partition("×")]
            for size in [one] * (int(times) if times.isdigit() else 1)
        ]
        expected = [str(size) for size in entry["layers"]]
        if "|" in expected:  # a chain, by its ends
            expected, maps = [expected[0], "chain", expected[-1]], True
        assert (name, layers.split("-") if maps else sizes, data) == (entry["name"], expected, entry["data"])
    about = " ".join(parts.split())
    for entry in report["circuits"]:
        assert f"{entry['name']} {entry['about']} {(entry['neurons'] or ['no neurons'])[0]}; " in about
        assert f"; {entry['memristors']:,} memristors" in about
    assert [entry["name"] for entry in report["examples"]] == examples.names()
    assert all(f"{entry['name']} {entry['about']}" in " ".join(decks.split()) for entry in report["examples"])


def test_a_file_of_the_zoo_is_printed_as_it_is(hwsim, tmp_path) -> None:
    """`hwsim zoo digits > my.toml` gives a file to begin with."""
    (tmp_path / "my.toml").write_text(hwsim("zoo", "iris").out, encoding="utf-8")
    assert (tmp_path / "my.toml").read_text(encoding="utf-8") == zoo.read("iris")
    assert hwsim("solve", "my.toml").out == hwsim("solve", "iris").out


def test_an_example_is_printed_as_it_is(hwsim, tmp_path) -> None:
    """`hwsim zoo examples/xor > my.cir` gives a deck to begin with, which every command also takes by that name."""
    (tmp_path / "my.cir").write_text(hwsim("zoo", "examples/xor").out, encoding="utf-8")
    answers = [hwsim("solve", what) for what in ("my.cir", "examples/xor", "examples/xor.cir", "netlists/examples/xor.cir")]
    assert all(answer.code == 0 for answer in answers)
    assert len({answer.out.replace("my.cir", "xor.cir") for answer in answers}) == 1
    assert hwsim("zoo", "examples/xor", "--json").json["examples"] == [{"name": "examples/xor", "about": examples.title("examples/xor")}]


def test_an_example_hides_no_file(hwsim, tmp_path) -> None:
    """A deck of the user's is the one that its path names, also in a folder called examples; a slip is met with names that exist."""
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "xor.cir").write_text("* two resistors\nV1 a 0 1\nR1 a b 1k\nR2 b 0 1k\n.end\n")
    assert hwsim("inspect", "examples/xor.cir").out != hwsim("inspect", "examples/xor").out
    wrong = hwsim("inspect", "examples/gradint")
    assert wrong.code == 2
    assert "did you mean examples/gradient" in wrong.err


@pytest.mark.parametrize("words", ["", "train", "bench training"])
def test_help_is_what_h_shows(hwsim, words: str) -> None:
    """`hwsim help COMMAND` and `hwsim COMMAND -h` print the same, and so do both without a command."""
    assert hwsim("help", *words.split()).out == hwsim(*words.split(), "-h").out
    assert "eval" in hwsim("help").out


@pytest.mark.parametrize(("words", "message"), [("trian", "did you mean train"), ("train fast", "fast: hwsim train has no such command")])
def test_help_of_what_is_not_there(hwsim, words: str, message: str) -> None:
    """One line, and exit code 2."""
    answer = hwsim("help", *words.split())
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert message in answer.err


def test_a_shell_completes_commands_and_options() -> None:
    """As the last lines of `hwsim -h` promise."""
    for typed, completed in (("hwsim sw", "sweep"), ("hwsim sweep --va", "--vary"), ("hwsim sweep --mode tra", "transfer")):
        environment = {"_HWSIM_COMPLETE": "bash_complete", "COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}
        done = subprocess.run([sys.executable, "-m", "hwsim"], env=os.environ | environment, capture_output=True, text=True, check=False)
        assert f"plain,{completed}" in done.stdout.splitlines()

"""What README and the guides show is true: their commands and their Python run, their files load."""

import contextlib
import io
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import numpy as np
import pytest

from circuits import zoo
from cli.command import CONTEXT
from cli.main import COMMANDS, Group, main
from cli.main import hwsim as program
from cli.output import Output
from hwsim.docs.guides import TOPICS, guide
from hwsim.experiment.experiment import Experiment
from hwsim.settings.validation_errors import known_keys
from support.markdown import MARKERS, ROOT, CodeBlock, code_blocks, inline_code, typed

TEXTS = {topic: guide(topic).text for topic in TOPICS} | {"README": (ROOT / "README.md").read_text(encoding="utf-8")}


def run(line: str) -> str:
    """Run a command line as someone would in a terminal, hwsim's commands in this process; return what it printed."""
    words, target = typed(line)
    if words[0] != "hwsim" or {"&&", "|", ";"} & set(words):
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        environment = os.environ | {"PATH": path, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(["bash", "-c", line], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        return done.stdout
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        code = main(words[1:])
    assert code == 0, f"{line}\n{out.getvalue()}\n{err.getvalue()}"
    if target:
        Path(target).write_text(out.getvalue(), encoding="utf-8")
    return out.getvalue()


def parse(line: str) -> None:
    """Check a command that is not run: hwsim has it, with these options, and an experiment has the keys that it sets and varies."""
    words, _ = typed(line)
    while "=" in words[0]:  # of the environment
        del words[0]
    if words[0] != "hwsim":
        assert words[0] == "make" or shutil.which(words[0]) or words[0] in {"pip", "dask"} or words[0].startswith(("cd", "git")), line
        return
    assert isinstance(program, Group)
    with click.Context(program, obj=Output(), **CONTEXT) as context:
        command = program.get_command(context, words[1])
        assert command is not None
        with command.make_context(words[1], words[2:], parent=context) as parsed:
            keys = [*parsed.params.get("settings", ()), *parsed.params.get("vary", ())]
    keys_of_experiments = set(known_keys(Experiment))
    for key in keys:
        assert key.partition("=")[0] in keys_of_experiments, key


def python(block: str) -> None:
    """Run a block of Python as a script; it prints numbers, which are finite and not all 0."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile(block, "<block>", "exec"), {"__name__": "__main__"})  # noqa: S102 - our own text
    words = out.getvalue().replace("[", " ").replace("]", " ").replace(",", " ").split()
    numbers = [float(word) for word in words if word.lstrip("-")[:1].isdigit() or word in {"nan", "inf"}]
    assert np.isfinite(numbers).all()
    assert np.abs(numbers).max() > 1e-3


def perform(block: CodeBlock) -> None:
    """Do with a block what its reader does: save it, run it, use its settings, or only look at it."""
    if block.file:
        Path(block.file).write_text(block.text, encoding="utf-8")
    elif block.language == "python":
        python(block.text)
    elif block.language == "toml":  # sections that replace those of a whole experiment
        Experiment.model_validate(tomllib.loads(zoo.read("iris")) | tomllib.loads(block.text))
    elif block.language == "sh":
        for line in block.commands:
            if block.marker or line.startswith("make"):
                parse(line)
            else:
                assert run(line).strip() or typed(line)[1], f"{line} prints nothing"


@pytest.mark.parametrize("name", TEXTS)
def test_what_it_shows_works(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Done one after the other in an empty folder, from top to bottom, every block works."""
    monkeypatch.chdir(tmp_path)
    for block in code_blocks(TEXTS[name]):
        perform(block)


@pytest.mark.parametrize(
    "line",
    [
        "hwsim train iris --no-such-option",
        "hwsim no-such-command",
        "hwsim sweep iris --vary variation.no_such_key=1,2",
        "hwsim train iris --set no.such=1",
        "no-such-program",
    ],
)
def test_what_is_not_run_is_parsed(line: str) -> None:
    """A command that the tests do not run has to exist with its options and keys."""
    with pytest.raises((AssertionError, click.UsageError)):
        parse(line)


def test_every_command_of_what_one_can_do_is_whole() -> None:
    """README's list shows commands to copy: each has the arguments that it needs, and keys that there are."""
    listed = TEXTS["README"].partition("## What you can do")[2].partition("\n## ")[0]
    commands = [code for code in inline_code(listed) if code.startswith("hwsim ") and len(code.split()) > 2]
    assert len(commands) > 10
    for line in commands:
        parse(line)


def test_every_command_is_shown() -> None:
    """Each occurs in a block that is run."""
    shown = {
        line.split()[1]
        for text in TEXTS.values()
        for block in code_blocks(text)
        if not block.marker
        for line in block.commands
        if line.startswith("hwsim ")
    }
    assert shown | {"bench"} >= set(COMMANDS)  # bench takes minutes


def test_most_blocks_run() -> None:
    """A reason not to run a block is an exception."""
    shells = [block for text in TEXTS.values() for block in code_blocks(text) if block.language == "sh"]
    assert all(block.marker in {None, *MARKERS} for block in shells)
    assert sum(block.marker is None for block in shells) > len(shells) / 2

"""Echo: no message repeats more than 200 characters of its input, wherever that came from, and none holds a second line of it."""

from pathlib import Path

import numpy as np
import pytest

WORDS = "wörd " * 400
LETTERS = "x" * 3000
EXPERIMENT = '[circuit]\ninputs = 4\noutputs = 3\n[data]\nname = "iris"\n'

EXPERIMENTS = {
    "key": EXPERIMENT + f'"{WORDS}" = 3\n',
    "section": EXPERIMENT + f'[circuit."{WORDS}"]\nx = 1\n',
    "choice": EXPERIMENT + f'[training]\nrule = "{WORDS}"\n',
    "data": EXPERIMENT.replace("iris", WORDS),
    "data file": EXPERIMENT.replace("iris", f"{LETTERS}.csv"),
    "device": EXPERIMENT + f'[device]\npreset = "{WORDS}"\n',
    "name": f'name = "{WORDS}"\n' + EXPERIMENT,
    "long number": EXPERIMENT + f"[training]\nepochs = {'7' * 5000}\n",
    "large number": EXPERIMENT.replace("4", "7" * 400),
    "kind": EXPERIMENT.replace("[data]", f'[[circuit.layers]]\nsize = 3\nneuron = {{kind = "{WORDS}"}}\n[data]'),
    "key twice": EXPERIMENT + f'[training]\n"{WORDS}" = 1\n"{WORDS}" = 2\n',
}

TYPED = {
    "what": ["train", WORDS],
    "a file": ["train", f"{LETTERS}.toml"],
    "a setting": ["train", "iris", "--set", WORDS],
    "its key": ["train", "iris", "--set", f"training.{WORDS}=1"],
    "its value": ["train", "iris", "--set", f"training.rule={WORDS}"],
    "many settings": ["train", "iris", *(word for k in range(90) for word in ("--set", f"training.beta={'x' * k}"))],
    "data": ["solve", "iris", "--data", WORDS],
    "a data file": ["solve", "iris", "--data", f"{LETTERS}.csv"],
    "a number": ["train", "iris", "--epochs", WORDS],
    "an argument too many": ["train", "iris", WORDS],
    "an option": ["train", "iris", f"--{LETTERS}"],
    "a command": [WORDS],
    "a circuit": ["zoo", WORDS],
    "a device": ["devices", WORDS],
    "an axis": ["sweep", "iris", "--vary", WORDS],
    "an axis' key": ["sweep", "iris", "--vary", f"training.{LETTERS}=1,2"],
    "samples": ["solve", "iris", "--sample", WORDS],
    "a report": ["report", WORDS],
    "a deck": ["compile", "iris", "-o", f"{WORDS}/deck.cir"],
    "a folder": ["train", "iris", "--out", LETTERS],
    "a plot": ["inspect", "iris", "--plot", WORDS],
}


def echoed(line: str) -> int:
    """Count the characters of a line that can only come from the input."""
    return 5 * line.count("wörd") + line.count("x") + line.count("7")


def checked(answer) -> None:
    """Compare a refusal's lines with the law."""
    assert answer.code == 2
    assert "fault of hwsim" not in answer.err
    assert max(map(echoed, answer.err.splitlines())) <= 200
    assert len(answer.err.splitlines()[-1]) <= 620


@pytest.mark.parametrize("case", TYPED)
def test_what_was_typed_is_not_repeated_at_length(hwsim, case: str) -> None:
    """A line stays readable, whatever was pasted into the command."""
    checked(hwsim(*TYPED[case]))


@pytest.mark.parametrize("case", EXPERIMENTS)
def test_an_experiment_file_is_not_repeated_at_length(hwsim, case: str) -> None:
    """Keys and values are shown by their beginnings."""
    Path("my.toml").write_text(EXPERIMENTS[case])
    checked(hwsim("train", "my.toml"))


@pytest.mark.parametrize("name", ["long_", "many"])
def test_names_of_arrays_are_not_repeated_at_length(hwsim, name: str) -> None:
    """Some are named, and the others counted."""
    names = [f"{name}{k}" for k in range(500)] if name == "many" else [name * 45]
    np.savez("my.npz", **{one: np.eye(4) for one in names})
    answer = hwsim("solve", "iris", "--data", "my.npz")
    assert (answer.code, answer.out) == (2, "")
    assert len(answer.err) < 200
    assert "more" in answer.err or name != "many"

"""The command that repeats a run: its circuit's name and what was set otherwise, or its experiment file."""

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from circuits import zoo
from hwsim.experiment import RUN_FILE, Experiment, ExperimentError, load, override

_SECTIONS = ("circuit", "data", "training", "device", "solver")
"""What the numbers of a run depend on."""

_SHORT = {"training.engine": "--engine", "training.epochs": "--epochs", "training.batch": "--batch", "training.seed": "--seed"}
"""Keys that have an option of their own."""

_MOST = 12
"""Settings; a command with more is longer than the file that it would replace."""


def train_command(experiment: Experiment) -> str:
    """Give a command line that trains again, to the same numbers."""
    if experiment.name in zoo.names():
        known = load(experiment.name)
        changed = [(key, value) for key, value in _flat(experiment) if (key, value) not in list(_flat(known))]
        settings = [f"{key}={_toml(value)}" for key, value in changed]
        if len(settings) <= _MOST and _same(known, settings, experiment):
            return shlex.join(["hwsim", "train", experiment.name, *_words(changed)])
    return f"hwsim train {RUN_FILE}"


def _words(changed: list[tuple[str, Any]]) -> Iterator[str]:
    for key, value in changed:
        yield from (_SHORT[key], str(value)) if key in _SHORT else ("--set", f"{key}={_toml(value)}")


def _same(known: Experiment, settings: list[str], wanted: Experiment) -> bool:
    try:
        made = override(known, settings)
    except ExperimentError:
        return False
    return all(getattr(made, section) == getattr(wanted, section) for section in _SECTIONS)


def _flat(experiment: Experiment) -> Iterator[tuple[str, Any]]:
    """Give all keys with their values, those in lists of tables too."""
    for section, table in experiment.model_dump(include=set(_SECTIONS)).items():
        yield from _below(section, table)


def _below(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _below(f"{key}.{name}", inner)
    elif isinstance(value, list | tuple) and value and isinstance(value[0], Mapping):
        for number, inner in enumerate(value):
            yield from _below(f"{key}[{number}]", inner)
    else:
        yield key, value


def _toml(value: Any) -> str:
    """Write a value as TOML; nothing puts a key back to its default."""
    return "" if value is None else json.dumps(value)

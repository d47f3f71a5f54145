"""The command that repeats a run or a sweep: its circuit's name and the settings that differ, or its experiment file."""

import itertools
import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from circuits import zoo
from hwsim.experiment.experiment import RUN_FILE, Experiment, ExperimentError
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import override
from hwsim.settings.flat_training import canonical

if TYPE_CHECKING:
    from hwsim.sweep.axes import Axis
    from hwsim.sweep.definition import SweepDefinition

_SECTIONS = ("circuit", "data", "training", "device", "variation", "noise", "solver", "company")
"""Sections that the numbers of a run depend on."""

_SHORT = {"training.engine": "--engine", "training.epochs": "--epochs", "training.batch": "--batch", "training.seed": "--seed"}
"""Keys with their options."""

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")
_TOML_WORDS = {"true", "false", "inf", "nan"}

_MOST = 12
"""Settings; a command with more is longer than the file that it would replace."""


def train_command(experiment: Experiment, folder: str) -> str:
    """Return a command line that trains again, with the same results; `folder` is the run's."""
    return shlex.join(["hwsim", "train", *(_subject(experiment, _SHORT) or [f"{folder}/{RUN_FILE}"])])


def sweep_command(definition: "SweepDefinition", environment: Mapping[str, Any] = MappingProxyType({})) -> str:
    """Return a command line that sweeps again, with the same results; for an evaluated run with its folder, from `environment`."""
    replaced = definition.design.kind != "alone"  # one-at-a-time starts from the experiment's values
    varied = [re.sub(r"\.(\d+)(?=\.|$)", r"[\1]", canonical(axis.key)) for axis in definition.axes if replaced]
    subject = _run(environment) if definition.weights else _subject(definition.experiment, {}, varied)
    words = ["hwsim", "sweep", *(subject or [RUN_FILE])]
    for axis in definition.axes:
        words += ["--vary", f"{axis.key}={_range(axis)}"]
    design = definition.design
    words += {"grid": [], "alone": ["--one-at-a-time"], "random": ["--random", f"{design.count}"], "sobol": ["--sobol", f"{design.count}"]}[
        design.kind
    ]
    words += ["--mode", definition.mode] if definition.mode != "train" else []
    return shlex.join([*words, "--chips", f"{definition.chips}", "--seeds", f"{definition.seeds}"])


def _run(environment: Mapping[str, Any]) -> list[str]:
    """Name the run whose conductances were evaluated, and what was set; RUN where an earlier version did not record it."""
    sets = [("--set", str(text)) for text in environment.get("set", ())]
    return [str(environment.get("run", "RUN")), *itertools.chain.from_iterable(sets)]


def _range(axis: "Axis") -> str:
    if axis.low is None or axis.high is None:
        return ",".join(_toml(value) for value in axis.listed)
    ends = [repr(round(end) if axis.whole else end) for end in (axis.low, axis.high)]
    return ":".join([*(["log"] if axis.log else []), *ends, *([] if axis.count is None else [f"{axis.count}"])])


def _subject(experiment: Experiment, short: Mapping[str, str], varied: Sequence[str] = ()) -> list[str]:
    """Return an experiment as arguments, its name in the zoo and the settings that differ; an empty list where that is impossible.

    Keys that are varied at every point are not set.
    """
    if experiment.name not in zoo.names():
        return []
    original = load(experiment.name)
    before = list(_flat(original))
    changed = [(key, value) for key, value in _flat(experiment) if (key, value) not in before]
    settings = [f"{key}={_toml(value)}" for key, value in changed]
    if len(settings) > _MOST or not _same(original, settings, experiment):
        return []
    options = [
        (short[key], str(value)) if key in short else ("--set", f"{key}={_toml(value)}") for key, value in changed if key not in varied
    ]
    return [experiment.name, *itertools.chain.from_iterable(options)]


def _same(original: Experiment, settings: list[str], wanted: Experiment) -> bool:
    try:
        made = override(original, settings)
    except ExperimentError:
        return False
    return all(getattr(made, section) == getattr(wanted, section) for section in _SECTIONS)


def _flat(experiment: Experiment) -> Iterator[tuple[str, Any]]:
    """List all keys with their values, those in lists of tables too."""
    for section, table in experiment.model_dump(include=set(_SECTIONS) - {"company"}).items():
        yield from _below(section, table)
    if experiment.company is not None:  # no experiment of the zoo has one, so that all that is set in it differs
        yield from _below("company", experiment.company.model_dump(exclude_defaults=True))


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
    """Format a value as typed on a command line: as TOML, plain words bare; nothing resets a key to its default."""
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value not in _TOML_WORDS:
        return value
    return "" if value is None else json.dumps(value)

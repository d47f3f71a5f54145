"""Overriding the keys of an experiment: `--set training.epochs=3`."""

import dataclasses
import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Self

import numpy as np
from pydantic import BaseModel

from circuits.parts import PARTS
from circuits.quoting import REASON, quote
from hwsim.experiment.experiment import KEYS, Experiment, ExperimentError, make
from hwsim.formatting import counted
from hwsim.settings import flat_training
from hwsim.settings.keys import known_keys
from hwsim.settings.validation_errors import dotted, instead

Settings = Sequence[str] | Mapping[str, Any]
"""Keys with their new values: as typed, `["training.epochs=3"]`, or as values, `{"training.epochs": 3}`."""


def override(experiment: Experiment, settings: Settings) -> Experiment:
    """Change keys: `["training.epochs=3", "circuit.layers[0].size=64"]`, or `{"training.epochs": 3}`.

    In a text, values are written as in TOML; bare words are text. Nothing after the `=` puts a key back to its default. A new `kind` of
    neuron starts from that kind's defaults.

    Raises
    ------
    ExperimentError
        When a key is unknown (the message lists the near ones) or a value wrong.

    """
    if not settings:
        return experiment
    puts = assignments(settings)
    touched = {keys[0] for keys, _ in puts}
    if experiment.blocks is not None and "circuit" in touched and "blocks" not in touched:
        msg = f"{as_typed(settings)}: {experiment.name} is a chain of blocks, and each circuit has keys of its own; set blocks[0].circuit"
        raise ExperimentError(f"{msg} and so on")
    table = _dumped(experiment, touched)
    if isinstance(table["training"], dict):
        _let_go(table["training"], [keys for keys, _ in puts])
    for keys, value in sorted(
        puts, key=lambda put: (len(put[0]), put[0][-1] != "kind")
    ):  # tables and new kinds first: they have other keys
        put(table, keys, value)
    return make(table, as_typed(settings))


def assignments(settings: Settings) -> list[tuple[list[str | int], Any]]:
    """Split settings into keys and values.

    Raises
    ------
    ExperimentError
        When one is no KEY=VALUE.

    """
    return [_assigned(*pair) for pair in settings.items()] if isinstance(settings, Mapping) else [parse_setting(one) for one in settings]


def of_section(settings: Settings, section: str) -> Settings:
    """Return those of a section, such as `circuit`."""
    if isinstance(settings, Mapping):
        return {key: value for key, value in settings.items() if key.strip().startswith(f"{section}.")}
    return [one for one in settings if one.startswith(f"{section}.")]


def joined(settings: Settings, more: Sequence[str]) -> Settings:
    """Return settings with more of them, as typed."""
    if isinstance(settings, Mapping):
        return {**settings, **{one.partition("=")[0]: read_value(one.partition("=")[2]) for one in more}}
    return [*settings, *more]


def _dumped(experiment: Experiment, changed: Collection[str | int]) -> dict[str, Any]:
    """Return an experiment as a table, whose sections are tables where they change, and objects where they do not.

    A network stays one until `put` opens it: its neurons have a behaviour, and may be of a class that no `kind` names.
    """
    table = {name: getattr(experiment, name) for name in type(experiment).model_fields}
    return {name: one.model_dump() if name in changed and isinstance(one, BaseModel) else one for name, one in table.items()}


def _let_go(training: dict[str, Any], changed: Sequence[Sequence[str | int]]) -> None:
    """Let a nudge that is the loss's natural one be that of another loss, where keys change the loss and do not name a nudge."""
    nudge, loss = (any(keys[:2] == ["training", table] and keys[2:] in ([], ["kind"]) for keys in changed) for table in ("nudge", "loss"))
    if loss and not nudge and training["nudge"]["kind"] == flat_training.NATURAL[training["loss"]["kind"]]:
        del training["nudge"]["kind"]


class FromOption(str):
    """A setting that an option of a command stands for, such as `--after 30d`; messages show the option."""

    __slots__ = ("typed",)
    typed: str

    def __new__(cls, setting: str, typed: str) -> Self:
        """Keep what was typed next to the setting."""
        made = super().__new__(cls, setting)
        made.typed = typed
        return made


def as_typed(settings: Settings) -> str:
    """Return settings as they were typed, at most so much of them as a message shows."""
    if isinstance(settings, Mapping):
        return quote("settings " + ", ".join(f"{key} = {value!r}" for key, value in settings.items()), REASON)
    return quote(" ".join(one.typed if isinstance(one, FromOption) else f"--set {one}" for one in settings), REASON)


def parse_setting(setting: str) -> tuple[list[str | int], Any]:
    """Split KEY=VALUE into keys and the value."""
    key, equals, text = setting.partition("=")
    if not equals or not key.strip():
        msg = f"--set {quote(setting)}: should be KEY=VALUE, such as training.epochs=3"
        raise ExperimentError(msg)
    return _assigned(key, read_value(text.strip()))


def _assigned(key: str, value: Any) -> tuple[list[str | int], Any]:
    """Split a key, and write NumPy's numbers, and sections, as those of a file."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, BaseModel):
        value = value.model_dump()
    return _keys(flat_training.canonical(key.strip(), word=not isinstance(value, dict))), value


def _keys(key: str) -> list[str | int]:
    """Split `circuit.layers[0].size`, or `circuit.layers.0.size`, into keys and indices."""
    parts = re.sub(r"\[(\d+)\]", r".\1", key).split(".")
    return [int(part) if part.isdecimal() else part for part in parts]


def read_value(text: str) -> Any:
    """Read a value as it is typed: as in TOML, bare words as text, nothing as a mark that puts a key back to its default."""
    if not text:
        return _DEFAULT
    try:
        read = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return read["value"] if list(read) == ["value"] else text


_DEFAULT: Any = object()


def put(table: dict[str, Any], keys: list[str | int], value: Any) -> None:
    """Put a value at its place in the nested tables and lists of an experiment."""
    inside: Any = table
    for k, key in enumerate(keys[:-1]):
        inside = _step(inside, keys, k)
        inside[key] = _opened(inside[key], keys[: k + 1], keys[-1])
        inside = inside[key]
    inside = _step(inside, keys, len(keys) - 1)
    last: Any = keys[-1]
    if last == "kind" and inside.get(last) != value:
        inside.clear()  # another kind has other keys
    if value is _DEFAULT:
        inside.pop(last, None)
    else:
        inside[last] = value


def _opened(inner: Any, keys: list[str | int], last: Any) -> Any:
    """Return the table or list that something in an experiment is: of a part of a network, its fields as they are."""
    if inner is None:
        return {}
    if isinstance(inner, tuple):
        return list(inner)
    if isinstance(inner, BaseModel):
        return {name: getattr(inner, name) for name in type(inner).model_fields}
    if not dataclasses.is_dataclass(inner):
        return inner
    if type(inner) not in PARTS and last != "kind":
        where, kind = quote(dotted(tuple(keys))), type(inner).__name__
        msg = f"--set {where}: it is of class {kind}, which has no keys; make another network with another {kind}"
        raise ExperimentError(msg)
    return {field.name: getattr(inner, field.name) for field in dataclasses.fields(inner)}


def _step(inside: Any, keys: list[str | int], k: int) -> Any:
    """Return the table or list that holds `keys[k]`, or report why there is none."""
    where, key = dotted(tuple(keys[:k])), keys[k]
    if isinstance(inside, list) and isinstance(key, int):
        if key < len(inside):
            return inside
        msg = f"--set {quote(dotted(tuple(keys)))}: {quote(where)} has {counted(len(inside), 'entry', 'entries')}, numbered from 0"
        raise ExperimentError(msg)
    names = known_keys(Experiment)
    if isinstance(inside, dict) and (key in inside or _generic(keys[: k + 1]) in names):
        inside.setdefault(key, None)
        return inside
    msg = f"--set {quote(dotted(tuple(keys)))}: there is no such key; {instead(dotted(tuple(keys)), names, KEYS)}"
    raise ExperimentError(msg)


def _generic(keys: Sequence[str | int]) -> str:
    return dotted(tuple(0 if isinstance(key, int) else key for key in keys))

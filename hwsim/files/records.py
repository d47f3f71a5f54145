"""Records: what the JSON files of a run's folder hold, read with care: they may come from a stranger or a failing disk."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from circuits.quoting import quote, quoted
from circuits.regular_file import open_regular
from hwsim.files.atomic import UnreadableError

Row = dict[str, float | int]

_LARGEST = 100_000_000
"""Bytes of a file: a row of metrics takes some 300, and trainings have thousands."""

_DIGITS = 18
"""Digits of the longest whole number that is read as one; more of them become a float, which may be infinite."""

_SHARES = ("train_error", "test_error")

_ROW = ("epoch", "loss", *_SHARES)
"""What every row of metrics holds."""

_SOLVED = ("residual_A", "steps", "nudged_steps")
"""What every row of a training's epochs holds besides, of one chip."""

_WORDS = ("name", "data", "task", "engine", "rule", "blocks", "device", "simulation_method", "exchange")
"""Texts in a summary."""

_BY_CHIP = ("samples", "senders")
"""Lists in a summary of chips with reservoirs: how many samples each has, and which sent sums."""

_BY_TARGET = "by_target"
"""A list in a summary, of real targets: a name and scores each. All else there is a number."""


def read_text(path: Path) -> str:
    """Read a text of a size that a run's file can have.

    Raises
    ------
    UnreadableError
        Naming what is wrong with it.
    OSError
        When it may not be read.

    """
    if not path.is_file():
        msg = "is no file"
        raise UnreadableError(msg)
    with open_regular(path) as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        msg = f"is longer than {_LARGEST / 1e6:g} MB"
        raise UnreadableError(msg)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        msg = "is not text in UTF-8"
        raise UnreadableError(msg) from None


def parse(text: str | bytes) -> Any:
    """Read JSON from a text.

    Raises
    ------
    UnreadableError
        Naming what is wrong with it.

    """
    try:
        return json.loads(text, parse_int=_whole)
    except RecursionError:
        msg = "is no JSON: its lists or objects are nested too deeply"
        raise UnreadableError(msg) from None
    except ValueError as error:
        msg = f"is no JSON ({quote(error)})"
        raise UnreadableError(msg) from None


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) <= _DIGITS else float(digits)


def of_training(scores: Sequence[str]) -> tuple[str, ...]:
    """Return the metrics that every epoch of a training has, by the names of a task's scores: `error`, and what else there is."""
    return ("epoch", "loss", *(f"{part}_{score}" for part in ("train", "test") for score in scores), "seconds", *_SOLVED)


def row(text: str | bytes) -> Row:
    """Read a row of metrics: numbers alone, shares of wrong answers from 0 to 1, root mean square errors not negative.

    Raises
    ------
    UnreadableError
        Naming what is wrong with it.

    """
    table = _table(parse(text))
    if absent := [key for key in _ROW if key not in table]:
        msg = f"has no {absent[0]}"
        raise UnreadableError(msg)
    _refuse_odd(table)
    return table


def rows(content: bytes, needed: frozenset[str], epochs: int) -> list[Row]:
    """Read the rows of metrics of so many epochs from a checkpoint, each with the keys that are needed.

    Raises
    ------
    UnreadableError
        Naming what is wrong with it.

    """
    listed = parse(content)
    if not isinstance(listed, list) or len(listed) != epochs:
        msg = f"are not those of {epochs} epochs"
        raise UnreadableError(msg)
    for number, one in enumerate(listed, start=1):
        if _table(one).get("epoch") != number or not one.keys() >= needed:
            msg = f"have no whole row for epoch {number}"
            raise UnreadableError(msg)
        _refuse_odd(one)
    return listed


def summary(text: str) -> dict[str, Any]:
    """Read the summary of a run that ended: numbers, and a few words.

    Raises
    ------
    UnreadableError
        Naming what is wrong with it.

    """
    table = _table(parse(text))
    for key in _WORDS:
        if not isinstance(table.get(key, ""), str):
            raise _odd(key, table[key], "no text")
    for key in _BY_CHIP:
        listed = table.get(key, [])
        if not isinstance(listed, list) or not all(type(count) is int and count >= 0 for count in listed):
            raise _odd(key, listed, "no list of whole numbers")
    _refuse_odd({key: value for key, value in table.items() if key not in {*_WORDS, *_BY_CHIP, _BY_TARGET}})
    for one in table.get(_BY_TARGET, []) if isinstance(table.get(_BY_TARGET, []), list) else [None]:
        if not isinstance(one, dict) or not isinstance(one.get("target"), str) or not {"rmse", "r2"} <= one.keys():
            raise _odd(_BY_TARGET, table[_BY_TARGET], "no list of targets with rmse and r2")
        _refuse_odd({key: value for key, value in one.items() if key != "target"})
    return table


def environment(text: str) -> dict[str, Any]:
    """Read what a run was made with: texts and numbers, lists of them, and tables of one level.

    Raises
    ------
    UnreadableError
        Naming what is wrong with it.

    """
    table = _table(parse(text))
    for key, value in table.items():
        inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else [value]
        if odd := [one for one in inner if not isinstance(one, str | int | float | None)]:
            raise _odd(key, odd[0], "neither a text nor a number")
    return table


def _table(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        msg = "is no JSON object"
        raise UnreadableError(msg)
    return value


def _refuse_odd(table: Mapping[str, Any]) -> None:
    """Refuse what is no finite number, or no share where an error is; next to R², errors may be larger than 1."""
    for key, value in table.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise _odd(key, value, "no number")
        if key in _SHARES and not 0 <= value <= (math.inf if f"{key.removesuffix('error')}r2" in table else 1):
            raise _odd(key, value, "not from 0 to 1")


def _odd(key: str, value: object, what: str) -> UnreadableError:
    return UnreadableError(f"has {quote(key)} = {quoted(value)}, which is {what}")

"""Checked: what is read of a sweep's file is what a sweep can have written; a file from a stranger may hold anything."""

import json
import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits.quoting import quoted
from hwsim.files import records
from hwsim.files.atomic import UnreadableError
from hwsim.sweep.definition import Definition
from hwsim.sweep.points import MOST, Point
from hwsim.sweep.recorded import Result

_LONGEST = 10_000
"""Characters of the reason why there is no error; it is a line."""


def points(rows: Iterable[tuple[Any, Any]], definition: Definition) -> list[Point]:
    """Check the rows of points: numbered from 1 on, each with values of the varied keys.

    Raises
    ------
    ValueError
        Naming the first that is wrong.

    """
    keys = {axis.key for axis in definition.axes}
    checked = []
    for number, (written, text) in enumerate(rows, start=1):
        settings = json.loads(text)
        if written != number or number > MOST or not isinstance(settings, dict) or not settings.keys() <= keys:
            msg = f"point {quoted(written)} is none of its {len(keys)} varied keys"
            raise ValueError(msg)
        checked.append(Point(number, settings))
    return checked


def results(rows: Iterable[tuple[Any, ...]], definition: Definition, count: int) -> Iterator[Result]:
    """Check rows of results of `count` points: errors are shares, amounts are not negative, and each belongs to the sweep.

    Raises
    ------
    ValueError
        Naming the first that is wrong.

    """
    last_chip, last_seed = definition.first_chip + definition.chips - 1, definition.first_seed + definition.seeds - 1
    for row in rows:
        one = Result(*row)
        place = f"point {quoted(one.point)}, chip {quoted(one.chip)}, seed {quoted(one.seed)}"
        for name, first, last in (
            ("point", 1, count),
            ("chip", definition.first_chip, last_chip),
            ("seed", definition.first_seed, last_seed),
        ):
            value = getattr(one, name)
            if type(value) is not int or not first <= value <= last:
                msg = f"{place}: the sweep has {name}s from {first} to {last}"
                raise ValueError(msg)
        for name, most in _NUMBERS.items():
            value = getattr(one, name)
            if value is None and name != "seconds":
                continue
            if type(value) not in {int, float} or not 0.0 <= value <= most or math.isinf(value):
                msg = f"{place}: {name} = {quoted(value)} is no number from 0 {'on' if math.isinf(most) else f'to {most:g}'}"
                raise ValueError(msg)
        if not (one.failed is None or (isinstance(one.failed, str) and len(one.failed) <= _LONGEST)):
            msg = f"{place}: failed = {quoted(one.failed)} is no line of text"
            raise ValueError(msg)
        yield one._replace(test_error=_number(one.test_error), train_error=_number(one.train_error), residual=_number(one.residual))


_NUMBERS = {"test_error": 1.0, "train_error": 1.0, "pulses": math.inf, "joules": math.inf, "residual": math.inf, "seconds": math.inf}
"""The largest that each can be; none is negative."""


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def weights(rows: Iterable[tuple[Any, ...]]) -> dict[str, NDArray[np.float64]]:
    """Check conductances by element array [S]: positive and finite.

    Raises
    ------
    ValueError
        Naming the array.

    """
    arrays = {str(name): np.frombuffer(g, dtype="<f8").astype(np.float64).reshape(*shape) for name, *shape, g in rows}
    for name, g in arrays.items():
        if not (np.isfinite(g).all() and (g > 0).all()):
            msg = f"the conductances of {quoted(name)} are not all positive and finite"
            raise ValueError(msg)
    return arrays


def environment(text: str) -> dict[str, Any]:
    """Check what the sweep was made with: a table of a few lines.

    Raises
    ------
    ValueError
        When it is none.

    """
    try:
        return records.environment(text)
    except UnreadableError as error:
        msg = f"its environment {error}"
        raise ValueError(msg) from None

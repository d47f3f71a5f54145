"""Checks of a sweep's file: its contents must be what a sweep can have written; a file from a stranger may have anything in it."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits.quoting import quote, quoted
from hwsim.company.figures import CompanyFigures
from hwsim.files import records
from hwsim.files.atomic import UnreadableError
from hwsim.sweep.definition import SweepDefinition
from hwsim.sweep.points import MOST, SweepPoint
from hwsim.sweep.recorded import SweepResult
from hwsim.sweep.sweep_errors import SweepError

_ROUNDING = 1e-9
"""Relative difference of two values that are equal up to rounding; those of ranges are written with 12 digits."""

_LONGEST = 10_000
"""Characters of the reason for a missing error; it is a line."""


def points(rows: Iterable[tuple[Any, Any]], definition: SweepDefinition) -> list[SweepPoint]:
    """Check the rows of points: numbered from 1 on, each with the values that the definition has there.

    Sobol points, whose choice is a library's, are only compared with the ends of their ranges.

    Raises
    ------
    ValueError
        With the first that is wrong.

    """
    keys = {axis.key for axis in definition.axes}
    checked = []
    for number, (written, text) in enumerate(rows, start=1):
        settings = json.loads(text)
        if written != number or number > MOST or not isinstance(settings, dict) or not settings.keys() <= keys:
            msg = f"point {quoted(written)} is none of its {len(keys)} varied keys"
            raise ValueError(msg)
        checked.append(SweepPoint(number, settings))
    _compare(checked, definition)
    return checked


def _compare(points: Sequence[SweepPoint], definition: SweepDefinition) -> None:
    """Compare points with those of the definition."""
    axes, design = definition.axes, definition.design
    drawn = design.kind == "sobol"
    try:
        chosen = [] if drawn else design.settings(axes, definition.experiment)
    except SweepError as error:
        raise ValueError(str(error)) from None
    count = design.count * (len(axes) + 2) if drawn else len(chosen)
    if len(points) != count:
        msg = f"it has {len(points)} points, and its definition {count}"
        raise ValueError(msg)
    for point in points:
        for axis in axes:
            value, ends = point.settings.get(axis.key), (axis.low, axis.high)
            right = _between(value, *ends) if drawn else _same(value, chosen[point.number - 1].get(axis.key))
            if not right:
                wanted = f"{quoted(ends[0])} to {quoted(ends[1])}" if drawn else quoted(chosen[point.number - 1].get(axis.key))
                msg = f"point {point.number}: {quote(axis.key)} = {quoted(value)}, and its definition has {wanted}"
                raise ValueError(msg)


def _between(value: Any, low: float | None, high: float | None) -> bool:
    """Whether a number is in a range with its ends in either order."""
    if low is None or high is None or type(value) not in {int, float}:
        return False
    slack = _ROUNDING * max(abs(low), abs(high))
    return bool(min(low, high) - slack <= value <= max(low, high) + slack)


def _same(value: Any, wanted: Any) -> bool:
    """Whether a value is the wanted one; another machine's logarithm may round a number differently."""
    if type(value) is float and type(wanted) is float:
        return math.isclose(value, wanted, rel_tol=_ROUNDING)
    return type(value) is type(wanted) and bool(value == wanted)


def results(
    rows: Iterable[tuple[Any, ...]],
    definition: SweepDefinition,
    count: int,
    figures: Mapping[tuple[int, int, int], CompanyFigures] = MappingProxyType({}),
) -> Iterator[SweepResult]:
    """Check rows of results of `count` points: errors are possible ones, missing only where something failed; amounts are not negative.

    `figures` are what companies have besides, by (point, chip, seed).

    Raises
    ------
    ValueError
        With the first that is wrong.

    """
    last_chip, last_seed = definition.first_chip + definition.chips - 1, definition.first_seed + definition.seeds - 1
    for row in rows:
        one = SweepResult(*row)
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
        for name in _NUMBERS:
            value, most = getattr(one, name), definition.experiment.data.measure.most if name in _ERRORS else math.inf
            if value is None and name != "seconds":
                continue
            if type(value) not in {int, float} or not 0.0 <= value <= most or math.isinf(value):
                msg = f"{place}: {name} = {quoted(value)} is no number from 0 {'on' if math.isinf(most) else f'to {most:g}'}"
                raise ValueError(msg)
        if one.failed is None and (one.test_error is None or (one.train_error is None and definition.mode == "train")):
            msg = f"{place}: it has no error, and no reason why there is none"
            raise ValueError(msg)
        if not (one.failed is None or (isinstance(one.failed, str) and len(one.failed) <= _LONGEST)):
            msg = f"{place}: failed = {quoted(one.failed)} is no line of text"
            raise ValueError(msg)
        one = one._replace(test_error=_number(one.test_error), train_error=_number(one.train_error), residual=_number(one.residual))
        yield one._replace(company=figures.get(one[:3]))


def companies(rows: Iterable[tuple[Any, ...]], definition: SweepDefinition) -> dict[tuple[int, int, int], CompanyFigures]:
    """Check rows of companies: point, chip, seed, and numbers that are not negative, of which an error and a churn are possible ones.

    Raises
    ------
    ValueError
        With the first that is wrong.

    """
    checked = {}
    for point, chip, seed, *values in rows:
        for name, value in zip(CompanyFigures._fields, values, strict=True):
            most = {"together_error": definition.experiment.data.measure.most, "churn": 1.0}.get(name, math.inf)
            if value is not None and (type(value) not in {int, float} or not 0.0 <= value <= most or math.isinf(value)):
                msg = f"point {quoted(point)}, chip {quoted(chip)}, seed {quoted(seed)}: {name} = {quoted(value)} is no such number"
                raise ValueError(msg)
        checked[point, chip, seed] = CompanyFigures(*map(_number, values))
    return checked


_ERRORS = ("test_error", "train_error")
"""Largest values: those of the task's measure."""

_NUMBERS = (*_ERRORS, "pulses", "joules", "residual", "seconds")
"""None is negative."""


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def weights(rows: Iterable[tuple[Any, ...]]) -> dict[str, NDArray[np.float64]]:
    """Check conductances by element array [S]: positive and finite.

    Raises
    ------
    ValueError
        With the array.

    """
    arrays = {str(name): np.frombuffer(g, dtype="<f8").astype(np.float64).reshape(*shape) for name, *shape, g in rows}
    for name, g in arrays.items():
        if not (np.isfinite(g).all() and (g > 0).all()):
            msg = f"the conductances of {quoted(name)} are not all positive and finite"
            raise ValueError(msg)
    return arrays


def environment(text: str) -> dict[str, Any]:
    """Check the sweep's environment: a table of a few lines.

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

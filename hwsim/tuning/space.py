"""The space that is searched: varied keys as Optuna's distributions, and back from its parameters to settings."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hwsim.experiment.experiment import Experiment
from hwsim.settings.flat_training import canonical
from hwsim.sweep.axes import Axis, Value

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

_DIGITS = 4
"""Digits of a value within a range: more of them would say no more."""


def distributions(axes: Sequence[Axis]) -> "dict[str, BaseDistribution]":
    """Describe each key: a number in a range, the place of a value in a range with a count, or one of listed values."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution  # noqa: PLC0415 - a second to load

    found: dict[str, BaseDistribution] = {}
    for axis in axes:
        if axis.count is not None:
            found[axis.key] = IntDistribution(0, len(axis.values) - 1)
        elif axis.low is None or axis.high is None:
            found[axis.key] = CategoricalDistribution([json.dumps(value) for value in axis.listed])
        elif axis.whole:
            low, high = sorted((round(axis.low), round(axis.high)))
            found[axis.key] = IntDistribution(low, high, log=axis.log)
        else:
            found[axis.key] = FloatDistribution(min(axis.low, axis.high), max(axis.low, axis.high), log=axis.log)
    return found


def settings(axes: Sequence[Axis], parameters: Mapping[str, Any]) -> dict[str, Value]:
    """Return the values of the varied keys that Optuna's parameters stand for."""
    return {axis.key: _value(axis, parameters[axis.key]) for axis in axes}


def _value(axis: Axis, parameter: Any) -> Value:
    if axis.count is not None:
        return axis.values[parameter]
    if axis.low is None or axis.high is None:
        return json.loads(parameter)
    if axis.whole:
        return parameter
    low, high = sorted((axis.low, axis.high))
    return min(max(float(f"{parameter:.{_DIGITS}g}"), low), high)


def present(axes: Sequence[Axis], experiment: Experiment) -> dict[str, Any] | None:
    """Return the parameters that stand for the experiment as it is; None when it lies outside the space."""
    found: dict[str, Any] = {}
    for axis in axes:
        value = _at(experiment.model_dump(mode="json"), canonical(axis.key))
        if axis.count is not None or axis.low is None or axis.high is None:
            if value not in axis.values:
                return None
            found[axis.key] = axis.values.index(value) if axis.count is not None else json.dumps(axis.values[axis.values.index(value)])
        else:
            low, high = sorted((axis.low, axis.high))
            if not isinstance(value, int | float) or not low <= value <= high:
                return None
            found[axis.key] = value
    return found


def _at(table: Any, key: str) -> Any:
    """Find a key's value in nested tables and lists; None where there is none."""
    for part in key.replace("[", ".").replace("]", "").split("."):
        if isinstance(table, dict):
            table = table.get(part)
        elif isinstance(table, list) and part.isdecimal() and int(part) < len(table):
            table = table[int(part)]
        else:
            return None
    return table

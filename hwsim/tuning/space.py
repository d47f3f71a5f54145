"""The search space: varied keys as Optuna's distributions, and back from its parameters to settings."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hwsim.experiment.experiment import Experiment
from hwsim.settings.flat_training import canonical
from hwsim.sweep.axes import Axis, Value

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

_DIGITS = 4
"""Digits of a value within a range."""


def distributions(axes: Sequence[Axis]) -> "dict[str, BaseDistribution]":
    """Return each key's distribution: a number in a range, the place of a value in a range with a count, or one of listed values."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution  # noqa: PLC0415 - a second to load

    result: dict[str, BaseDistribution] = {}
    for axis in axes:
        if axis.count is not None:
            result[axis.key] = IntDistribution(0, len(axis.values) - 1)
        elif axis.low is None or axis.high is None:
            result[axis.key] = CategoricalDistribution([json.dumps(value) for value in axis.listed])
        elif axis.whole:
            low, high = sorted((round(axis.low), round(axis.high)))
            result[axis.key] = IntDistribution(low, high, log=axis.log)
        else:
            result[axis.key] = FloatDistribution(min(axis.low, axis.high), max(axis.low, axis.high), log=axis.log)
    return result


def settings(axes: Sequence[Axis], parameters: Mapping[str, Any]) -> dict[str, Value]:
    """Return the values of the varied keys for Optuna's parameters."""
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
    """Return the parameters of the unchanged experiment; None when it is outside the space."""
    parameters: dict[str, Any] = {}
    for axis in axes:
        value = _at(experiment.model_dump(mode="json"), canonical(axis.key))
        if axis.count is not None or axis.low is None or axis.high is None:
            if value not in axis.values:
                return None
            parameters[axis.key] = axis.values.index(value) if axis.count is not None else json.dumps(axis.values[axis.values.index(value)])
        else:
            low, high = sorted((axis.low, axis.high))
            if not isinstance(value, int | float) or not low <= value <= high:
                return None
            parameters[axis.key] = value
    return parameters


def _at(table: Any, key: str) -> Any:
    """Return a key's value in nested tables and lists; None where there is none."""
    for part in key.replace("[", ".").replace("]", "").split("."):
        if isinstance(table, dict):
            table = table.get(part)
        elif isinstance(table, list) and part.isdecimal() and int(part) < len(table):
            table = table[int(part)]
        else:
            return None
    return table

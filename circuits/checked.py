"""Checked construction: what describes a circuit in Python is checked as an experiment file is, with one line about what is wrong."""

import dataclasses
from functools import cache
from typing import Any, get_args, get_type_hints

import numpy as np
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from circuits.errors import CircuitError
from circuits.quoting import quoted

_CONFIG = ConfigDict(strict=True)
"""A text is no number, and 1 is not true. Ranges, and infinite numbers, are the classes' own to refuse."""

FORBID_UNKNOWN = {"extra": "forbid", "allow_inf_nan": False}
"""pydantic's settings for the dataclasses that experiment files fill in."""

_CLASSES = {"dataclass_type", "model_type", "model_attributes_type", "union_tag_invalid", "union_tag_not_found"}
"""Kinds of error where an object of a class was wanted."""

_PLAIN = {
    "Input should be": "should be",
    "a valid number": "a number",
    "a valid integer": "a whole number",
    "a valid boolean": "true or false",
    "a valid string": "a text",
    "a valid tuple": "a list",
    ", unable to parse string as a number": "",
    ", unable to parse string as an integer": "",
    ", unable to interpret input": "",
}


def plain(message: str) -> str:
    """Return pydantic's message in plain words."""
    for theirs, ours in _PLAIN.items():
        message = message.replace(theirs, ours)
    return message


def check_fields(described: Any) -> None:
    """Check all fields of a frozen dataclass by their types; lists become tuples, and numbers of NumPy those of Python.

    Raises
    ------
    CircuitError
        Naming the class, the field, its value and what it should be.

    """
    kind: Any = type(described)
    hints = _hints(kind)
    for name, adapter in _adapters(kind).items():
        value = _of_python(getattr(described, name))
        if _is_own_kind(value, hints[name]):
            continue
        try:
            checked = adapter.validate_python(value)
        except ValidationError as error:
            raise CircuitError(f"{kind.__name__}: {_line(name, value, error, hints[name])}") from None
        object.__setattr__(described, name, checked)


def _is_own_kind(value: Any, hint: Any) -> bool:
    """Whether a value is a neuron of a class of the caller's own: one that builds its elements, as those of this project do."""
    classes = _classes(hint)
    builds = [callable(getattr(one, "build", None)) for one in (type(value), *classes)]
    return bool(classes) and all(builds) and dataclasses.is_dataclass(value)


@cache  # a tenth of the time of reading an experiment otherwise
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


@cache
def _adapters(kind: type) -> dict[str, TypeAdapter[Any]]:
    hints = get_type_hints(kind, include_extras=True)
    return {field.name: TypeAdapter(hints[field.name], config=_CONFIG) for field in dataclasses.fields(kind)}


def _of_python(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    return tuple(map(_of_python, value)) if isinstance(value, list | tuple) else value


def _line(name: str, value: Any, error: ValidationError, hint: Any) -> str:
    """Return the deepest of the faults: of the members of a union, it is about the one that was meant."""
    detail = max(error.errors(), key=lambda one: len(_indices(one)))
    indices = _indices(detail)
    for index in indices:
        value = value[index]
    where = name + "".join(f"[{index}]" for index in indices)
    if detail["type"] in _CLASSES:
        return f"{where} = {quoted(value)}: should be of class {' or '.join(kind.__name__ for kind in _classes(hint))}"
    return f"{where} = {quoted(value)}: {plain(detail['msg'])}"


def _indices(detail: ErrorDetails) -> list[int]:
    return [key for key in detail["loc"] if isinstance(key, int)]


def _classes(hint: Any) -> list[type]:
    """List the classes of this project in a type."""
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return [hint]
    return [kind for one in get_args(hint) for kind in _classes(one)]

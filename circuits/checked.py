"""Checked construction: what describes a circuit in Python is checked as an experiment file is, with one line about what is wrong."""

import dataclasses
import types
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np
from pydantic import ConfigDict, Discriminator, Tag, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from circuits.errors import CircuitError
from circuits.quoting import quoted

_CONFIG = ConfigDict(strict=True)
"""A text is no number, and 1 is not true. Ranges, and infinite numbers, are the classes' own to refuse."""

FORBID_UNKNOWN = {"extra": "forbid", "allow_inf_nan": False}
"""pydantic's settings for the dataclasses that experiment files fill in."""

_CLASSES = {"dataclass_type", "model_type", "model_attributes_type", "union_tag_invalid", "union_tag_not_found"}
"""Kinds of error where an object of a class was wanted."""

_PLAIN_TYPES = bool, int, float, str, types.NoneType
"""Types whose values are checked by looking at their type."""

_NOTES = str, Tag, Discriminator
"""What a type may have next to it that bounds no value: its unit, and which member of a union is meant."""

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
    for name, hint in _hints(kind).items():
        value = getattr(described, name)
        if value is kind.__dataclass_fields__[name].default or _fits(value, hint):
            continue
        value = _of_python(value)
        if _is_own_kind(value, hint):
            continue
        try:
            checked = _adapter(kind, name).validate_python(value)
        except ValidationError as error:
            raise CircuitError(f"{kind.__name__}: {_line(name, value, error, hint)}") from None
        object.__setattr__(described, name, checked)


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value is of a type at first sight; only others are checked by pydantic, which takes longer than all else to be made."""
    if get_origin(hint) is Annotated:  # with what pydantic would check
        inner, *added = get_args(hint)
        return all(isinstance(one, _NOTES) for one in added) and _fits(value, inner)
    if get_origin(hint) is Literal:
        return type(value) is str and value in get_args(hint)
    if get_origin(hint) in {Union, types.UnionType}:
        return any(_fits(value, one) for one in get_args(hint))
    if get_origin(hint) is tuple:
        inside = get_args(hint)
        each = inside[:1] * len(value) if inside[-1] is Ellipsis and type(value) is tuple else inside
        return type(value) is tuple and len(value) == len(each) and all(map(_fits, value, each))
    return type(value) is hint and (hint in _PLAIN_TYPES or dataclasses.is_dataclass(hint))


def _is_own_kind(value: Any, hint: Any) -> bool:
    """Whether a value is a neuron of a class of the caller's own: one that builds its elements, as those of this project do."""
    classes = _classes(hint)
    builds = [callable(getattr(one, "build", None)) for one in (type(value), *classes)]
    return bool(classes) and all(builds) and dataclasses.is_dataclass(value)


@cache
def _hints(kind: Any) -> dict[str, Any]:
    """Return the types of a dataclass's fields."""
    hints = get_type_hints(kind, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


@cache
def _adapter(kind: type, name: str) -> TypeAdapter[Any]:
    return TypeAdapter(_hints(kind)[name], config=_CONFIG)


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

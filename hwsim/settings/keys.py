"""Every key of an experiment file, from the settings themselves: type, range, unit, default and what it means."""

import dataclasses
import inspect
import re
import types
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

import annotated_types
from pydantic import BaseModel, Discriminator
from pydantic.fields import FieldInfo

_BOUNDS = (("ge", "{} ≤ "), ("gt", "{} < "), ("le", " ≤ {}"), ("lt", " < {}"))
"""How pydantic calls the bounds of a number, and how they are written on either side of it."""

_LIMITS = annotated_types.Interval, annotated_types.Ge, annotated_types.Gt, annotated_types.Le, annotated_types.Lt

_NAMES = {float: "number", int: "whole number", str: "text", bool: "true or false"}

_LONG = 1e6
"""Numbers from here on are written with an exponent."""

REQUIRED, ABSENT = "required", "absent"


class Key(NamedTuple):
    """A key of an experiment file.

    Parameters
    ----------
    key
        From the top of the file down, `circuit.layers[0].size`; `[0]` stands for any number of a list.
    kind
        What its value is, with its bounds or choices.
    unit
        Of its value; empty: none.
    default
        As one types it; `required` or `absent` where there is none.
    text
        What it means.
    of
        Which kinds of its table have it, by their `kind`; empty: all.

    """

    key: str
    kind: str
    unit: str
    default: str
    text: str
    of: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """The first sentence of the text."""
        return re.split(r"(?<=\.)\s", self.text, maxsplit=1)[0].rstrip(".")


class _Field(NamedTuple):
    """A field of a table, the class that has it, and the annotation of its value."""

    key: str
    owner: type
    name: str
    annotation: Any


def fields(annotation: Any, prefix: str = "") -> Iterator[_Field]:
    """List the fields below a type, tables before what is in them; a field of several kinds occurs once for each."""
    if _is_table(annotation):
        for name, inner in get_type_hints(annotation, include_extras=True).items():
            if ClassVar not in {inner, get_origin(inner)} and name != "model_config":
                key = f"{prefix}.{name}".removeprefix(".")
                yield _Field(key, annotation, name, inner)
                yield from fields(inner, key)
        return
    inside = get_args(annotation)
    if get_origin(annotation) is Annotated:
        inside = inside[:1]
    if inside and inside[-1] is Ellipsis:
        prefix += "[0]"
    for inner in inside:
        yield from fields(inner, prefix)


@cache
def _all_fields(annotation: Any) -> tuple[_Field, ...]:
    return tuple(fields(annotation))


@cache
def known_keys(annotation: Any) -> tuple[str, ...]:
    """List the dotted keys below a type, tables too, each once."""
    return tuple(dict.fromkeys(field.key for field in _all_fields(annotation)))


def keys_of_kind(annotation: Any, table: str, kind: str) -> list[str]:
    """List the keys that one kind of a table below a type has, those too whose values are tables, but for `kind` itself."""
    of_table = (field for field in _all_fields(annotation) if _table(field.key) == table and _kind(field.owner) == kind)
    return [name for name in dict.fromkeys(field.name for field in of_table) if name != "kind"]


def kinds_of(annotation: Any, table: str) -> list[str]:
    """List the kinds that a table below a type may be of."""
    return list(dict.fromkeys(_kind(field.owner) for field in _all_fields(annotation) if field.key == f"{table}.kind"))


@cache
def keys(annotation: Any, table: str | None = None) -> tuple[Key, ...]:
    """Describe the keys below a type, or of one table of it, whose values are no tables; those of several kinds are one key."""
    several: dict[str, list[_Field]] = {}
    tables: dict[str, str] = {}
    for field in _all_fields(annotation):
        if table not in {None, _table(field.key), field.key, f"{field.key}[0]"}:
            continue
        if _words(field.annotation):
            several.setdefault(field.key, []).append(field)
        else:
            tables[field.key] = _default(field)
            tables[f"{field.key}[0]"] = _usual_kind(field.annotation)
    kinds: dict[str, set[str]] = {}
    for key, of in several.items():
        kinds.setdefault(_table(key), set()).update(_kind(field.owner) for field in of)
    return tuple(
        _merged(key, of, kinds[_table(key)], tables.get(_table(key), REQUIRED))
        for key, of in several.items()
        if table in {None, _table(key)}
    )


def sections(annotation: type) -> dict[str, str]:
    """Return what each table at the top of a file is about."""
    tables: dict[str, list[str]] = {}
    for name, inner in get_type_hints(annotation, include_extras=True).items():
        if about := [_first_line(owner) for owner in _tables(inner)]:
            tables[name] = about
    return {name: " Or: ".join(about) for name, about in tables.items()}


def _table(key: str) -> str:
    return key.rpartition(".")[0]


def _is_table(annotation: Any) -> bool:
    return isinstance(annotation, type) and (dataclasses.is_dataclass(annotation) or issubclass(annotation, BaseModel))


def _tables(annotation: Any) -> Iterator[type]:
    if _is_table(annotation):
        yield annotation
    else:
        for inner in get_args(annotation):
            yield from _tables(inner)


@cache
def _kind(owner: type) -> str:
    """Return the name of a kind of table, as its key `kind` names it; else that of its class."""
    choices = get_args(get_type_hints(owner).get("kind"))
    return str(choices[0]) if len(choices) == 1 else owner.__name__.lower()


def _merged(key: str, of: Sequence[_Field], kinds: set[str], usual: str) -> Key:
    """Describe a key that several kinds of a table may have; `usual` is the kind that the table has by default."""
    by_kind = {_kind(field.owner): _described(field) for field in of}
    if key.endswith(".kind"):
        about = "\n".join(dict.fromkeys(f"{_kind(field.owner)}: {_first_line(field.owner)}" for field in of))
        default = usual if usual in by_kind else REQUIRED
        return Key(key, _either(by_kind), "", default, about)
    some = tuple(by_kind) if set(by_kind) < kinds else ()
    text = _apart({kind: one.text for kind, one in by_kind.items() if one.text}, " ")
    words = _either(dict.fromkeys(word for field in of for word in _words(field.annotation)))
    unit = next((one.unit for one in by_kind.values() if one.unit), "")
    return Key(key, words, unit, _apart({kind: one.default for kind, one in by_kind.items()}, "; "), text, some)


def _usual_kind(annotation: Any) -> str:
    """Return the kind of the tables in a list that name none, where their type has one; else `required`."""
    chooser = next((part for part in getattr(annotation, "__metadata__", ()) if isinstance(part, Discriminator)), None)
    if chooser is not None and callable(chooser.discriminator):
        return str(chooser.discriminator({}))
    return next((kind for inner in get_args(annotation) if (kind := _usual_kind(inner)) != REQUIRED), REQUIRED)


def _apart(texts: dict[str, str], joint: str) -> str:
    """Write what several kinds have in common once, and else which kind has what."""
    kinds = {text: ", ".join(kind for kind in texts if texts[kind] == text) for text in dict.fromkeys(texts.values())}
    return joint.join([f"{kind}: {text}" for text, kind in kinds.items()] if len(kinds) > 1 else kinds)


def _described(field: _Field) -> Key:
    text, words = _text(field.owner, field.name), _either(dict.fromkeys(_words(field.annotation)))
    bracket = re.search(r"\[([^\]]{1,12})\]", text)
    unit = _unit(field.annotation) or (bracket.group(1) if bracket and words.startswith(_NAMES[float]) else "")
    return Key(field.key, words, unit, _default(field), text)


def _words(annotation: Any) -> list[str]:
    """Describe the types that a value may have, a text each; tables and None have none."""
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        limits = _bounds(annotation.__metadata__)
        return [f"{word}, {limits}" if limits and word in _NAMES.values() else word for word in _words(inside[0])]
    if origin is Literal:
        return list(dict.fromkeys(map(_typed, inside)))
    if origin in {Union, types.UnionType, tuple}:
        words = list(dict.fromkeys(word for inner in inside if inner is not Ellipsis for word in _words(inner)))
        if origin is not tuple or not words:
            return words
        count = "" if inside[-1] is Ellipsis else f" {len(inside)}"
        return [f"list of{count}: {_either(words)}"]
    return [] if annotation is type(None) or _is_table(annotation) else [_NAMES.get(annotation, "text")]


def _bounds(metadata: Sequence[Any]) -> str:
    """Write the bounds of a number: 0 < x ≤ 1."""
    ends: dict[str, str] = {}
    for part in metadata:
        for each in part.metadata if isinstance(part, FieldInfo) else [part]:
            if isinstance(each, _LIMITS):
                ends |= {name: _typed(value) for name, _ in _BOUNDS if (value := getattr(each, name, None)) is not None}
    low = next((text.format(ends[name]) for name, text in _BOUNDS[:2] if name in ends), "")
    high = next((text.format(ends[name]) for name, text in _BOUNDS[2:] if name in ends), "")
    return f"{low}x{high}" if low or high else ""


def _unit(annotation: Any) -> str:
    """Return the unit of a number, or of those of a list."""
    metadata = annotation.__metadata__ if get_origin(annotation) is Annotated else ()
    inside = get_args(annotation)[:1] if metadata else get_args(annotation) if get_origin(annotation) is not Literal else ()
    return next((part for part in metadata if isinstance(part, str)), "") or next(filter(None, map(_unit, inside)), "")


def _default(field: _Field) -> str:
    owner: Any = field.owner
    if issubclass(owner, BaseModel):
        info = owner.model_fields[field.name]
        return REQUIRED if info.is_required() else _typed(info.get_default(call_default_factory=True))
    declared = next(one for one in dataclasses.fields(owner) if one.name == field.name)
    if declared.default_factory is not dataclasses.MISSING:
        return _typed(declared.default_factory())
    return REQUIRED if declared.default is dataclasses.MISSING else _typed(declared.default)


def _typed(value: Any) -> str:
    """Write a value as one types it."""
    if value is None:
        return ABSENT
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) or (isinstance(value, int) and abs(value) >= _LONG):
        return f"{value:.12g}" if abs(value) < _LONG else f"{value:g}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_typed, value))}]"
    owner: Any = type(value)
    if _is_table(owner):
        return _kind(owner)
    return "''" if value == "" else str(value)


def _either(words: Iterable[str]) -> str:
    """Write a, b or c."""
    listed = list(words)
    return " or ".join(filter(None, [", ".join(listed[:-1]), *listed[-1:]]))


def _first_line(owner: type) -> str:
    return (inspect.getdoc(owner) or "").partition("\n\n")[0].replace("\n", " ")


def _text(owner: type, name: str) -> str:
    """Return the text on one of a class's fields below Parameters in its docstring, or in that of a class that it extends."""
    for one in owner.__mro__:
        _, _, parameters = (inspect.cleandoc(one.__doc__ or "")).partition("Parameters\n----------\n")
        for names, text in re.findall(r"^(\S.*)\n((?: .*\n?|\n(?= ))+)", parameters, re.MULTILINE):
            if name in names.split(", "):
                return " ".join(text.split())
    return ""

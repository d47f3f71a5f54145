"""What is wrong with an experiment, in one line: pydantic's errors as key, value and what would be right."""

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from circuits.checked import plain
from circuits.quoting import quote, quoted
from hwsim.formatting import counted
from hwsim.settings.keys import keys, keys_of_kind, kinds_of, known_keys

_SHOWN = 3

FORMS = ("a network", "a netlist")
"""What pydantic calls the two forms of a circuit in the place of an error."""

Path = tuple[str | int, ...]
"""Keys and indices from the top of the experiment down."""


def dotted(path: Path) -> str:
    """Write a path as a user does: `circuit.layers[0].size`."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).removeprefix(".")


def near(key: str, valid: Sequence[str]) -> list[str]:
    """List the known keys that look most like one that is not: those of its section, then those of its name in others."""
    section, _, last = key.rpartition(".")
    section = re.sub(r"\[\d+\]", "[0]", section)
    of_section = {name: one for one in valid for table, _, name in [one.rpartition(".")] if table == section}
    alike = [of_section[name] for name in difflib.get_close_matches(last, of_section, n=_SHOWN, cutoff=0.7)]
    top = key.partition(".")[0]
    same = [one for one in valid if one.rpartition(".")[2] == last]
    alike += [one for one in same if one.partition(".")[0] == top] or same
    if not alike:
        names = {one.rpartition(".")[2]: one for one in sorted(valid, key=lambda one: one.partition(".")[0] == top)}
        alike += difflib.get_close_matches(key, valid, n=_SHOWN, cutoff=0.85)
        alike += [names[name] for name in difflib.get_close_matches(last, names, n=_SHOWN, cutoff=0.75)]
    return list(dict.fromkeys(alike))[:_SHOWN]


def instead(key: str, valid: Sequence[str], listed: str = "") -> str:
    """Suggest a key in place of an unknown one; `listed` is the command that lists the keys of a section, if one does."""
    section = key.partition(".")[0].partition("[")[0]
    hints = [f"did you mean {' or '.join(alike)}?"] if (alike := near(key, valid)) else []
    if not alike and section not in valid:
        hints.append(f"there are {', '.join(one for one in valid if '.' not in one)};")
    if listed:
        where = f"{listed} {section}" if section in valid and section != key else listed
        hints.append(f"{where} lists what there is")
    return " ".join(hints).removesuffix(";")


_LARGEST = 2**63 - 1

_WRITABLE = 14_000
"""Bits of a whole number that Python writes in decimal digits, of which it allows 4300."""


def too_large(table: Any, path: Path = ()) -> str:
    """Report a whole number in nested tables and lists that exceeds 64 bits; empty when there is none."""
    if isinstance(table, int) and abs(table) > _LARGEST:
        number = str(table) if table.bit_length() < _WRITABLE else hex(table)
        return f"{dotted(path)} = {quote(number)}: should be smaller; it has more than 64 bits"
    inner = table.items() if isinstance(table, Mapping) else enumerate(table) if isinstance(table, list | tuple) else ()
    return next((fault for key, value in inner if (fault := too_large(value, (*path, key)))), "")


def explain(error: ValidationError, given: Mapping[str, Any], model: type[BaseModel], listed: str = "") -> str:
    """Turn a validation error into one line of at most three problems; `listed` is the command that lists the keys."""
    lines: dict[str, tuple[int, str]] = {}
    located = [(detail, _path(detail, given)) for detail in error.errors()]
    for detail, path in located:
        if detail["type"] == "too_short" and any(len(other) > len(path) and other[: len(path)] == path for _, other in located):
            continue  # pydantic leaves out entries that are wrong, and then counts
        top = dotted(path[:2])  # members of a union fail each for itself: the one that got deepest was meant
        line = _line(detail, path, model, listed, _kind_beside(path, given))
        key = top if _in_union(detail, path) else line
        if key not in lines or len(path) > lines[key][0]:
            lines[key] = (len(path), line)
    shown = [line for _, line in lines.values()]
    more = f"; and {counted(len(shown) - _SHOWN, 'more problem')}" if len(shown) > _SHOWN else ""
    return "; ".join(shown[:_SHOWN]) + more


def _path(detail: ErrorDetails, given: Any) -> Path:
    """Leave out the names of types that pydantic puts into a location."""
    path: list[str | int] = []
    for place, key in enumerate(detail["loc"]):
        inside, last = given, place == len(detail["loc"]) - 1
        for step in path:
            inside = inside[step]
        tag = isinstance(inside, Mapping) and key == inside.get("kind") and not last  # of kind momentum, which has a key of that name
        inner = isinstance(inside, Mapping) and key in inside and not tag
        listed = isinstance(inside, list | tuple) and isinstance(key, int) and key < len(inside)
        if inner or listed or (last and detail["type"] in {"missing", "missing_argument"}):
            path.append(key)
    return tuple(path)


def _in_union(detail: ErrorDetails, path: Path) -> bool:
    return len(path) < len([key for key in detail["loc"] if key not in FORMS])


def _kind_beside(path: Path, given: Any) -> Any:
    """Return the kind that the table of a key names, if any."""
    for key in path[:-1]:
        given = given[key]
    return given.get("kind") if isinstance(given, Mapping) else None


def _table(path: Path) -> str:
    """Return the table of a key, as `known_keys` names it."""
    return dotted(tuple(0 if isinstance(part, int) else part for part in path[:-1]))


def _kind_by_default(path: Path, model: type[BaseModel]) -> str | None:
    """Return the kind of a table that names none, where the key is one of another kind; else None: no kind has it."""
    table, key = _table(path), path[-1]
    of_table = {one.key.rpartition(".")[2]: one for one in keys(model, table)}
    return of_table["kind"].default if "kind" in of_table and key in of_table else None


def _line(detail: ErrorDetails, path: Path, model: type[BaseModel], listed: str, kind: Any) -> str:
    key = quote(dotted(path))
    match detail["type"]:
        case "missing" | "missing_argument":
            return f"{key} is missing" + (f"; add [{key}], whose keys {listed} {key} lists" if listed and len(path) == 1 else "")
        case "extra_forbidden" | "unexpected_keyword_argument" if (kind := kind or _kind_by_default(path, model)) is not None:
            names = keys_of_kind(model, _table(path), kind)
            return f"{key} is no key of kind {quoted(kind)}, which has " + (", ".join(names) or "none")
        case "extra_forbidden" | "unexpected_keyword_argument":
            hint = instead(dotted(path), known_keys(model), listed)
            return f"{key} is not a known key" + (f"; {hint}" if hint else "")
        case "value_error":
            text = str(detail["ctx"]["error"])
            section = quote(dotted(path if path[1:] and isinstance(path[1], int) else path[:1]))
            return text if section in text or not section else f"{section}: {text}"
        case "union_tag_not_found" | "union_tag_invalid":
            return f"{key}.kind {_about_kind(detail, path, model)}"
    return f"{key} = {quoted(detail['input'])}: {_message(detail)}"


def _about_kind(detail: ErrorDetails, path: Path, model: type[BaseModel]) -> str:
    """Return what is wrong with the kind of a table."""
    if detail["type"] == "union_tag_invalid":
        return f"= {quoted(detail['ctx']['tag'])}: should be one of {detail['ctx']['expected_tags']}"
    *others, last = kinds_of(model, _table((*path, "kind"))) or ["a kind"]
    return f"is missing; set it to {', '.join(others) + ' or ' if others else ''}{last}"


def _message(detail: ErrorDetails) -> str:
    """Return what a value should be."""
    if detail["type"] == "too_short":
        return f"should have {counted(detail['ctx']['min_length'], 'entry', 'entries')} or more"
    return "should be a table of keys" if detail["type"] in _NO_TABLE else plain(detail["msg"])


_NO_TABLE = {"model_type", "dataclass_type", "model_attributes_type"}

"""A section of a datasheet: a title, what its numbers hold under, and a table; the terminal and the page show the same."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetSection:
    """What is shown of one subject.

    Parameters
    ----------
    title
        Its heading.
    condition
        What all its numbers hold under, in a sentence.
    header, rows
        The table; the first cell of a row is its name.
    notes
        What is not counted, or missing, and the remedy; a sentence each.

    """

    title: str
    condition: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()


class Subject(Protocol):
    """Numbers of one subject that show themselves."""

    def section(self) -> SheetSection:
        """Return how they are shown."""
        ...


def record(value: Any) -> Any:
    """Return frozen dataclasses, and what they hold, as JSON takes them; a number that is none is null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: record(getattr(value, field.name)) for field in dataclasses.fields(value)}
    match value:
        case Mapping():
            return {str(key): record(inner) for key, inner in value.items()}
        case list() | tuple():
            return [record(inner) for inner in value]
        case float():
            return value if math.isfinite(value) else None
    return value

"""Sections of a page: titles, facts, pictures, tables and listings, all plain text except for the pictures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hwsim.report.picture import Picture


def distinct(names: Sequence[str], places: Sequence[str]) -> list[str]:
    """Return names, each of those that are equal with the place of what it names behind it."""
    return [name if names.count(name) == 1 else f"{name} ({place})" for name, place in zip(names, places, strict=True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTable:
    """Rows under a header; the first cell of a row is its name. With `folded`, shown only when opened."""

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    links: Sequence[str] = ()
    """Anchors that the names of the rows lead to; none, or one a row."""
    folded: bool = False

    @property
    def numeric(self) -> list[bool]:
        """Whether a column holds only numbers, which are right-aligned."""
        return [all(cell[:1].isdigit() or cell[:1] in "+−-–" for cell in column) for column in zip(*self.rows, strict=True)]


@dataclass(frozen=True, slots=True)
class PageListing:
    """Text to copy, such as an experiment file. With `folded`, shown only when opened."""

    title: str
    text: str
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Gallery:
    """Pictures that belong together."""

    title: str
    about: str
    pictures: Sequence[Picture]

    @property
    def large(self) -> bool:
        """Whether its pictures need more room than others."""
        return any(picture.wide for picture in self.pictures)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSection:
    """A run, a sweep, or a summary of several of them.

    Parameters
    ----------
    anchor
        Its id in the page.
    facts
        The most important numbers, each with its name.
    notes
        What is missing, and the remedy.
    short
        Whether it shares a page with the one before, on paper.

    """

    anchor: str
    title: str
    about: str = ""
    facts: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = ()
    galleries: Sequence[Gallery] = ()
    tables: Sequence[PageTable] = ()
    listings: Sequence[PageListing] = ()
    short: bool = False

    def pictures(self) -> Iterator[Picture]:
        """List all its pictures in order."""
        for gallery in self.galleries:
            yield from gallery.pictures

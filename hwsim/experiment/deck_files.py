"""The files of a deck: its own and all that it includes, by their names from its folder."""

from pathlib import Path
from typing import TYPE_CHECKING

from netlists.text.findings import Finding, NetlistError

if TYPE_CHECKING:
    from netlists.deck import Deck
    from netlists.text.lines import Source


def contents(deck: "Deck") -> dict[str, bytes]:
    """Return the content of the deck and of all files that it includes, by their names from its folder.

    Raises
    ------
    NetlistError
        When one of them is outside of its folder.

    """
    return {name: path.read_bytes() for name, path in _paths(deck).items()}


def included(deck: "Deck") -> list[str]:
    """List the files that a deck includes, by their paths from its folder."""
    return [name for name in _paths(deck) if name != name_of(deck, deck.sources[0])]


def name_of(deck: "Deck", source: "Source") -> str:
    """Return the name of one of a deck's files, its path from the deck's folder."""
    assert source.path is not None  # noqa: S101 - as in _folder
    return str(source.path.relative_to(_folder(deck)))


def _paths(deck: "Deck") -> dict[str, Path]:
    paths = {source.path for source in deck.sources if source.path}
    folder = _folder(deck)
    outside = [path for path in sorted(paths) if not path.resolve().is_relative_to(folder.resolve())]
    if outside:
        text = f"includes {outside[0]}, and what is trained is kept with all its files; copy them into its folder"
        raise NetlistError([Finding(deck.sources[0].name, 1, text)])
    return {str(path.relative_to(folder)): path for path in sorted(paths)}


def _folder(deck: "Deck") -> Path:
    path = deck.sources[0].path
    assert path is not None  # noqa: S101 - it was read from a file
    return path.parent

"""The trained deck: a user's deck with learned values, in a run's folder and at a second place, next to all that it includes."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwsim.experiment.deck_files import contents, included, name_of
from hwsim.experiment.netlist_circuit import KEPT, TRAINED, expand
from hwsim.files import atomic
from netlists.text.findings import Finding, NetlistError

if TYPE_CHECKING:
    from netlists.deck import Deck

_OWN = {".toml", ".json", ".jsonl", ".npz", ".png"}
"""How the names of a run's own files end."""

_NUMBER = re.compile(rb"(?<![\w.])[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?[a-z]*")
"""A number in a deck, in small letters, with its prefix and unit."""


def written(deck: "Deck", g: Mapping[str, Any], name: str, sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the deck, under a name, and all files that it includes, with learned values and everything else as in its `contents`.

    A deck whose text has no place for these values is expanded.
    """
    from netlists.deck import encoded, expanded, rewrite_files  # noqa: PLC0415 - most experiments have no deck

    main = deck.sources[0]
    if unwritable(deck, g):
        return {**sources, name: encoded(expanded(deck, g))}
    changed = {name_of(deck, source): encoded(text) for source, text in rewrite_files(deck, g).items()}
    files_by_name = {**sources, **changed}
    return {name: files_by_name.pop(name_of(deck, main))} | files_by_name


def unwritable(deck: "Deck", g: Mapping[str, Any]) -> str:
    """Return why a deck's text has no place for learned values; nothing where it has, and ngspice reads them there."""
    from netlists.deck import rewrite_files  # noqa: PLC0415 - most experiments have no deck
    from netlists.foreign.reread import misread  # noqa: PLC0415 - as above

    try:
        rewrite_files(deck, g)
    except NetlistError as error:
        return str(error)
    return misread(deck, g, expand)


def refuse_names(deck: "Deck") -> None:
    """Refuse included files whose names a run's folder needs for itself.

    Raises
    ------
    NetlistError
        Naming the file.

    """
    for name in included(deck):
        if Path(name).suffix in _OWN or Path(name).parts[0] == KEPT or name == TRAINED:
            text = f"a run's folder keeps included files next to its own files, and {name} might be one of them; rename it"
            raise NetlistError([Finding(deck.sources[0].name, 1, text)])


def copy_back(run: Path, deck: "Deck", target: Path) -> None:
    """Write the trained deck that lies in a run's folder to another place, with what it includes next to it, where that has changed."""
    for name in included(deck):
        content = (run / name).read_bytes()
        if content != (target.parent / name).read_bytes():
            atomic.write(target.parent / name, content)
    atomic.write(target, (run / TRAINED).read_bytes())


def refuse_copy(deck: "Deck", target: Path, *, flat: bool = False) -> None:
    """Refuse a place at which a trained deck could not be written, or would not find what it includes.

    Raises
    ------
    NetlistError
        Naming what is in the way.

    """
    wrong = "is a folder; name a file" if target.is_dir() else f"there is no folder {target.parent}" if not target.parent.is_dir() else ""
    kept = {} if flat else contents(deck)
    for name in [] if flat else included(deck):
        neighbour = target.parent / name
        if not wrong and (not neighbour.is_file() or neighbour.read_bytes() != kept[name]):
            wrong = f"the deck includes {name}, and the file of that name next to this place differs; write into the deck's own folder"
    if wrong:
        raise NetlistError([Finding(str(target), 0, wrong)])


def resembles(deck: "Deck") -> Callable[[bytes], bool]:
    """Return what looks at the beginning of a file for whether it is the deck, maybe with other numbers, as after another training."""
    from netlists.deck import encoded  # noqa: PLC0415 - most experiments have no deck

    def lines(content: bytes) -> list[bytes]:
        return [_NUMBER.sub(b"0", line) for line in content.lower().splitlines()]

    own_lines = lines(encoded("\n".join(deck.sources[0].lines)))

    def look(head: bytes) -> bool:
        first = lines(head)[:-1] or lines(head)  # the last one may be cut
        return first == own_lines[: len(first)]

    return look

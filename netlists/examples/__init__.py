"""The examples: decks of hand size that teach one thing each, found by name wherever hwsim is installed."""

import re
from pathlib import Path

FOLDER = Path(__file__).parent

_NAMED = re.compile(r"(?:netlists/)?examples/([^/]+?)(?:\.cir)?")


def names() -> list[str]:
    """List what the examples are called on the command line, in alphabetical order: `examples/NAME`."""
    return sorted(f"examples/{path.stem}" for path in FOLDER.glob("*.cir"))


def find(what: str | Path) -> Path | None:
    """Return the deck that `examples/NAME` names, with or without `.cir`; None where it names none, or a file or folder that is there."""
    named = _NAMED.fullmatch(Path(what).as_posix())
    if named is None or f"examples/{named[1]}" not in names() or Path(what).exists():
        return None
    return FOLDER / f"{named[1]}.cir"


def title(name: str) -> str:
    """Return the title of an example of `names()`: its first line, without the star."""
    with (FOLDER / f"{name.removeprefix('examples/')}.cir").open(encoding="utf-8") as opened:
        return opened.readline().removeprefix("*").strip()

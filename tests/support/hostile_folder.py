"""What a stranger could have prepared: a folder of hostile decks, start-up files wherever ngspice looks, links that lead out."""

import os
from collections.abc import Iterator
from pathlib import Path

CORPUS = sorted((Path(__file__).parent.parent / "hostile").glob("*.cir"))

_ESCAPED = b"/tmp/hwsim-escaped"
"""What the decks try to write to, read or run; it becomes a file of the folder at hand."""


def lay_out(place: Path) -> dict[str, str]:
    """Fill a folder, and give the environment that leads ngspice to it. What escapes shows as a file `escaped…` there."""
    for name in ("deck", "home", "working", "scripts", "outside"):
        (place / name).mkdir()
    command = f"shell touch {place}/escaped\n"
    for name in ("deck/.spiceinit", "home/.spiceinit", "working/.spiceinit", "scripts/spinit"):
        (place / name).write_text(command, encoding="utf-8")
    for name in ("secret.inc", "outside/secret.inc"):
        (place / name).write_text("r9 out 0 1k\n", encoding="utf-8")
    deck = place / "deck"
    (deck / "link.inc").symlink_to(place / "secret.inc")
    (deck / "linked").symlink_to(place / "outside")
    os.mkfifo(deck / "pipe.inc")
    (deck / "twice.inc").write_text(".include twice.inc\n.include twice.inc\n", encoding="utf-8")
    (deck / "control.inc").write_text(f".control\n{command}.endc\n", encoding="utf-8")
    for path in CORPUS:
        (deck / path.name).write_bytes(path.read_bytes().replace(_ESCAPED, f"{place}/escaped".encode()))
    scripts = str(place / "scripts")
    return {"HOME": str(place / "home"), "SPICE_SCRIPTS": scripts, "SPICE_LIB_DIR": scripts, "NGSPICE_INPUT_DIR": scripts}


def decks(place: Path) -> Iterator[Path]:
    """Return the decks there."""
    yield from (place / "deck" / path.name for path in CORPUS)

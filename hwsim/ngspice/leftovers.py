"""What earlier processes left in the system's temporary folder: workers' folders whose owners were killed, and decks of long ago."""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from circuits.units import Second

WORKER, DECK = "hwsim-ngspice-", "hwsim-ngspice-deck-"
"""How names of workers' folders begin, and of folders of decks that show a failure."""

LOG = "log"
"""The file in a worker's folder that it and its engine hold a lock on."""

_YOUNG: Second = 24 * 3600.0
"""A worker's folder is looked at from this age on: it has its lock by then, unless an earlier version made it."""

_KEPT: Second = 7 * 24 * 3600.0
"""So long a deck is kept for whom its failure was reported to."""


@cache  # once a process
def remove_leftovers() -> None:
    """Remove this user's folders of workers that no process owns any more, and decks that have been kept for a week."""
    for folder in _old_folders():
        if folder.name.startswith(DECK) or not _owned(folder / LOG):
            shutil.rmtree(folder, ignore_errors=True)


def lock_log(log: int) -> None:
    """Lock a worker's log, by its open file: the lock lasts as long as any process has that file open that was given it."""
    with suppress(OSError):  # on a file system without locks nothing is removed
        fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _old_folders() -> Iterator[Path]:
    """List this user's folders that are old enough to be looked at."""
    with suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        for entry in entries:
            if entry.name.startswith(WORKER) and entry.is_dir(follow_symlinks=False):
                state, least = entry.stat(follow_symlinks=False), _KEPT if entry.name.startswith(DECK) else _YOUNG
                if state.st_uid == os.getuid() and time.time() - state.st_mtime > least:
                    yield Path(entry.path)


def _owned(log: Path) -> bool:
    """Whether a process holds the lock of a worker's log; where that cannot be known, some does."""
    try:
        with log.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False

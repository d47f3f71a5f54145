"""Claims: the batch that each process computes, so that several share a sweep; a dead process's claim is void at once."""

import os
from collections.abc import Iterable

from hwsim.sweep.database import Database

_SAME = 1.0
"""Two processes of one number were born at least this far apart [s]."""


def claim(database: Database, wanted: Iterable[int]) -> int | None:
    """Claim the first of the wanted batches without a living process; None when all are taken."""
    import psutil  # noqa: PLC0415 - only those who sweep need it

    me = psutil.Process()
    with database.writing() as connection:
        taken: dict[int, bool] = {}
        for batch, pid, born in connection.execute("SELECT batch, pid, born FROM claims").fetchall():
            taken[batch] = _alive(pid, born)
        free = next((batch for batch in wanted if not taken.get(batch)), None)
        if free is not None:
            connection.execute("INSERT OR REPLACE INTO claims VALUES (?, ?, ?)", (free, me.pid, me.create_time()))
    return free


def release(database: Database) -> None:
    """Release all claims of this process and of dead ones."""
    with database.writing() as connection:
        for batch, pid, born in connection.execute("SELECT batch, pid, born FROM claims").fetchall():
            if pid == os.getpid() or not _alive(pid, born):
                connection.execute("DELETE FROM claims WHERE batch = ?", (batch,))


def _alive(pid: int, born: float) -> bool:
    import psutil  # noqa: PLC0415

    try:
        process = psutil.Process(pid)
        return bool(abs(process.create_time() - born) < _SAME and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True

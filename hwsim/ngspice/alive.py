"""Alive: a worker's reports that it is at work, so that one that falls silent is noticed."""

import time
from multiprocessing.connection import Connection

from hwsim.ngspice.messages import Busy

_BUSY_EVERY = 1.0
"""s; how often a worker reports that it is alive."""


class Alive:
    """Reports through a connection, not more often than needed."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._reported = connection, time.monotonic()

    def report(self) -> None:
        """Report that the worker is at work, unless it has just done so."""
        if time.monotonic() > self._reported + _BUSY_EVERY:
            self._connection.send(Busy())
            self._reported = time.monotonic()

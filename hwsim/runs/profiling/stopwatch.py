"""Stopwatch: divides the time that passes among accounts. One of them runs at any moment, so that together they are the whole."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from circuits.units import Second

REST = "rest"
"""The account of all time without another."""


class Stopwatch:
    """Runs from its creation.

    Parameters
    ----------
    clock
        Returns the time [s].

    """

    def __init__(self, clock: Callable[[], Second] = time.perf_counter) -> None:
        self._clock, self._account, self._since = clock, REST, clock()
        self._seconds: dict[str, Second] = {}

    @contextmanager
    def on(self, account: str) -> Iterator[None]:
        """Assign the time within to an account, and to the one before again afterwards."""
        before = self._account
        self._switch(account)
        try:
            yield
        finally:
            self._switch(before)

    def move(self, seconds: Second, account: str) -> None:
        """Move time from the running account to another, after its purpose is known."""
        self.add(-seconds, self._account)
        self.add(seconds, account)

    def add(self, seconds: Second, account: str) -> None:
        """Add time to an account that this watch did not measure."""
        self._seconds[account] = self._seconds.get(account, 0.0) + seconds

    def seconds(self) -> dict[str, Second]:
        """Return the time of every account up to now [s]."""
        self._switch(self._account)
        return dict(self._seconds)

    def _switch(self, account: str) -> None:
        now = self._clock()
        self.add(now - self._since, self._account)
        self._account, self._since = account, now

"""Stopwatch: shares out the time that passes among accounts. One of them runs at any moment, so that together they are the whole."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from circuits.units import Second

REST = "rest"
"""The account of what has no other."""


class Stopwatch:
    """Runs from the moment it is made.

    Parameters
    ----------
    clock
        Gives the time [s].

    """

    def __init__(self, clock: Callable[[], Second] = time.perf_counter) -> None:
        self._clock, self._account, self._since = clock, REST, clock()
        self._seconds: dict[str, Second] = {}

    @contextmanager
    def on(self, account: str) -> Iterator[None]:
        """Let the time within go to an account, and to the one before again afterwards."""
        before = self._account
        self._switch(account)
        try:
            yield
        finally:
            self._switch(before)

    def move(self, seconds: Second, account: str) -> None:
        """Take time from the account that runs and give it to another: it came out later what it went to."""
        self.add(-seconds, self._account)
        self.add(seconds, account)

    def add(self, seconds: Second, account: str) -> None:
        """Give an account time that this watch did not see pass."""
        self._seconds[account] = self._seconds.get(account, 0.0) + seconds

    def seconds(self) -> dict[str, Second]:
        """Give the time of every account up to now [s]."""
        self._switch(self._account)
        return dict(self._seconds)

    def _switch(self, account: str) -> None:
        now = self._clock()
        self.add(now - self._since, self._account)
        self._account, self._since = account, now

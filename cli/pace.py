"""Pace: the remaining time of a job, from its recent pace."""

import time
from collections.abc import Callable

from circuits.units import Second

WINDOW = 60.0
"""How far to look back [s]: far enough to include rare events, such as saving; near enough for changes of pace."""


class Pace:
    """Estimates the remaining time from the amount done.

    Parameters
    ----------
    clock
        Returns the time [s].

    """

    def __init__(self, clock: Callable[[], Second] = time.monotonic) -> None:
        self._clock = clock
        self._begun = clock()
        self._marks: list[tuple[Second, float]] = []
        self._warm = False

    def remaining(self, done: float, total: float) -> Second | None:
        """Return the remaining time [s]; None before there was progress twice. What is done until then is not counted.

        The first of it waited for programs to be compiled, mostly.
        """
        now = self._clock()
        self._marks.append((now, done))
        if not self._warm:
            self._warm = done > self._marks[0][1]
            if self._warm:
                del self._marks[:-1]
        while now - self._marks[0][0] > WINDOW and len(self._marks) > 2:  # noqa: PLR2004 - a pace takes two
            del self._marks[0]
        since, before = self._marks[0]
        return None if done <= before else (total - done) * (now - since) / (done - before)

    def elapsed(self) -> Second:
        """Return the time since the job began [s]."""
        return self._clock() - self._begun


def clock_face(seconds: Second) -> str:
    """Format a time as a clock does: 0:07, 12:34, 1:02:03."""
    minutes, second = divmod(round(seconds), 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour}:{minute:02}:{second:02}" if hour else f"{minute}:{second:02}"

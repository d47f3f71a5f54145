"""Pace: how long a job will still take, judging by how it went of late."""

import time
from collections import deque
from collections.abc import Callable

from circuits.units import Second

WINDOW = 60.0
"""How far to look back [s]: far enough for what comes up once in a while, such as saving; near enough for changes of pace."""


class Pace:
    """Hears how much is done, and tells how long the rest will take.

    Parameters
    ----------
    clock
        Gives the time [s].

    """

    def __init__(self, clock: Callable[[], Second] = time.monotonic) -> None:
        self._clock = clock
        self._begun = clock()
        self._marks: deque[tuple[Second, float]] = deque()

    def left(self, done: float, total: float) -> Second | None:
        """Give how long the rest will take [s]; None while nothing was seen to go on. What is done at the first call counts for nothing."""
        now = self._clock()
        self._marks.append((now, done))
        while now - self._marks[0][0] > WINDOW and len(self._marks) > 2:  # noqa: PLR2004 - a pace takes two
            self._marks.popleft()
        since, before = self._marks[0]
        return None if done <= before else (total - done) * (now - since) / (done - before)

    def elapsed(self) -> Second:
        """Give how long the job has been under way [s]."""
        return self._clock() - self._begun


def clock_face(seconds: Second) -> str:
    """Write a time as a clock does: 0:07, 12:34, 1:02:03."""
    minutes, second = divmod(round(seconds), 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour}:{minute:02}:{second:02}" if hour else f"{minute}:{second:02}"

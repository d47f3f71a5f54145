"""What EXTERNAL sources say: ngspice asks for each of them in each of its iterations, some 100,000 times a second.

It goes through all its sources of one kind, voltages or currents, in an order of its own, which is the same as long as a circuit is
loaded. So their names are read in the first round only; from then on their values are handed out in turn, which takes half the time.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

_NAN = float("nan")


class Sources:
    """The sources of one kind.

    Parameters
    ----------
    read
        Turns what ngspice passes for a name into bytes.

    """

    def __init__(self, read: Callable[[Any], bytes]) -> None:
        self.rounds = 0
        self._read = read
        self._values: Mapping[bytes, float] = {}
        self._order: list[bytes] = []
        self._known = False
        self._next: Callable[[], float] = iter(()).__next__

    def forget(self) -> None:
        """Expect the sources of another circuit."""
        self._order, self._known = [], False

    def say(self, values: Mapping[bytes, float]) -> None:
        """Change what the sources say, between two rounds. Those that have no value say NaN, which fails the point."""
        self._values = values
        if self._known:
            self._next = self._in_turn().__next__

    def callback(self, value: Any, _time: float, name: Any, _number: int, _user: Any) -> int:
        """Answer for one source."""
        value[0] = self._next() if self._known else self._learn(name)
        return 0

    def _learn(self, name: Any) -> float:
        """Answer by name; when the first one comes again, the order is known."""
        asked = self._read(name)
        if self._order and asked == self._order[0]:
            self._known = True
            self._next = self._in_turn().__next__
            return self._next()
        self.rounds += not self._order
        self._order.append(asked)
        return self._values.get(asked, _NAN)

    def _in_turn(self) -> Iterator[float]:
        values = [self._values.get(name, _NAN) for name in self._order]
        while True:
            self.rounds += 1
            yield from values

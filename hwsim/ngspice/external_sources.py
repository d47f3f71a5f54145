"""Values of EXTERNAL sources: ngspice asks for each of them in each of its iterations, some 100,000 times a second.

It goes through all its sources of one kind, voltages or currents, in an order of its own, which is the same as long as a circuit is
loaded. So their names are read in the first round only; from then on their values are handed out in turn, which takes half the time.
ctypes calls Python in half the time that cffi, PySpice's way, takes.
"""

import ctypes
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

Callback = Callable[[int, float, Any, int, Any], int]

ASKING = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_double, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
"""What ngspice calls: with where the value goes, the time, the source's name, the library's number and what it was given for itself."""

_NOWHERE = -1
"""The place of a source without a value: that of the NaN behind all values."""

_NAN = float("nan")


class SourceValues:
    """The sources of one kind. `callback` is what ngspice calls for each; `rounds` counts how often it asked for them all.

    Parameters
    ----------
    read
        Turns what ngspice passes for a name into bytes.

    """

    def __init__(self, read: Callable[[Any], bytes]) -> None:
        self.rounds = 0
        self._read = read
        self._places: Mapping[bytes, int] = {}
        self._values: Sequence[float] = ()
        self._order: list[int] = []
        self._first: bytes | None = None
        self._order_known = False
        self._turn: list[Callable[[Any], float]] = [self._learn]
        self.callback = _callback(self._turn)

    def expect(self, places: Mapping[bytes, int]) -> None:
        """Set which value belongs to which source, by name, for a circuit that was just loaded."""
        self._places, self._order, self._first, self._order_known = places, [], None, False
        self._turn[0] = self._learn

    def set_values(self, values: Sequence[float]) -> None:
        """Change the values of the sources, between two rounds. A source without a value is NaN, which fails the point."""
        self._values = values
        if self._order_known:
            self._begin()

    def _learn(self, name: Any) -> float:
        """Answer by name; when the first one comes again, the order is known."""
        asked = self._read(name)
        if asked == self._first:
            self._order_known = True
            self._begin()
            return self._turn[0](name)
        if self._first is None:
            self._first = asked
            self.rounds += 1
        self._order.append(self._places.get(asked, _NOWHERE))
        return [*self._values, _NAN][self._order[-1]]

    def _begin(self) -> None:
        turn = self._in_turn()
        next(turn)
        self._turn[0] = turn.send

    def _in_turn(self) -> Generator[float, Any, None]:
        at_places = [*self._values, _NAN]
        values = [at_places[place] for place in self._order]
        yield _NAN  # to nobody: it makes ready for `send`
        while True:
            self.rounds += 1
            for value in values:  # noqa: UP028 - a list cannot be sent names
                yield value


def _callback(turn: list[Callable[[Any], float]]) -> Callback:
    """Make the function that ngspice calls; without attributes to look up, for it takes a tenth of a sweep; most values go to one place."""
    place, value = 0, ctypes.c_double()

    def callback(where: int, _time: float, name: Any, _number: int, _user: Any) -> int:
        nonlocal place, value
        if where != place:
            place, value = where, ctypes.c_double.from_address(where)
        value.value = turn[0](name)
        return 0

    return callback

"""One libngspice in this process, through PySpice's binding: load a deck, then sweep through points whose sources Python gives.

A circuit has EXTERNAL sources, whose values ngspice asks for in each of its iterations. The points of one `.dc` sweep over a counter
are the equilibria: after each of them ngspice reports the voltages, and the sources take on the values of the next. One sweep builds
the matrix once and starts each point from the last, which makes it 5 to 50 times faster than an analysis a point.

ngspice begins a point by extrapolating the last two, and where these belong to two samples, that leads astray. But after a pause it takes
the first point for both: so a sweep pauses before each sample, whose second point then starts from the first.

ngspice returns 0 on most failures: a sweep is checked by the number of its points, and what it wrote is kept for the message.
The library lives as long as the process does, and not two can live in one.
"""

import ctypes
import logging
import math
import re
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count
from typing import Any

import numpy as np

from hwsim.ngspice.external_sources import ASKING, SourceValues
from hwsim.typing import Floats
from netlists.foreign.allowed import first_refused
from netlists.write.options import Tolerances

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # PySpice 1.5 is of 2021: Python 3.12 warns of its escapes, NumPy of its names
    logging.getLogger("PySpice").addHandler(logging.NullHandler())  # it calls this version of ngspice unsupported, and it is not
    logging.getLogger("PySpice").propagate = False
    from PySpice.Spice.NgSpice.Shared import NgSpiceShared, ffi

Follow = Callable[[Floats, int], Sequence[float] | None]
"""Takes the voltages of a point and the number of iterations before it; gives the sources' values at the next point.

None keeps the values."""

_KEPT_MESSAGES = 500
_CHATTER = ("gmin", "Note:", "source step", "Supplies reduced")


_VOLTS = re.compile(r"v\((.*)\)", re.IGNORECASE)


def bare(vector: str) -> str:
    """Return a node's name for that of its voltage: ngspice calls that of a node `1` V(1)."""
    match = _VOLTS.fullmatch(vector)
    return (match[1] if match else vector).lower()


class SessionError(RuntimeError):
    """Raised when ngspice did not do what it was asked to, with its own message."""


class LibrarySession(NgSpiceShared):  # type: ignore[misc] # PySpice has no types
    """The library with one circuit in it."""

    def __init__(self) -> None:
        self.messages: deque[str] = deque(maxlen=_KEPT_MESSAGES)
        self.ended: int | None = None
        self.error: BaseException | None = None
        self._places: dict[bytes, int] = {}
        self._kinds = SourceValues(ctypes.string_at), SourceValues(ctypes.string_at)
        self._asked = [ASKING(kind.callback) for kind in self._kinds]
        self._points = 0
        self._pauses = set[int]()
        self._order: list[int] | None = None
        self._nodes: Sequence[str] = ()
        self._follow: Follow | None = None
        super().__init__(send_data=True)
        addresses = [ctypes.cast(asked, ctypes.c_void_p).value for asked in self._asked]
        voltages, currents = (ffi.cast(f"Get{letter}SRCData *", address) for letter, address in zip("VI", addresses, strict=True))
        self._ngspice_shared.ngSpice_Init_Sync(voltages, currents, ffi.NULL, self._ngspice_id, self._self_c)
        self.command("optran 1 1 1 0 0 0")  # no pseudo-transient: it passes off circuits without a solution as solved

    @staticmethod
    def _send_char(message: Any, _: int, user: Any) -> int:
        """Keep what ngspice writes; PySpice's own would take every line on stderr for a failure."""
        self = ffi.from_handle(user)
        stream, _, text = ffi.string(message).decode(errors="replace").partition(" ")
        (self._stderr if stream == "stderr" else self._stdout).append(text)
        if stream == "stderr":
            self.messages.append(text)
        return 0

    @staticmethod
    def _exit(status: int, *rest: Any) -> int:
        """Note that ngspice gave up: its state is lost, and so is this process's use of it."""
        self = ffi.from_handle(rest[-1])
        self.ended = status
        return 0

    @staticmethod
    def _send_data(data: Any, count: int, _: int, user: Any) -> int:
        """Take in the voltages of a point; exceptions must not reach ngspice, which would continue with zeros."""
        self = ffi.from_handle(user)
        if self.error is None:
            try:
                self._arrived(data.vecsa, count)
            except BaseException as error:  # noqa: BLE001 - it is raised again by `sweep`
                self.error = error
                self._set_values([float("nan")] * len(self._places))
        return 0

    def _arrived(self, vectors: Any, length: int) -> None:
        if self._order is None:
            where = {bare(ffi.string(vectors[k].name).decode().lower()): k for k in range(length)}
            self._order = [where[name] for name in self._nodes]
        v = np.array([vectors[k].creal for k in self._order])
        self._points += 1
        following = None if self._follow is None else self._follow(v, max(kind.rounds for kind in self._kinds))
        for kind in self._kinds:
            kind.rounds = 0
        if following is not None:
            self._set_values(following)

    def _set_values(self, values: Sequence[float]) -> None:
        """Change the values of the sources."""
        for kind in self._kinds:
            kind.set_values(values)

    def command(self, command: str) -> None:
        """Let ngspice carry out a command.

        Raises
        ------
        SessionError
            When ngspice gave up.

        """
        self._ngspice_shared.ngSpice_Command(command.encode())
        self._check_alive()

    def printed(self, command: str) -> list[str]:
        """Let ngspice carry out a command, and return the lines that it prints.

        Raises
        ------
        SessionError
            When ngspice gave up.

        """
        self._stdout.clear()
        self._ngspice_shared.ngSpice_Command(command.encode())
        lines = list(self._stdout)
        self._check_alive()
        return lines

    def plot(self) -> str:
        """Return the name of what the last analysis found, `op1` for instance; `const` when there is none."""
        name: str = ffi.string(self._ngspice_shared.ngSpice_CurPlot()).decode(errors="replace")
        return name

    def vectors(self) -> dict[str, float]:
        """Return the last value of all that the last analysis found, by name."""
        names, values = self._ngspice_shared.ngSpice_AllVecs(self.plot().encode()), dict[str, float]()
        for k in count():
            if names[k] == ffi.NULL:
                return values
            name = ffi.string(names[k]).decode(errors="replace")
            value = self._value(name)
            if value is not None:
                values[bare(name)] = value
        return values

    def ask(self, name: str, parameters: Iterable[str]) -> dict[str, float]:
        """Return parameters of an element or a model, as far as it has them."""
        values = ((parameter, self._value(f"@{name}[{parameter}]")) for parameter in parameters)
        return {parameter: value for parameter, value in values if value is not None}

    def _value(self, name: str) -> float | None:
        vector = self._ngspice_shared.ngGet_Vec_Info(name.encode())
        if vector == ffi.NULL or vector.v_length < 1 or vector.v_realdata == ffi.NULL:
            return None
        return float(vector.v_realdata[vector.v_length - 1])

    def alter(self, resistances: Mapping[str, float]) -> None:
        """Change the resistances of resistors [ohm], by their names; they count from the next sweep on."""
        for name, ohm in resistances.items():
            self._ngspice_shared.ngSpice_Command(f"alter {name} = {ohm!r}".encode())
        self._check_alive()

    def _check_alive(self) -> None:
        self._stdout.clear()
        self._stderr.clear()
        if self.ended is not None:
            msg = f"ngspice gave up with status {self.ended}: {self.complaint()}"
            raise SessionError(msg)

    def complaint(self) -> str:
        """Return what ngspice complained of since the last load or sweep, in one line, without the story of its attempts."""
        lines = [text.strip() for text in self.messages if text.strip()]
        complaints = [line for line in dict.fromkeys(lines) if not any(word in line for word in _CHATTER)]
        return "; ".join(complaints or lines[-1:]) or "ngspice printed nothing"

    def load(self, deck: str) -> str:
        """Put a deck in the place of the last one, and return what ngspice warns of in it; nothing if it does not.

        Raises
        ------
        SessionError
            When ngspice refuses it.

        """
        self.command("remcirc")
        self._places, self._pauses = {}, set()
        for kind in self._kinds:
            kind.expect({})
        self.messages.clear()
        lines = deck.removesuffix("\n").split("\n")
        refused = first_refused(lines)
        if refused is not None:
            msg = f"ngspice is not given {refused}, which could be a command to it; only cards of elements are passed on"
            raise SessionError(msg)
        texts = [ffi.new("char[]", line.encode()) for line in lines]
        self._ngspice_shared.ngSpice_Circ(ffi.new("char *[]", [*texts, ffi.NULL]))
        self._check_alive()
        if any("error" in text.lower() for text in self.messages):
            msg = f"ngspice refuses the deck: {self.complaint()}"
            raise SessionError(msg)
        return self.complaint() if self.messages else ""

    def tolerate(self, tolerances: Tolerances) -> None:
        """Change when ngspice takes an iteration for the solution."""
        self.command(f"option reltol={tolerances.relative!r} vntol={tolerances.voltage!r} abstol={tolerances.current!r}")

    def sweep(
        self,
        counters: Sequence[str],
        counts: Sequence[int],
        values: Mapping[str, float],
        nodes: Sequence[str],
        follow: Follow,
        *,
        group: int = 0,
    ) -> int:
        """Find equilibria, and give how many were found: fewer than there are points, where ngspice failed at the next.

        Parameters
        ----------
        counters
            Names of one or two voltage sources that count the points. With two, the first counts the points of a group, which begins
            afresh from no guess, and the second counts the groups.
        counts
            How far each counts.
        values
            Values of the EXTERNAL sources at the first point, by name.
        nodes
            Whose voltages to report.
        follow
            Is called with them, point by point, and returns the values for the next.
        group
            Points of a group that begins at the last point before it, and whose second point is not extrapolated; 0: there are none.

        """
        ends = (f"{name.lower()} 0 {count - 1} 1" for name, count in zip(counters, counts, strict=True))
        command = " ".join(["dc", *ends])
        total = math.prod(counts)
        return self._analyse(lambda: self._in_groups(command, group if group < total else 0, total), values, nodes, follow)

    def _in_groups(self, command: str, group: int, total: int) -> None:
        """Sweep through `total` points, and pause behind each group but the last; groups of 0 points are none.

        The first pause is set once a deck, and later sweeps pause there too.
        """
        if group and group not in self._pauses:
            self.command(f"stop after {group}")
            self._pauses.add(group)
        self.command(command)
        reached, expected = 0, 0
        while reached < self._points and self._points in {expected, *self._pauses}:
            self.messages.clear()
            reached = self._points
            expected = reached + group
            self.command(f"step {group}" if group and expected < total else "resume")

    def respond(self, amplitudes: Mapping[str, float], values: Mapping[str, float], nodes: Sequence[str]) -> Floats | None:
        """Return the voltages of nodes in answer to sources of these amplitudes, of a circuit linearised at its operating point.

        It is the real part of an analysis at 1 µHz. None: ngspice found no operating point.

        Parameters
        ----------
        amplitudes
            By the names of sources; others have those of the last call.
        values
            Values of all EXTERNAL sources, by name, at the operating point.
        nodes
            Whose voltages to return.

        """
        answers = list[Floats]()
        for name, amplitude in amplitudes.items():
            self._ngspice_shared.ngSpice_Command(f"alter @{name.lower()}[acmag] = {amplitude!r}".encode())
        points = self._analyse(lambda: self.command("ac lin 1 1u 1u"), values, nodes, lambda v, _: answers.append(v))
        return answers[0] if points == 1 else None

    def follow(self, command: str, nodes: Sequence[str], arrived: Callable[[Floats, int], None]) -> int:
        """Carry out an analysis in time, call `arrived` with time and voltages of nodes at each point, and return how many there were."""
        return self._analyse(lambda: self.command(command), {}, ["time", *nodes], arrived)

    def _analyse(self, run: Callable[[], None], values: Mapping[str, float], nodes: Sequence[str], follow: Follow) -> int:
        """Carry out an analysis, and return how many points it has."""
        self.messages.clear()
        places = {name.lower().encode(): k for k, name in enumerate(values)}
        if places != self._places:
            self._places = places
            for kind in self._kinds:
                kind.expect(places)
        self._set_values(list(values.values()))
        self._nodes, self._follow, self._order, self.error = nodes, follow, None, None
        self._points = 0
        for kind in self._kinds:
            kind.rounds = 0
        try:
            run()
        finally:
            self.command("destroy all")
            self._ngspice_shared.ngSpice_Command(ffi.NULL)  # frees what ngspice remembers of past commands
            self._follow = None
        if self.error is not None:
            raise self.error
        return self._points

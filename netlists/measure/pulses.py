"""Pulses: a deck in which one memristor is programmed pulse by pulse in time, and its conductance is next to a model's."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from circuits.units import Second, Siemens, Volt
from netlists.measure.control import SILENT, ending
from netlists.text.numbers import plain
from netlists.write import subcircuits

_EDGE = 1e-3
"""Share of a pulse in which it rises, and falls."""

_STEPS = 20
"""Points in time that a pulse is shown with."""

_LEAST_STEPS = 4
"""Into how many steps ngspice divides the longest pulse at least; where anything changes it takes more."""

_OPTIONS = (".options reltol=1e-6 vntol=1e-9 abstol=1e-12 trtol=20 method=gear", ".options noinit")
"""Gear's method, because the state stands still and moves by turns, and the trapezoidal rule would swing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Train:
    """Pulses in one direction, as long apart as they are long.

    Parameters
    ----------
    name
        `up` or `down`.
    v, t
        Of a whole pulse [V, s].
    share
        How much of that time each pulse lasts, at most 1.
    counts
        After how many pulses the memristor is read, rising.
    expected
        What it conducts then, by the model [S].

    """

    name: str
    v: Volt
    t: Second
    counts: Sequence[int]
    expected: Sequence[Siemens]
    share: float = 1.0

    @property
    def time(self) -> Second:
        """How long it takes, with a pause of one pulse in the end."""
        return (2 * self.counts[-1] + 1) * self.t


def pulses_deck(title: str, parameters: Mapping[str, float], trains: Sequence[Train], notes: Sequence[str] = ()) -> str:
    """Write the deck.

    Parameters
    ----------
    title
        Whose pulses these are.
    parameters
        Of the library's subcircuit `memristor`.
    trains
        What is sent, one after another.
    notes
        Lines on top.

    Raises
    ------
    ValueError
        When a number is not finite.

    """
    return "\n".join([*_lines(title, parameters, trains, notes), ".end"]) + "\n"


def _lines(title: str, parameters: Mapping[str, float], trains: Sequence[Train], notes: Sequence[str]) -> Iterator[str]:
    yield f"* {' '.join(title.split())}, one memristor, programmed pulse by pulse, written by hwsim for ngspice"
    yield from (f"* {line}" for note in notes for line in note.splitlines())
    yield from (
        "*",
        "* Run it: ngspice FILE plots and stays open; ngspice -b FILE prints and ends.",
        "* It prints what the memristor conducts after some pulses, and what the model foretells.",
    )
    yield from (*_OPTIONS, "*", *subcircuits.text("memristor").splitlines(), "*")
    yield from (
        "* The pulses: each source begins when its turn comes, and B_write lets the one through whose turn it is.",
        *_sources(trains),
    )
    yield "*"
    words = [f"{name}={word}" for name, word in zip(parameters, plain(list(parameters.values()), "memristor"), strict=True)]
    yield "X_memristor write 0 state memristor"
    yield from (f"+ {' '.join(words[first : first + 6])}" for first in range(0, len(words), 6))
    yield from ("*", *_control(parameters, trains))


def _starts(trains: Sequence[Train]) -> list[Second]:
    starts = [0.0]
    for train in trains:
        starts.append(starts[-1] + train.time)
    return starts


def _sources(trains: Sequence[Train]) -> Iterator[str]:
    chosen = "0"
    for train, start in reversed(list(zip(trains, _starts(trains), strict=False))):
        edge = _EDGE * train.share * train.t
        shape = plain([0, train.v, start + train.t, edge, edge, train.share * train.t - edge, 2 * train.t], "pulses")
        yield f"V_{train.name} {train.name} 0 dc 0 pulse({' '.join(shape)})"
        (end,) = plain(start + train.time, "pulses")
        chosen = f"V({train.name})" if chosen == "0" else f"time < {end} ? V({train.name}) : {chosen}"
    yield f"B_write write 0 V = {chosen}"


def _control(parameters: Mapping[str, float], trains: Sequence[Train]) -> Iterator[str]:
    starts = _starts(trains)
    shortest = min(train.share * train.t for train in trains)
    longest = max(train.t for train in trains)
    g_min, g_max, step, stop, most = plain(
        [parameters["g_min"], parameters["g_max"], shortest / _STEPS, starts[-1], longest / _LEAST_STEPS], "pulses"
    )
    yield from (".control", "set noaskquit", SILENT, "set numdgt=9", "save v(state)", f"tran {step} {stop} 0 {most}")
    yield from ("let g = " + f"{g_min} + v(state)*({g_max} - {g_min})", "let worst = 0")
    yield "echo siemens after so many pulses: g by ngspice and by the model and what they are apart in shares of the range"
    for train, start in zip(trains, starts, strict=False):
        for count, model in zip(train.counts, train.expected, strict=True):
            name = f"{train.name}_{count}"
            at, expected = plain([start + (2 * count + 0.5) * train.t, model], "pulses")
            yield from (f"echo {train.name} {count}", f"meas tran g_{name} find g at={at}", f"let model_{name} = {expected}")
            yield from (f"print model_{name}", f"let apart_{name} = (g_{name} - model_{name})/({g_max} - {g_min})", f"print apart_{name}")
            yield f"let worst = (worst + abs(apart_{name}) + abs(worst - abs(apart_{name})))/2"
    yield from ("echo the largest of them all", "print worst", *ending(["plot g ylabel S"]))

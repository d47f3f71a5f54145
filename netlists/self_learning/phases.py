"""Two phases of one circuit in time: clocks that nudge it, close the switches of what holds each phase, and let memories learn."""

from circuits.units import Second
from netlists.text.numbers import plain

PARTS = 3
"""Of a cycle: one phase, the other, and learning. With knobs, conductances learn in the other phase."""

RISE = 1e-3
"""Share of a part in which a clock rises."""

SWITCH = (0.4, 0.5)
"""When a switch closes within its part, and for how long: nodes have settled by then, and the nudge lasts until it is open again."""

LEARNING = 0.5
"""Share of its part in which memories learn: they have stopped before a presentation ends."""

HOLDING = 1e-3
"""Share of a part in which what holds a phase follows it."""

MOST = 50
"""Most cycles of a presentation: each is then long next to the time in which samples change."""


def part(period: Second, cycles: int, parts: int = PARTS) -> Second:
    """Return how long a part of a cycle lasts [s]."""
    return period / (parts * cycles)


def duty() -> float:
    """Return in which share of the time memories learn."""
    return LEARNING / PARTS


def clock(name: str, one: Second, parts: int, begin: float, share: float, late: Second) -> str:
    """Write a clock that is 1 V once a cycle.

    Parameters
    ----------
    name
        Of its node.
    one, parts
        How long a part of a cycle lasts [s], and how many a cycle has.
    begin, share
        When it rises and how long it lasts, in parts of a cycle.
    late
        How much later than a presentation its cycles begin [s].

    """
    rise = RISE * one
    return f"V_{name} {name} 0 pulse(0 1 {' '.join(plain([late + begin * one, rise, rise, share * one - rise, parts * one], 'time'))})"

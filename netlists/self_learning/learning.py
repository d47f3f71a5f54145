"""How a deck learns by itself: pace, nudge, memories, and what is imperfect about them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from circuits.units import Farad, Second, Siemens, Volt
from netlists.self_learning import phases

MEMORY: Farad = 1e-9
"""Of each memory; currents and leaks are scaled to it, so that no result depends on it."""

RISE = 1e-3
"""Share of a presentation in which the sources go to the next sample."""

STEPS = 10
"""Of a presentation, at least: memories then follow the gradient within a thousandth."""

CLAMPING = 1e-3
"""Share of a presentation in which what is beyond a bound decays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfLearning:
    """How the conductances follow the gradient, dg/dt = -(rate/period)·dC/dg, in a circuit that no program looks after.

    Parameters
    ----------
    volt
        What a volt of a memory stands for [S].
    beta
        Of the nudge [S].
    sides
        By what each twin's nudge, or each phase's, is multiplied: (1, -1), or (1, 0) for a nudged and a free one.
    rates
        One a trainable array [S²/V²]: what a presentation changes, for a unit of gradient; with `resolution` in S, its step.
    epochs
        How often each training sample is presented.
    period
        Of a presentation [s].
    factors
        c_l/c_L of each trainable array, by name.
    chops
        How often the twins change sides within a presentation; 0: never.
    cycles
        How often one circuit, in place of twins, goes through both phases within a presentation; 0: there are twins.
    resolution
        Least voltage that its comparators resolve, where a memory moves by the sign of the gradient alone [V]; None: by the gradient.
    average
        Over which time comparators average what they decide by [s], a volt for a square volt; None: they decide at each moment.
    leak
        In what time a memory loses all but 1/e of its charge [s]; None: it keeps it.
    knobs
        Whether conductances are held by springs, and learn as they give way to the circuit's own forces; in cycles alone.
    skew
        Of each trainable array, by how much larger the second twin's conductances are, of g's shape; what is not there has 1.

    Raises
    ------
    ValueError
        When a number is out of range.

    """

    volt: Siemens
    beta: Siemens
    rates: Sequence[float]
    epochs: int
    factors: Mapping[str, Any]
    sides: tuple[float, float] = (1.0, -1.0)
    period: Second = 1e-3
    chops: int = 0
    cycles: int = 0
    resolution: Volt | None = None
    average: Second | None = None
    leak: Second | None = None
    knobs: bool = False
    skew: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check that all numbers are in range."""
        positive = {"volt": self.volt, "beta": self.beta, "period": self.period, "epochs": self.epochs}
        positive |= {name: value for name in ("resolution", "average", "leak") if (value := getattr(self, name)) is not None}
        for name, value in positive.items():
            if not 0 < value < math.inf:
                msg = f"self-learning: {name} = {value:g} must be positive"
                raise ValueError(msg)
        if self.average is not None and self.resolution is None:
            msg = f"self-learning: average = {self.average:g} s is that of comparators; set resolution too"
            raise ValueError(msg)
        if not 0 <= self.cycles <= phases.MOST:
            msg = f"self-learning: cycles = {self.cycles} must be at most {phases.MOST}"
            raise ValueError(msg)
        if self.cycles and (self.chops or self.skew):
            msg = "self-learning: chops and mismatch are those of twins, and a circuit in two phases has none; choose one of both"
            raise ValueError(msg)
        if self.knobs and (not self.cycles or self.resolution is not None):
            msg = "self-learning: knobs need the two phases of one circuit, and compare nothing; set cycles, and leave comparators out"
            raise ValueError(msg)
        for rate in self.rates:
            if not 0 <= rate < math.inf:
                msg = f"self-learning: rate = {rate:g} must be 0 or more"
                raise ValueError(msg)

    @property
    def memristor(self) -> str:
        """The subcircuit of a device."""
        if self.knobs:
            return "knob_memristor"
        return "sampled_memristor" if self.cycles else "twin_memristor"

    @property
    def rule(self) -> str:
        """The subcircuit by which a memory learns."""
        if self.knobs:
            return "knob"
        return "squares" if self.resolution is None else "compared_squares" if self.average is None else "averaged_squares"

    @property
    def parts(self) -> int:
        """Of a cycle."""
        return 2 if self.knobs else phases.PARTS

    @property
    def duty(self) -> float:
        """In which share of the time memories learn."""
        return phases.duty() if self.cycles else 1.0

    @property
    def spread(self) -> float:
        """What separates both nudges, in units of beta."""
        return self.sides[0] - self.sides[1]

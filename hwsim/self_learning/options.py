"""What a user chooses of a self-learning deck beyond its experiment."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from circuits.units import Second, Siemens, Volt

PERIOD: Second = 1e-3
"""Of a presentation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningOptions:
    """How a circuit learns by itself, and what is imperfect about it.

    Parameters
    ----------
    rate
        What a presentation changes [S²/V²], or with `resolution` by how much [S], one number or one a trainable array; None: the
        experiment's rate for `sgd`, or else one that fits the range of the conductances and of the targets.
    volt
        What a volt of a memory stands for [S]; None: the largest conductance of a device.
    beta
        Of the nudge [S]; None: the experiment's, of a nudge of kind `following`, or else a twentieth of the outputs' conductance.
    period
        Of a presentation [s].
    twins
        Whether both twins, or both phases, are nudged, to opposite sides, or one is left free.
    chops
        How often the twins change sides in a presentation.
    cycles
        How often one circuit, in place of twins, goes through both phases in a presentation; 0: there are twins.
    knobs
        Whether conductances are held by springs and learn as they give way, in cycles: agnostic equilibrium propagation.
    resolution
        Of comparators [V], where memories move by the sign of the gradient alone.
    average
        Over how many presentations comparators average what they decide by; None: they decide at each moment.
    leak
        In how many presentations a memory loses all but 1/e of its charge; None: it keeps it.
    mismatch
        Relative standard deviation between the conductances of both twins.

    """

    rate: float | Sequence[float] | None = None
    volt: Siemens | None = None
    beta: Siemens | None = None
    period: Second = PERIOD
    twins: Literal["opposed", "free"] = "opposed"
    chops: int = 0
    cycles: int = 0
    knobs: bool = False
    resolution: Volt | None = None
    average: float | None = None
    leak: float | None = None
    mismatch: float = 0.0

"""Messages between an engine and its worker processes. Whatever is in here can be pickled."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hwsim.ngspice.plan import Layout
from hwsim.typing import Floats
from netlists.write.options import Tolerances


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerDeck:
    """A deck to load before a job, and what to know of it.

    Parameters
    ----------
    text
        For libngspice.
    layout
        Its sources and nodes.
    tolerances
        Those that it sets.
    altered
        Resistances to set once the text is loaded [ohm], by ngspice's names; a deck of the same text needs only these.
    times
        How often to go through each point. ngspice reports the last iterate but one, and begins each point by extrapolating the last
        two: only the third time is the report exact to rounding. Sharp diodes need that to carry the right current.

    """

    text: str
    layout: Layout
    tolerances: Tolerances
    times: int
    altered: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Samples to solve in the deck that was loaded last.

    Parameters
    ----------
    deck
        What to load first; None: the last one still holds.
    values
        Values of the EXTERNAL sources, all but those of the nudges, shape (B, sources) [V or A].
    beta, currents
        Of the only phase, when there is no nudge: shapes (B,) [S] and (B, K) [A], targets included.
    nudge
        A pickled Nudge, which gives the pushes after the free phase; empty: there is none.
    targets
        For the nudge, shape (B, K) [V].
    phases
        Points a sample: 1 without a nudge, else the free one and the nudged ones.
    noise
        Values of the sources of noise, shape (B, phases, nodes) [A]; None: there are none.
    response
        Whether the circuit is linearised at the free phase, and `currents` are what drives it.

    """

    deck: WorkerDeck | None
    values: Floats
    beta: Floats
    currents: Floats
    nudge: bytes
    targets: Floats
    phases: int
    noise: Floats | None = None
    response: bool = False

    @property
    def finite(self) -> NDArray[np.bool_]:
        """Whether all numbers that drive a sample are finite, shape (B,)."""
        finite: NDArray[np.bool_] = np.all(np.isfinite(np.column_stack([self.values, self.beta, self.currents])), axis=1)
        return finite

    def some(self, samples: NDArray[np.intp]) -> "Job":
        """Return the job of chosen samples."""
        return replace(
            self,
            values=self.values[samples],
            beta=self.beta[samples],
            currents=self.currents[samples],
            targets=self.targets[samples],
            noise=None if self.noise is None else self.noise[samples],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of a job.

    Parameters
    ----------
    v
        Voltages, shape (B, phases, nodes) [V]; NaN where there are none.
    steps
        Iterations, shape (B, phases).
    result
        Codes of `Result`, shape (B, phases).
    beta, target, current
        The pushes of each phase, shapes (B, phases) [S], (B, phases, K) [V] and (B, phases, K) [A].
    message
        What ngspice wrote about the first failed sample.
    warned
        What it wrote about the deck when it was loaded for this job, if anything.
    memory
        What the worker holds after the job [B].

    """

    v: Floats
    steps: NDArray[np.int64]
    result: NDArray[np.int64]
    beta: Floats
    target: Floats
    current: Floats
    message: str
    warned: str = ""
    memory: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TransientDeck:
    """What analyses in time have in common.

    Parameters
    ----------
    command
        That runs one.
    times
        At which voltages are reported, shape (T,) [s]; sources turn there, so that ngspice takes a step to each.
    nodes
        Whose voltages.

    """

    command: str
    times: Floats
    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TransientJob:
    """One sequence: the whole deck of it; `deck` is None where the last one's still holds."""

    deck: TransientDeck | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TransientAnswer:
    """What came of one: voltages (T, nodes) [V], NaN from where ngspice gave up, the points that it took, and what it wrote then."""

    v: Floats
    points: int
    message: str
    memory: int = 0


@dataclass(frozen=True, slots=True)
class Failure:
    """Sent when a request came to nothing: why, and what is to blame: the library that cannot be loaded, the deck, or the nudge.

    `place` is that of the card of a stranger's deck that is wrong, where that is known.
    """

    blame: Literal["library", "deck", "nudge"]
    message: str
    place: int | None = None


@dataclass(frozen=True, slots=True)
class Expand:
    """Asks for the expansion of a stranger's deck; a Failure or an Expansion comes back."""

    cards: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Version:
    """Asks for the version of ngspice; a Failure or a string comes back."""


@dataclass(frozen=True, slots=True)
class Busy:
    """Sent while a worker is alive and points keep coming."""

"""The samples as sources over time: shown once before learning, again and again while it lasts, and once behind it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from circuits.elements import InputSources
from netlists.self_learning import phases
from netlists.self_learning.learning import RISE, SelfLearning
from netlists.self_learning.twin_circuits import TwinCircuits
from netlists.text.numbers import plain
from netlists.write.names import free_stem

_A_LINE = 8
"""Points of a table in one line."""


_WITH_SWITCHES = """\
* A cycle has three parts. In the first two the circuit is nudged or left free, and settles; then the switches of that phase
* close for a while, and each memristor's voltage stays on its capacitor. In the third the memories learn by both."""

_WITH_KNOBS = """\
* A cycle has two parts. In the first the circuit is pushed away from the targets or left free, and settles; then all conductances are
* kept while their knobs move. In the second it is pushed towards the targets, and all knobs are kept while the conductances move."""


@dataclass(frozen=True, slots=True, eq=False)
class Presentation:
    """Training samples, and those that are kept from learning, with what the outputs are drawn to.

    Parameters
    ----------
    x, y
        Features and targets [V] of all samples, those of the training set first, shape (n, I) and (n, K).
    trained
        How many are trained on.
    learning
        How they are.

    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    trained: int
    learning: SelfLearning

    @property
    def count(self) -> int:
        """Number of all samples."""
        return len(self.x)

    @property
    def shown(self) -> int:
        """Number of presentations in all."""
        return 2 * self.count + self.trained * self.learning.epochs

    @property
    def begin(self) -> float:
        """When learning begins [s]."""
        return self.count * self.learning.period

    @property
    def end(self) -> float:
        """When it ends [s]."""
        return (self.shown - self.count) * self.learning.period

    @property
    def tour(self) -> list[int]:
        """The samples in the order in which they are shown before and behind learning: held-out ones first."""
        return [*range(self.trained, self.count), *range(self.trained)]

    def cards(self, twins: TwinCircuits) -> Iterator[str]:
        """Write the clock of the samples, the switch of learning, and a source for each feature and target."""
        names = PresentationNodes.of(twins)
        yield "*"
        yield "* Which sample is shown, by its number; learning is on while V(learn) is not 0."
        rise, period = RISE * self.learning.period, self.learning.period
        times = plain([rise, rise, rise, period - rise, 2 * period], "time")
        yield "* V_clock makes ngspice set points of time where the samples change, and nowhere else."
        yield f"V_{names.clock} {names.clock} 0 pulse(0 1 {' '.join(times)})"
        yield from self._samples(names)
        yield from self._switch(names)
        yield from self._phases(names) if self.learning.cycles else self._sides(names)
        yield "*"
        yield "* Tables: the features and the targets of each sample."
        for stem, values in ((names.feature, self.x), (names.target, self.y)):
            for k, column in enumerate(values.T):
                yield from _table(f"B_{stem}_{k} {stem}_{k} 0 V", names.sample, column)

    def _samples(self, names: "PresentationNodes") -> Iterator[str]:
        held_out = self.count > self.trained
        cycle = names.cycle if held_out else names.sample
        if not held_out:
            yield from _pwl(f"V_{cycle} {cycle} 0", self._stairs(0.0, self.trained - 1, range(self.trained)), "r=0")
            return
        first = self._stairs(0.0, self.tour[0], self.tour)
        again = self._stairs(self.begin, self.tour[-1], range(self.trained))
        yield from _pwl(f"V_{cycle} {cycle} 0", [*first, *again[1:]], f"r={plain([self.begin], 'time')[0]}")
        end = self._stairs(self.end, -1, self.tour)
        yield from _pwl(f"V_{names.exam} {names.exam} 0", [(0.0, -1.0), *end])
        yield f"B_{names.sample} {names.sample} 0 V = V({names.exam}) > -0.5 ? V({names.exam}) : V({cycle})"

    def _switch(self, names: "PresentationNodes") -> Iterator[str]:
        rise = RISE * self.learning.period
        on = [(0.0, 0.0), (self.begin + rise, 0.0), (self.begin + 2 * rise, 1.0), (self.end + rise, 1.0), (self.end + 2 * rise, 0.0)]
        yield from _pwl(f"V_{names.on} {names.on} 0", on)

    def _sides(self, names: "PresentationNodes") -> Iterator[str]:
        """Write the nudges of twins, which last while they learn."""
        yield from self._chops(names)
        for gain, name in zip(self._gains, names.pushes, strict=True):
            yield f"E_{name} {name} 0 {names.learn} 0 {gain}"

    def _phases(self, names: "PresentationNodes") -> Iterator[str]:
        """Write the clocks of one circuit's phases, its nudge, and when it learns."""
        late, parts = 2 * RISE * self.learning.period, self.learning.parts
        one = phases.part(self.learning.period, self.learning.cycles, parts)
        closed, lasting = phases.SWITCH
        yield from (_WITH_KNOBS if self.learning.knobs else _WITH_SWITCHES).splitlines()
        for k, (push, hold) in enumerate(zip(names.phases, names.holds, strict=True)):
            place = 1 - k  # the second side comes first: free, and then nudged
            yield phases.clock(push, one, parts, place, 1.0, late)
            yield phases.clock(hold, one, parts, place + closed, lasting, late)
        if not self.learning.knobs:
            yield phases.clock(names.learning, one, parts, 2, phases.LEARNING, late)
            yield f"B_{names.learn} {names.learn} 0 V = V({names.on})*V({names.learning})"
        else:
            for which, hold in zip((names.release, names.control), names.holds, strict=True):
                yield f"B_{which} {which} 0 V = V({names.on})*V({hold})"
        terms = [f"{gain}*V({push})" for gain, push in zip(self._gains, names.phases, strict=True)]
        yield f"B_{names.pushes[0]} {names.pushes[0]} 0 V = V({names.on})*({' + '.join(terms)})"

    @property
    def _gains(self) -> list[str]:
        return plain([side * self.learning.beta for side in self.learning.sides], "beta")

    def _chops(self, names: "PresentationNodes") -> Iterator[str]:
        chops, rise = self.learning.chops, RISE * self.learning.period
        if not chops:
            yield f"E_{names.learn} {names.learn} 0 {names.on} 0 1"
            return
        width = self.learning.period / (2 * chops)
        times = plain([self.begin + rise, rise, rise, width - rise, 2 * width], "time")
        yield "* The twins change sides in time with V_chop, so that what distinguishes them cancels."
        yield f"V_{names.chop} {names.chop} 0 pulse(-1 1 {' '.join(times)})"
        yield f"B_{names.learn} {names.learn} 0 V = V({names.on})*V({names.chop})"

    def _stairs(self, begin: float, before: int, samples: Sequence[int]) -> list[tuple[float, float]]:
        """List the corners of a staircase: each sample for a period. A step comes a rise late, so that periods end before it."""
        period, rise = self.learning.period, RISE * self.learning.period
        levels = [float(before), *map(float, samples)]
        corners = [(begin, levels[0])]
        for k, (low, high) in enumerate(pairwise(levels)):
            corners += [(begin + k * period + rise, low), (begin + k * period + 2 * rise, high)]
        return [*corners, (begin + len(samples) * period, levels[-1])]


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentationNodes:
    """What the nodes of the presentation are called, as no node of the circuit is."""

    clock: str
    sample: str
    cycle: str
    exam: str
    on: str
    chop: str
    learn: str
    pushes: tuple[str, ...]
    phases: tuple[str, str]
    holds: tuple[str, str]
    learning: str
    control: str
    release: str
    feature: str
    target: str
    error: str

    @classmethod
    def of(cls, twins: TwinCircuits) -> "PresentationNodes":
        """Choose them."""

        def free(name: str) -> str:
            return free_stem(twins.circuit, name)

        return cls(
            clock=free("clock"),
            sample=free("sample"),
            cycle=free("cycle"),
            exam=free("exam"),
            on=free("on"),
            chop=free("chop"),
            learn=free("learn"),
            pushes=(free("push_first"), free("push_second"))[: len(twins.copies)],
            phases=(free("phase_first"), free("phase_second")),
            holds=(free("hold_first"), free("hold_second")),
            learning=free("learning"),
            control=free("control"),
            release=free("release"),
            feature=free("feature"),
            target=free("y"),
            error=free("error"),
        )


def inputs(twins: TwinCircuits) -> Iterator[str]:
    """Write the sources that carry the data: each follows its feature."""
    feature = PresentationNodes.of(twins).feature
    for element in twins.circuit.inputs:
        scale, offset = (plain(twins.chip(element.name, what), element.name) for what in ("scale", "offset"))
        copies = twins.copies[:1] if element.name in twins.shared else twins.copies
        letter = "V" if isinstance(element, InputSources) else "I"
        for copy, named in zip(copies, twins.names, strict=False):
            nodes = [[copy.node_names[node] for node in end.tolist()] for end in element.ends]
            for k, (plus, minus, which) in enumerate(zip(*nodes, element.feature.tolist(), strict=True)):
                added = "" if float(offset[k]) == 0 else f" + {offset[k]}"
                yield f"B_{named[element.name]}_{k} {plus} {minus} {letter} = {scale[k]}*V({feature}_{which}){added}"


def _pwl(head: str, corners: Sequence[tuple[float, float]], more: str = "") -> Iterator[str]:
    words = plain(np.array(corners), "time")
    points = [f"{t} {v}" for t, v in zip(words[::2], words[1::2], strict=True)]
    yield from _lines(f"{head} pwl(", points, f") {more}".rstrip(), " ")


def _table(head: str, clock: str, values: NDArray[np.float64]) -> Iterator[str]:
    points = [f"{k},{word}" for k, word in enumerate(plain(values, "sample"))]
    if len(points) == 1:
        yield f"{head} = {points[0].partition(',')[2]}"
        return
    yield from _lines(f"{head} = pwl(V({clock}), ", points, ")", ", ")


def _lines(head: str, points: Sequence[str], tail: str, between: str) -> Iterator[str]:
    rows = [between.join(points[k : k + _A_LINE]) for k in range(0, len(points), _A_LINE)]
    ends = [between.rstrip()] * (len(rows) - 1) + [tail]
    for k, (row, end) in enumerate(zip(rows, ends, strict=True)):
        yield f"{'+ ' if k else head}{row}{end}"

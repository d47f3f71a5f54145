"""A sweep's results for its pictures: by point, summarised, with their names."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from hwsim.formatting import Measure
from hwsim.sweep.axes import Axis
from hwsim.sweep.points import SweepPoint
from hwsim.sweep.recorded import Recorded, SweepResult
from hwsim.sweep.statistics import Summary, summary

LINES = 6
"""Curves of one picture; more would hide each other."""


@dataclass(frozen=True)
class SweepResults:
    """The results of one sweep; `name` begins the names of its pictures."""

    recorded: Recorded
    name: str

    @cached_property
    def by_point(self) -> dict[int, Sequence[SweepResult]]:
        """The results of each point that has any, by its number."""
        return {number: results for number, results in self.recorded.by_point().items() if results}

    @cached_property
    def points(self) -> list[SweepPoint]:
        """The points that have results."""
        return [point for point in self.recorded.points if point.number in self.by_point]

    @cached_property
    def summaries(self) -> dict[int, Summary]:
        """Their means, intervals and quantiles, by the point's number."""
        return {number: summary(results, self.measure.most) for number, results in self.by_point.items()}

    @cached_property
    def finite(self) -> list[SweepPoint]:
        """The points of which a result did not fail."""
        return [point for point in self.points if math.isfinite(self.summaries[point.number].mean)]

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The varied keys."""
        return self.recorded.definition.axes

    @property
    def measure(self) -> Measure:
        """Measure of the errors."""
        return self.recorded.measure

    @property
    def error(self) -> str:
        """Name of the error."""
        return f"{self._held_out} {self.measure.name}"

    def error_axis(self, which: str = "") -> str:
        """Return the label of an axis of errors, such as `mean test error [%]` for the word `mean`."""
        return self.measure.head(f"{which} {self._held_out}".strip())

    @property
    def _held_out(self) -> str:
        return self.recorded.definition.experiment.data.held_out

    @property
    def unit(self) -> str:
        """The unit that means are taken over."""
        return "chip" if self.recorded.definition.chips > 1 else "seed"

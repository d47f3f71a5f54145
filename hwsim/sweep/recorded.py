"""Recorded: what a sweep has found so far, result by result."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from hwsim.formatting import Measure
from hwsim.sweep.definition import Definition
from hwsim.sweep.points import Point


class Result(NamedTuple):
    """What came out at one point, on one chip, with one seed; errors are by the task's measure, NaN where it failed."""

    point: int
    chip: int
    seed: int
    test_error: float
    train_error: float
    pulses: float | None
    joules: float | None
    residual: float
    seconds: float
    failed: str | None


@dataclass(frozen=True, slots=True)
class Recorded:
    """All that a sweep's file holds: results in the order of point, chip and seed, of as many as are finished."""

    path: Path
    definition: Definition
    points: list[Point]
    results: list[Result]
    environment: dict[str, Any]

    @property
    def measure(self) -> Measure:
        """What errors are called, and how they are written."""
        return self.definition.experiment.data.measure

    @property
    def total(self) -> int:
        """How many results there are when the sweep is complete."""
        return len(self.points) * self.definition.chips * self.definition.seeds

    def by_point(self) -> dict[int, list[Result]]:
        """Give each point's results by its number."""
        found: dict[int, list[Result]] = {point.number: [] for point in self.points}
        for result in self.results:
            found[result.point].append(result)
        return found

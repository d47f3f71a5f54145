"""Recorded results of a sweep so far."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from hwsim.company.figures import CompanyFigures
from hwsim.formatting import Measure
from hwsim.sweep.definition import SweepDefinition
from hwsim.sweep.points import SweepPoint


class SweepResult(NamedTuple):
    """Result at one point, on one chip, with one seed; errors are by the task's measure, NaN where it failed.

    Of a company, the chip is its first, the error the mean of its chips', and `company` what it has besides.
    """

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
    company: CompanyFigures | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """Contents of a sweep's file: the finished results in the order of point, chip and seed."""

    path: Path
    definition: SweepDefinition
    points: list[SweepPoint]
    results: list[SweepResult]
    environment: dict[str, Any]

    @property
    def measure(self) -> Measure:
        """Name and format of the errors."""
        return self.definition.experiment.data.measure

    @property
    def total(self) -> int:
        """Number of results when the sweep is complete."""
        return len(self.points) * self.definition.chips * self.definition.seeds

    def by_point(self) -> dict[int, list[SweepResult]]:
        """Each point's results by its number."""
        results: dict[int, list[SweepResult]] = {point.number: [] for point in self.points}
        for result in self.results:
            results[result.point].append(result)
        return results

"""Batches: the chips and seeds of a point that are computed together; always the same ones, for any number of workers."""

import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from hwsim.ensemble.instances import SIDE_BY_SIDE, Instance
from hwsim.sweep.definition import SweepDefinition
from hwsim.sweep.points import SweepPoint


class Batch(NamedTuple):
    """Some chips and seeds of one point.

    Results are written for a whole batch. They depend on the batch shape in the last bit; the grouping into batches is therefore
    fixed.
    """

    number: int
    point: SweepPoint
    instances: tuple[Instance, ...]

    @property
    def rows(self) -> list[tuple[int, int, int]]:
        """Return (point, chip, seed) of each result."""
        return [(self.point.number, instance.chip, instance.seed) for instance in self.instances]


def batches(definition: SweepDefinition, points: Sequence[SweepPoint]) -> Iterator[Batch]:
    """List a sweep's batches, in the order of its points, seed by seed: so a transfer's nominal training serves many chips."""
    chips = range(definition.first_chip, definition.first_chip + definition.chips)
    seeds = range(definition.first_seed, definition.first_seed + definition.seeds)
    everyone = [Instance(chip, seed) for seed in seeds for chip in chips]
    alone = definition.experiment.training.engine == "ngspice" and definition.mode == "train"
    alone = alone or definition.experiment.company is not None  # its chips are side by side already
    size = 1 if alone else SIDE_BY_SIDE  # trainings through ngspice gain nothing from each other
    groups = [tuple(everyone[first : first + size]) for first in range(0, len(everyone), size)]
    numbers = itertools.count()
    for point in points:
        for group in groups:
            yield Batch(next(numbers), point, group)

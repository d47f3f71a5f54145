"""The error that training on each chip reaches, with its noise, its converters and its own devices."""

from dataclasses import dataclass

import numpy as np

from hwsim.datasheet.chip_errors import mean_error
from hwsim.datasheet.margins import between
from hwsim.datasheet.sheet_section import SheetSection
from hwsim.ensemble.instances import Instance, outcomes
from hwsim.experiment.experiment import Experiment
from hwsim.formatting import Measure, counted
from hwsim.sweep.mean_interval import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedChips:
    """Chips that were trained each by itself.

    Parameters
    ----------
    error, interval
        Mean error of those that trained, and its 95 % interval.
    chips, failed
        How many were trained, and how many of them failed.
    epochs
        Of each training.
    measure
        What an error is called.

    """

    error: float
    interval: Interval
    chips: int
    failed: int
    epochs: int
    measure: Measure

    def section(self) -> SheetSection:
        """Show it."""
        row = (counted(self.chips, "chip"), self.measure.text(self.error), between(self.interval, self.measure), f"{self.failed}")
        return SheetSection(
            title="Trained on each chip",
            condition=f"From the experiment's initial conductances: {counted(self.epochs, 'epoch')}, its noise, devices and converters.",
            header=("chips", self.measure.name, "95 %", "failed"),
            rows=(row,),
        )


def trained_chips(experiment: Experiment, chips: int) -> TrainedChips:
    """Train chips 0 to `chips` − 1."""
    each = [Instance(chip, experiment.training.seed) for chip in range(chips)]
    reached = list(outcomes(experiment.fresh, each, "train"))
    good = np.array([one.test_error for one in reached if one.failed is None])
    mean, interval = mean_error(good) if len(good) else (np.nan, Interval(np.nan, np.nan))
    return TrainedChips(
        error=mean,
        interval=interval,
        chips=chips,
        failed=chips - len(good),
        epochs=experiment.training.epochs,
        measure=experiment.data.measure,
    )

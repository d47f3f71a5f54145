"""Yield: the share of chips whose error meets a specification, with Wilson's interval."""

from dataclasses import dataclass

from hwsim.datasheet.chip_errors import mean_error
from hwsim.datasheet.margins import between
from hwsim.datasheet.sheet_section import SheetSection
from hwsim.formatting import Measure
from hwsim.sweep.mean_interval import Interval
from hwsim.sweep.statistics import wilson
from hwsim.typing import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class ChipYield:
    """Chips that meet a specification.

    Parameters
    ----------
    spec
        The largest error.
    good, chips
        How many meet it, and of how many.
    share, interval
        The share of all chips that do, and its 95 % interval.
    mean, mean_interval, worst
        Of the errors.
    measure
        What an error is called.

    """

    spec: float
    good: int
    chips: int
    share: float
    interval: Interval
    mean: float
    mean_interval: Interval
    worst: float
    measure: Measure

    def section(self) -> SheetSection:
        """Show it."""
        measure = self.measure
        row = (
            f"at most {measure.text(self.spec)}",
            f"{self.good} of {self.chips}",
            f"{100 * self.share:.3g} %",
            f"{100 * self.interval.low:.3g} to {100 * self.interval.high:.3g} %",
            f"{measure.text(self.mean)} ({between(self.mean_interval, measure)})",
            measure.text(self.worst),
        )
        return SheetSection(
            title="Yield",
            condition="Chips as the experiment makes them, each with the conductances written into its devices.",
            header=(measure.name, "chips", "yield", "95 % (Wilson)", "mean (95 %)", "worst"),
            rows=(row,),
        )


def chip_yield(errors: Floats, spec: float, measure: Measure) -> ChipYield:
    """Count chips of errors (chips,) that meet a specification."""
    good = int((errors <= spec).sum())
    mean, mean_interval = mean_error(errors)
    return ChipYield(
        spec=spec,
        good=good,
        chips=len(errors),
        share=good / len(errors),
        interval=wilson(good, len(errors)),
        mean=mean,
        mean_interval=mean_interval,
        worst=float(errors.max()),
        measure=measure,
    )

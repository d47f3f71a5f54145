"""Margins: how far each imperfection may go before the error of the chips rises too much, by bisection, with intervals over chips."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hwsim.datasheet.chip_errors import ChipErrors, Values, mean_error, mean_rise
from hwsim.datasheet.imperfections import Imperfection
from hwsim.datasheet.sheet_section import SheetSection
from hwsim.formatting import WRONG_ANSWERS, Measure, counted
from hwsim.inspection.heat import TOLERATED, TOLERATED_SHARE
from hwsim.sweep.mean_interval import Interval
from hwsim.typing import Floats

Observe = Callable[[int, int, str], None]
"""Called with the number of things done, the total, and the name of the next one."""


def unobserved(done: int, total: int, text: str) -> None:
    """Do nothing at progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """When chips are still good: their mean error is at most `spec`, or at most `tolerated` above that of the same chips as they are."""

    spec: float | None
    tolerated: float

    def excess(self, errors: Floats, reference: Floats) -> tuple[float, Interval]:
        """Return by how much the mean error of chips is above what is allowed, and its 95 % interval."""
        if self.spec is None:
            (mean, interval), allowed = mean_rise(errors, reference), self.tolerated
        else:
            (mean, interval), allowed = mean_error(errors), self.spec
        return mean - allowed, Interval(interval.low - allowed, interval.high - allowed)

    def spelled(self, measure: Measure) -> str:
        """Describe it."""
        if self.spec is not None:
            return f"the mean {measure.name} is at most {measure.text(self.spec)}"
        return f"the mean {measure.name} is at most {measure.text(self.tolerated)} above that of the same chips without it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """How far one imperfection may go.

    Parameters
    ----------
    key, label
        The key of the experiment, and what it is called.
    limit
        The harshest value that is still good; None: not even the mildest is.
    certain, possible
        The interval of the limit: the harshest value at which the error's 95 % interval is good as a whole, and at which a part of it is.
    next_worse
        The next value that was tried, which is too much; None: the harshest of all is good.
    error, interval
        Mean error at the limit, and its 95 % interval; at the mildest value where there is no limit.
    reach
        Where the limit is between the mildest value, 0, and the harshest, 1; then those of `certain` and `possible`.
    spelled
        `limit`, `certain` and `possible` in words.

    """

    key: str
    label: str
    limit: float | None
    certain: float | None
    possible: float | None
    next_worse: float | None
    error: float
    interval: Interval
    reach: tuple[float, float, float]
    spelled: tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Margins:
    """Limits of imperfections, each without the others, the tightest first.

    Parameters
    ----------
    margins
        One an imperfection.
    condition
        When chips count as good, in words.
    reference, interval
        Mean error of the chips as they are, and its 95 % interval.
    chips, samples
        How many.
    name
        What an error is called.

    """

    margins: tuple[Margin, ...]
    condition: str
    reference: float
    interval: Interval
    chips: int
    samples: int
    measure: Measure

    def section(self) -> SheetSection:
        """Show the limits."""
        measure = self.measure
        rows = [
            (
                one.label,
                one.key,
                one.spelled[0],
                " to ".join(dict.fromkeys(one.spelled[1:])),
                measure.text(one.error),
                between(one.interval, measure),
            )
            for one in self.margins
        ]
        return SheetSection(
            title="How far each imperfection may go",
            condition=(
                f"Each alone, on {counted(self.chips, 'chip')}, {counted(self.samples, 'test sample')}, while {self.condition}; without "
                f"any it is {measure.text(self.reference)} ({between(self.interval, measure)}). Bisected, without any training."
            ),
            header=("imperfection", "key", "limit", "95 % interval", f"{measure.name} there", "95 %"),
            rows=rows,
            notes=("Chips differ as the experiment makes them, and by the imperfection; where none differ, intervals have no width.",),
        )


def margins(errors: ChipErrors, tried: Sequence[Imperfection], spec: float | None, observe: Observe) -> Margins:
    """Search for the limit of each imperfection."""
    measure, reference = errors.given.experiment.data.measure, errors({})
    tolerated = TOLERATED if measure is WRONG_ANSWERS else TOLERATED_SHARE * float(reference.mean())
    criterion, limits = Criterion(spec=spec, tolerated=tolerated), []
    for number, one in enumerate(tried):
        observe(number, len(tried), one.label)
        limits.append(_margin(errors, one, criterion, reference))
    mean, interval = mean_error(reference)
    available = len(errors.given.session.data.x_test)
    return Margins(
        margins=tuple(sorted(limits, key=lambda margin: margin.reach[0])),
        condition=criterion.spelled(measure),
        reference=mean,
        interval=interval,
        chips=len(errors.chips),
        samples=min(errors.samples or available, available),
        measure=measure,
    )


def _margin(errors: ChipErrors, one: Imperfection, criterion: Criterion, reference: Floats) -> Margin:
    def excess(number: int) -> tuple[float, Interval]:
        values: Values = one.values(number)
        return criterion.excess(errors(values), reference)

    last = len(one.tried) - 1
    limit = bisected(last, lambda number: excess(number)[0] <= 0)
    certain = bisected(last, lambda number: excess(number)[1].high <= 0)
    possible = bisected(last, lambda number: excess(number)[1].low <= 0)
    error, interval = mean_error(errors(one.values(max(limit, 0))))
    places = (limit, min(certain, limit), max(possible, limit))
    at_limit, at_certain, at_possible = (None if place < 0 else one.tried[place] for place in places)
    return Margin(
        key=one.key,
        label=one.label,
        limit=at_limit,
        certain=at_certain,
        possible=at_possible,
        next_worse=None if limit == last else one.tried[limit + 1],
        error=error,
        interval=interval,
        reach=(_share(places[0], last), _share(places[1], last), _share(places[2], last)),
        spelled=(_words(one, places[0], last), _words(one, places[1], last), _words(one, places[2], last)),
    )


def bisected(last: int, good: Callable[[int], bool]) -> int:
    """Return the last number from 0 to `last` that is good, where what is good comes first; −1: none is."""
    if good(last):
        return last
    if not good(0):
        return -1
    low, high = 0, last
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if good(middle) else (low, middle)
    return low


def between(interval: Interval, measure: Measure) -> str:
    """Write an interval of errors."""
    low, high = max(interval.low, 0.0), min(interval.high, measure.most)
    return f"{measure.number(low)} to {measure.text(high)}"


def _share(place: int, last: int) -> float:
    return max(place, 0) / last


def _words(one: Imperfection, place: int, last: int) -> str:
    """Write a limit: beyond the harshest value, or before the mildest."""
    if place < 0:
        return f"before {one.spelled(one.tried[0])}"
    return f"{'beyond ' * (place == last)}{one.spelled(one.tried[place])}"

"""The section of one sweep: its numbers and pictures, the cost of each key, its experiment, and the command that repeats it."""

import math
from collections.abc import Iterator

from hwsim.company.figures import CompanyFigures
from hwsim.experiment.loading import to_toml
from hwsim.formatting import Measure, brief, counted, quantity
from hwsim.report.command_line import sweep_command
from hwsim.report.run_tables import environment_table
from hwsim.report.section import Gallery, PageListing, PageSection, PageTable
from hwsim.report.sweep_pictures import sketches
from hwsim.sweep.folds import over_folds
from hwsim.sweep.mean_interval import Interval
from hwsim.sweep.recorded import Recorded
from hwsim.sweep.sensitivity import slopes
from hwsim.sweep.statistics import PointNumbers, numbers

_ROWS = 500
"""Points that the table lists; larger sweeps are exported."""

_MODES = {
    "train": "a training on each chip",
    "transfer": "training on the nominal chip, then transfer to each chip",
    "evaluate": "evaluation only, on each chip",
}


def sweep_section(what: str, recorded: Recorded, anchor: str) -> PageSection:
    """Build the section of a sweep."""
    definition = recorded.definition
    drawn = [sketch.picture() for sketch in sketches(recorded, anchor)]
    rows = numbers(recorded)
    return PageSection(
        anchor=anchor,
        title=title(recorded),
        about=f"{counted(len(recorded.points), 'point')}, each with {counted(definition.chips, 'chip')} and "
        f"{counted(definition.seeds, 'seed')}: {_MODES[definition.mode]}. Database: {what}",
        facts=list(_facts(recorded, rows)),
        notes=list(_notes(recorded)),
        galleries=[Gallery("Error, yield and cost", "", drawn)] if drawn else [],
        tables=[*([_points(recorded, rows)] if rows else []), *_slopes(recorded), environment_table(recorded.environment)],
        listings=[
            PageListing("The command that repeats it", sweep_command(definition, recorded.environment)),
            PageListing("The experiment", to_toml(definition.experiment), folded=True),
        ],
    )


def title(recorded: Recorded) -> str:
    """Return the experiment's name and the varied keys."""
    definition = recorded.definition
    return f"{definition.experiment.name} over {', '.join(axis.key for axis in definition.axes)}"


def _facts(recorded: Recorded, rows: list[PointNumbers]) -> Iterator[tuple[str, str]]:
    definition = recorded.definition
    yield "points", f"{len(recorded.points):,}"
    yield "chips a point", f"{definition.chips}"
    yield "seeds a chip", f"{definition.seeds}"
    yield "results", f"{len(recorded.results):,}" + (f" of {recorded.total:,}" if len(recorded.results) < recorded.total else "")
    means = [one.summary.mean for one in rows if math.isfinite(one.summary.mean)]
    if means:
        yield f"least mean {recorded.measure.name}", recorded.measure.text(min(means))
        yield "most", recorded.measure.text(max(means))
    if (over := over_folds(recorded)) is not None:
        interval = f"{_interval(over.interval, recorded.measure)} (95 %, corrected for samples that folds share)"
        yield f"cross-validated {recorded.measure.name}", f"{recorded.measure.text(over.mean)}, {interval}"
    yield "engine", definition.experiment.training.engine
    yield "computing time", quantity(sum(result.seconds for result in recorded.results), "s")


def _notes(recorded: Recorded) -> Iterator[str]:
    if len(recorded.results) < recorded.total:
        done = f"{len(recorded.results):,} of {recorded.total:,} results are done"
        yield f"This sweep has not ended: {done}; the command that began it resumes it."
    failed = [result for result in recorded.results if result.failed is not None]
    if failed:
        one = failed[0]
        yield (
            f"{counted(len(failed), 'result')} of {len(recorded.results):,} failed and are excluded from the means; "
            f"the first, point {one.point}, chip {one.chip}, seed {one.seed}: {one.failed}"
        )


def _points(recorded: Recorded, points: list[PointNumbers]) -> PageTable:
    keys, measure = [axis.key for axis in recorded.definition.axes], recorded.measure
    by_point = recorded.by_point()
    settings = {point.number: point.settings for point in recorded.points}
    pulsed = any(result.joules is not None for result in recorded.results)
    compared = any(one.against is not None for one in points)
    together = any(one.company is not None for one in points)
    header = [
        *("point", *keys, "results", f"mean {recorded.measure.name}", "95 % interval", "sd", "5 %", "median", "95 %"),
        *(("against the first", "p") if compared else ()),
        *(("pulses", "energy") if pulsed else ()),
        *(("mean of outputs", "churn", "sent") if together else ()),
    ]
    rows = []
    for one in points[:_ROWS]:
        summary = one.summary
        row = [f"{one.point}", *(brief(settings[one.point][key]) if key in settings[one.point] else "as it is" for key in keys)]
        row += [f"{summary.results - summary.failed}" + (f" ({summary.failed} failed)" if summary.failed else "")]
        ends = _interval(summary.interval, measure) if summary.interval.has_width else "–"
        row += [measure.text(summary.mean), ends, *map(measure.text, (summary.sd, *summary.quantiles[::2]))]
        if compared:
            apart = one.against if one.against and one.against.units else None
            row += [f"{measure.signed(apart.mean)} {measure.unit}".rstrip(), f"{apart.p:.2g}"] if apart else ["–", "–"]
        if pulsed:
            spent = [
                (result.pulses, result.joules) for result in by_point[one.point] if result.pulses is not None and result.joules is not None
            ]
            mean = [sum(column) / len(spent) for column in zip(*spent, strict=True)] if spent else []
            row += [f"{mean[0]:,.0f}", quantity(mean[1], "J")] if mean else ["–", "–"]
        if together:
            row += ["–"] * 3 if one.company is None else _company(one.company, measure)
        rows.append(row)
    more = f" (the first {_ROWS} of {len(points):,})" if len(points) > _ROWS else ""
    held_out = recorded.definition.experiment.data.held_out.capitalize()
    return PageTable(caption=f"{held_out} {measure.name} at each point{more}", header=header, rows=rows)


def _company(figures: CompanyFigures, measure: Measure) -> list[str]:
    churn = f"{100 * figures.churn:.2f} %" if math.isfinite(figures.churn) else "–"
    return [measure.text(figures.together_error), churn, quantity(figures.sent_bytes, "B") if figures.sent_bytes else "nothing"]


def _interval(ends: Interval, measure: Measure) -> str:
    return f"{measure.number(ends.low)} to {measure.text(ends.high)}" if math.isfinite(ends.low) else "–"


def _slopes(recorded: Recorded) -> Iterator[PageTable]:
    """Tabulate the cost of one unit of each key."""
    costs, measure = slopes(recorded), recorded.measure
    if costs:
        rows = [
            [
                one.key,
                "decade" if one.log else "unit",
                f"{measure.factor * one.slope:+.3g}",
                " to ".join(f"{measure.factor * end:+.3g}" for end in one.interval) if math.isfinite(one.interval.low) else "–",
                f"{measure.factor * one.slope * one.span:+.3g}",
            ]
            for one in costs
        ]
        rises = "error rises by [%-points]" if measure.unit == "%" else f"{measure.head()} rises by"
        header = ("key", "per", rises, "95 % interval", "over the range tried")
        yield PageTable(caption="Cost of each key, by linear regression", header=header, rows=rows)

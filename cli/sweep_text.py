"""Results of `hwsim sweep`: a table of points, and the cost of each key; the same as text and as JSON."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from cli.pace import clock_face
from cli.tables import table, wrapped

if TYPE_CHECKING:
    from hwsim.company.figures import CompanyFigures
    from hwsim.formatting import Measure
    from hwsim.sweep.definition import SweepDefinition
    from hwsim.sweep.mean_interval import Interval
    from hwsim.sweep.points import SweepPoint
    from hwsim.sweep.recorded import Recorded, SweepResult
    from hwsim.sweep.sensitivity import Index, Slope
    from hwsim.sweep.statistics import PointNumbers, Summary

SURE = 0.0001
"""Probabilities below this are printed as smaller than it."""


def percent(share: float) -> str:
    """Format a share in percent; – where there is none."""
    return f"{100 * share:.2f}" if share == share else "–"  # noqa: PLR0124 - NaN differs from itself


def between(interval: "Interval", write: Callable[[float], str] = percent) -> str:
    """Format an interval, by default in percent."""
    return f"{write(interval.low)} – {write(interval.high)}" if interval.low == interval.low else "–"


ONE_SETTING = ("setting",)
"""The column of sweeps that vary one key at a time."""


def columns(definition: "SweepDefinition") -> tuple[str, ...]:
    """Return the columns of a point's settings: one for each key, or a single one where keys vary one at a time."""
    return ONE_SETTING if definition.design.kind == "alone" else tuple(axis.key for axis in definition.axes)


def live_header(keys: Sequence[str], measure: "Measure") -> tuple[str, ...]:
    """Return the header of the table that fills."""
    return ("point", *keys, "results", measure.head(), "95 % interval", "sd")


def live_row(point: "SweepPoint", keys: Sequence[str], results: Sequence["SweepResult"], total: int, measure: "Measure") -> tuple[str, ...]:
    """Return a point's row while it fills."""
    from hwsim.sweep.statistics import summary  # noqa: PLC0415 - help does without

    point_summary = summary(results, measure.most)
    return (str(point.number), *_settings(point, keys), f"{point_summary.results}/{total}", *_error(point_summary, measure))


def _settings(point: "SweepPoint", keys: Sequence[str]) -> list[str]:
    from hwsim.sweep.points import shown  # noqa: PLC0415 - help does without

    if keys == ONE_SETTING:
        return [", ".join(f"{key} = {shown(value)}" for key, value in point.settings.items()) or "as it is"]
    return [shown(point.settings[key]) if key in point.settings else "as it is" for key in keys]


def _error(summary: "Summary", measure: "Measure") -> tuple[str, str, str]:
    ends = between(summary.interval, measure.number) if summary.interval.has_width else "–"
    return measure.number(summary.mean), ends, measure.number(summary.sd)


def text(
    recorded: "Recorded", numbers: Sequence["PointNumbers"], reference: int, paid: Sequence["Slope"], shares: Sequence["Index"]
) -> str:
    """Format everything as text."""
    parts = [_points(recorded, numbers, reference), *_over_folds(recorded)]
    if paid:
        parts.append(_slopes(paid, recorded.measure))
    if shares:
        rows = [(one.key, *(f"{value:.3f}" for value in one[1:])) for one in shares]
        parts.append(table((f"share of the {recorded.measure.name}'s variance", "first order", "±", "total", "±"), rows))
    if notes := _failures(recorded):
        parts.append(notes)
    parts.append(_unit(recorded))
    return "\n\n".join(parts)


def _over_folds(recorded: "Recorded") -> Iterator[str]:
    """Format the mean of a cross-validation, whose folds share samples."""
    from hwsim.sweep.folds import over_folds  # noqa: PLC0415 - help does without

    if (over := over_folds(recorded)) is not None:
        number = recorded.measure.number
        ends = f"95 % interval {between(over.interval, number)}, corrected for samples that folds share"
        yield wrapped(f"mean {recorded.measure.name} over all folds: {recorded.measure.text(over.mean)}, {ends} (Nadeau & Bengio 2003)")


def _points(recorded: "Recorded", numbers: Sequence["PointNumbers"], reference: int) -> str:
    keys, measure = columns(recorded.definition), recorded.measure
    points = {point.number: point for point in recorded.points}
    specified = any(one.yields for one in numbers)
    uneven = len({(one.summary.results, one.summary.failed) for one in numbers}) > 1
    header = ["point", *keys, *["results"] * uneven, measure.head(), "95 % interval", "sd", "median", "worst 5 %"]
    together = any(one.company for one in numbers)
    header += ["mean of outputs", "churn [%]", "sent [B]"] * together
    header += ["yield [%]", "its 95 % interval"] * specified + [f"than point {reference}", "p"]
    rows = []
    for one in numbers:
        point_summary = one.summary
        row = [str(one.point), *_settings(points[one.point], keys), *[str(point_summary.results)] * uneven, *_error(point_summary, measure)]
        row += [measure.number(point_summary.quantiles[2]), measure.number(point_summary.quantiles[4])]
        if together:
            row += ["–"] * 3 if one.company is None else _company(one.company, measure)
        if one.yields:
            row += [percent(one.yields.share), between(one.yields.interval)]
        elif specified:
            row += ["–", "–"]
        row += (
            ["", ""]
            if one.against is None
            else [measure.signed(one.against.mean), _probability(one.against.p) if point_summary.results > 1 else "–"]
        )
        rows.append(row)
    return table(header, rows, keys=1 + len(keys))


def _company(figures: "CompanyFigures", measure: "Measure") -> list[str]:
    return [measure.number(figures.together_error), percent(figures.churn), f"{figures.sent_bytes:.3g}"]


def _probability(p: float) -> str:
    return "–" if p != p else f"< {SURE:g}" if p < SURE else f"{p:.4f}"  # noqa: PLR0124 - NaN differs from itself


def _slopes(paid: Sequence["Slope"], measure: "Measure") -> str:
    rows = []
    for one in sorted(paid, key=lambda slope: -abs(slope.slope * slope.span)):
        per = "decade" if one.log else "1"
        span = f"{measure.signed(one.slope * one.span)} over {one.span:.4g} {'decades' if one.log else ''}".rstrip()
        rows.append((one.key, f"{measure.factor * one.slope:+.4g} per {per}", between(one.interval, measure.number), span))
    points = "points of error" if measure.unit == "%" else measure.unit or measure.name
    return table(("key", f"slope [{points}]", "95 % interval", "over the range"), rows)


def _failures(recorded: "Recorded") -> str:
    failed = [result for result in recorded.results if result.failed]
    if not failed:
        return ""
    first = failed[0]
    count = f"{len(failed)} of {len(recorded.results)} results have no error"
    return wrapped(f"{count}, the first at point {first.point}, chip {first.chip}, seed {first.seed}: {first.failed}")


def _unit(recorded: "Recorded") -> str:
    from hwsim.formatting import counted  # noqa: PLC0415 - help does without

    definition, spent = recorded.definition, sum(result.seconds for result in recorded.results)
    lone = "seeds of one chip" if definition.experiment.company is None else "seeds; a company counts once, by the mean of its chips"
    unit = "chips; a chip counts once, by the mean of its seeds" if definition.chips > 1 else lone
    each = f"Each point has {counted(definition.chips, 'chip')} × {counted(definition.seeds, 'seed')}."
    described = f"{each} Intervals, sd and quantiles are over {unit}. Computing took {clock_face(spent)} in all."
    return f"{wrapped(described)}\ndatabase {recorded.path}"


def as_json(recorded: "Recorded", numbers: Sequence["PointNumbers"], paid: Sequence["Slope"], shares: Sequence["Index"]) -> dict[str, Any]:
    """Return everything for JSON."""
    definition = recorded.definition
    settings = {point.number: dict(point.settings) for point in recorded.points}
    return {
        "database": str(recorded.path),
        "name": definition.experiment.name,
        "engine": definition.experiment.training.engine,
        "mode": definition.mode,
        "design": definition.design.kind,
        "chips": definition.chips,
        "seeds": definition.seeds,
        "results": len(recorded.results),
        "total": recorded.total,
        "failed": sum(result.failed is not None for result in recorded.results),
        "seconds": sum(result.seconds for result in recorded.results),
        "points": [_point(one, settings[one.point]) for one in numbers],
        "slopes": [one._asdict() for one in paid],
        "sobol": [one._asdict() for one in shares],
    }


def _point(one: "PointNumbers", settings: dict[str, Any]) -> dict[str, Any]:
    from hwsim.sweep.statistics import QUANTILES  # noqa: PLC0415 - help does without

    point_summary = one.summary._asdict()
    quantiles = dict(zip(map(str, QUANTILES), point_summary.pop("quantiles"), strict=True))
    described = {"point": one.point, "settings": settings} | point_summary | {"quantiles": quantiles}
    described |= {"company": one.company._asdict()} if one.company else {}
    described |= {"yield": one.yields._asdict()} if one.yields else {}
    return described | ({"difference": one.against._asdict()} if one.against else {})

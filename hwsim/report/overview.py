"""Summary of several runs: a table of all of them, means over seeds, and their learning curves in one picture."""

from collections.abc import Iterator, Sequence
from typing import Any

from hwsim.experiment.experiment import Experiment
from hwsim.formatting import counted, mean_and_spread, quantity
from hwsim.inspection.palette import SERIES
from hwsim.report.learning_curves import over_epochs
from hwsim.report.picture import Picture, picture
from hwsim.report.run_files import RunRecord
from hwsim.report.section import Gallery, PageSection, PageTable, distinct
from hwsim.runs.programming_cost import counts_in


def overview(records: Sequence[RunRecord], anchors: Sequence[str]) -> PageSection:
    """Compare runs."""
    groups = _groups(records)
    tables = [_runs(records, anchors)]
    if len(groups) < len(records):
        tables.append(_means(groups))
    one_measure = len({record.experiment.data.measure for record in records}) == 1
    pictures = [_errors(groups)] if one_measure and sum(bool(record.rows) for record in records) > 1 else []
    return PageSection(
        anchor="runs",
        title="All runs",
        about=f"{counted(len(records), 'run')} of {counted(len(groups), 'experiment')}; runs of one experiment differ only by seed.",
        galleries=[Gallery("", "", pictures)] if pictures else [],
        tables=tables,
    )


Groups = list[tuple[str, list[RunRecord]]]
"""Group runs that differ only in their seeds, by name."""


def _groups(records: Sequence[RunRecord]) -> Groups:
    keys: list[Experiment] = []
    groups: list[list[RunRecord]] = []
    for record in records:
        key = _without_seeds(record.experiment)
        if key not in keys:
            keys.append(key)
            groups.append([])
        groups[keys.index(key)].append(record)
    names = [f"{one[0].experiment.name}, {_kind(one[0].experiment)}" for one in groups]
    return list(zip(distinct(names, [one[0].what for one in groups]), groups, strict=True))


def _without_seeds(experiment: Experiment) -> Experiment:
    training = experiment.training.model_copy(update={"seed": 0})
    variation = experiment.variation.model_copy(update={"chip": 0})
    return experiment.model_copy(update={"training": training, "variation": variation, "reached": None, "about": ""})


def _kind(experiment: Experiment) -> str:
    return _devices(experiment) or experiment.training.engine


def _devices(experiment: Experiment) -> str:
    """Name the presets and levels of the circuit's devices, of a chain those of all of its circuits; empty where they are ideal."""
    each = ((device.preset, device.levels and f"{device.levels} levels") for device in experiment.devices)
    return ", ".join(dict.fromkeys(word for words in each for word in words if word))


def _runs(records: Sequence[RunRecord], anchors: Sequence[str]) -> PageTable:
    held_out, name = _held_out(records), _measured(records)
    header = (
        "run",
        "seed",
        "data",
        "engine",
        "devices",
        "epochs",
        f"{held_out} {name}",
        f"training {name}",
        "s/epoch",
        "writes/memristor",
        "energy",
    )
    rows = [list(_row(record)) for record in records]
    kept = [k for k in range(len(header)) if k == 0 or any(row[k] != "–" for row in rows)]
    return PageTable(
        caption="Each run",
        header=[header[k] for k in kept],
        rows=[[row[k] for k in kept] for row in rows],
        links=anchors,
    )


def _row(record: RunRecord) -> Iterator[str]:
    experiment, last, summary = record.experiment, record.rows[-1] if record.rows else None, record.summary
    yield f"{experiment.name} ({record.what})"
    yield f"{experiment.training.seed}"
    yield experiment.data.name
    yield experiment.training.engine
    yield _devices(experiment) or "ideal"
    yield f"{len(record.rows)}" if summary else f"{len(record.rows)} of {experiment.training.epochs}"
    yield experiment.data.measure.text(summary.get("test_error", last["test_error"])) if last else "–"
    yield experiment.data.measure.text(last["train_error"]) if last else "–"
    yield f"{summary['seconds_per_epoch']:.3g}" if "seconds_per_epoch" in summary else "–"
    yield ", ".join(f"{summary[f'{count}_per_device']:.4g} {count}" for count in counts_in(summary, "{}_per_device")) or "–"
    yield quantity(summary["programming_J"], "J") if "programming_J" in summary else "–"


def _means(groups: Groups) -> PageTable:
    """Compute means over the seeds of completed runs."""
    rows = []
    for name, records in groups:
        errors = [float(record.summary["test_error"]) for record in records if "test_error" in record.summary]
        if errors:
            measure = records[0].experiment.data.measure
            rows.append([name, f"{len(errors)}", *map(measure.text, (*mean_and_spread(errors), min(errors), max(errors)))])
    every = [record for _, records in groups for record in records]
    header = ("experiment", "runs completed", f"mean {_held_out(every)} {_measured(every)}", "standard deviation", "least", "most")
    return PageTable(caption="Over the seeds", header=header, rows=rows)


def _held_out(records: Sequence[RunRecord]) -> str:
    """Return the name of the set of the errors, or both names where runs differ."""
    return " or ".join(sorted({record.experiment.data.held_out for record in records}))


def _measured(records: Sequence[RunRecord]) -> str:
    """Return the name of the errors, or both names where runs differ."""
    return " or ".join(sorted({record.experiment.data.measure.name for record in records}))


def _errors(groups: Groups) -> Picture:
    """Draw the errors of runs over their epochs, all by one measure."""
    every = [record for _, records in groups for record in records]
    held_out, measure = _held_out(every), every[0].experiment.data.measure

    def draw(figure: Any) -> None:
        axes = over_epochs(figure, measure.head(held_out))
        for k, (name, records) in enumerate(groups):
            label = name
            for record in records:
                errors = [measure.factor * row["test_error"] for row in record.rows]
                style = {
                    "color": SERIES[k % len(SERIES)],
                    "linestyle": ("-", "--", ":")[k // len(SERIES) % 3],
                    "linewidth": 1.2,
                    "alpha": 0.85,
                }
                axes.plot([row["epoch"] for row in record.rows], errors, label=label, **style)
                label = ""
        axes.set_ylim(bottom=0)
        figure.legend(loc="outside lower center", ncols=2)

    ended = [record for record in every if record.rows]
    titles = distinct([record.title for record in ended], [record.what for record in ended])
    last = [f"{title}: {measure.text(record.rows[-1]['test_error'])}" for title, record in zip(titles, ended, strict=True)]
    return picture(
        "all-runs",
        f"{held_out.capitalize()} {measure.name} of all runs" if measure.name.isupper() else f"{held_out.capitalize()} errors of all runs",
        draw,
        alt=f"Curves of the {held_out} {measure.name} over the epochs, one a run. At the end: {'; '.join(last)}.",
        caption=f"{measure.long.capitalize()} of the {held_out} set over the epochs; runs of one experiment share a colour.",
        wide=True,
        height=3.4,
    )

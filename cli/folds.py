"""`hwsim train --folds`: repeated cross-validation, every fold in one table next to a linear model."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from circuits.quoting import quote_path
from cli.loading import note_left_aside
from cli.output import Output, Step
from cli.sweep import compute_missing
from cli.sweep_text import percent
from cli.tables import table, wrapped

if TYPE_CHECKING:
    from pathlib import Path

    from hwsim.sweep.folds import CrossValidation, MeanInterval
    from hwsim.sweep.recorded import Recorded

_ONE_RUN = ("resume", "write", "force", "profile")
"""Options of `hwsim train` that are about one run."""


def refuse_others(out: "Path | None") -> None:
    """Refuse options that need one run, and a folder for --out, next to --folds.

    Raises
    ------
    click.UsageError
        Naming the option.

    """
    context = click.get_current_context()
    for name in _ONE_RUN:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            remedy = (
                "the same command resumes where it stopped" if name == "resume" else "train once more, without --folds, for one circuit"
            )
            msg = f"--folds trains a circuit for every fold and keeps none, and --{name} is about one run; omit --{name}: {remedy}"
            raise click.UsageError(msg)
    if out is not None and (out.suffix.lower() != ".db" or out.is_dir()):
        msg = f"--out {quote_path(out)}: with --folds the results are a database; give it a name that ends in .db"
        raise click.UsageError(msg)


def cross_validate(output: Output, what: str, settings: Sequence[str], *, folds: int, repeats: int, out: "Path | None") -> int:
    """Train and test on every fold of every repeat, and print the table; the exit code says whether all folds have an error."""
    from hwsim.runs.environment import environment  # noqa: PLC0415 - help does without
    from hwsim.session import Session  # noqa: PLC0415
    from hwsim.sweep.compute import one_thread  # noqa: PLC0415
    from hwsim.sweep.folds import cross_validation, plan  # noqa: PLC0415

    one_thread()
    planned = plan(what, settings, folds, repeats)
    note_left_aside(output, what, "every fold trains")
    output.notes(Session.of(planned.definition.experiment).notes)
    path = out or planned.default_path()
    if path.exists():
        output.note(f"{path}: resumes the folds in it")
    experiment = planned.definition.experiment
    with planned.open(path, lambda: environment(experiment)) as database:
        compute_missing(output, database, 1, None)
        recorded = database.recorded()
    with output.progress(f"{experiment.name}, linear model") as show:
        total = len(recorded.results)
        validation = cross_validation(recorded, lambda done: show(Step(done, total, f"{done} of {total} folds")))
    output.result(_described(validation, recorded), _text(validation, recorded))
    return int(any(one.failed for one in validation.folds))


def _described(validation: "CrossValidation", recorded: "Recorded") -> dict[str, Any]:
    experiment = recorded.definition.experiment
    return {
        "name": experiment.name,
        "data": experiment.data.name,
        "engine": experiment.training.engine,
        "chip": experiment.variation.chip,
        "measured_on": experiment.data.held_out,
        "folds": [one._asdict() for one in validation.folds],
        **_estimate(validation.circuit),
        "baseline": {"model": validation.baseline, **_estimate(validation.linear)},
        "difference": _estimate(validation.difference),
        "database": str(recorded.path),
    }


def _estimate(estimate: "MeanInterval") -> dict[str, Any]:
    return {"mean": estimate.mean, "interval": list(estimate.interval)}


def _text(validation: "CrossValidation", recorded: "Recorded") -> str:
    rows: list[tuple[str, ...]] = [
        (str(one.seed), str(one.fold), str(one.test_samples), percent(one.error), percent(one.linear), percent(one.error - one.linear))
        for one in validation.folds
    ]
    estimates = (validation.circuit, validation.linear, validation.difference)
    rows += [
        ("mean", "", "", *(percent(one.mean) for one in estimates)),
        ("from", "", "", *(percent(one.interval.low) for one in estimates)),
        ("to", "", "", *(percent(one.interval.high) for one in estimates)),
    ]
    part = recorded.definition.experiment.data.held_out
    lines = [table(("seed", "fold", f"{part} samples", "error [%]", "linear [%]", "difference [%]"), rows, keys=2)]
    if failed := [one for one in validation.folds if one.failed]:
        first = failed[0]
        where = f"seed {first.seed}, fold {first.fold}: {first.failed}"
        lines.append(wrapped(f"{len(failed)} of {len(validation.folds)} folds have no error, the first with {where}"))
    lines.append(wrapped("from, to: 95 % interval of the mean, corrected for samples that folds share (Nadeau & Bengio 2003)"))
    lines.append(wrapped(f"linear: {validation.baseline}"))
    lines.append(f"database {recorded.path}")
    return "\n".join(lines)

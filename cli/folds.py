"""`hwsim train --folds`: repeated cross-validation, every fold in one table next to a linear model."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from circuits.quoting import quote_path
from cli.loading import note_left_aside
from cli.options import typed
from cli.output import Output, ProgressStep
from cli.sweep import begun_or_resumed, compute_missing
from cli.tables import table, wrapped

if TYPE_CHECKING:
    from pathlib import Path

    from hwsim.sweep.folds import CrossValidation, Fold, MeanInterval
    from hwsim.sweep.recorded import Recorded

_ONE_RUN = ("resume", "write", "force", "profile")
"""Options of `hwsim train` for a single run."""


def refuse_repeats(repeats: int | None) -> None:
    """Refuse repeats of no cross-validation."""
    if repeats is not None:
        msg = f"--repeats {repeats} repeats cross-validation; add --folds, such as --folds 5"
        raise click.UsageError(msg)


def refuse_others(out: "Path | None") -> None:
    """Refuse options that need one run, and a folder for --out, next to --folds.

    Raises
    ------
    click.UsageError
        With the option.

    """
    given = typed()
    for name in _ONE_RUN:
        if name in given:
            remedy = (
                "the same command resumes where it stopped" if name == "resume" else "train once more, without --folds, for one circuit"
            )
            msg = f"--folds trains a circuit for every fold and keeps none, and --{name} applies to one run; omit --{name}: {remedy}"
            raise click.UsageError(msg)
    if out is not None and (out.suffix.lower() != ".db" or out.is_dir()):
        msg = f"--out {quote_path(out)}: with --folds the results are a database; give it a name that ends in .db"
        raise click.UsageError(msg)


def cross_validate(output: Output, what: str, settings: Sequence[str], *, folds: int, repeats: int, out: "Path | None") -> int:
    """Train and test on every fold of every repeat, and print the table; the exit code is 0 when all folds have an error."""
    from hwsim.cluster.one_thread import one_thread  # noqa: PLC0415 - for this command alone
    from hwsim.runs.environment import environment  # noqa: PLC0415 - help does without
    from hwsim.session import Session  # noqa: PLC0415 - for this command alone
    from hwsim.sweep.folds import cross_validation, plan  # noqa: PLC0415 - for this command alone

    one_thread()
    planned = plan(what, settings, folds, repeats)
    note_left_aside(output, what, "every fold trains")
    output.notes(Session.of(planned.definition.experiment).notes)
    path = out or planned.default_path()
    experiment = planned.definition.experiment
    with begun_or_resumed(output, planned, path, "folds", lambda: environment(experiment)) as database:
        compute_missing(output, database, 1, None)
        recorded = database.recorded()
    with output.progress(f"{experiment.name}, linear model") as show:
        total = len(recorded.results)
        validation = cross_validation(recorded, lambda done: show(ProgressStep(done, total, f"{done} of {total} folds")))
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
        "folds": [_fold(one) for one in validation.folds],
        **_estimate(validation.circuit),
        "baseline": {"model": validation.baseline, **_estimate(validation.linear)},
        "difference": _estimate(validation.difference),
        **_explained(validation),
        "database": str(recorded.path),
    }


def _fold(fold: "Fold") -> dict[str, Any]:
    """Describe a fold; only real targets have R²."""
    return {key: value for key, value in fold._asdict().items() if not (key in {"r2", "linear_r2"} and value is None)}


def _explained(validation: "CrossValidation") -> dict[str, Any]:
    """Describe R² of the circuit, the linear model and their difference, where targets are real."""
    if validation.explained is None:
        return {}
    circuit, linear, difference = validation.explained
    r2 = {**_estimate(circuit), "baseline": _estimate(linear), "difference": _estimate(difference)}
    return {"measure": validation.measure.name, "r2": r2}


def _estimate(estimate: "MeanInterval") -> dict[str, Any]:
    return {"mean": estimate.mean, "interval": list(estimate.interval)}


def _text(validation: "CrossValidation", recorded: "Recorded") -> str:
    measure, part = validation.measure, recorded.definition.experiment.data.held_out
    unit = f" [{measure.unit}]" if measure.unit else ""
    header = ["seed", "fold", f"{part} samples", measure.head(), f"linear{unit}", f"difference{unit}"]
    groups = [_Columns(measure.number, [(one.error, one.linear) for one in validation.folds], _errors_of(validation))]
    if validation.explained is not None:
        header += ["R²", "linear", "difference"]
        groups.append(_Columns(_share, [(one.r2 or 0.0, one.linear_r2 or 0.0) for one in validation.folds], validation.explained))
    rows = [
        (str(one.seed), str(one.fold), str(one.test_samples), *(cell for group in groups for cell in group.of_fold(k)))
        for k, one in enumerate(validation.folds)
    ]
    estimates = [(group.write, [(one.mean, *one.interval) for one in group.estimates]) for group in groups]
    for k, name in enumerate(("mean", "from", "to")):
        rows.append((name, "", "", *(write(one[k]) for write, of in estimates for one in of)))
    lines = [table(header, rows, keys=2)]
    if failed := [one for one in validation.folds if one.failed]:
        first = failed[0]
        where = f"seed {first.seed}, fold {first.fold}: {first.failed}"
        lines.append(wrapped(f"{len(failed)} of {len(validation.folds)} folds have no error, the first with {where}"))
    lines.append(wrapped("from, to: 95 % interval of the mean, corrected for samples that folds share (Nadeau & Bengio 2003)"))
    lines.append(wrapped(f"linear: {validation.baseline}"))
    lines.append(f"database {recorded.path}")
    return "\n".join(lines)


def _errors_of(validation: "CrossValidation") -> "tuple[MeanInterval, MeanInterval, MeanInterval]":
    return validation.circuit, validation.linear, validation.difference


class _Columns(NamedTuple):
    """Three columns: the circuit, the linear model and their difference, of each fold and over all."""

    write: Callable[[float], str]
    folds: Sequence[tuple[float, float]]
    estimates: "tuple[MeanInterval, MeanInterval, MeanInterval]"

    def of_fold(self, k: int) -> tuple[str, str, str]:
        """Return the cells of a fold."""
        circuit, linear = self.folds[k]
        return self.write(circuit), self.write(linear), self.write(circuit - linear)


def _share(value: float) -> str:
    return "–" if value != value else f"{value:.3f}"  # noqa: PLR0124 - NaN differs from itself

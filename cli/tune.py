"""`hwsim tune`: search for the settings with the least error."""

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli import options
from cli.command import command as make_command
from cli.loading import note_left_aside
from cli.output import Output, ProgressStep
from cli.tables import table, wrapped

if TYPE_CHECKING:
    from hwsim.formatting import Measure
    from hwsim.tuning import trial
    from hwsim.tuning.search import Tuned

_SHOWN = 8
"""Trials in the table."""

_EXAMPLE = "hwsim tune iris --vary training.rate=log:1e-7:1e-5\nhwsim tune digits --vary training.batch=8,16,32 --trials 9 --out my.toml"


@make_command("tune", _EXAMPLE)
@options.what
@options.engine
@options.data
@click.option(
    "--vary", "varied", multiple=True, metavar="KEY=RANGE", help="START:STOP, log:START:STOP, either with :COUNT, or a,b,c; repeatable."
)
@click.option("--trials", type=click.IntRange(min=1), default=20, show_default=True, help="Number of trials in total.")
@click.option("--seeds", type=click.IntRange(min=1), default=1, show_default=True, help="Runs of a trial; their mean error counts.")
@click.option("--epochs", type=click.IntRange(min=1), help="Passes over the training set [default: the experiment's].")
@click.option("--validation", type=options.Number(0, 1, min_open=True, max_open=True), help="Share of the validation set [default: 0.2].")
@click.option("--out", "-o", type=click.Path(path_type=Path), help="The experiment with the best settings [default: NAME-tuned.toml].")
@options.force
def command(
    output: Output, what: str, settings: tuple[str, ...], varied: tuple[str, ...], *, out: Path | None, force: bool, **how: Any
) -> None:
    """Search for settings with the least error on a validation set, a share of the training set; the test set is never used.

    Optuna's TPE sampler proposes settings; trials worse than the median of the others at an epoch are pruned.
    Every trial is kept in a database next to --out; the same command resumes it, and more --trials prolong it.
    """
    from hwsim.experiment.loading import load  # noqa: PLC0415 - for this command alone
    from hwsim.sweep import outputs  # noqa: PLC0415 - help does without
    from hwsim.sweep.axes import read_axis  # noqa: PLC0415 - for this command alone
    from hwsim.tuning import tune  # noqa: PLC0415 - for this command alone
    from hwsim.tuning.search import Search  # noqa: PLC0415 - for this command alone

    if not varied:
        raise click.UsageError("nothing is varied; use --vary KEY=START:STOP or KEY=a,b,c, once or more")
    trials, seeds, share = how.pop("trials"), how.pop("seeds"), how.pop("validation")
    changed = options.overrides(settings, **how)
    experiment = load(what, changed)
    search = Search(
        experiment=experiment,
        axes=tuple(read_axis(text) for text in varied),
        trials=trials,
        seeds=seeds,
        share=share or experiment.data.validation or tune.SHARE,
        out=_place(out, experiment.name),
        command=_typed(what, changed, varied, {"--trials": trials, "--seeds": seeds if seeds > 1 else None, "--validation": share}),
    )
    outputs.refuse([outputs.OutputFile("--out", search.out, outputs.TUNED)], outputs.inputs(what, experiment), force=force)
    note_left_aside(output, what, "every trial trains")
    measure = experiment.data.measure
    with output.progress(f"tune {experiment.name}") as show:
        tuned = tune.tune(search, lambda step: show(_step(step, trials, measure)))
    output.result(_as_json(tuned), _text(tuned))


def _place(out: Path | None, name: str) -> Path:
    """Return the file to write; refuse one that cannot be written."""
    place = out or Path(f"{re.sub(r'-tuned$', '', name)}-tuned.toml")
    if place.suffix != ".toml":
        raise click.UsageError(f"--out {place}: an experiment file ends in .toml")
    return place


def _typed(what: str, changed: Sequence[str], varied: Sequence[str], numbers: "Mapping[str, float | None]") -> str:
    """Return the command as it might have been typed, but for where it writes."""
    words = [*(word for key in changed for word in ("--set", key)), *(word for text in varied for word in ("--vary", text))]
    words += [word for name, number in numbers.items() if number is not None for word in (name, str(number))]
    return shlex.join(["hwsim", "tune", what, *words])


def _step(step: "trial.TrialProgress", trials: int, measure: "Measure") -> ProgressStep:
    error = "" if step.error is None else f", validation {measure.name} {measure.text(step.error)}"
    best = "" if step.best is None else f", best before {measure.text(step.best)}"
    return ProgressStep(step.trial - 1 + step.share, trials, f"trial {step.trial}/{trials}{error}{best}")


def _as_json(tuned: "Tuned") -> dict[str, Any]:
    best, search = tuned.best, tuned.search
    return {
        "best": dict(best.settings),
        "validation_error": best.error,
        "trial": best.number,
        "trials": len(tuned.trials),
        "given_up": sum(trial.error is None for trial in tuned.trials),
        "file": str(search.out),
        "database": str(search.database),
        "tried": [
            {"trial": one.number, "settings": dict(one.settings), "validation_error": one.error, "epochs": one.epochs, "why": one.why}
            for one in sorted(tuned.trials, key=lambda one: one.number)
        ],
    }


def _text(tuned: "Tuned") -> str:
    """Format the best trials, and the next command."""
    from hwsim.formatting import brief  # noqa: PLC0415 - help does without

    keys, search, measure = list(tuned.best.settings), tuned.search, tuned.search.experiment.data.measure
    rows = [
        (f"{one.number}", *(brief(one.settings[key]) for key in keys), measure.number(one.error))
        for one in tuned.trials[:_SHOWN]
        if one.error is not None
    ]
    lost = sum(one.error is None for one in tuned.trials)
    completed = len(tuned.trials) - lost - len(rows)
    more = [f"{completed} more were completed"] * bool(completed) + [f"{lost} were pruned"] * bool(lost)
    return "\n".join(
        [
            table(("trial", *keys, measure.head("validation")), rows),
            *([f"of {len(tuned.trials)} trials {' and '.join(more)}"] if more else []),
            wrapped(f"best     {search.out} (train with it: hwsim train {shlex.quote(str(search.out))})", "         "),
            f"database {search.database}",
        ]
    )

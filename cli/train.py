"""`hwsim train`: train a circuit into a run folder."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli import company, netlist, options
from cli import folds as cross
from cli.command import command as make_command
from cli.loading import note_alike
from cli.output import Output, ProgressStep
from cli.predictions import target_table
from cli.tables import table, wrapped
from hwsim.formatting import RMSE_IN_VOLTS

if TYPE_CHECKING:
    from hwsim.experiment.experiment import Experiment
    from hwsim.learning.epochs import Progress
    from hwsim.runs.profiling.profiler import Profile, Profiler
    from hwsim.runs.train import Trained
    from hwsim.settings.sections import DataSettings


EXAMPLE = """\
hwsim train digits --epochs 20 --seed 1
hwsim train runs/digits-1 --resume
hwsim train iris --folds 5 --repeats 5
hwsim train digits --from runs/digits-1 --chip 7 --set variation.stuck=0.01
hwsim train my.cir --data my.csv --write trained.cir"""


@make_command("train", EXAMPLE)
@options.what
@options.engine
@options.data
@options.chip
@click.option("--epochs", type=click.IntRange(min=1), help="Passes over the training set [default: the experiment's].")
@click.option("--batch", type=click.IntRange(min=1), help="Samples an update; all of them where there are no more.")
@click.option("--seed", type=click.IntRange(min=0), help="Seed of all random streams.")
@click.option(
    "--overfit", type=click.IntRange(min=1), metavar="N", help="Train and test on N training samples alike: can it memorise them?"
)
@click.option("--out", "-o", type=click.Path(path_type=Path), help="Folder of the run [default: the next free runs/NAME-SEED].")
@click.option(
    "--from",
    "start",
    metavar="RUN",
    help="Start from a run's trained conductances: other data, another chip, heat, wires, more epochs.",
)
@click.option("--resume", is_flag=True, help="Resume the run in WHAT, --out or the last runs/NAME-SEED.")
@click.option(
    "--write", type=click.Path(path_type=Path), metavar="FILE", help="Write the trained netlist there too; it may be the one in WHAT."
)
@click.option("--flat", is_flag=True, help="With --write: expand subcircuits and parameters, so that each element has its own card.")
@click.option("--skip-failed", is_flag=True, help="Skip and count samples without an equilibrium, instead of stopping.")
@options.force
@click.option("--folds", type=click.IntRange(2, 100), metavar="K", help="Cross-validate instead: train and test on each of K folds.")
@click.option("--repeats", type=click.IntRange(1, 1000), metavar="R", help="Other folds and seeds, so many times [default: 1].")
@click.option("--workers", type=click.IntRange(1, 1024), metavar="N", help="Compute the chips of a company in N processes.")
@click.option("--scheduler", metavar="tcp://HOST:PORT", help="Compute the chips of a company on this Dask scheduler's workers.")
@click.option("--profile", is_flag=True, help="Print the time of each activity after the training.")
def command(  # noqa: PLR0913 - a parameter an option
    output: Output,
    what: str,
    settings: tuple[str, ...],
    *,
    resume: bool,
    skip_failed: bool,
    profile: bool,
    force: bool,
    flat: bool,
    **others: Any,
) -> int | None:
    """Train a circuit; leaves a folder with metrics, checkpoint, weights, plot and the trained netlist.

    Of a user's netlist the learned resistors get new values, and everything else in the file is unchanged. Its trainable resistors, inputs
    and outputs are set in comments (*hwsim: trainable R_w*, *hwsim: input V1 V2, *hwsim: output a b) or by the options for these.

    --folds K trains and tests on each of K folds, --repeats R times with other folds and seeds, and prints every error, the mean with
    its 95 % interval, and the same of a linear model on the same folds. Folds are made of the training set where data have a test set.
    Results go to a database, --out FILE.db [default: the next free runs/NAME-fold.db], which hwsim sweep and report read too.

    --overfit 128 shows before a long training that a circuit or a chain can memorise a few samples.

    Ctrl-C saves and stops; a kill loses only the work since the last checkpoint. A resumed run has the same results, bit for bit.
    --from starts another training from a run's trained conductances; its folder has a copy of them, and needs that run no longer.
    """
    from hwsim.experiment.loading import load  # noqa: PLC0415 - help does without
    from hwsim.runs.loaded import run_folder  # noqa: PLC0415 - for this command alone
    from hwsim.runs.start import new_run, resumed_run  # noqa: PLC0415 - for this command alone
    from hwsim.runs.train import train  # noqa: PLC0415 - for this command alone

    out: Path | None = others.pop("out")
    write: Path | None = others.pop("write")
    folds: int | None = others.pop("folds")
    repeats: int | None = others.pop("repeats")
    workers = company.WorkerOptions.of(others, folds=folds)
    changed = options.overrides(settings, skip_failed=skip_failed or None, **others)
    if folds is not None:
        cross.refuse_others(out)
        return cross.cross_validate(output, what, changed, folds=folds, repeats=repeats or 1, out=out)
    cross.refuse_repeats(repeats)
    experiment = load(what, changed)
    folder = run_folder(what)
    if folder and not resume and others["start"] is None:
        again = f"--from {what} starts from its conductances, --resume resumes it"
        msg = f"{what} is a run already: {again}, and hwsim train {folder.experiment} trains again from its seed"
        raise click.UsageError(msg)
    if experiment.company is not None:
        company.refuse_others({"--write": write, "--flat": flat, "--profile": profile, "--from": others["start"]})
        return company.train(output, company.started(experiment, out, folder, resume=resume), workers)
    workers.refuse()
    _note(output, experiment, number=others["chip"])
    deck = netlist.noted(output, experiment)
    target = netlist.Target.of(write, flat=flat, force=force)
    if target is not None:
        netlist.refuse_copy(deck, target, what, experiment)
    netlist.warned(output, experiment)
    start = resumed_run(experiment, out or (folder.path if folder else None)) if resume else new_run(experiment, out)
    if start.folder and start.finished:
        epochs = experiment.training.epochs
        output.note(f"{start.folder.path}: is finished: all of its {epochs} epochs are trained; --epochs trains it further")
    profiler = _profiler() if profile else None
    with output.progress(experiment.name) as show:
        report = _Reporter(_samples(experiment), experiment.data)
        trained = train(start, lambda progress: show(report(progress)), profiler, output.note, alone=True)
    result = trained.summary | {"run": str(trained.folder.path)}
    text, written = _text(trained, _samples(experiment), experiment.data), False
    if deck is not None and target is not None:
        written = netlist.copy_back(output, trained.folder, deck, target, experiment)
    if written:
        result |= {"written": str(write)}
        text += f"\nwritten {write}"
    if trained.profile:
        result |= {"profile": trained.profile.table()}
        text += f"\nprofile {trained.folder.profile}\n\n{_where(trained.profile)}"
    _warn_of_rounding(output, trained, experiment)
    output.result(result, text)
    return None if target is None or written else 1


def _profiler() -> "Profiler":
    from hwsim.runs.profiling.profiler import Profiler  # noqa: PLC0415 - for those who ask

    return Profiler()


def _warn_of_rounding(output: Output, trained: "Trained", experiment: "Experiment") -> None:
    """Print a warning where rounding affected the training."""
    from hwsim.learning.gradient_audit import WARN, advice  # noqa: PLC0415 - help does without
    from hwsim.session import Session  # noqa: PLC0415 - for this command alone

    if (value := trained.summary.get("gradient_error", 0.0)) > WARN:
        rule, training = Session.of(experiment).rule, experiment.training
        output.note(f"warning: {advice(value, rule, training.precision, experiment.solver.tolerance)}")


def _note(output: Output, experiment: "Experiment", *, number: int | None) -> None:
    """Print notes about the chip, and about trained conductances that training starts from."""
    from hwsim.files.stored_conductances import beyond  # noqa: PLC0415 - help does without
    from hwsim.session import Session  # noqa: PLC0415 - for this command alone

    asked = number is not None or experiment.variation.chip
    if not asked and not experiment.training.start:
        return
    session = Session.of(experiment)
    if asked:
        note_alike(output, session, learning=True)
    if experiment.training.start and (cut := beyond(session.chip, session.starting())):
        output.note(f"{experiment.training.start}: {cut}")


class _Reporter:
    """Formats progress; the last error on the held-out set and the last speed stay in sight.

    Parameters
    ----------
    samples, data
        Name of the samples, and the settings of the data.

    """

    def __init__(self, samples: str, data: "DataSettings") -> None:
        self.samples, self.data = samples, data
        self.error = self.speed = ""
        self.last: Progress | None = None

    def __call__(self, progress: "Progress") -> ProgressStep:
        """Format the progress of training, and of the stages before it."""
        if self.last is not None and self.last.stage != progress.stage:
            self.error, self.last = "", None
        if progress.record:
            measure = RMSE_IN_VOLTS if progress.stage else self.data.measure
            self.error = f", {self.data.held_out} {measure.name} {measure.text(progress.record['test_error'])}"
        if self.last is not None:  # what came before the first report may have been compiling
            began = (self.last.samples_done, _seconds(self.last)) if self.last.epoch == progress.epoch else (0, 0.0)
            speed = (progress.samples_done - began[0]) / max(_seconds(progress) - began[1], 1e-9)
            self.speed = f", {rounded(speed)} {self.samples}/s"
        self.last = progress
        done = progress.epoch * progress.samples_total + progress.samples_done
        stage = f"stage {progress.stage}, " if progress.stage else ""
        text = f"{stage}epoch {progress.epoch + 1}/{progress.epochs}{self.error}, loss {progress.loss:.2e} V²{self.speed}"
        return ProgressStep(done, progress.epochs * progress.samples_total, text)


def _seconds(progress: "Progress") -> float:
    """Return the time of the epoch so far [s], without evaluation."""
    return progress.record["seconds"] if progress.record else progress.state.seconds


def _samples(experiment: "Experiment") -> str:
    from hwsim.settings.data_names import IMAGES  # noqa: PLC0415 - help does without

    return "images" if experiment.data.name in IMAGES else "samples"


def rounded(number: float) -> str:
    """Format a number with three digits and commas: 28,700."""
    digits = 2 - math.floor(math.log10(number)) if number > 0 else 0
    return f"{round(number, digits):,.{max(digits, 0)}f}"


def _text(trained: "Trained", samples: str, data: "DataSettings") -> str:
    from hwsim.formatting import counted  # noqa: PLC0415 - help does without
    from hwsim.runs.power_meter import spelled_consumption  # noqa: PLC0415 - for this command alone
    from hwsim.runs.programming_cost import spelled_cost  # noqa: PLC0415 - for this command alone

    summary, path, measure = trained.summary, trained.folder.path, data.measure
    speed = f"{summary['seconds_per_epoch']:.3g} s each, {rounded(summary['samples_per_second'])} {samples}/s, {summary['engine']} engine"
    parts = ((data.held_out, "test_error"), ("train", "train_error"))
    errors = [f"{part} {measure.name} {measure.text(summary[key])}" for part, key in parts]
    errors += [f"{data.held_out} R² {summary['test_r2']:.4f}"] if "test_r2" in summary else []
    errors += [f"inputs alone {measure.text(summary['test_inputs_alone'])}"] if "test_inputs_alone" in summary else []
    cost = spelled_cost(summary, summary["memristors"])
    lines = [*([f"pulses  {cost}"] if cost else []), f"run     {path}", f"netlist {_netlist(trained)}", f"plot    {trained.folder.plot}"]
    lines += [f"plot    {trained.folder.predictions}"] if "by_target" in summary else []
    lines += [f"energy  {spelled_consumption(summary)} for simulating it"]
    reached = wrapped(f"{', '.join(errors)} after {counted(summary['epochs'], 'epoch')} ({speed})")
    by_target = [target_table(summary["by_target"], measure)] if len(summary.get("by_target", ())) > 1 else []
    return "\n".join((reached, *by_target, *(wrapped(line, " " * 8) for line in lines)))


def _netlist(trained: "Trained") -> str:
    """Return the place of the trained netlist, if it was not too large to be written."""
    folder = trained.folder
    if folder.netlist.exists():
        return f"{folder.netlist} (run it: ngspice {folder.netlist})"
    if trained.chain:
        return f"not written, for a chain has several (hwsim compile {folder.path} -o FOLDER writes them)"
    return f"not written, for {rounded(trained.summary['memristors'])} memristors (hwsim compile {folder.path} writes it)"


def _where(profile: "Profile") -> str:
    """Format the time profile."""
    rows, group = [], ""
    for line in profile.lines:
        if line.group and line.group != group:
            inside = [one for one in profile.lines if one.group == line.group]
            rows.append((line.group, *_amounts(sum(one.seconds for one in inside), sum(one.share for one in inside))))
        group = line.group
        rows.append((f"  {line.name}" if group else line.name, *_amounts(line.seconds, line.share)))
    rows.append(("all", *_amounts(profile.seconds, 1.0)))
    steps = ", ".join(f"{mean:.1f} {phase}" for phase, mean in profile.sweeps.items())
    steps_line = [f"mean steps of an equilibrium: {steps}"] if steps else []
    compiled = [f"programs: {profile.programs}, {profile.from_cache} of them from the cache"] if profile.programs else []
    lines = [*steps_line, *compiled, *(wrapped(text) for text in (profile.note, profile.advice) if text)]
    return "\n".join([table(("activity", "seconds", "share"), rows), *lines])


def _amounts(seconds: float, share: float) -> tuple[str, str]:
    return f"{seconds:.2f}", f"{100 * share:.1f} %"

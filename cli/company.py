"""`hwsim train` of chips in company."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import click

from cli.output import Output, ProgressStep
from cli.tables import table, wrapped

if TYPE_CHECKING:
    from hwsim.experiment.experiment import Experiment
    from hwsim.files.records import Row
    from hwsim.learning.epochs import Progress
    from hwsim.runs.folder import RunFolder
    from hwsim.runs.start import Start
    from hwsim.settings.sections import DataSettings


def refuse_others(options: Mapping[str, Any]) -> None:
    """Refuse options that are about one circuit."""
    for option, value in options.items():
        if value:
            msg = f"{option} is about one circuit, and company.chips trains several; omit it, or omit company"
            raise click.UsageError(msg)


class WorkerOptions(NamedTuple):
    """Who is to compute the chips of a company: so many processes of our own, or a scheduler's workers; both None: this process."""

    processes: int | None
    scheduler: str | None

    @classmethod
    def of(cls, options: dict[str, Any], *, folds: int | None) -> Self:
        """Take them out of a command's options."""
        asked = cls(options.pop("workers"), options.pop("scheduler"))
        if asked.processes is not None and asked.scheduler is not None:
            msg = "--workers counts processes of our own, and --scheduler has workers already; use one of them"
            raise click.UsageError(msg)
        if folds is not None:
            asked.refuse("folds are trained in this process")
        return asked

    def refuse(self, why: str = "one circuit is trained in this process; omit it, or set company.chips") -> None:
        """Refuse workers where none compute."""
        for option, value in {"--workers": self.processes, "--scheduler": self.scheduler}.items():
            if value is not None:
                msg = f"{option} is about the chips of a company: {why}"
                raise click.UsageError(msg)


def started(experiment: "Experiment", out: Path | None, folder: "RunFolder | None", *, resume: bool) -> "Start":
    """Return the start of a company's run, in a new folder or where another stopped."""
    from hwsim.runs.start import new_run, resumed_run  # noqa: PLC0415 - for this command alone

    return resumed_run(experiment, out or (folder.path if folder else None)) if resume else new_run(experiment, out)


def train(output: Output, start: "Start", workers: WorkerOptions) -> int | None:
    """Train a company into its folder, and print what came of each chip."""
    from hwsim.cluster.one_thread import one_thread  # noqa: PLC0415 - help does without

    if any(workers) or (start.experiment.company is not None and start.experiment.company.exact):
        one_thread()  # before JAX loads
    from hwsim.company.company_files import chip_folder  # noqa: PLC0415 - help does without
    from hwsim.company.company_run import WorkPlace, train_company  # noqa: PLC0415 - help does without

    experiment = start.experiment
    if experiment.reservoir is not None:
        workers.refuse("those with reservoirs are computed in this process; omit it")
    with output.progress(experiment.name) as show:
        if experiment.reservoir is not None:
            from hwsim.company.federated_run import train_federation  # noqa: PLC0415 - as above

            trained = train_federation(start, lambda turn: show(ProgressStep(turn.done, turn.total, turn.what)), output.note)
        else:
            reporter = _Reporter(experiment)
            trained = train_company(start, lambda step: show(reporter(step)), WorkPlace(*workers), output.note)
    summary, path = trained.summary, trained.folder
    rows = [(f"chip {k}", _error(experiment.data, summary[f"test_error/{k}"]), str(chip_folder(path, k))) for k in range(summary["chips"])]
    rows += [("mean of chips", _error(experiment.data, summary["test_error"]), "")]
    rows += [("mean of their outputs", _error(experiment.data, summary["together_error"]), "")]
    head = ("", f"{experiment.data.held_out} {experiment.data.measure.name}", "run")
    output.result(summary | {"run": str(path)}, "\n".join((table(head, rows), "", *_lines(summary, path, _eliminated(trained.rows)))))
    return None


def _eliminated(rows: "Sequence[Row]") -> str:
    """Return which chips began again, and when."""
    return ", ".join(f"chip {row['eliminated']} after epoch {row['epoch']}" for row in rows if "eliminated" in row)


def _lines(summary: Mapping[str, Any], path: Path, eliminated: str) -> list[str]:
    from hwsim.company.company_files import PLOT  # noqa: PLC0415 - help does without
    from hwsim.runs.power_meter import spelled_consumption  # noqa: PLC0415 - for this command alone

    churn = [f"churn   {100 * summary['churn']:.2f} % of the answers of two chips differ"] if "churn" in summary else []
    pool = f", and {_bytes(summary['pool_bytes'])} once for the common samples, if they must be sent" if summary["pool_bytes"] else ""
    lines = [
        *churn,
        *([f"again   {eliminated} began again, as it agreed least with its peers"] if eliminated else []),
        f"sent    {_bytes(summary['sent_bytes'])} by {summary['exchange']} {_when(summary)}{pool}",
        f"run     {path}",
        *([f"plot    {path / PLOT}"] if (path / PLOT).is_file() else []),
        f"energy  {spelled_consumption(summary)} for simulating it",
    ]
    return [wrapped(line, " " * 8) for line in lines]


def _when(summary: Mapping[str, Any]) -> str:
    return "once" if "senders" in summary else f"in {summary['epochs']} epochs"


def _bytes(count: float) -> str:
    from hwsim.formatting import quantity  # noqa: PLC0415 - help does without

    return quantity(count, "B") if count else "nothing"


def _error(data: "DataSettings", error: float) -> str:
    return data.measure.text(error)


class _Reporter:
    """Formats progress."""

    def __init__(self, experiment: "Experiment") -> None:
        self.data, self.epochs = experiment.data, experiment.training.epochs
        self.error = ""

    def __call__(self, step: "Progress | Row") -> ProgressStep:
        """Format a chunk of updates, or the end of an epoch."""
        if isinstance(step, dict):
            self.error = f", {self.data.held_out} {self.data.measure.name} {_error(self.data, step['test_error'])} (mean of chips)"
            return ProgressStep(step["epoch"], self.epochs, f"epoch {step['epoch']}/{self.epochs}{self.error}, loss {step['loss']:.2e} V²")
        if not step.samples_done:  # workers load and compile
            return ProgressStep(step.epoch, self.epochs, f"epoch {step.epoch + 1}/{self.epochs}{self.error}, workers compute")
        share = step.epoch + step.samples_done / max(step.samples_total, 1)
        return ProgressStep(share, self.epochs, f"epoch {step.epoch + 1}/{self.epochs}{self.error}, loss {step.loss:.2e} V²")

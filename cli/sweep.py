"""`hwsim sweep`: many chips and seeds at many points of an experiment's keys."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli import options, sweep_text
from cli.age import no_drift
from cli.command import command as make_command
from cli.loading import note_left_aside
from cli.output import Output, ProgressStep

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from hwsim.ensemble.reached import TrainingProgress
    from hwsim.experiment.experiment import Experiment
    from hwsim.sweep.database import Database
    from hwsim.sweep.new_sweep import Planned
    from hwsim.sweep.recorded import Recorded, SweepResult

    Refuse = Callable[[Experiment, Path], None]

_DEFINING = ("vary", "alone", "random", "sobol", "mode", "chips", "seeds", "epochs", "engine", "data", "settings", "out")
"""Options that are fixed for an existing database."""

_EXAMPLE = """\
hwsim sweep digits --vary device.preset=ideal,pcm --chips 16 --seeds 2
hwsim sweep iris --vary training.beta=log:1e-8:1e-5:7 --plot beta.png
hwsim sweep runs/iris-beta.db --spec 0.05 --export results.csv"""


@make_command("sweep", _EXAMPLE)
@options.what
@click.option("--vary", metavar="KEY=VALUES", multiple=True, help="START:STOP:COUNT, log:START:STOP:COUNT or a,b,c; repeatable: a grid.")
@click.option("--one-at-a-time", "--alone", "alone", is_flag=True, help="Vary one key at a time, the others unchanged.")
@click.option("--random", type=click.IntRange(min=1), metavar="N", help="N random points of the ranges instead of a grid.")
@click.option("--sobol", type=click.IntRange(min=2), metavar="N", help="Saltelli design for Sobol indices: N·(k + 2) points for k keys.")
@click.option("--mode", type=click.Choice(["train", "transfer", "evaluate"]), default="train", show_default=True, help="See above.")
@click.option("--chips", type=click.IntRange(1, 100_000), default=1, show_default=True, metavar="N", help="Chips of a point.")
@click.option("--seeds", type=click.IntRange(1, 100_000), default=1, show_default=True, metavar="N", help="Seeds on each chip.")
@click.option("--epochs", type=click.IntRange(min=1), help="Passes over the training set [default: the experiment's].")
@options.engine
@options.data
@click.option("--out", "-o", type=click.Path(path_type=Path), metavar="FILE.db", help="The sweep's database [default: runs/NAME-KEYS.db].")
@click.option("--jobs", type=click.IntRange(1, 1024), metavar="N", help="Processes that compute [default: one a core].")
@click.option("--scheduler", metavar="tcp://HOST:PORT", help="Compute on this Dask scheduler's workers instead.")
@click.option(
    "--spec", type=options.Number(min=0.0), metavar="ERROR", help="Yield: the share of chips with at most this error, 0 to 1, or RMSE."
)
@click.option("--against", type=click.IntRange(min=1), default=1, show_default=True, metavar="POINT", help="Compare the others with this.")
@click.option("--export", type=click.Path(path_type=Path), metavar="FILE.csv|.parquet", help="Write a table, a row a result.")
@options.plot("Draw the error, and the yield, over the varied keys.")
@options.force
def command(  # noqa: PLR0913 - a parameter an option
    output: Output,
    *,
    what: str,
    out: Path | None,
    jobs: int | None,
    scheduler: str | None,
    spec: float | None,
    against: int,
    export: Path | None,
    plot: Path | None,
    force: bool,
    **defining: Any,
) -> int:
    """Evaluate a circuit at many points, each on --chips × --seeds instances: means, intervals, yield, and the cost of each key.

    --mode train: train on each chip. transfer: train once a seed on the nominal chip, and test the result on each. evaluate: only test the
    conductances of the run folder WHAT, or those before any training.

    Every result is in the database before it is shown. The same command resumes a sweep, however it was stopped, and two
    processes may work on one sweep. WHAT may be such a database: its sweep is resumed, and its results are printed.
    """
    from hwsim.cluster.one_thread import one_thread  # noqa: PLC0415 - help does without
    from hwsim.cores import usable_cores  # noqa: PLC0415 - help does without
    from hwsim.sweep.database import is_database  # noqa: PLC0415 - for this command alone
    from hwsim.sweep.export import kind_of  # noqa: PLC0415 - for this command alone

    if export is not None:
        kind_of(export)
    if jobs is not None and scheduler is not None:
        msg = "--jobs counts processes of our own, and --scheduler has workers already; use one of them"
        raise click.UsageError(msg)
    one_thread()
    existing = is_database(Path(what))
    if existing:
        _refuse_settled(what)

    def refuse(experiment: "Experiment", database: Path) -> None:
        _refuse_spec(spec, experiment)
        _refuse_outputs(what, export, plot, experiment, database, force=force)

    with _opened(what, refuse) if existing else _planned(output, what, out, against, defining, refuse) as database:
        _refuse_missing(against, len(database.points))
        compute_missing(output, database, jobs or usable_cores(), scheduler)
        recorded = database.recorded()
    return _tell(output, recorded, spec=spec, against=against, export=export, plot=plot)


def _refuse_outputs(what: str, export: Path | None, plot: Path | None, experiment: "Experiment", database: Path, *, force: bool) -> None:
    """Refuse paths of the table and the picture before anything is made or computed."""
    from hwsim.sweep import outputs  # noqa: PLC0415 - help does without

    table = outputs.PARQUET if export is not None and export.suffix.lower() == ".parquet" else outputs.TABLE
    written = [("--export", export, table), ("--plot", plot, outputs.PICTURE)]
    read = outputs.inputs(what, experiment, [database])
    outputs.refuse([outputs.OutputFile(option, path, kind) for option, path, kind in written if path is not None], read, force=force)


def _refuse_settled(what: str) -> None:
    given = options.typed()
    if option := next((given[name] for name in _DEFINING if name in given), ""):
        msg = f"{what} is a sweep already, and {option} would make it another; name the circuit instead, and another file with --out"
        raise click.UsageError(msg)


def _opened(what: str, refuse: "Refuse") -> "Database":
    from hwsim.sweep.database import Database  # noqa: PLC0415 - help does without

    with ExitStack() as on_error:
        database = on_error.enter_context(Database.open(Path(what)))
        refuse(database.definition.experiment, Path(what))
        on_error.pop_all()
    return database


def _refuse_missing(against: int, points: int) -> None:
    if against > points:
        msg = f"--against {against}: there are {points} points, numbered from 1"
        raise click.UsageError(msg)


def _refuse_spec(spec: float | None, experiment: "Experiment") -> None:
    if spec is not None and not spec <= (most := experiment.data.measure.most):
        msg = f"--spec {spec:g}: the error of a {experiment.data.task} is a share, at most {most:g}"
        raise click.UsageError(msg)


def _planned(output: Output, what: str, out: Path | None, against: int, defining: dict[str, Any], refuse: "Refuse") -> "Database":
    """Create the sweep of the options, or open it."""
    from hwsim.runs.environment import environment  # noqa: PLC0415 - help does without
    from hwsim.sweep.new_sweep import Planned, design  # noqa: PLC0415 - for this command alone

    overrides = options.overrides(defining["settings"], engine=defining["engine"], data=defining["data"], epochs=defining["epochs"])
    chosen = design(alone=defining["alone"], random=defining["random"], sobol=defining["sobol"])
    counts = {name: defining[name] for name in ("chips", "seeds")}
    planned = Planned.make(what, overrides, defining["vary"], defining["mode"], design=chosen, **counts)
    _refuse_missing(against, len(planned.points))
    path = out or planned.default_path()
    refuse(planned.definition.experiment, path)
    if defining["mode"] != "evaluate":
        note_left_aside(output, what, "every instance trains")
    elif planned.weights is None:
        output.note(f"{what}: is not a run folder, so that its initial conductances are tested, before any training")
    if planned.cut:
        output.note(f"{what}: {planned.cut}")
    if planned.alike:
        output.note("all chips are equal: nothing varies from chip to chip; set keys of variation, or device.preset")
    no_drift(output, planned.driftless)
    evaluated = {} if planned.weights is None else {"run": what, "set": list(overrides)}
    return begun_or_resumed(output, planned, path, "sweep", lambda: environment(planned.definition.experiment) | evaluated)


def begun_or_resumed(output: Output, planned: "Planned", path: Path, what: str, environment: "Callable[[], dict[str, Any]]") -> "Database":
    """Create the database of a plan, or open the one that is there, and report what is resumed in a file that was not refused."""
    exists = path.exists()
    database = planned.open(path, environment)
    if exists:
        output.note(f"{path}: resumes the {what} in it")
    return database


def compute_missing(output: Output, database: "Database", jobs: int, scheduler: str | None) -> None:
    """Compute the missing results, and show the progress."""
    from hwsim.formatting import counted  # noqa: PLC0415 - help does without
    from hwsim.sweep.execution import run  # noqa: PLC0415 - for this command alone

    definition = database.definition
    word = "training" if definition.mode == "train" else "result"
    points = {point.number: point for point in database.points}
    if len(database.done()) == len(points) * definition.chips * definition.seeds:
        return
    each, keys, measure = definition.chips * definition.seeds, sweep_text.columns(definition), definition.experiment.data.measure
    by_point: dict[int, list[SweepResult]] = {number: [] for number in points}
    board: AbstractContextManager[Callable[..., None]] = output.board(definition.experiment.name, sweep_text.live_header(keys, measure))
    partly, epochs = 0.0, ""
    with board as show:

        def observe(results: list["SweepResult"]) -> None:
            for result in results:
                by_point[result.point].append(result)
            changed = {n: sweep_text.live_row(points[n], keys, by_point[n], each, measure) for n in {result.point for result in results}}
            done, whole = sum(map(len, by_point.values())), sum(len(results) == each for results in by_point.values())
            counts = f"{done} of {counted(each * len(points), word)}, {whole} of {counted(len(points), 'point')}"
            last = f", point {max(changed)}: {measure.name} {changed[max(changed)][-3]} {measure.unit}".rstrip() if changed else ""
            under_way = f", epoch {epochs}" if epochs and not changed else ""
            show(ProgressStep(done + partly, each * len(points), f"{counts}{last}{under_way}"), changed)

        def at_work(computed: float, reached: "Sequence[TrainingProgress]") -> None:
            nonlocal partly, epochs
            partly, epochs = computed, ", ".join(f"{one.epoch}/{one.epochs}" for one in reached)

        run(database, observe, at_work, jobs=jobs, scheduler=scheduler)


def _tell(output: Output, recorded: "Recorded", *, spec: float | None, against: int, export: Path | None, plot: Path | None) -> int:
    from hwsim.sweep import statistics  # noqa: PLC0415 - help does without
    from hwsim.sweep.export import export as write_table  # noqa: PLC0415 - for this command alone
    from hwsim.sweep.sensitivity import indices, slopes  # noqa: PLC0415 - for this command alone

    numbers = statistics.numbers(recorded, spec, against)
    paid, shares = slopes(recorded), indices(recorded)
    if export is not None:
        write_table(recorded, export)
        output.note(f"{export}: {len(recorded.results)} results")
    if plot is not None:
        from hwsim.files import atomic  # noqa: PLC0415 - for this command alone
        from hwsim.report.sweep_pictures import sheet  # noqa: PLC0415 - for this command alone

        atomic.write(plot, sheet(recorded, spec))
        output.note(f"{plot}: the error over the varied keys")
    output.result(sweep_text.as_json(recorded, numbers, paid, shares), sweep_text.text(recorded, numbers, against, paid, shares))
    return int(all(result.failed for result in recorded.results))

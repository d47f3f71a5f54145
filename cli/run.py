"""`hwsim run`: a circuit in time, by either engine."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
import numpy as np

from circuits.clocked import is_clocked
from cli import free_run, options, self_learning
from cli.age import aged
from cli.command import command as make_command
from cli.loading import loaded
from cli.output import Output
from cli.tables import table

Part = Literal["test", "train"]

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hwsim.core.transient import Trajectory
    from hwsim.runs.loaded import LoadedModel
    from hwsim.runs.settling import SettlingTime
    from hwsim.typing import Floats

EXAMPLE = """\
hwsim run iris --sample 0:3
hwsim run runs/iris-0 --sample 0:3 --points 100 --plot iris.png -o iris.csv
hwsim run runs/iris-0 --engine ngspice --period 1e-7
hwsim run runs/iris-0 --settle
hwsim run runs/lorenz-0 --free 200 -o free.csv
hwsim run learn.cir -o runs/learned"""

_POINTS = 100
"""Points of a period in a picture."""

_TITLE = 50
"""Most characters of a name above a picture; its end is kept."""


@make_command("run", EXAMPLE)
@options.solved
@options.samples
@click.option("--signal", type=click.Path(path_type=Path), metavar="FILE.csv", help="Inputs instead of samples: a line a period.")
@click.option("--period", type=options.Number(min=0, min_open=True), metavar="SECONDS", help="How long each is held [default: settles].")
@click.option(
    "--points", type=click.IntRange(min=1, max=100_000), metavar="N", help="Points of a period in files [default: 1; plots: 100]."
)
@click.option(
    "--accuracy", type=options.Number(min=0, min_open=True), metavar="VOLT", help="Largest error [default: 1e-6; ngspice: its own]."
)
@options.capacitance("From each node without a capacitor to ground [default: 1e-12].")
@click.option("-o", "--out", type=click.Path(path_type=Path), metavar="FILE", help="Write all voltages in time, .csv or .npz.")
@options.plot("Draw outputs and voltages over time.")
@click.option("--settle", is_flag=True, help="Print how long each sample takes to settle from 0 V, and the energy, free and nudged.")
@click.option("--free", type=free_run.ROWS, metavar="N", help="Let a reservoir's read-out drive it for N rows behind the training set.")
@options.force
def command(  # noqa: PLR0913, PLR0917 - a parameter an option
    output: Output,
    what: str,
    settings: tuple[str, ...],
    engine: str | None,
    data: str | None,
    chip: int | None,
    after: float | None,
    part: Part,
    chosen: range,
    signal: Path | None,
    period: float | None,
    points: int | None,
    accuracy: float | None,
    capacitance: float | None,
    out: Path | None,
    plot: Path | None,
    settle: bool,  # noqa: FBT001 - click's
    free: int | None,
    force: bool,  # noqa: FBT001 - click's
) -> None:
    """Simulate a circuit in time: samples one after the other at its inputs, each held for a period, from 0 V on.

    Every node that moves has a capacitor to ground: the circuit's own (circuit.capacitance), or one of --capacitance. The period lets the
    circuit settle unless it is given. Of an experiment with a reservoir, the rows of its data drive that, each for its period. --settle
    follows each sample alone, from 0 V to its free equilibrium and on to the nudged ones. --free closes the loop of a reservoir that
    foretells its next inputs: it makes the series by itself.

    A deck that learns by itself (hwsim compile --self-learning) learns, in ngspice; -o RUN then makes a run folder of what it learned.
    """
    if self_learning.is_deck(what):
        self_learning.run(output, what, out, plot, force=force)
        return
    from hwsim.experiment.netlist_circuit import read_for  # noqa: PLC0415 - help does without
    from hwsim.runs.front import in_front, period_of  # noqa: PLC0415 - help does without
    from hwsim.runs.time_run import TimeRun  # noqa: PLC0415 - as above
    from hwsim.sweep import outputs  # noqa: PLC0415 - help does without

    click.get_current_context().with_resource(read_for("simulate"))
    given = loaded(output, what, options.overrides(settings, engine=engine, data=data, chip=chip, after=after), chip=chip)
    if free is not None:
        _refuse_others(
            ("chosen", "part", "signal", "period", "points", "accuracy", "capacitance", "plot", "settle"),
            "--free lets a loop run from where the training set ends",
        )
        free_run.run(output, given, free, out, force=force)
        return
    period = period or (None if settle else period_of(given))
    given = in_front(given)
    _ = given.experiment.one_circuit
    written = [outputs.OutputFile("-o", out, outputs.TRAJECTORY)] if out else []
    written += [outputs.OutputFile("--plot", plot, outputs.PICTURE)] if plot else []
    read = [signal] if signal else []
    outputs.refuse(written, outputs.inputs(what, given.experiment, read), force=force)
    age = aged(output, given)
    farads = {} if capacitance is None else {"capacitance": capacitance}
    if settle:
        _refuse_others(
            ("signal", "period", "points", "accuracy", "out", "plot"),
            "--settle follows each sample until it has settled",
        )
        if engine == "ngspice":
            msg = f"--settle follows samples by the numeric engine; hwsim compile {what} --measure settle writes a deck for ngspice"
            raise click.UsageError(msg)
        _settle(output, given, part, chosen, farads, age)
        return
    if out and out.suffix.lower() not in {".csv", ".npz"}:
        msg = f"-o {out}: trajectories are written as .csv or .npz"
        raise click.UsageError(msg)
    x, numbers = _inputs(output, given, part, chosen, signal)
    run = TimeRun.of(given.session, given.g, x, period=period, **farads)
    each = points or (_POINTS if plot and not is_clocked(run.circuit) else 1)
    trajectory = run.simulate(given.session, given.g, points=each, accuracy=accuracy)
    _write(what, run, trajectory, np.repeat(numbers, each).tolist(), out, plot)
    ends = slice(each - 1, None, each)
    result = {
        "what": what,
        "trained": given.trained,
        "engine": given.experiment.training.engine,
        "method": trajectory.method,
        "period_s": run.period,
        "samples": numbers,
        "times_s": trajectory.times[ends],
        "outputs": np.asarray(trajectory.outputs)[0, ends],
        "error_V": trajectory.error,
        "steps": trajectory.steps * each,
        **age,
    }
    moves = "a clock is solved to" if trajectory.method == "clocked" else "halving them moves"
    summary = f"{trajectory.method}, {result['steps']:.4g} steps a period of {run.period:.4g} s; {moves} {trajectory.error:.1e} V"
    output.result(result, f"{_outputs(result)}\n\n{summary}")


def _refuse_others(names: "Sequence[str]", does: str) -> None:
    """Refuse options, by their parameters' names, that would change nothing."""
    if option := options.first_typed(names):
        msg = f"{does}; omit {option}"
        raise click.UsageError(msg)


def _inputs(output: Output, given: "LoadedModel", part: Part, chosen: range, signal: Path | None) -> "tuple[Floats, list[int]]":
    """Return the inputs, a row a period, and their numbers: those of samples, or of a signal's lines."""
    if signal is not None:
        _refuse_others(("chosen", "part"), "--signal stands in the place of samples")
        from hwsim.files.signal_table import read_signal  # noqa: PLC0415 - for this command alone

        x = read_signal(signal, given.circuit.input_count)
        return x, list(range(len(x)))
    samples = given.session.data
    output.notes(samples.notes)
    x = getattr(samples, f"x_{part}")
    return x[options.in_part(chosen, len(x), part)], list(chosen)


def _write(what: str, run: Any, trajectory: "Trajectory", numbers: "Sequence[int]", out: Path | None, plot: Path | None) -> None:
    from hwsim.files import atomic  # noqa: PLC0415 - help does without
    from hwsim.formatting import counted  # noqa: PLC0415 - as above
    from hwsim.runs.trajectory_files import as_file, picture  # noqa: PLC0415 - for this command alone

    if out is not None:
        atomic.write(out, as_file(out, run.circuit, trajectory, numbers))
    if plot is not None:
        shown = what if len(what) <= _TITLE else f"…{what[1 - _TITLE :]}"
        atomic.write(plot, picture(run.circuit, trajectory, run.period, f"{shown}: {counted(len(run.x), 'period')} of {run.period:.3g} s"))


def _outputs(result: dict[str, Any]) -> str:
    rows = [
        (str(sample), f"{time:.4g}", *(f"{v:.6f}" for v in read))
        for sample, time, read in zip(result["samples"], result["times_s"], result["outputs"], strict=True)
    ]
    return table(("sample", "until [s]", *(f"ŷ{k} [V]" for k in range(result["outputs"].shape[1]))), rows)


def _settle(output: Output, given: "LoadedModel", part: Part, chosen: range, farads: dict[str, float], age: dict[str, Any]) -> None:
    """Print how long samples take to settle."""
    from hwsim.core.protocol import Push  # noqa: PLC0415 - help does without
    from hwsim.runs.deck import sample_and_pushes  # noqa: PLC0415 - for this command alone
    from hwsim.runs.settling import settling  # noqa: PLC0415 - for this command alone

    samples = given.session.data
    output.notes(samples.notes)
    options.in_part(chosen, len(getattr(samples, f"x_{part}")), part)
    settled = []
    for sample in chosen:
        x, pushes = sample_and_pushes(given.session, given.g, part, sample)
        settled.append(settling(given.circuit, given.chip, given.g, x, [Push(*push) for push in pushes], **farads))
    each = [(sample, one) for sample, phases in zip(chosen, settled, strict=True) for one in phases]
    output.result({"what": given.what, "trained": given.trained, "settling": [_record(*pair) for pair in each], **age}, _settled(each))


def _record(sample: int, one: "SettlingTime") -> dict[str, Any]:
    return {
        "sample": sample,
        "phase": one.phase,
        "t_1pc_s": one.seconds[0],
        "t_01pc_s": one.seconds[1],
        "energy_1pc_J": one.energy[0],
        "energy_01pc_J": one.energy[1],
        "way_V": one.way,
        "error_V": one.error,
    }


def _settled(each: "Sequence[tuple[int, SettlingTime]]") -> str:
    rows = [
        (str(sample), one.phase, *(f"{value:.4g}" for value in (*one.seconds, one.energy[1], one.way)), f"{one.error:.0e}")
        for sample, one in each
    ]
    return table(("sample", "phase", "to 1 % [s]", "to 0.1 % [s]", "energy [J]", "way [V]", "error [V]"), rows, keys=2)

"""`hwsim bench`: speed, always relative to something timed next to it."""

from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import click

from cli import bench_text, options
from cli.command import Command
from cli.command import command as make_command
from cli.output import Output, ProgressStep

USUAL = ("iris", "digits", "mnist-kendall2020")
"""Circuits that both engines solve when none is named: a small, a middle and a large one."""

_PLACE = Path("results/benchmarks")

Function = Callable[..., Any]


class _Case(NamedTuple):
    """A title, and a function that measures the case; it is called with the display of progress."""

    title: str
    measure: Callable[[Callable[[int], None]], Any]


class _Plan(NamedTuple):
    """Cases of one benchmark; `name` is that of its files. With `optional`, cases without data are left out."""

    name: str
    cases: Sequence[_Case]
    rounds: int
    optional: bool = False


def _out(function: Function) -> Function:
    given = click.option("--out", type=click.Path(path_type=Path), help=f"Folder for numbers and plots [default: {_PLACE}].")
    return given(options.force(function))


def _rounds(default: int) -> Callable[[Function], Function]:
    return click.option("--rounds", type=click.IntRange(min=1), default=default, show_default=True, help="Turns of each side.")


def _seconds(default: float) -> Callable[[Function], Function]:
    kind = options.Number(min=0, min_open=True)
    return click.option("--seconds", type=kind, default=default, show_default=True, help="Approximate time of a turn [s].")


def _sizes(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> tuple[tuple[int, ...], ...]:  # noqa: ARG001 - click's signature
    sizes = []
    for text in value:
        size, times, layers = text.partition("x")
        if not size.isdecimal() or not int(size) or (times and not (layers.isdecimal() and int(layers))):
            raise click.UsageError(f"--hidden {text}: should be a number of hidden units, such as 100, or 1024x3 for three layers of them")
        sizes.append((int(size),) * int(layers or 1))
    return tuple(sizes)


@make_command("training", "hwsim bench training\nhwsim bench training --hidden 1024x3 --batch 32 --batch 256")
@click.option("--hidden", "sizes", multiple=True, metavar="N[xLAYERS]", callback=_sizes, help="Hidden units: 100, 1024x3; repeatable.")
@click.option("--batch", "batches", type=click.IntRange(min=1), multiple=True, help="Images an update; repeatable.")
@_rounds(7)
@_seconds(2.0)
@_out
def training(output: Output, sizes: Any, batches: tuple[int, ...], out: Path | None, *, force: bool, **turns: Any) -> None:
    """Time training: circuits by equilibrium propagation, perceptrons of the same sizes by back-propagation, in turn.

    Both train on the same images, MNIST's where available, in 32 bits by plain gradient descent. A turn is an epoch, or as much of one
    as --seconds allow the circuit.
    """
    from hwsim.benchmarks.training import BATCHES, HIDDEN  # noqa: PLC0415 - help does without

    output.result(*_carry_out(output, _training(output, list(product(sizes or HIDDEN, batches or BATCHES)), **turns), out, force=force))


def _training(output: Output, cases: Sequence[Any], *, rounds: int, seconds: float) -> _Plan:
    from hwsim.benchmarks.cases import images  # noqa: PLC0415 - help does without
    from hwsim.benchmarks.training import race  # noqa: PLC0415 - for this command alone

    data = _noted(output, images())

    def measure(hidden: tuple[int, ...], batch: int) -> _Case:
        title = f"{'-'.join(map(str, hidden))}, batch {batch}"
        return _Case(title, lambda observe: race((hidden, batch), data, rounds=rounds, seconds=seconds, observe=observe))

    return _Plan("training", [measure(*case) for case in cases], rounds)


@make_command("engines", "hwsim bench engines\nhwsim bench engines mnist-kendall2020 --full --samples 100 --rounds 3")
@click.argument("what", nargs=-1)
@click.option("--samples", type=click.IntRange(min=1), default=200, show_default=True, help="Samples a round; each has three equilibria.")
@_rounds(5)
@click.option("--full", is_flag=True, help="Use the full netlist for ngspice instead of folding the inputs into the first crossbar.")
@_out
def engines(output: Output, what: tuple[str, ...], out: Path | None, *, force: bool, **how: Any) -> None:
    """Time both engines on the same equilibria, in turn, with steps, residual and success next to each time.

    The numeric engine has all samples in one batch and all cores; ngspice one process and one sweep through all of them. Without WHAT
    a small, a middle and a large circuit of the zoo are timed, without those whose data are missing.
    """
    output.result(*_carry_out(output, _engines(what, **how), out, force=force))


def _engines(what: tuple[str, ...], *, samples: int, rounds: int, full: bool) -> _Plan:
    from hwsim.benchmarks.engine_speed import compare  # noqa: PLC0415 - help does without
    from hwsim.runs.loaded import load_model  # noqa: PLC0415 - for this command alone

    def measure(name: str) -> _Case:
        given = load_model(name)
        _ = given.experiment.one_circuit
        return _Case(name, lambda observe: compare(given, samples=samples, rounds=rounds, full=full, observe=observe))

    return _Plan("engines-full" if full else "engines", [measure(name) for name in what or USUAL], rounds, optional=not what)


@make_command("scaling", "hwsim bench scaling\nhwsim bench scaling --along width --along depth")
@click.option("--along", type=click.Choice(["width", "depth", "batch", "tolerance"]), multiple=True, help="The varied size; repeatable.")
@_rounds(5)
@_seconds(0.5)
@_out
def scaling(output: Output, along: tuple[str, ...], out: Path | None, *, force: bool, **turns: Any) -> None:
    """Time how training on an image, and solving its equilibria, grow with width, depth, batch and tolerance."""
    from hwsim.benchmarks.scaling import POINTS  # noqa: PLC0415 - help does without

    chosen = [point for point in POINTS if not along or point.series in along]
    output.result(*_carry_out(output, _scaling(output, chosen, **turns), out, force=force))


def _scaling(output: Output, points: Sequence[Any], *, rounds: int, seconds: float) -> _Plan:
    from hwsim.benchmarks.cases import images  # noqa: PLC0415 - help does without
    from hwsim.benchmarks.scaling import IMAGES, measure  # noqa: PLC0415 - for this command alone

    data = _noted(output, images(IMAGES))

    def case(point: Any) -> _Case:
        title = f"{point.series} {point.at:g}, {point.precision[-2:]} bit"
        return _Case(title, lambda observe: measure(point, data, rounds=rounds, seconds=seconds, observe=observe))

    return _Plan("scaling", [case(point) for point in points], rounds)


@make_command("devices", "hwsim bench devices\nhwsim bench devices reram-sb ecram --rounds 5")
@click.argument("presets", nargs=-1)
@_rounds(5)
@_seconds(1.0)
@_out
def devices(output: Output, presets: tuple[str, ...], out: Path | None, *, force: bool, **turns: Any) -> None:
    """Time training with pulses of real devices against ideal updates, and many chips at once against one.

    PRESETS are devices that `hwsim devices` lists; by default, one of each law of steps.
    """
    output.result(*_carry_out(output, _devices(output, presets, **turns), out, force=force))


def _devices(output: Output, presets: tuple[str, ...], *, rounds: int, seconds: float) -> _Plan:
    from hwsim.benchmarks.cases import images  # noqa: PLC0415 - help does without
    from hwsim.benchmarks.device_cost import CHIPS, PRESETS, chips, pulses  # noqa: PLC0415 - for this command alone

    data = _noted(output, images())

    def pulsed(preset: str) -> _Case:
        return _Case(preset, lambda observe: pulses(preset, data, rounds=rounds, seconds=seconds, observe=observe))

    def many_chips(preset: str | None) -> _Case:
        title = f"{CHIPS} chips, {preset or 'ideal'}"
        return _Case(title, lambda observe: chips(preset, rounds=rounds, seconds=seconds, observe=observe))

    chosen = presets or PRESETS
    return _Plan("devices", [*map(pulsed, chosen), many_chips(None), many_chips(chosen[0])], rounds)


@make_command("convolutions", "hwsim bench convolutions\nhwsim bench convolutions --rounds 15")
@_rounds(9)
@_seconds(0.5)
@_out
def convolutions(output: Output, out: Path | None, *, force: bool, **turns: Any) -> None:
    """Time convolutions as circuits compute them, products over patches, against convolutions of XLA, in turn.

    Forward, backward and the sum of products of a gradient, for three layers.
    """
    output.result(*_carry_out(output, _convolutions(**turns), out, force=force))


def _convolutions(*, rounds: int, seconds: float) -> _Plan:
    from hwsim.benchmarks.convolution_speed import KERNELS, Kernel, compare  # noqa: PLC0415 - for this command alone

    def measure(kernel: Kernel) -> _Case:
        return _Case(str(kernel), lambda observe: compare(kernel, rounds=rounds, seconds=seconds, observe=observe))

    return _Plan("convolutions", [measure(kernel) for kernel in KERNELS], rounds)


def _noted(output: Output, data: Any) -> Any:
    if data.name == "synthetic":
        output.note("MNIST is not available: the images are synthetic")
    return data


class _Benchmarks(Command, click.Group):
    """The benchmarks; another word is a circuit, for `engines`."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, commands=[training, engines, scaling, devices, convolutions], invoke_without_command=True, **settings)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the benchmark of the arguments."""
        return super().resolve_command(ctx, args if args[0] in self.commands else ["engines", *args])


@make_command("bench", "hwsim bench\nhwsim bench training --hidden 100 --batch 32", kind=_Benchmarks)
@_out
def command(output: Output, out: Path | None, *, force: bool) -> None:
    """Measure speed relative to something timed next to it; writes numbers and plots.

    Without arguments, a short version of the first three benchmarks, in a few minutes. Names of circuits stand for `engines` with them.
    """
    if click.get_current_context().invoked_subcommand is not None:
        if out is not None or force:
            raise click.UsageError(
                f"{'--force' if out is None else '--out'} follows the name of a benchmark: hwsim bench training --out FOLDER"
            )
        return
    from hwsim.benchmarks.scaling import SHORT_POINTS  # noqa: PLC0415 - help does without
    from hwsim.benchmarks.training import SHORT_CASES  # noqa: PLC0415 - for this command alone

    plans = (
        _engines((), samples=100, rounds=3, full=False),
        _training(output, SHORT_CASES, rounds=5, seconds=0.5),
        _scaling(output, SHORT_POINTS, rounds=3, seconds=0.15),
    )
    for plan in plans:
        _refuse(out, f"{plan.name}-short", force=force)
    measured = {plan.name: _carry_out(output, plan._replace(name=f"{plan.name}-short"), out, force=force) for plan in plans}
    ratios = {name: data["ratios"] for name, (data, _) in measured.items()}
    texts = "\n\n".join(text for _, text in measured.values())
    output.result({"ratios": ratios} | {name: data for name, (data, _) in measured.items()}, texts)


def _carry_out(output: Output, plan: _Plan, out: Path | None, *, force: bool) -> tuple[dict[str, Any], str]:
    """Measure all cases and write the results; returns them as data and as text. Ctrl-C keeps the completed cases."""
    from hwsim.benchmarks import record  # noqa: PLC0415 - help does without
    from hwsim.files.raw import DataError  # noqa: PLC0415 - for this command alone
    from hwsim.runs.power_meter import PowerMeter, spelled_consumption  # noqa: PLC0415 - help does without
    from hwsim.settings.energy_settings import EnergySettings  # noqa: PLC0415 - help does without

    _refuse(out, plan.name, force=force)
    load, meter, results, complete = record.load_average(), PowerMeter(EnergySettings().core_watts), [], True
    try:
        for title, measure in plan.cases:
            try:
                with output.progress(title) as show:
                    results.append(measure(lambda done, show=show: show(_step(done, plan.rounds))))  # type: ignore[misc] # mypy wants a type for show
            except DataError as error:
                if not plan.optional:
                    raise
                output.note(f"{title} is left out: {error}")
    except KeyboardInterrupt:
        if not results:
            raise
        complete = False
    measured, paths = record.save(out or _PLACE, plan.name, results, load, complete=complete)
    written = f"written to {' and '.join(map(str, paths))}"
    if not complete:
        output.note(f"interrupted; the completed cases are {written}")
        raise click.Abort
    kind = plan.name.partition("-")[0]
    took = {**EnergySettings().simulated(meter.since(workers=True).simulation_J), "simulation_method": meter.method}
    energy = f"energy: {spelled_consumption(took)}"
    text = "\n".join(filter(None, (bench_text.TABLES[kind](results), "", bench_text.busy(load), energy, written)))
    return measured | {"files": [str(path) for path in paths]} | took, text


def _refuse(out: Path | None, name: str, *, force: bool) -> None:
    """Refuse a place for the numbers and the plot before anything is measured; the default one has numbers that others refer to."""
    from hwsim.benchmarks import record  # noqa: PLC0415 - for this command alone
    from hwsim.sweep import outputs  # noqa: PLC0415 - help does without

    folder = out or _PLACE
    if folder.exists() and not folder.is_dir():
        raise click.UsageError(f"--out {folder}: this is a file; name a folder")
    kept = next((path for path in record.paths(folder, name) if path.exists()), None)
    if kept is not None and out is None and not force:
        msg = f"{kept} has the numbers of an earlier benchmark; --force replaces them, --out FOLDER keeps them"
        raise click.UsageError(msg)
    if folder.is_dir():
        kinds = (outputs.BENCHMARK, outputs.PICTURE)
        outputs.refuse(map(outputs.OutputFile, ("--out", "--out"), record.paths(folder, name), kinds), (), force=force)


def _step(done: int, rounds: int) -> ProgressStep:
    return ProgressStep(done, rounds, f"round {done} of {rounds}" if done else "warming up")

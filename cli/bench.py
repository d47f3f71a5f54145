"""`hwsim bench`: speed, always relative to something timed next to it."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import click

from cli.bench_costs import COSTS
from cli.bench_run import (
    PLACE,
    BenchCase,
    BenchFiles,
    BenchPlan,
    benchmark,
    carry_out,
    comparison,
    earlier_run,
    noted,
    refuse,
    rounds_option,
    seconds_option,
    verdict,
)
from cli.bench_run import files as with_files
from cli.command import Command
from cli.command import command as make_command
from cli.output import Output

USUAL = ("iris", "digits", "mnist-kendall2020")
"""Circuits that both engines solve when none is named: a small, a middle and a large one."""


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
@rounds_option(7)
@seconds_option(2.0)
@with_files
def training(output: Output, sizes: Any, batches: tuple[int, ...], *, files: BenchFiles, **turns: Any) -> int | None:
    """Time training: circuits by equilibrium propagation, perceptrons of the same sizes by back-propagation, in turn.

    Both train on the same images, MNIST's where available, in 32 bits by plain gradient descent, each in a process of its own with as
    many threads as `hwsim train` takes; the perceptron with all and with one, of which the quicker counts. In another turn the circuit
    makes no sweep: no faster solver gets below that. A turn is an epoch, or as much of one as --seconds allow the circuit.
    """
    from hwsim.benchmarks.training import BATCHES, HIDDEN  # noqa: PLC0415 - help does without

    return benchmark(output, _training(output, list(product(sizes or HIDDEN, batches or BATCHES)), **turns), files)


def _training(output: Output, cases: Sequence[Any], *, rounds: int, seconds: float) -> BenchPlan:
    from hwsim.benchmarks.cases import images  # noqa: PLC0415 - help does without
    from hwsim.benchmarks.training import race  # noqa: PLC0415 - for this command alone

    noted(output, images(1))

    def measure(hidden: tuple[int, ...], batch: int) -> BenchCase:
        title = f"{'-'.join(map(str, hidden))}, batch {batch}"
        return BenchCase(title, lambda observe: race((hidden, batch), images, rounds=rounds, seconds=seconds, observe=observe))

    return BenchPlan("training", [measure(*case) for case in cases], rounds)


@make_command("epochs", "hwsim bench epochs\nhwsim bench epochs mnist-100 --batch 32 --batch 256 --rounds 3")
@click.argument("what", nargs=-1)
@click.option("--batch", "batches", type=click.IntRange(min=1), multiple=True, help="Images an update [default: 32]; repeatable.")
@rounds_option(5)
@with_files
def epochs(output: Output, what: tuple[str, ...], batches: tuple[int, ...], *, files: BenchFiles, rounds: int) -> int | None:
    """Time whole epochs as `hwsim train` runs them, with the circuit's own optimizer, and in turn what they are compared with.

    That is the same training without any sweep, which no faster solver gets below, and perceptrons of the same sizes that learn the same
    samples, by plain gradient descent and by Adam. WHAT are circuits of dense layers that learn classes [default: mnist-100].
    """
    return benchmark(output, _epochs(what, batches, rounds=rounds), files)


def _epochs(what: tuple[str, ...], batches: tuple[int, ...], *, rounds: int) -> BenchPlan:
    from hwsim.benchmarks.whole_epochs import BATCH, CIRCUIT, measure  # noqa: PLC0415 - help does without
    from hwsim.experiment.loading import load  # noqa: PLC0415 - for this command alone

    def case(name: str, batch: int) -> BenchCase:
        experiment = load(name)
        return BenchCase(f"{name}, batch {batch}", lambda observe: measure(experiment, batch, rounds=rounds, observe=observe))

    return BenchPlan("epochs", [case(*one) for one in product(what or (CIRCUIT,), batches or (BATCH,))], rounds)


@make_command("engines", "hwsim bench engines\nhwsim bench engines mnist-kendall2020 --full --samples 100 --rounds 3")
@click.argument("what", nargs=-1)
@click.option("--samples", type=click.IntRange(min=1), default=200, show_default=True, help="Samples a round; each has three equilibria.")
@rounds_option(5)
@click.option("--full", is_flag=True, help="Use the full netlist for ngspice instead of folding the inputs into the first crossbar.")
@with_files
def engines(output: Output, what: tuple[str, ...], *, files: BenchFiles, **how: Any) -> int | None:
    """Time both engines on the same equilibria, in turn, with steps, residual and success next to each time.

    The numeric engine has all samples in one batch and all cores; ngspice one process and one sweep through all of them. Without WHAT
    a small, a middle and a large circuit of the zoo are timed, without those whose data are missing.
    """
    return benchmark(output, _engines(what, **how), files)


def _engines(what: tuple[str, ...], *, samples: int, rounds: int, full: bool) -> BenchPlan:
    from hwsim.benchmarks.engine_speed import compare  # noqa: PLC0415 - help does without
    from hwsim.runs.loaded import load_model  # noqa: PLC0415 - for this command alone

    def measure(name: str) -> BenchCase:
        given = load_model(name)
        _ = given.experiment.one_circuit
        return BenchCase(name, lambda observe: compare(given, samples=samples, rounds=rounds, full=full, observe=observe))

    return BenchPlan("engines-full" if full else "engines", [measure(name) for name in what or USUAL], rounds, optional=not what)


@make_command("scaling", "hwsim bench scaling\nhwsim bench scaling --along width --along depth")
@click.option(
    "--along",
    type=click.Choice(["width", "depth", "batch", "tolerance", "chips", "length"]),
    multiple=True,
    help="The varied size; repeatable.",
)
@rounds_option(5)
@seconds_option(0.5)
@with_files
def scaling(output: Output, along: tuple[str, ...], *, files: BenchFiles, **turns: Any) -> int | None:
    """Time how training on an image, and solving its equilibria, grow with width, depth, batch and tolerance, and what memory they take.

    And training on an image with the number of chips side by side, and a sample of a sequence with the sequence's length.
    """
    from hwsim.benchmarks.scaling import POINTS  # noqa: PLC0415 - help does without

    chosen = [point for point in POINTS if not along or point.series in along]
    return benchmark(output, _scaling(output, chosen, **turns), files)


def _scaling(output: Output, points: Sequence[Any], *, rounds: int, seconds: float) -> BenchPlan:
    from hwsim.benchmarks.cases import images  # noqa: PLC0415 - help does without
    from hwsim.benchmarks.scaling import IMAGES, measure  # noqa: PLC0415 - for this command alone

    data = noted(output, images(IMAGES))
    turns: dict[str, Any] = {"rounds": rounds, "seconds": seconds}

    def case(point: Any) -> BenchCase:
        title = f"{point.series} {point.at:g}, {point.precision[-2:]} bit"
        if point.series in {"chips", "length"}:
            from hwsim.benchmarks import growth  # noqa: PLC0415 - as above

            return BenchCase(title, lambda observe: growth.measure(point, observe=observe, **turns))
        return BenchCase(title, lambda observe: measure(point, data, observe=observe, **turns))

    return BenchPlan("scaling", [case(point) for point in points], rounds)


class _Benchmarks(Command, click.Group):
    """The benchmarks; another word is a circuit, for `engines`."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        each = [training, epochs, engines, scaling, *COSTS]
        super().__init__(*arguments, commands=each, invoke_without_command=True, **settings)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands with all of their first sentences, however long."""
        rows = [(name, one.get_short_help_str(limit=1000)) for name in self.list_commands(ctx) if (one := self.get_command(ctx, name))]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the benchmark of the arguments."""
        return super().resolve_command(ctx, args if args[0] in self.commands else ["engines", *args])


@make_command("bench", "hwsim bench\nhwsim bench training --hidden 100 --batch 32", kind=_Benchmarks)
@click.option("--history", is_flag=True, help="Keep the numbers, dated and named after the commit, in history/ of the folder too.")
@with_files
def command(output: Output, *, history: bool, files: BenchFiles) -> int | None:
    """Measure speed relative to something timed next to it; writes numbers and plots.

    Without arguments, a short version of three benchmarks, in a few minutes. Names of circuits stand for `engines` with them.

    --compare FILE also prints what became slower than in an earlier run: a .json file of the same benchmark, or one of the history. Exit
    code 1: a case is slower, by more than its rounds spread.
    """
    if click.get_current_context().invoked_subcommand is not None:
        if history:
            raise click.UsageError("--history keeps the short version alone: hwsim bench --history")
        if files.given:
            raise click.UsageError(f"{files.given} follows the name of a benchmark: hwsim bench training {files.given}")
        return None
    from hwsim.benchmarks.scaling import SHORT_POINTS  # noqa: PLC0415 - help does without
    from hwsim.benchmarks.training import SHORT_CASES  # noqa: PLC0415 - for this command alone

    plans = (
        _engines((), samples=100, rounds=3, full=False),
        _training(output, SHORT_CASES, rounds=5, seconds=0.5),
        _scaling(output, SHORT_POINTS, rounds=3, seconds=0.15),
    )
    for plan in plans:
        refuse(f"{plan.name}-short", files)
    earlier = earlier_run(files, [plan.name for plan in plans])
    measured = {plan.name: carry_out(output, plan._replace(name=f"{plan.name}-short"), files) for plan in plans}
    ratios = {name: data["ratios"] for name, (data, _) in measured.items()}
    texts = "\n\n".join(text for _, text in measured.values())
    each = [data for data, _ in measured.values()]
    kept = _kept(each, files) if history else {}
    compared, more = comparison(earlier, each)
    texts += f"\nhistory: {kept['history']}" if kept else ""
    output.result({"ratios": ratios} | {name: data for name, (data, _) in measured.items()} | kept | compared, texts + more)
    return verdict(compared)


def _kept(measured: Sequence[dict[str, Any]], files: BenchFiles) -> dict[str, str]:
    """Keep the numbers in the history, and return its file."""
    from hwsim.benchmarks import figures, history  # noqa: PLC0415 - for those who keep one

    return {"history": str(history.add(files.out or PLACE, figures.together(map(figures.of_results, measured))))}

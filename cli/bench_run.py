"""Carrying out a benchmark: its cases one by one, its files, and how it compares with an earlier run."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from cli import bench_text, options
from cli.output import Output, ProgressStep

if TYPE_CHECKING:
    from hwsim.benchmarks.figures import BenchRun

PLACE = Path("results/benchmarks")
"""Where numbers and plots are written, unless --out names another folder."""

Function = Callable[..., Any]


class BenchCase(NamedTuple):
    """A title, and a function that measures the case; it is called with the display of progress. It returns a result, or a list of some."""

    title: str
    measure: Callable[[Callable[[int], None]], Any]


class BenchPlan(NamedTuple):
    """Cases of one benchmark; `name` is that of its files. With `optional`, cases without data are left out."""

    name: str
    cases: Sequence[BenchCase]
    rounds: int
    optional: bool = False


class BenchFiles(NamedTuple):
    """The folder for numbers and plots, whether existing ones are replaced, and an earlier run to compare with."""

    out: Path | None
    force: bool
    compare: Path | None

    @property
    def given(self) -> str | None:
        """The first of these options that is given."""
        named = (("--out", self.out is not None), ("--force", self.force), ("--compare", self.compare is not None))
        return next((name for name, there in named if there), None)


def files(function: Function) -> Function:
    """Add `--out`, `--force` and `--compare`; the command gets them as `files`."""

    @functools.wraps(function)
    def command(*arguments: Any, out: Path | None, force: bool, compare: Path | None, **others: Any) -> Any:
        return function(*arguments, files=BenchFiles(out, force, compare), **others)

    path = click.Path(path_type=Path)
    compare = click.option(
        "--compare", type=path, metavar="FILE", help="Compare with an earlier run's .json; exit with 1 if a case is slower."
    )
    return compare(click.option("--out", type=path, help=f"Folder for numbers and plots [default: {PLACE}].")(options.force(command)))


def rounds_option(default: int) -> Callable[[Function], Function]:
    """Add `--rounds`."""
    return click.option("--rounds", type=click.IntRange(min=1), default=default, show_default=True, help="Turns of each side.")


def seconds_option(default: float) -> Callable[[Function], Function]:
    """Add `--seconds`."""
    kind = options.Number(min=0, min_open=True)
    return click.option("--seconds", type=kind, default=default, show_default=True, help="Approximate time of a turn [s].")


def noted(output: Output, data: Any) -> Any:
    """Return images, and note where they are not MNIST's."""
    if data.name == "synthetic":
        output.note("MNIST is not available: the images are synthetic")
    return data


def benchmark(output: Output, plan: BenchPlan, files: BenchFiles) -> int | None:
    """Measure one benchmark, print it and how it compares; returns 1 where a case is slower than in the earlier run."""
    earlier = earlier_run(files, [plan.name])
    data, text = carry_out(output, plan, files)
    compared, more = comparison(earlier, [data])
    output.result(data | compared, text + more)
    return verdict(compared)


def earlier_run(files: BenchFiles, names: Sequence[str]) -> "BenchRun | None":
    """Read the run to compare with, before anything is measured; None without one."""
    if files.compare is None:
        return None
    from hwsim.benchmarks import figures  # noqa: PLC0415 - for those who compare

    earlier = figures.read(files.compare)
    asked = [name.partition("-")[0] for name in names]
    if not set(asked) & set(earlier.benchmarks):
        there = " and ".join(earlier.benchmarks) or "no case"
        again = f"; run hwsim bench {earlier.benchmarks[0]} --compare {files.compare}" if earlier.benchmarks else ""
        msg = f"--compare {files.compare}: has {there}, and this measures {' and '.join(asked)}{again}"
        raise click.UsageError(msg)
    return earlier


def comparison(earlier: "BenchRun | None", measured: Sequence[dict[str, Any]]) -> tuple[dict[str, Any], str]:
    """Compare what was measured with an earlier run: as data, `slower` the cases that are, and as text."""
    if earlier is None:
        return {}, ""
    from hwsim.benchmarks import comparison, figures  # noqa: PLC0415 - for those who compare

    now = figures.together(map(figures.of_results, measured))
    changes, machine = comparison.changes(earlier, now), comparison.differences(earlier, now)
    slower = [f"{one.benchmark}: {one.case}" for one in changes if one.verdict == "slower"]
    data = {"slower": slower, "compared": [asdict(one) for one in changes], "differences": machine}
    return data, "\n\n" + bench_text.compared(changes, machine)


def verdict(compared: dict[str, Any]) -> int | None:
    """Return the exit code of a comparison, 1 where a case is slower; what was measured is printed before.

    Raises
    ------
    click.UsageError
        When there was nothing to compare, which must not look as if nothing were slower.

    """
    if compared and not compared["compared"]:
        raise click.UsageError("--compare: the earlier run has none of the cases that were measured; compare with one that has them")
    return 1 if compared.get("slower") else None


def carry_out(output: Output, plan: BenchPlan, files: BenchFiles) -> tuple[dict[str, Any], str]:
    """Measure all cases and write the results; returns them as data and as text. Ctrl-C keeps the completed cases."""
    from hwsim.benchmarks import record  # noqa: PLC0415 - help does without
    from hwsim.files.raw import DataError  # noqa: PLC0415 - for this command alone
    from hwsim.runs.power_meter import PowerMeter, spelled_consumption  # noqa: PLC0415 - help does without
    from hwsim.settings.energy_settings import EnergySettings  # noqa: PLC0415 - help does without

    refuse(plan.name, files)
    load, meter, results, complete = record.load_average(), PowerMeter(EnergySettings().core_watts), list[Any](), True
    try:
        for title, measure in plan.cases:
            try:
                with output.progress(title) as show:
                    result = measure(lambda done, show=show: show(_step(done, plan.rounds)))  # type: ignore[misc] # mypy wants a type for show
                results += result if isinstance(result, list) else [result]
            except DataError as error:
                if not plan.optional:
                    raise
                output.note(f"{title} is left out: {error}")
    except KeyboardInterrupt:
        if not results:
            raise
        complete = False
    measured, paths = record.save(files.out or PLACE, plan.name, results, load, complete=complete)
    written = f"written to {' and '.join(map(str, paths))}"
    if not complete:
        output.note(f"interrupted; the completed cases are {written}")
        raise click.Abort
    kind = plan.name.partition("-")[0]
    took = {**EnergySettings().simulated(meter.since(workers=True).simulation_J), "simulation_method": meter.method}
    energy = f"energy: {spelled_consumption(took)}"
    text = "\n".join(filter(None, (bench_text.TABLES[kind](results), "", bench_text.busy(load), energy, written)))
    return measured | {"files": [str(path) for path in paths]} | took, text


def refuse(name: str, files: BenchFiles) -> None:
    """Refuse a place for the numbers and the plot before anything is measured; the default one has numbers that others refer to."""
    from hwsim.benchmarks import record  # noqa: PLC0415 - for this command alone
    from hwsim.sweep import outputs  # noqa: PLC0415 - help does without

    out, force, compare = files
    folder = out or PLACE
    outputs.refuse_folder("--out", folder)
    kept = next((path for path in record.paths(folder, name) if path.exists()), None)
    if kept is not None and out is None and not force:
        msg = f"{kept} has the numbers of an earlier benchmark; --force replaces them, --out FOLDER keeps them"
        raise click.UsageError(msg)
    if folder.is_dir():
        kinds = (outputs.BENCHMARK, outputs.PICTURE)
        written = map(outputs.OutputFile, ("--out", "--out"), record.paths(folder, name), kinds)
        outputs.refuse(written, () if compare is None else (compare,), force=force)


def _step(done: int, rounds: int) -> ProgressStep:
    return ProgressStep(done, rounds, f"round {done} of {rounds}" if done else "warming up")

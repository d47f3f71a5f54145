"""`hwsim bench`: the speed of both engines, side by side."""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.command import command as make_command
from cli.output import Output, Step, table

if TYPE_CHECKING:
    from hwsim.bench import Comparison, Spread

USUAL = ("iris", "digits", "mnist-kendall2020")
"""Circuits that are timed when none is named: a small, a middle and a large one."""

_QUIET = 0.5
"""Load of the machine up to which times are worth reading."""


@make_command("bench", "hwsim bench\nhwsim bench mnist-kendall2020 --full --samples 100 --rounds 3")
@click.argument("what", nargs=-1)
@click.option("--samples", type=click.IntRange(min=1), default=200, show_default=True, help="Samples a round; each has three equilibria.")
@click.option("--rounds", type=click.IntRange(min=1), default=5, show_default=True, help="Turns of each engine.")
@click.option("--full", is_flag=True, help="Give ngspice the full netlist instead of folding the inputs into the first crossbar.")
@click.option("--out", type=click.Path(path_type=Path), help="Where to write the numbers [default: results/benchmarks/engines.json].")
def command(output: Output, what: tuple[str, ...], samples: int, rounds: int, full: bool, out: Path | None) -> None:  # noqa: FBT001 - a parameter an option
    """Time both engines on the same equilibria, by turns, and print ratios; steps, residual and success stand beside each time.

    The numeric engine has all samples in one batch and all cores; ngspice one process and one sweep through all of them. Without WHAT
    it takes a small, a middle and a large circuit of the zoo, and leaves out those whose data are not here.
    """
    from hwsim import files  # noqa: PLC0415 - help does without
    from hwsim.bench import compare  # noqa: PLC0415
    from hwsim.environment import environment  # noqa: PLC0415
    from hwsim.samples import DataError  # noqa: PLC0415
    from hwsim.subject import subject  # noqa: PLC0415

    subjects = {name: subject(name) for name in what or USUAL}
    path = out or Path("results/benchmarks/engines.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    load = os.getloadavg()[0]
    comparisons = []
    for name, given in subjects.items():
        try:
            with output.progress(name) as show:
                comparison = compare(given, samples=samples, rounds=rounds, full=full, observe=lambda done: show(_step(done, rounds)))
        except DataError as error:
            if what:
                raise
            output.note(f"{name} is left out: {error}")
            continue
        comparisons.append(comparison)
    told = {
        "comparisons": [comparison.table() for comparison in comparisons],
        "load_before": load,
        "environment": environment(next(iter(subjects.values())).experiment),
    }
    files.write(path, json.dumps(told, indent=2) + "\n")
    ratios = {comparison.circuit: comparison.ratio.median for comparison in comparisons}
    output.result({"ratios": ratios, "file": str(path)} | told, f"{_text(comparisons)}\n\n{_busy(load)}written to {path}")


def _step(done: int, rounds: int) -> Step:
    return Step(done, rounds, f"round {done} of {rounds}" if done else "warming up")


def _busy(load: float) -> str:
    """Say so when other work was under way, which stretches times more than ratios."""
    return f"the load was {load:.1f} on {os.cpu_count()} cores before this began: read the ratios, not the times\n" if load > _QUIET else ""


def _text(comparisons: Iterable["Comparison"]) -> str:
    header = (
        "circuit",
        "engine",
        "ms per equilibrium",
        "from – to",
        "steps",
        "residual/largest current",
        "found",
        "time of ngspice/numeric",
    )
    return table(header, [row for comparison in comparisons for row in _rows(comparison)])


def _rows(comparison: "Comparison") -> Iterable[tuple[str, ...]]:
    for k, timing in enumerate(comparison.timings):
        ms: Any = timing.milliseconds
        yield (
            "" if k else comparison.circuit,
            timing.engine + (f", {comparison.netlist}" if timing.engine == "ngspice" else ""),
            f"{ms.median:.3g}",
            _ends(ms),
            f"{timing.steps:.1f}",
            "–" if timing.imbalance is None else f"{timing.imbalance:.0e}",
            f"{100 * timing.converged:.0f} %",
            f"{comparison.ratio.median:.3g} ({_ends(comparison.ratio)})" if k else "",
        )


def _ends(spread: "Spread") -> str:
    return f"{spread.least:.3g} – {spread.most:.3g}"

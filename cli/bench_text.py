"""The tables of `hwsim bench`: medians with least and most, ratios, and convergence."""

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from cli.tables import table

if TYPE_CHECKING:
    from hwsim.benchmarks.comparison import Change
    from hwsim.benchmarks.device_cost import Cost
    from hwsim.benchmarks.engine_speed import EngineComparison
    from hwsim.benchmarks.learner import Settling
    from hwsim.benchmarks.scaling import Measured
    from hwsim.benchmarks.training import Race
    from hwsim.benchmarks.turns import Spread

_QUIET = 0.5
"""Largest load of the machine at which absolute times are meaningful."""

_SETTLING = ("sweeps free", "nudged", "residual [A]", "off/largest", "converged")


def busy(load: float | None) -> str:
    """Warn when other programs were running, which affects times more than ratios."""
    if load is None or load <= _QUIET:
        return ""
    return f"the load was {load:.1f} on {os.cpu_count()} cores before this began: read the ratios, not the times"


def engines(comparisons: Sequence["EngineComparison"]) -> str:
    """Return the table of both engines' times, and the ratios."""
    header = ("circuit", "engine", "ms per equilibrium", "from – to", "steps", "residual/largest current", "converged", "ngspice/numeric")
    return table(header, [row for comparison in comparisons for row in _of_engines(comparison)], keys=2)


def _of_engines(comparison: "EngineComparison") -> Iterable[tuple[str, ...]]:
    for k, timing in enumerate(comparison.timings):
        yield (
            "" if k else comparison.circuit,
            timing.engine + (f", {comparison.netlist}" if timing.engine == "ngspice" else ""),
            f"{timing.milliseconds.median:.3g}",
            _ends(timing.milliseconds),
            f"{timing.steps:.1f}",
            "–" if timing.imbalance is None else f"{timing.imbalance:.0e}",
            f"{100 * timing.converged:.0f} %",
            _whole(comparison.ratio) if k else "",
        )


def training(races: Sequence["Race"]) -> str:
    """Return the table of times of circuit and perceptron for an image, and the ratios."""
    times = ("circuit [µs/image]", "no sweeps", "perceptron", "circuit/perceptron", "no sweeps/perceptron")
    header = ("layers", "batch", *times, *_SETTLING, "images a turn")
    rows = [
        (
            "-".join(map(str, race.layers)),
            str(race.batch),
            *map(_whole, (race.circuit, race.floor, race.perceptron, race.ratio, race.floor_ratio)),
            *_settling(race.settling),
            f"{race.images}" + (" (an epoch)" if race.images >= race.epoch else ""),
        )
        for race in races
    ]
    return table(header, rows, keys=2)


def scaling(points: Sequence["Measured"]) -> str:
    """Return the table of the times of an image at every point."""
    header = ("varied", "", "bits", "training [µs/image]", "its equilibria only", "memory [MB]", *_SETTLING)
    rows = [
        (
            measured.point.series,
            f"{measured.at:g}",
            measured.point.precision[-2:],
            _whole(measured.training),
            "" if measured.equilibria is None else _whole(measured.equilibria),
            f"{measured.memory:.3g}",
            *(_settling(measured.settling) if measured.settling else [""] * len(_SETTLING)),
        )
        for measured in points
    ]
    return table(header, rows, keys=3)


def costs_table(costs: Sequence["Cost"]) -> str:
    """Return the table of times and baselines."""
    rows = [(cost.name, f"{_whole(cost.time)} {cost.unit}", cost.baseline, _whole(cost.plain), _whole(cost.ratio)) for cost in costs]
    return table(("what", "time", "baseline", "time", "ratio"), rows)


def compared(changes: Sequence["Change"], differences: Sequence[str]) -> str:
    """Return the table of cases then and now, more is slower, what differs in the machine, and how many cases are slower."""
    rows = [(one.benchmark, one.case, _whole(one.before), _whole(one.now), _whole(one.change), one.verdict) for one in changes]
    header = ("benchmark", "case", "before", "now", "now/before", "so it is")
    slower = sum(one.verdict == "slower" for one in changes)
    counted = f"{slower} of {len(changes)} cases {'is' if slower == 1 else 'are'} slower, by more than the rounds spread"
    notes = [f"differs: {line}" for line in differences]
    return "\n".join([table(header, rows, keys=2), "", *notes, counted])


def _settling(settling: "Settling") -> tuple[str, ...]:
    off = "–" if settling.off is None else f"{settling.off:.0e}"
    converged = f"{100 * settling.converged:.4g} %"
    return f"{settling.steps_free:.1f}", f"{settling.steps_nudged:.1f}", f"{settling.residual_A:.0e}", off, converged


def _whole(spread: "Spread") -> str:
    """Write a median with its least and most; by itself where it is of a single round."""
    return f"{spread.median:.3g}" if spread.single else f"{spread.median:.3g} ({_ends(spread)})"


def _ends(spread: "Spread") -> str:
    return "–" if spread.single else f"{spread.least:.3g} – {spread.most:.3g}"


TABLES: dict[str, Any] = {
    "engines": engines,
    "training": training,
    "epochs": costs_table,
    "scaling": scaling,
    "devices": costs_table,
    "convolutions": costs_table,
    "blocks": costs_table,
    "transient": costs_table,
    "company": costs_table,
}
"""The table of each benchmark, by its name."""

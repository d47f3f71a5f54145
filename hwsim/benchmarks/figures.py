"""What is compared of a benchmark's cases with an earlier run: one number each, of which more is slower; and stored files of them."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from circuits.quoting import quote_path
from circuits.regular_file import open_regular
from hwsim.benchmarks.turns import Spread


class BenchmarkFileError(ValueError):
    """A file that holds no numbers of a benchmark; the message names it and the remedy."""


class Figure(NamedTuple):
    """How slow a case is.

    Parameters
    ----------
    spread
        Of the number, over the rounds.
    absolute
        Whether it is a time, which depends on the machine, and not a ratio to something timed in turn.

    """

    spread: Spread
    absolute: bool = False


@dataclass(frozen=True, slots=True)
class BenchRun:
    """A run of benchmarks: the figure of every case by its benchmark and name, and its machine.

    Parameters
    ----------
    figures
        By benchmark (`training`) and case.
    environment
        Versions and machine, as run folders have them, and `load_before`.

    """

    figures: Mapping[tuple[str, str], Figure]
    environment: Mapping[str, Any]

    @property
    def benchmarks(self) -> list[str]:
        """The benchmarks that it has cases of."""
        return list(dict.fromkeys(kind for kind, _ in self.figures))


def _engines(result: Mapping[str, Any]) -> tuple[str, Figure]:
    """Return the time of the numeric engine over that of ngspice; the record has its inverse."""
    ratio, netlist = result["ratio"], result["netlist"]
    inverse = Spread(median=1 / ratio["median"], least=1 / ratio["most"], most=1 / ratio["least"])
    return result["circuit"] + ("" if netlist == "norton" else f", {netlist} netlist"), Figure(inverse)


def _training(result: Mapping[str, Any]) -> tuple[str, Figure]:
    return f"{'-'.join(map(str, result['layers']))}, batch {result['batch']}", Figure(Spread(**result["ratio"]))


def _scaling(result: Mapping[str, Any]) -> tuple[str, Figure]:
    point = result["point"]
    name = f"{point['series']} {result['at']:g}, {point['precision'][-2:]} bit"
    return name, Figure(Spread(**result["training"]), absolute=True)


def _cost(result: Mapping[str, Any]) -> tuple[str, Figure]:
    return result["name"], Figure(Spread(**result["ratio"]))


def _epochs(result: Mapping[str, Any]) -> tuple[str, Figure]:
    name, figure = _cost(result)
    return f"{name} / {result['baseline']}", figure


FIGURES: dict[str, Callable[[Mapping[str, Any]], tuple[str, Figure]]] = {
    "engines": _engines,
    "training": _training,
    "epochs": _epochs,
    "scaling": _scaling,
    "devices": _cost,
    "convolutions": _cost,
    "blocks": _cost,
    "transient": _cost,
    "company": _cost,
}
"""The name and the figure of a case, from a result as it is written, by benchmark."""


def of_results(measured: Mapping[str, Any]) -> BenchRun:
    """Return the figures of a benchmark's record, as `record.save` writes it."""
    kind = measured["benchmark"].partition("-")[0]
    figures = {(kind, name): figure for name, figure in map(FIGURES[kind], measured["results"])}
    return BenchRun(figures, {**measured["environment"], "load_before": measured["load_before"]})


def together(records: Iterable[BenchRun]) -> BenchRun:
    """Return the figures of several benchmarks that ran one after the other."""
    each = list(records)
    return BenchRun({key: figure for one in each for key, figure in one.figures.items()}, each[0].environment)


def as_written(recorded: BenchRun) -> dict[str, Any]:
    """Return figures and machine as plain data, for JSON."""
    by_kind: dict[str, dict[str, Any]] = {}
    for (kind, name), (spread, absolute) in recorded.figures.items():
        numbers = {key: float(f"{getattr(spread, key):.4g}") for key in ("median", "least", "most")}
        by_kind.setdefault(kind, {})[name] = numbers | {"absolute": absolute}
    return {"figures": by_kind, "environment": dict(recorded.environment)}


def read(path: Path) -> BenchRun:
    """Read the numbers of a benchmark, or a record of the history.

    Raises
    ------
    BenchmarkFileError
        When it holds something else.
    OSError
        When it cannot be read.

    """
    try:
        with open_regular(path) as file:
            written = json.loads(file.read())
        return _checked(of_results(written) if "results" in written else _of_history(written))
    except (ValueError, KeyError, TypeError, AttributeError, ZeroDivisionError, RecursionError):
        msg = f"{quote_path(path)}: holds no numbers of a benchmark; name a .json file that hwsim bench wrote"
        raise BenchmarkFileError(msg) from None


def _of_history(written: Mapping[str, Any]) -> BenchRun:
    figures = {}
    for kind, cases in written["figures"].items():
        for name, numbers in cases.items():
            spread = Spread(**{key: float(numbers[key]) for key in ("median", "least", "most")})
            figures[kind, name] = Figure(spread, absolute=bool(numbers["absolute"]))
    return BenchRun(figures, dict(written["environment"]))


def _checked(recorded: BenchRun) -> BenchRun:
    """Refuse numbers that no benchmark writes."""
    for spread, _ in recorded.figures.values():
        if not 0 < spread.least <= spread.median <= spread.most < float("inf"):
            raise ValueError(spread)
    if not isinstance(recorded.environment.get("packages") or {}, dict):
        raise TypeError(recorded.environment)
    return recorded

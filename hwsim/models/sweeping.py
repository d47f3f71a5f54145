"""Sweeps from Python: a circuit at many points of its settings, on many chips, as a table."""

import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from hwsim.ensemble.instances import Mode
from hwsim.experiment.experiment import Experiment
from hwsim.experiment.loading import to_toml
from hwsim.models.model import Model


class SweepTable(NamedTuple):
    """What came out.

    Parameters
    ----------
    results
        Columns of a table with a row for each result: `point`, the varied keys, `chip`, `seed`, `test_error` and others.
    points
        Columns of a table with a row for each point: the varied keys, `mean` of the error, the ends of its 95 % interval, `low` and `high`.

    """

    results: dict[str, list[Any]]
    points: dict[str, list[Any]]


def run_sweep(  # noqa: PLR0913 - what a sweep is made of; all but the circuit and the keys have defaults
    what: Model | Experiment | str | Path,
    vary: Mapping[str, Any],
    *,
    mode: Mode | None = None,
    chips: int = 1,
    seeds: int = 1,
    settings: Mapping[str, Any] | None = None,
    jobs: int = 1,
    out: str | Path | None = None,
) -> SweepTable:
    """Compute a circuit at many points, on chips × seeds instances of each.

    Parameters
    ----------
    what
        A model, an experiment, or a name, an experiment file or a run folder.
    vary
        Values by key of an experiment file: a list, in which None is the key's absence, or a range as in `hwsim sweep`, `"0:0.1:3"` or
        `"log:1e-8:1e-6:5"`. Several keys make a grid.
    mode
        `evaluate`: only test the model's conductances, or initial ones; `train`: train on each chip; `transfer`: train once for each seed,
        and test on each chip. Absent: `evaluate` of a model, `train` of anything else.
    chips, seeds
        How many of each.
    settings
        Keys that hold at all points.
    jobs
        Processes that compute; 1 is this one.
    out
        The sweep's database, which is resumed where it exists, and which all commands read; absent: none is kept.

    Raises
    ------
    SweepError, ExperimentError, RunError, CircuitError, DataError, DeviceError
        When something is wrong with the sweep.

    Examples
    --------
    >>> import hwsim as hw
    >>> table = hw.run_sweep("xor", {"variation.offset": [0, 0.01]}, mode="evaluate", chips=2)
    >>> table.points["variation.offset"], len(table.results["test_error"])
    ([0, 0.01], 4)

    """
    from hwsim.runs.environment import environment  # noqa: PLC0415 - sweeps load only for those who make them
    from hwsim.sweep.execution import run  # noqa: PLC0415
    from hwsim.sweep.new_sweep import Planned  # noqa: PLC0415

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        chosen = mode or ("evaluate" if isinstance(what, Model) else "train")
        planned = Planned.make(_named(what, folder), settings or {}, vary, chosen, chips=chips, seeds=seeds)
        path = Path(out) if out else folder / "sweep.db"
        database = stack.enter_context(planned.open(path, lambda: environment(planned.definition.experiment)))
        run(database, lambda results: None, jobs=jobs)  # noqa: ARG005 - nobody watches
        return _table(database.recorded())


def _named(what: Model | Experiment | str | Path, folder: Path) -> str:
    """Return what a sweep is over, as something that is on disk."""
    if isinstance(what, Model):
        return str(what.save(folder / what.experiment.name))
    if isinstance(what, Experiment):
        file = folder / f"{what.name}.toml"
        file.write_text(to_toml(what), encoding="utf-8")
        return str(file)
    return str(what)


def _table(recorded: Any) -> SweepTable:
    """Put results and points in columns."""
    from hwsim.sweep.export import columns  # noqa: PLC0415 - as above
    from hwsim.sweep.statistics import numbers  # noqa: PLC0415

    keys = [axis.key for axis in recorded.definition.axes]
    settings = {point.number: point.settings for point in recorded.points}
    summaries = [(one.point, one.summary) for one in numbers(recorded)]
    points: dict[str, list[Any]] = {key: [settings[number].get(key) for number, _ in summaries] for key in keys}
    points |= {"mean": [one.mean for _, one in summaries]}
    for k, end in enumerate(("low", "high")):
        points[end] = [one.interval[k] for _, one in summaries]
    return SweepTable(columns(recorded), points)

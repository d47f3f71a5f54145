"""Definition: all that a sweep's results depend on; the same definition has the same results."""

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self, get_args

from pydantic import ValidationError

from circuits.quoting import quote, quote_path, quoted
from hwsim.experiment.experiment import Experiment
from hwsim.experiment.netlist_circuit import SHOWN
from hwsim.experiment.overriding import override
from hwsim.files.stored_conductances import fingerprint
from hwsim.settings.variation_settings import VariationSettings
from hwsim.sweep.axes import Axis
from hwsim.sweep.points import Design, Kind, SweepPoint, fitted
from hwsim.sweep.sweep_errors import SweepError

Mode = Literal["train", "transfer", "evaluate"]


_FINGERPRINTS = ("start", "data_sha256")
"""Fields about the content of files, which earlier versions do not have."""

_NAME = "data.name"

_LARGEST = 9_999_999
"""Largest count: seven digits, as a range's may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Varied:
    """An experiment with some varied keys.

    Parameters
    ----------
    experiment
        The experiment that varied keys are put into.
    axes
        The varied keys.

    """

    experiment: Experiment
    axes: tuple[Axis, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepDefinition(Varied):
    """One sweep of an experiment's varied keys.

    Parameters
    ----------
    design
        How points are chosen.
    mode
        `train` on each chip, `transfer` (train nominally, evaluate on each chip) or `evaluate` (with a run's or initial conductances).
    chips, seeds
        Number of each, counted from the experiment's own; every chip is combined with every seed.
    weights
        Fingerprint of the evaluated conductances; empty without any.
    weights_at
        Temperature of the evaluated conductances [°C]; each point has its own temperature, and may have another coefficient.
    start
        Fingerprint of the conductances that training starts from, of each file that `training.start` names; empty without any, and
        in files of earlier versions.
    data_sha256
        Fingerprint of the samples of each data set that `data.name` names; empty in files of earlier versions.

    """

    design: Design = field(default_factory=Design)
    mode: Mode = "train"
    chips: int = 1
    seeds: int = 1
    weights: str = ""
    weights_at: float = VariationSettings().temperature
    start: str = ""
    data_sha256: str = ""

    @classmethod
    def make(cls, experiment: Experiment, axes: tuple[Axis, ...], **settings: Any) -> Self:
        """Make a definition; its experiment has only what results depend on."""
        plain = experiment.model_copy(update={"about": "", "reached": None})
        start, data_sha256 = _start(plain, axes), _data(plain, axes)
        return cls(experiment=plain, axes=fitted(axes, plain), start=start, data_sha256=data_sha256, **settings)

    def refuse_changed_files(self) -> None:
        """Refuse to resume where a file of data, or one that training starts from, has changed.

        Raises
        ------
        SweepError
            When one has changed.
        WeightsError, DataError
            When it cannot be read.

        """
        if self.data_sha256 and _data(self.experiment, self.axes) != self.data_sha256:
            msg = f"{self._data_changed}; restore it, or begin another sweep (--out)"
            raise SweepError(msg)
        if self.start and _start(self.experiment, self.axes) != self.start:
            name = quoted(self.experiment.training.start)
            msg = f"training.start = {name} has other conductances than when the sweep began; restore them, or begin another sweep (--out)"
            raise SweepError(msg)

    def points(self) -> list[SweepPoint]:
        """Choose and check the points.

        Raises
        ------
        SweepError
            When one of them is no experiment.

        """
        return self.design.points(self.axes, self.experiment)

    @property
    def first_chip(self) -> int:
        """The chip that counting starts from."""
        return self.experiment.variation.chip

    @property
    def first_seed(self) -> int:
        """The seed that counting starts from."""
        return self.experiment.training.seed

    def to_json(self) -> str:
        """Return it as one JSON object."""
        return json.dumps(self._table(), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read it from JSON; keys that experiments have got since then have their defaults.

        Raises
        ------
        SweepError
            When it was not written by `to_json`, or by another version of hwsim.

        """
        try:
            table = json.loads(text)
            axes = tuple(Axis(**axis | {"listed": tuple(axis["listed"])}) for axis in table.pop("axes"))
            experiment = Experiment.model_validate(table.pop("experiment"))
            read = cls(experiment=experiment, axes=axes, design=Design(**table.pop("design")), **table)
        except (ValidationError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            msg = f"its definition cannot be read ({quote(error, 150)}); another version of hwsim made it"
            raise SweepError(msg) from None
        if odd := next(read._odd(), ""):
            msg = f"its {odd} is unknown; another version of hwsim made it"
            raise SweepError(msg)
        return read

    def _odd(self) -> Iterator[str]:
        """List fields that no definition of ours has, for a file may have anything in it."""
        if self.mode not in get_args(Mode):
            yield f"mode {quoted(self.mode)}"
        if self.design.kind not in get_args(Kind) or not _is_count(self.design.count, 0):
            yield f"design {quoted(self.design.kind)} of {quoted(self.design.count)}"
        if (
            type(self.weights_at) not in {int, float}
            or not abs(self.weights_at) < math.inf
            or not all(isinstance(getattr(self, key), str) for key in _FINGERPRINTS)
        ):
            yield f"weights_at {quoted(self.weights_at)}, start {quoted(self.start)} or data_sha256 {quoted(self.data_sha256)}"
        for name in ("chips", "seeds"):
            if not _is_count(getattr(self, name), 1):
                yield f"{name} = {quoted(getattr(self, name))}"
        for axis in self.axes:
            ends = [end for end in (axis.low, axis.high) if end is not None]
            fine = all(type(end) in {int, float} and abs(end) < math.inf for end in ends) and len(ends) in {0, 2}
            logarithmic = not axis.log or (bool(ends) and fine and min(ends) > 0)
            if (
                not isinstance(axis.key, str)
                or not fine
                or not logarithmic
                or not (axis.count is None or (ends and _is_count(axis.count, 2)))
            ):
                yield f"range of {quoted(axis.key)}"

    def difference(self, other: Self) -> str | None:
        """Describe the first difference from another definition; None for the same."""
        mine, theirs = dict(_flat("", self._table())), dict(_flat("", other._table()))
        for name in _FINGERPRINTS:
            if not (getattr(self, name) and getattr(other, name)):  # files of earlier versions have no fingerprints
                mine, theirs = ({key: value for key, value in table.items() if key != name} for table in (mine, theirs))
        for key in sorted(mine | theirs, key=_FINGERPRINTS.__contains__):
            if mine.get(key) != theirs.get(key):
                if key == "data_sha256":
                    return f"other samples: {self._data_changed}"
                name = key.removeprefix("experiment.")
                return f"{name} = {_formatted(mine.get(key))}, not {_formatted(theirs.get(key))}"
        return None

    @property
    def _data_changed(self) -> str:
        named = next((axis.listed for axis in self.axes if axis.key == _NAME), (self.experiment.data.name,))
        return f"{' or '.join(quote_path(str(name)) for name in named)} has changed since the sweep began"

    def _table(self) -> dict[str, Any]:
        table = {key: getattr(self, key) for key in ("mode", "chips", "seeds", "weights")}
        axes = [asdict(axis) for axis in self.axes]
        table |= {
            key: value
            for key in ("weights_at", *_FINGERPRINTS)
            if (value := getattr(self, key)) != type(self).__dataclass_fields__[key].default
        }
        return table | {"design": asdict(self.design), "axes": axes, "experiment": self.experiment.model_dump(mode="json")}


def _start(experiment: Experiment, axes: tuple[Axis, ...]) -> str:
    """Return the fingerprints of all conductances that training starts from, for every value of `training.start`."""
    starts = [experiment.training.start, *(value for axis in axes if axis.key == "training.start" for value in axis.listed)]
    each = [override(experiment, [f"training.start={json.dumps(start)}"]).shown for start in starts if start is not None]
    return ",".join(fingerprint(g) for g in each if g is not None)


def _data(experiment: Experiment, axes: tuple[Axis, ...]) -> str:
    """Return the fingerprints of the samples of all named data, except those of a netlist's own sources."""
    from hwsim.data.sources import read  # noqa: PLC0415 - scikit-learn and the readers load only for those who read data

    listed = [value for axis in axes if axis.key == _NAME for value in axis.listed]
    return ",".join(read(str(name), experiment.data).sha256 for name in listed or [experiment.data.name] if name != SHOWN)


def _is_count(value: Any, least: int) -> bool:
    return type(value) is int and least <= value <= _LARGEST


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    """List the leaves of nested tables by dotted names; sequences are leaves, but for the axes."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(f"{prefix}.{key}".removeprefix("."), inner)
    elif prefix == "axes":
        for axis in value:
            yield f"--vary {axis['key']}", {key: list(part) if isinstance(part, tuple) else part for key, part in axis.items()}
        yield "--vary", [axis["key"] for axis in value]
    else:
        yield prefix, list(value) if isinstance(value, tuple) else value


def _formatted(value: Any) -> str:
    if isinstance(value, dict):  # an axis
        range_ = [f"{value[key]:g}" for key in ("low", "high", "count") if value[key] is not None]
        return ",".join(map(str, value["listed"])) or "log:" * value["log"] + ":".join(range_)
    return "nothing" if value is None else repr(value)

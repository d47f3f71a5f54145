"""Definition: all that a sweep's numbers depend on; the same definition gives the same numbers."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self, get_args

from pydantic import ValidationError

from hwsim.experiment import Experiment
from hwsim.sweep.axes import Axis
from hwsim.sweep.errors import SweepError
from hwsim.sweep.points import Design, Point, fitted

Mode = Literal["train", "transfer", "evaluate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Varied:
    """An experiment of which some keys are varied.

    Parameters
    ----------
    experiment
        What the varied keys are put into.
    axes
        The varied keys.

    """

    experiment: Experiment
    axes: tuple[Axis, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition(Varied):
    """One sweep of an experiment's varied keys.

    Parameters
    ----------
    design
        How points are chosen.
    mode
        `train` on each chip, `transfer` (train nominally, evaluate on each chip) or `evaluate` (given conductances, or initial ones).
    chips, seeds
        How many of each, counted from the experiment's own on; every chip meets every seed.
    weights
        Fingerprint of the conductances that are evaluated; empty where none are given.

    """

    design: Design = field(default_factory=Design)
    mode: Mode = "train"
    chips: int = 1
    seeds: int = 1
    weights: str = ""

    @classmethod
    def make(cls, experiment: Experiment, axes: tuple[Axis, ...], **settings: Any) -> Self:
        """Make a definition; what changes no number is left out of its experiment."""
        plain = experiment.model_copy(update={"about": "", "reached": None})
        return cls(experiment=plain, axes=fitted(axes, plain), **settings)

    def points(self) -> list[Point]:
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
        """Write it as one JSON object."""
        return json.dumps(self._table(), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read it back; keys that experiments have got since then have their defaults.

        Raises
        ------
        SweepError
            When it is not what `to_json` writes, or of another version of hwsim.

        """
        try:
            table = json.loads(text)
            axes = tuple(Axis(**axis | {"listed": tuple(axis["listed"])}) for axis in table.pop("axes"))
            experiment = Experiment.model_validate(table.pop("experiment"))
            read = cls(experiment=experiment, axes=axes, design=Design(**table.pop("design")), **table)
        except (ValidationError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            reason = str(error).splitlines()[0]
            msg = f"its definition cannot be read ({reason}); another version of hwsim made it"
            raise SweepError(msg) from None
        if read.mode not in get_args(Mode):
            msg = f"its mode {read.mode!r} is not known; another version of hwsim made it"
            raise SweepError(msg)
        return read

    def difference(self, other: Self) -> str | None:
        """Say in words the first thing in which another definition differs; None for the same."""
        mine, theirs = dict(_flat("", self._table())), dict(_flat("", other._table()))
        for key in mine | theirs:
            if mine.get(key) != theirs.get(key):
                name = key.removeprefix("experiment.")
                return f"{name} = {_said(mine.get(key))}, not {_said(theirs.get(key))}"
        return None

    def _table(self) -> dict[str, Any]:
        told = {key: getattr(self, key) for key in ("mode", "chips", "seeds", "weights")}
        axes = [asdict(axis) for axis in self.axes]
        return told | {"design": asdict(self.design), "axes": axes, "experiment": self.experiment.model_dump(mode="json")}


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


def _said(value: Any) -> str:
    if isinstance(value, dict):  # an axis
        range_ = [f"{value[key]:g}" for key in ("low", "high", "count") if value[key] is not None]
        return ",".join(map(str, value["listed"])) or "log:" * value["log"] + ":".join(range_)
    return "nothing" if value is None else repr(value)

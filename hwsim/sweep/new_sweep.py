"""Start of a sweep: the command line becomes a definition, with conductances for evaluation, and a file."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from circuits.quoting import quote_path
from hwsim.devices.drift import drift_of
from hwsim.ensemble.instances import Mode
from hwsim.experiment.experiment import Experiment
from hwsim.experiment.learnt import refuse_learnt_by, refuse_learnt_start
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import Settings
from hwsim.files.stored_conductances import beyond, fingerprint
from hwsim.runs.loaded import refuse_start, run_folder
from hwsim.session import Session
from hwsim.settings.company_settings import CompanySettings
from hwsim.settings.variation_settings import VariationSettings
from hwsim.sweep import fixed_keys
from hwsim.sweep.axes import axis_of, read_axis
from hwsim.sweep.database import Database
from hwsim.sweep.definition import SweepDefinition
from hwsim.sweep.points import Design, SweepPoint
from hwsim.sweep.sweep_errors import SweepError
from hwsim.typing import Weights

_LONGEST = 60
"""Letters of varied keys in a file's name."""

_START: Any = {"training": {"start"}}

_DRAWN: Any = dict.fromkeys(("circuit", "blocks", "reservoir", "variation", "device", "noise"), True) | {"training": {"update"}}
"""Keys that decide what is drawn for each chip."""

_READ: dict[str, Any] = {
    "start": {"data": True, "company": True, **_START},
    "circuit": {"circuit": True, "blocks": True, **_START},
    "device": {"device": True, "circuit": True, "blocks": True, "variation": True},
}
"""Keys that a check depends on, where these are more than its section."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A sweep, its points, and the evaluated conductances, if any [S], at the definition's `weights_at`."""

    definition: SweepDefinition
    points: list[SweepPoint]
    weights: Weights | None

    @classmethod
    def make(cls, what: str, settings: Settings, vary: Sequence[str] | Mapping[str, Any], mode: Mode, **counts: Any) -> Self:
        """Plan a sweep of the named model, and check every point of it.

        Parameters
        ----------
        what
            A name in the zoo, an experiment file or a run folder; `evaluate` takes a run folder's conductances.
        settings
            Overrides for all points.
        vary
            The varied keys, as typed, or with their values.
        mode
            Computation at each point.
        counts
            Further fields of the definition.

        Raises
        ------
        SweepError, ExperimentError, RunError, CircuitError, DataError, DeviceError
            When an input is wrong.

        """
        axes = tuple(axis_of(*one) for one in vary.items()) if isinstance(vary, Mapping) else tuple(map(read_axis, vary))
        replaced = counts.get("design", Design()).kind != "alone"
        experiment = fixed_keys.base(what, settings, axes, replaced=replaced)
        folder = run_folder(what) if mode == "evaluate" else None
        weights = folder.read_weights(Session.of(experiment).circuit) if folder else None
        if weights is not None and counts.get("seeds", 1) > 1:
            why = f"{what} was trained with seed {experiment.training.seed}, and another may test it on samples that it has learnt"
            msg = f"--seeds {counts['seeds']}: {why}; take more chips (--chips)"
            raise SweepError(msg)
        if folder and weights:
            counts |= {"weights": fingerprint(weights), "weights_at": load(folder.path).variation.temperature}
        if experiment.company is not None:
            _refuse_of_company(experiment, mode, counts)
        definition = SweepDefinition.make(experiment, axes, mode=mode, **counts)
        planned = cls(definition, definition.points(), weights)
        fixed_keys.refuse_undone(settings, axes, planned.points, experiment, replaced=replaced)
        fixed_keys.refuse_idle(axes, planned.points, experiment)
        if folder:
            trained = load(folder.path)
            for point in planned.points:
                asked = point.experiment(definition.experiment)
                refuse_start(folder, trained, asked)
                refuse_learnt_by(what, asked)
                if asked.data.task == "regression" and asked.data.name != trained.data.name:
                    name = quote_path(asked.data.name)
                    msg = f"data.name = {name}: real targets are read by the scale of the run's own data"
                    raise SweepError(f"{msg}; use hwsim evaluate {what} --data {name}")
        planned._check(what if folder else None)
        return planned

    @property
    def cut(self) -> str:
        """Which of the given or initial conductances the design's devices cannot have, in a line; empty if all are possible."""
        if self.weights is None:
            return Session.of(self.definition.experiment).initial_cut
        base, evaluated_at = self.definition.experiment, VariationSettings(temperature=self.definition.weights_at)
        g = base.at_temperature(self.weights, evaluated_at, VariationSettings())
        return beyond(Session.of(base).nominal.chip, g)

    @property
    def alike(self) -> bool:
        """Whether there are several chips, all of them equal."""
        if self.definition.chips == 1:
            return False
        learning = self.definition.mode == "train"
        each = [point.experiment(self.definition.experiment) for point in self.points]
        differing = {one.model_dump_json(include=_DRAWN): one for one in each}.values()
        return all(Session.of(one).alike(learning=learning) for one in differing)

    @property
    def driftless(self) -> list[str]:
        """The presets of points with an age whose devices have no drift model."""
        aged = [point.experiment(self.definition.experiment) for point in self.points]
        settings = {device.preset: device for one in aged if one.variation.after for device in one.devices if device.preset}
        return sorted(preset for preset, device in settings.items() if drift_of(device) is None)

    def _check(self, run: str | None) -> None:
        """Check each circuit, each data set and each kind of device once, so that no sweep begins that cannot be completed."""
        seen: set[str] = set()
        for point in self.points:
            experiment = point.experiment(self.definition.experiment)
            for section in ("start", "data", "circuit", "device"):
                read = _READ.get(section, {section: True})
                key = section + experiment.model_dump_json(include=read)
                if key not in seen:
                    seen.add(key)
                    self._look(Session.of(experiment, run=run), section)

    def _look(self, session: Session, section: str) -> None:
        match section:
            case "start":
                if session.experiment.company is not None:
                    _check_company(session, session.experiment.company)
                elif self.definition.mode != "evaluate":
                    session.experiment.refuse_pending()
                first, count = self.definition.first_seed, self.definition.seeds
                for seed in {first, first + count - 1}:  # of two seeds, a start that was trained with one forbids the other
                    refuse_learnt_start(session.seeded(seed).experiment)
            case "data":
                _ = session.data
            case "circuit":
                if self.weights is not None:
                    session.circuit.check_conductances(self.weights)
                if session.experiment.training.start is not None:
                    session.starting()
            case "device":
                _ = session.chip
                session.programming("float64")

    def open(self, path: Path, environment: Any) -> Database:
        """Create the database, or open it where it has this sweep already; `environment` is called where it is created."""
        described = {} if path.exists() and path.stat().st_size else environment()
        return Database.begin(path, self.definition, described, self.weights)

    def default_path(self) -> Path:
        """Return the first of runs/NAME-KEYS.db, runs/NAME-KEYS-2.db … that holds this sweep or is free."""
        keys = "-".join(axis.key.rpartition(".")[2] for axis in self.definition.axes)[:_LONGEST]
        stem = f"{self.definition.experiment.name}-{keys}"
        paths = (Path("runs") / (f"{stem}.db" if k == 1 else f"{stem}-{k}.db") for k in itertools.count(1))
        return next(path for path in paths if not path.exists() or self._lies_in(path))

    def _lies_in(self, path: Path) -> bool:
        try:
            with Database.open(path) as database:
                return database.definition.difference(self.definition) is None
        except SweepError:
            return False


def _check_company(session: Session, settings: CompanySettings) -> None:
    from hwsim.company import members, teachers  # noqa: PLC0415 - only companies need it

    members.refuse_local(settings)
    division = members.checked(session, settings)
    teachers.teachers(settings.teacher, session, division.common)


def _refuse_of_company(experiment: Experiment, mode: Mode, counts: Mapping[str, Any]) -> None:
    """Refuse what a company has no part in: it trains all its chips, and counts them itself; and those with reservoirs."""
    if experiment.reservoir is not None:
        experiment.refuse_pending()
    if mode != "train":
        msg = f"--mode {mode} tests one circuit on each chip, and chips in company learn together; omit it, or omit company"
        raise SweepError(msg)
    if (chips := counts.get("chips", 1)) > 1:
        msg = f"--chips {chips}: company.chips is how many chips learn together; omit --chips, and take more --seeds"
        raise SweepError(msg)


def design(*, alone: bool, random: int | None, sobol: int | None) -> Design:
    """Choose the design; at most one of the three may be requested.

    Raises
    ------
    SweepError
        When two are.

    """
    asked = {"--one-at-a-time": alone, "--random": random is not None, "--sobol": sobol is not None}
    if len(names := [name for name, wanted in asked.items() if wanted]) > 1:
        msg = f"{' and '.join(names)} choose points in different ways; use one of them"
        raise SweepError(msg)
    if alone:
        return Design(kind="alone")
    if random is not None:
        return Design(kind="random", count=random)
    return Design(kind="sobol", count=sobol) if sobol is not None else Design()

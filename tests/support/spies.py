"""Spies in the places of the solver, of training and of evaluation: they record all that these are given, and nothing is solved."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hwsim.learning.evaluate
import hwsim.numeric.exact
import hwsim.runs.deck
import hwsim.runs.train
from circuits.circuit import Circuit
from hwsim.core.protocol import Capability, Closing
from hwsim.experiment.experiment import Experiment
from hwsim.learning.epochs import Progress
from hwsim.learning.evaluate import Evaluation
from hwsim.learning.skipping import Skipping
from hwsim.learning.trainer import Trainer
from hwsim.ngspice.ngspice_engine import NgspiceEngine
from hwsim.numeric.numeric_engine import NumericEngine
from hwsim.runs.start import new_run

View = Mapping[str, Mapping[str, str]]
"""What a training, a test and where training began were given: by stage and part, a fingerprint of each."""


class Solver(Closing):
    """Stands for a solver, and keeps what it was made of."""

    capabilities = frozenset({Capability.VERIFIED})
    tolerance = None

    def __init__(self, engine: Any, circuit: Any, chip: Any) -> None:
        self.engine, self.circuit, self.chip = engine, circuit, chip


def fingerprint(value: Any) -> str:
    """Return a text that two values share only if they are the same, however deep; the name of a circuit is a label and does not count."""
    return hashlib.sha256(repr(_plain(value)).encode()).hexdigest()[:12]


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return str(value.dtype), value.shape, np.ascontiguousarray(value).tobytes()
    if isinstance(value, Mapping):
        return [(_plain(key), _plain(inner)) for key, inner in sorted(value.items(), key=lambda item: str(item[0]))]
    if isinstance(value, list | tuple):
        return type(value).__name__, [_plain(inner) for inner in value]
    if isinstance(value, np.dtype):
        return str(value)
    if value is None or isinstance(value, str | int | float | bytes):
        return value
    if is_dataclass(value):
        names = [field.name for field in fields(value) if not (isinstance(value, Circuit) and field.name == "name")]
    else:
        names = sorted(name for name in vars(value) if not name.startswith("_"))
    return type(value).__name__, [(name, _plain(getattr(value, name))) for name in names]


class Spies:
    """What was seen of the last path through the program."""

    def __init__(self) -> None:
        self.trained: list[dict[str, str]] = []
        self.tested: list[dict[str, str]] = []
        self.begun: list[dict[str, str]] = []
        self.before: dict[str, View] = {}
        self.lenient = False

    def trained_before(self, experiment: Experiment, folder: Path) -> View:
        """Return what training sees of an experiment from which several keys depart."""
        expected = experiment.model_dump_json()
        if expected not in self.before:
            self.before[expected] = trained(experiment, folder, self)
        return self.before[expected]

    def training(self, trainer: Trainer) -> None:
        """Record all that a trainer is made of, and where it begins."""
        self.trained.append({name: fingerprint(part) for name, part in vars(trainer).items() if not name.startswith("_")})
        self.begun.append(begun_at(trainer.g(trainer.begin())))

    def test(self, *arguments: Any) -> Evaluation:
        """Record what an evaluation is given."""
        names = ("solver", "g", "x", "targets", "instruments", "seed")
        self.tested.append({name: fingerprint(part) for name, part in zip(names, arguments, strict=True)})
        self.lenient = isinstance(arguments[0], Skipping)
        targets = arguments[3]
        return Evaluation(np.zeros(targets.shape), np.zeros(targets.shape[0], np.intp), {"error": 0.5}, 0.0, 1.0)


def begun_at(g: Any) -> dict[str, str]:
    """Return the fingerprints of the conductances that a training begins with."""
    return {name: fingerprint(np.asarray(values, np.float64)) for name, values in g.items()}


@contextmanager
def spying() -> Iterator[Spies]:
    """Put the spies into their places; nothing is solved, drawn or written to a disk for good."""
    seen = Spies()

    def run(trainer: Trainer, state: Any) -> Iterator[Progress]:
        seen.training(trainer)
        row = {"epoch": 1, "loss": 0.0, "train_error": 0.5, "test_error": 0.5, "seconds": 1.0, "residual_A": 0.0}
        ended = replace(state, epoch=trainer.settings.epochs)
        counts = trainer.updater.programming.counts
        yield Progress(ended, 0, 1, 1, 1, 0.0, row | (dict.fromkeys((*counts, "programming_J"), 0.0) if counts else {}))

    with pytest.MonkeyPatch.context() as patch:
        for engine in (NumericEngine, NgspiceEngine):
            patch.setattr(engine, "prepare", lambda *made_of: Solver(*made_of))  # noqa: PLW0108 - a class would not be bound
        patch.setattr(hwsim.numeric.exact, "small_engine", lambda *_: None)  # which only the tests of one chip at a time ask
        patch.setattr(Trainer, "run", run)
        patch.setattr(hwsim.learning.evaluate, "evaluate", seen.test)
        patch.setattr(hwsim.runs.train, "environment", lambda _: {})
        patch.setattr(hwsim.runs.train, "curves", lambda *_: b"")
        patch.setattr(hwsim.runs.deck, "deck", lambda *_, **__: "")
        patch.setattr(os, "fsync", lambda _: None)
        yield seen


def trained(experiment: Experiment, folder: Path, spies: Spies) -> View:
    """Train a run: what all others are compared with."""
    hwsim.runs.train.train(new_run(experiment, folder), lambda _: None)
    return {"training": spies.trained[-1], "begun": spies.begun[-1], "test": spies.tested[-1]}

"""Every command sees the same experiment: a key that changes a training changes a trial, an ensemble, a benchmark and a report alike.

Nothing is solved here: spies in the places of the solver, of training and of evaluation record all that these were given.
"""

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import numpy as np
import pytest

import hwsim.learning.evaluate
import hwsim.runs.deck
import hwsim.runs.train
from circuits.circuit import Circuit
from cli.main import main
from hwsim.benchmarks.device_cost import ensemble
from hwsim.benchmarks.learner import Learner
from hwsim.core.protocol import Capability, Closing
from hwsim.data.loading import load_data
from hwsim.ensemble.instances import Instance, outcomes
from hwsim.experiment.experiment import Experiment, ExperimentError
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import override
from hwsim.learning.epochs import Progress
from hwsim.learning.evaluate import Evaluation, noise_seed
from hwsim.learning.skipping import Skipping
from hwsim.learning.trainer import Trainer
from hwsim.ngspice.ngspice_engine import NgspiceEngine
from hwsim.numeric.numeric_engine import NumericEngine
from hwsim.report.run_files import read_run
from hwsim.runs.open_run import RunError
from hwsim.runs.start import new_run, resumed_run
from hwsim.runs.train import train
from hwsim.session import Session
from hwsim.settings import keys as settings_keys
from hwsim.tuning.trial import validation_errors

View = Mapping[str, Mapping[str, str]]
"""What a training, a test and where training began were given: by stage and part, a fingerprint of each."""


# The spies


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
        self.begun.append(_begun(trainer.g(trainer.begin())))

    def test(self, *arguments: Any) -> Evaluation:
        """Record what an evaluation is given."""
        names = ("solver", "g", "x", "targets", "instruments", "seed")
        self.tested.append({name: fingerprint(part) for name, part in zip(names, arguments, strict=True)})
        self.lenient = isinstance(arguments[0], Skipping)
        targets = arguments[3]
        return Evaluation(np.zeros(targets.shape), np.zeros(targets.shape[0], np.intp), {"error": 0.5}, 0.0, 1.0)


def _begun(g: Any) -> dict[str, str]:
    return {name: fingerprint(np.asarray(values, np.float64)) for name, values in g.items()}


@pytest.fixture(scope="module")
def spies() -> Iterator[Spies]:
    """Put the spies into their places; nothing is solved, drawn or written to a disk for good."""
    seen = Spies()

    def run(trainer: Trainer, state: Any) -> Iterator[Progress]:
        seen.training(trainer)
        row = {"epoch": 1, "loss": 0.0, "train_error": 0.5, "test_error": 0.5, "seconds": 1.0, "residual_A": 0.0}
        ended = replace(state, epoch=trainer.settings.epochs)
        yield Progress(ended, 0, 1, 1, 1, 0.0, row | {"pulses": 0.0, "programming_J": 0.0})

    with pytest.MonkeyPatch.context() as patch:
        for engine in (NumericEngine, NgspiceEngine):
            patch.setattr(engine, "prepare", lambda *made_of: Solver(*made_of))  # noqa: PLW0108 - a class would not be bound
        patch.setattr(Trainer, "run", run)
        patch.setattr(hwsim.learning.evaluate, "evaluate", seen.test)
        patch.setattr(hwsim.runs.train, "environment", lambda _: {})
        patch.setattr(hwsim.runs.train, "curves", lambda *_: b"")
        patch.setattr(hwsim.runs.deck, "deck", lambda *_, **__: "")
        patch.setattr(os, "fsync", lambda _: None)
        yield seen


# The paths


def trained(experiment: Experiment, folder: Path, spies: Spies) -> View:
    """Train a run: what all others are compared with."""
    train(new_run(experiment, folder), lambda _: None)
    return {"training": spies.trained[-1], "begun": spies.begun[-1], "test": spies.tested[-1]}


def trial(experiment: Experiment, _: Path, spies: Spies) -> View:
    """Train a trial of `hwsim tune`."""
    list(validation_errors(experiment))
    return {"training": spies.trained[-1], "begun": spies.begun[-1]}


def _instance(experiment: Experiment) -> list[Instance]:
    return [Instance(experiment.variation.chip, experiment.training.seed)]


def ensemble_of_one(experiment: Experiment, _: Path, spies: Spies) -> View:
    """Train and test an ensemble, as sweeps do."""
    list(outcomes(experiment, _instance(experiment), "train"))
    return {"training": spies.trained[-1], "begun": spies.begun[-1], "test": spies.tested[-1]}


def evaluated_ensemble(experiment: Experiment, _: Path, spies: Spies) -> View:
    """Test the initial conductances of an ensemble."""
    list(outcomes(experiment, _instance(experiment), "evaluate"))
    return {"test": spies.tested[-1]}


def transferred_ensemble(experiment: Experiment, _: Path, spies: Spies) -> View:
    """Train on the nominal chip and test on the experiment's."""
    list(outcomes(experiment, _instance(experiment), "transfer"))
    return {"training": spies.trained[-1], "test": {name: part for name, part in spies.tested[-1].items() if name != "g"}}


def evaluated(_: Experiment, folder: Path, spies: Spies) -> View:
    """Evaluate the run's folder."""
    assert main(["evaluate", str(folder), "--json"]) == 0
    return {"test": spies.tested[-1]}


def evaluated_on_chips(_: Experiment, folder: Path, spies: Spies) -> View:
    """Evaluate the run's folder on chip 0."""
    assert main(["evaluate", str(folder), "--chips", "1", "--json"]) == 0
    return {"test": spies.tested[-1]}


def reported(_: Experiment, folder: Path, spies: Spies) -> View:
    """Report on the run's folder."""
    record = read_run(str(folder))
    assert record.confusion is not None
    return {"begun": _begun(record.before), "test": spies.tested[-1]}


def benchmark(experiment: Experiment, _: Path, spies: Spies) -> View:
    """Time a training."""
    spies.training(Learner(experiment, load_data(experiment)).trainer)
    return {"training": spies.trained[-1], "begun": spies.begun[-1]}


def benchmark_of_chips(experiment: Experiment, _: Path, spies: Spies) -> View:
    """Time trainings on many chips."""
    spies.training(ensemble(experiment, 1).trainers[0])
    return {"training": spies.trained[-1], "begun": spies.begun[-1]}


Way = Callable[[Experiment, Path, Spies], View]
PATHS: dict[str, Way] = {
    "tune": trial,
    "ensemble": ensemble_of_one,
    "evaluated ensemble": evaluated_ensemble,
    "transferred ensemble": transferred_ensemble,
    "evaluate": evaluated,
    "evaluate --chips": evaluated_on_chips,
    "report": reported,
    "benchmark": benchmark,
    "benchmark of chips": benchmark_of_chips,
}

NUMERIC_ONLY = "benchmarks of training time the numeric engine, whatever the experiment names"
COUNTS_CHIPS = "it counts chips from 0, whatever the experiment names"
NOMINAL = "it trains on the nominal chip; what it is tested on is compared"
TEST_ONLY = "it trains nothing: what it tests was not rounded to the precision of a training"

EXCEPT: dict[tuple[str, str], str] = {
    ("benchmark", "training.engine"): NUMERIC_ONLY,
    ("benchmark of chips", "training.engine"): NUMERIC_ONLY,
    ("benchmark", "solver.ngspice_"): NUMERIC_ONLY,
    ("benchmark of chips", "solver.ngspice_"): NUMERIC_ONLY,
    ("evaluate --chips", "variation.chip"): COUNTS_CHIPS,
    ("benchmark of chips", "variation.chip"): COUNTS_CHIPS,
    ("evaluated ensemble", "training.precision"): TEST_ONLY,
    ("transferred ensemble training", "variation."): NOMINAL,
    ("transferred ensemble training", "device."): NOMINAL,
}
"""By path (and stage), the beginning of the keys that need not agree there, and why."""


def disagreements(key: str, experiment: Experiment, folder: Path, spies: Spies, paths: Mapping[str, Way] = PATHS) -> tuple[View, list[str]]:
    """Return what a run's training sees, and which part of it another path sees otherwise."""
    right, wrong = trained(experiment, folder, spies), []
    for path, walk in paths.items():
        for stage, parts in walk(experiment, folder, spies).items():
            if any(key.startswith(start) and where in {path, f"{path} {stage}"} for where, start in EXCEPT):
                continue
            wrong += [f"{path}: {stage}: {name}" for name in parts if parts[name] != right[stage][name]]
    return right, wrong


# The keys, and another value of each

COMPANY = {
    "data.shift": ["data.scaling=none"],
    "data.flip": ["data.scaling=none"],
    "data.test_share": [],
    "data.fold": ["data.folds=9"],
    "data.folds": [],
    "training.rule.eta": ["training.rule=coupled-learning"],
    "training.rule.points": ["training.rule=holomorphic"],
    "training.nudge.u": ["training.nudge.kind=volts"],
    "training.loss.v_softmax": ["training.loss=cross-entropy"],
    "training.optimizer.momentum": ["training.optimizer=momentum"],
    "training.optimizer.b": ["training.optimizer=adam"],
    "training.schedule.decay": ["training.schedule=exponential"],
    "training.init": [],
    "device.": ["device.preset=reram-sb"],
    "device.preset": [],
    "variation.output_resistance_spread": ["variation.output_resistance=100"],
    "variation.step": ["device.preset=reram-sb"],
    "variation.asymmetry": ["device.preset=reram-sb"],
    "variation.stuck_at": ["variation.stuck=0.2"],
    "variation.dac_bits": ["variation.dac_full_scale=3"],
    "variation.dac_full_scale": ["variation.dac_full_scale=3", "variation.dac_bits=4"],
    "variation.adc_bits": ["variation.adc_full_scale=0.5"],
    "variation.adc_full_scale": ["variation.adc_full_scale=0.5", "variation.adc_bits=8"],
    "variation.chip": ["variation.diode_i_sat=0.1"],
    "solver.ngspice_": ["training.engine=ngspice"],
}
"""By the beginning of a key, what an experiment must state for it to matter; the longest beginning counts."""

XOR = "netlists/examples/xor.cir"

CONVOLUTION, POOL = '{kind="convolution", channels=1, size=2, padding=1}', '{kind="pool", size=2, stride=1}'
MAPS = load("iris", ["training.epochs=1", "circuit.image=[2, 2]", f"circuit.layers=[{CONVOLUTION}]"])
POOLED = load("iris", ["training.epochs=1", f"circuit.layers=[{CONVOLUTION}, {POOL}]"])

VALUES: dict[str, tuple[Experiment, list[str]]] = {
    "circuit.image": (MAPS, ["circuit.image=[4, 1]"]),
    "circuit.twins": (load("iris", ["circuit.signed_bias=true", "circuit.layers[0].neuron.v_high=0.05"]), ["circuit.twins=true"]),
    "circuit.layers[0].kind": (load("iris"), [f"circuit.layers=[{CONVOLUTION}]"]),
    "circuit.layers[0].channels": (MAPS, ["circuit.layers[0].channels=2"]),
    "circuit.layers[0].stride": (MAPS, ["circuit.layers[0].stride=2"]),
    "circuit.layers[0].padding": (MAPS, ["circuit.layers[0].padding=0"]),
    "circuit.layers[0].tied": (MAPS, ["circuit.layers[0].tied=false"]),
    "circuit.layers[0].r": (POOLED, ["circuit.layers[1].r=2e4"]),
    "circuit.inputs": (load("iris"), ["circuit.inputs=13", "data.name=wine"]),
    "circuit.outputs": (load("xor"), ["circuit.outputs=2"]),
    "circuit.netlist": (load(XOR, ["data.name=xor"]), ["circuit.netlist={deck}"]),
    "circuit.trainable": (
        load(XOR, ["data.name=xor", "training.rate=1e-6", "training.g_init=[1e-6, 1e-5]"]),
        ['circuit.trainable=["R_w1_#_#"]'],
    ),
    "data.name": (load("iris", ["data.train_limit=90"]), ["circuit.inputs=13", "data.name=wine"]),
    "training.init": (load(XOR, ["data.name=xor"]), ["training.init=uniform"]),
    "training.start": (load("iris"), ["training.start={start}"]),
    "training.start_arrays": (load("iris"), ["training.start={start}", 'training.start_arrays=["w2"]']),
    "training.rate": (load("iris"), ["training.rate=2e-6"]),
    "training.g_init": (load("iris"), ["training.g_init=[2e-6, 3e-5]"]),
    "training.rule.points": (load("iris", ["training.rule=holomorphic"]), ["training.rule.points=8"]),
    "training.engine": (load("iris"), ["training.engine=ngspice"]),
    "training.precision": (load("iris"), ["training.precision=float32"]),
    "device.preset": (load("iris"), ["device.preset=pcm"]),
    "reached.interval": (load("iris"), ["reached.interval=[0.1, 0.2]"]),
    "device.temperature_coefficient": (load("iris", ["variation.temperature=50"]), ["device.temperature_coefficient=0.002"]),
}
"""Keys whose other value cannot be made from their type: an experiment, and what changes in it.

`{deck}` is XOR with another resistance, `{start}` a file of conductances for iris.
"""

LABELS = {"name": "a label: of files, folders and messages", "about": "a line for people", "reached.": "what others reached with it"}
"""Keys that change no training, and why."""

TYPES: dict[str, list[Any]] = {}
for _field in settings_keys.fields(Experiment):
    TYPES.setdefault(_field.key, []).append(_field.annotation)
AGES = "variation.after"
"""Training refuses it; that evaluations and sweeps agree on drifted chips is a law of its own (tests/cli/test_age.py)."""

REAL = {"data.task", "data.targets", "data.target_scaling"}
"""Real targets: the spies answer with classes. That these keys reach a training is tested in tests/data/test_real_targets.py."""

DIALECT = "circuit.dialect"
"""How a deck's text is read; that commands and runs read it so is tested in tests/netlists/test_dialects.py."""

STAGES = {"pretraining[0].layers", "pretraining[0].epochs", "pretraining[0].settings"}
"""Only runs are pretrained, and other trainings refuse it (tests/runs/test_pretraining.py)."""

ELSEWHERE = {AGES, DIALECT, *REAL, *STAGES}
KEYS = sorted(key for key in TYPES if key not in ELSEWHERE and not any(other.startswith((f"{key}.", f"{key}[")) for other in TYPES))
"""All keys but those of tables, whose own keys are listed."""


def others(annotation: Any, now: Any) -> Iterator[Any]:
    """List values of a type, as TOML, that are not the present one."""
    if get_origin(annotation) is Literal:
        yield from (json.dumps(value) for value in get_args(annotation) if value != now)
    elif annotation is bool:
        yield from (json.dumps(value) for value in (True, False) if value is not now)
    elif annotation is str:
        yield '"other"'
    elif annotation is int:
        yield str((now or 7) + 1)
    elif annotation is float:
        yield from (repr(value) for value in (0.9 * now if now else 0.1, 1.5 * (now or 1.0), 0.4, -0.1))
    for inner in get_args(annotation):
        yield from others(inner, now)


def changed(key: str, folder: Path) -> tuple[Experiment, Experiment] | None:
    """Return an experiment, and the same with another value of a key; None where no value is known."""
    if key in VALUES:
        base, settings = VALUES[key]
        deck = folder / "other.cir"
        deck.write_text(re.sub(r"^(R_w1_0_0 .*) \S+$", r"\1 123k", Path(XOR).read_text(), flags=re.MULTILINE))
        start = folder / "learned.npz"
        np.savez(start, **{element.name: np.full(element.shape, 3e-6) for element in load("iris").circuit.compile("iris").trainable})
        return base, override(base, [setting.replace("{deck}", str(deck)).replace("{start}", str(start)) for setting in settings])
    company = max((start for start in COMPANY if key.startswith(start)), key=len, default=None)
    base = load("iris", ["training.epochs=1", *(COMPANY[company] if company else [])])
    now: Any = base.model_dump()
    for step in key.replace("[0]", ".0").split("."):
        now = now[int(step)] if step.isdecimal() else (now or {}).get(step)
    for annotation in TYPES[key]:
        for value in others(annotation, now):
            try:
                other = override(base, [f"{key}={value}"])
            except ExperimentError:
                continue
            if other != base:
                return base, other
    return None


# The laws


@pytest.mark.parametrize("key", KEYS)
def test_a_key_that_changes_a_training_changes_everything_else_alike(key: str, spies: Spies, tmp_path: Path) -> None:
    """With another value of any key, every path sees what a run's training sees, and that is not what it saw before."""
    pair = changed(key, tmp_path)
    assert pair is not None, f"no other value of {key} is known; list one in VALUES, or what it needs in COMPANY"
    before = spies.trained_before(pair[0], tmp_path / "a")
    after, wrong = disagreements(key, pair[1], tmp_path / "b", spies)
    assert not wrong
    label = any(key.startswith(start) for start in LABELS)
    assert (before == after) == label, f"{key} changes no training: an option that does nothing, or one that needs company"


TESTING = ["train", "ensemble", "evaluated ensemble", "transferred ensemble", "evaluate", "evaluate --chips", "report"]
"""Paths that test what was trained."""


@pytest.mark.parametrize("path", TESTING)
@pytest.mark.parametrize("skips", [False, True])
def test_noise_and_leniency_of_a_test_are_those_of_the_experiment(path: str, *, skips: bool, spies: Spies, tmp_path: Path) -> None:
    """The noise is drawn by seed and chip, and samples that fail are skipped if and only if the experiment asks for it.

    All paths share the code that decides it, so that they would agree on what is wrong; here it is compared with the experiment itself.
    """
    experiment = load("iris", ["training.seed=3", "variation.chip=7", f"training.skip_failed={str(skips).lower()}"])
    trained(experiment, tmp_path / "run", spies)
    if path != "train":
        spies.tested.clear()
        PATHS[path](experiment, tmp_path / "run", spies)
    assert spies.tested[-1]["seed"] == fingerprint(noise_seed(3, 0 if path == "evaluate --chips" else 7))
    assert spies.lenient == skips


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("section", "key", "setting"),
    [
        ("noise", "noise.read", "noise.read=0.5"),
        ("variation", "variation.diode_i_sat", "variation.diode_i_sat=0.3"),
        ("device", "device.preset", "device.preset=reram-sb"),
        ("solver", "solver.tolerance", "solver.tolerance=1e-9"),
        ("training", "training.seed", "training.seed=3"),
    ],
)
def test_a_path_that_forgets_a_section_breaks_the_law(
    path: str, section: str, key: str, setting: str, spies: Spies, tmp_path: Path
) -> None:
    """The law is not empty: where one path drops one section of an experiment, and takes its defaults, it is named."""

    def forgetful(experiment: Experiment, folder: Path, spies: Spies) -> View:
        dropped = experiment.model_copy(update={section: getattr(load("iris"), section)})
        other = folder.with_name("other")
        train(new_run(dropped, other), lambda _: None)
        return PATHS[path](dropped, other, spies)

    _, wrong = disagreements(key, load("iris", [setting]), tmp_path / "run", spies, {path: forgetful})
    assert wrong
    assert all(one.startswith(path) for one in wrong)


def test_noise_that_a_trainer_forgets_is_seen(spies: Spies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One argument that is dropped on the way into a trial's trainer is enough."""
    trainer = Session.trainer

    def without_noise(experiment: Experiment) -> Iterator[float]:
        quiet = experiment.model_copy(update={"noise": type(experiment.noise)()})
        with monkeypatch.context() as patch:
            patch.setattr(Session, "trainer", lambda session, solver: trainer(replace(session, experiment=quiet), solver))
            yield from validation_errors(experiment)

    def walk(experiment: Experiment, _: Path, spies: Spies) -> View:
        list(without_noise(experiment))
        return {"training": spies.trained[-1]}

    _, wrong = disagreements("noise.read", load("iris", ["noise.read=0.5"]), tmp_path / "run", spies, {"tune": walk})
    assert wrong == ["tune: training: instruments", "tune: training: updater"]


@pytest.mark.parametrize("setting", ["noise.read=0.5", "variation.temperature=50", "device.preset=reram-sb", "training.nudge.beta=2e-6"])
def test_a_run_is_resumed_with_what_it_was_begun(setting: str, spies: Spies, tmp_path: Path) -> None:
    """Another value of a key that changes training is refused by its name; a run never mixes two experiments."""
    trained(load("iris"), tmp_path / "run", spies)
    with pytest.raises(RunError, match=re.escape(setting.partition("=")[0])):
        resumed_run(load("iris", [setting]), tmp_path / "run")

"""The paths through the program on which an experiment is trained or tested, as spies see them, and where they may differ."""

from collections.abc import Callable, Mapping
from pathlib import Path

from cli.main import main
from hwsim.benchmarks.device_cost import ensemble
from hwsim.benchmarks.learner import Learner
from hwsim.data.loading import load_data
from hwsim.ensemble.instances import Instance, outcomes
from hwsim.experiment.experiment import Experiment
from hwsim.report.run_files import read_run
from hwsim.tuning.trial import validation_errors
from support.spies import Spies, View, begun_at, trained


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
    return {"begun": begun_at(record.before), "test": spies.tested[-1]}


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

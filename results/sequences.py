"""Reservoirs that read sequences with a class each: settings by cross-validation on the training set, and tests of several draws.

python results/sequences.py search TASK   # random search; TASK is vowels or smnist-rows
python results/sequences.py TASK          # several reservoirs with the settings that the search chose, and the inputs alone
"""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hwsim.experiment.experiment import Experiment, make
from hwsim.learning.dataset import Dataset
from hwsim.reservoir.read_states import inputs_alone, read_states
from hwsim.reservoir.ridge import RidgeReadout
from hwsim.session import Session

FILE = Path(__file__).with_suffix(".json")
TASKS: dict[str, dict[str, Any]] = {
    "vowels": {
        "data": {"name": "vowels", "scaling": "standard"},
        "nodes": 100,
        "classes": 9,
        "draws": 16,
        "leaks": (0.1, 0.2, 0.4, 0.7, 1.0),
    },
    "smnist-rows": {
        "data": {"name": "mnist", "train_limit": 6000},
        "nodes": 200,
        "classes": 10,
        "draws": 24,
        "leaks": (0.1, 0.2, 0.4, 0.7, 1.0),
    },
}
"""What a search learns from: of MNIST the first images."""
FOLDS, READS = 5, 4
SEARCHED, SEEDS = 100, range(3)
"""The reservoir.seed of the search, and those of the tests."""


def experiment(task: str, keys: dict[str, Any], data: dict[str, Any] | None = None) -> Experiment:
    """Return an experiment with these keys of its reservoir."""
    how = TASKS[task]
    block = {"kind": "digital", "layers": [{"kind": "dense", "size": how["classes"]}], "optimizer": {"kind": "ridge"}}
    reservoir = {"nodes": how["nodes"], "reads": READS, "i_sat": 1e-6, "g_low": 1e-8} | keys
    training = {"epochs": 1, "precision": "float64"}
    return make({"reservoir": reservoir, "blocks": [block], "data": how["data"] | (data or {}), "training": training}, task)


def one_hot(labels: Any) -> Any:
    """Return targets of 0 and 1."""
    return np.eye(labels.max() + 1)[labels]


def validated(data: Dataset) -> tuple[float, float]:
    """Return error and squared error of read-outs on folds of the training set that each has not seen."""
    order = np.random.default_rng(0).permutation(len(data.x_train))
    x, labels = data.x_train[order], data.labels_train[order]
    fold = np.arange(len(x)) % FOLDS
    wrong = squared = 0.0
    for k in range(FOLDS):
        seen = fold != k
        read = RidgeReadout.fit(x[seen], one_hot(labels)[seen])(x[~seen])
        wrong += float((read.argmax(axis=1) != labels[~seen]).sum())
        squared += float(((read - one_hot(labels)[~seen]) ** 2).sum())
    return wrong / len(x), squared / len(x)


def search(task: str) -> None:
    """Choose settings by the error on folds of the training set, and among equal ones by the squared error."""
    rng, tried = np.random.default_rng(7), []
    raw = without_test(Session.of(experiment(task, {})).source.data)
    keep(f"search {task} inputs alone", {"validation": validated(inputs_alone(raw, 0, READS))})
    for _ in range(TASKS[task]["draws"]):
        how = {
            "spectral_radius": round(float(rng.uniform(0.3, 1.1)), 3),
            "leak": float(rng.choice(TASKS[task]["leaks"])),
            "input_scale": float(f"{10 ** rng.uniform(-1.2, 0.5):.3g}"),
            "v_bias": round(float(rng.uniform(0.1, 2)), 3),
        }
        session = Session.of(experiment(task, {"bias": 1.0, "seed": SEARCHED} | how), data=raw)
        errors = validated(read_states([session.reservoir], raw)[0])
        tried.append((errors, how))
        sys.stdout.write(f"{errors[0]:.4f} {errors[1]:.4f} {how}\n")
        sys.stdout.flush()
    errors, how = min(tried, key=lambda one: one[0])
    keep(f"search {task}", {"draws": len(tried), "validation": errors, "settings": how})


def compare(task: str) -> None:
    """Train read-outs of several reservoirs with the settings that were chosen, and of the inputs alone."""
    how, errors = {"bias": 1.0} | kept()[f"search {task}"]["settings"], []
    for seed in SEEDS:
        session = Session.of(experiment(task, how | {"seed": seed}, {"train_limit": None}))
        with session.training_solver() as solver:
            trainer = session.trainer(solver)
            *_, last = trainer.run(trainer.begin())
        errors.append(float((last.record or {})["test_error"]))
        keep(task, {"errors": errors, "mean": float(np.mean(errors)), "inputs alone": session.inputs_alone_error})


def without_test(data: Dataset) -> Dataset:
    """Return data with two samples to test on: a search looks at none, and need not wait for them."""
    rows = None if data.rows_test is None else data.rows_test[:2]
    return replace(data, x_test=data.x_test[:2], labels_test=data.labels_test[:2], rows_test=rows)


def kept() -> dict[str, Any]:
    """Return the results so far."""
    return json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}


def keep(name: str, result: dict[str, Any]) -> None:
    """Keep a result, and print it."""
    FILE.write_text(json.dumps(dict(sorted((kept() | {name: result}).items())), indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(f"{name} {result}\n")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["search", task]:
            search(task)
        case [task]:
            compare(task)
        case _:
            sys.exit(__doc__)

"""How long reservoirs that drive themselves follow chaotic series, by how their read-out learnt.

`python results/free_runs.py` writes results/free_runs.json, which results/reservoirs.md describes.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from hwsim.experiment.experiment import make
from hwsim.runs.free_run import FreeLoop
from hwsim.runs.loaded import LoadedModel
from hwsim.session import Session

ROWS, SEEDS = 200, range(3)
SERIES = {"lorenz": 3, "mackey-glass": 1}
"""Series, and how many numbers each is."""

READOUTS: dict[str, dict[str, Any]] = {"ridge": {"kind": "ridge"}, "FORCE, forgetting 0.99": {"kind": "force", "forgetting": 0.99}}


def measure(series: str, optimizer: dict[str, Any], seed: int) -> dict[str, float]:
    """Train one read-out, and let it run free behind the training set."""
    table = {
        "name": "free",
        "reservoir": {"nodes": 100, "leak": 0.5, "i_sat": 1e-6, "g_low": 1e-8, "seed": seed},
        "blocks": [{"kind": "digital", "layers": [{"kind": "dense", "size": SERIES[series]}], "optimizer": optimizer}],
        "data": {"name": series, "task": "regression", "error": "nrmse", "scaling": "standard", "length": 2200, "horizon": 1, "seed": seed},
        "training": {"epochs": 1, "precision": "float64"},
    }
    session = Session.of(make(table, series))
    with session.training_solver() as solver:
        trainer = session.trainer(solver)
        *_, last = trainer.run(trainer.begin())
        g = trainer.g(last.state)
    model = LoadedModel(what=series, session=session, g=g, wanted=g, trained=True, cut="")
    ran = FreeLoop(model).run(ROWS)
    return {"one_ahead_nrmse": float(last.record["test_error"]), "followed_rows": ran.followed, "free_nrmse": ran.nrmse}


if __name__ == "__main__":
    measured = {f"{series}, {name}": [measure(series, how, seed) for seed in SEEDS] for series in SERIES for name, how in READOUTS.items()}
    Path(__file__).with_suffix(".json").write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    for name, runs in measured.items():
        for what in runs[0]:
            values = np.array([run[what] for run in runs])
            print(f"{name} {what}: {values.mean():.4g} ({values.min():.4g} to {values.max():.4g})")  # noqa: T201 - a result

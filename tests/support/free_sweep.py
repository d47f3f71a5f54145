"""A sweep whose numbers cost nothing: for tests of what surrounds the computing; also a program, to be killed."""

import hashlib
import os
import signal
import sys
import time
from pathlib import Path

from hwsim.ensemble.reached import Follow, TrainingProgress, unseen
from hwsim.experiment.loading import load
from hwsim.sweep.axes import read_axis
from hwsim.sweep.compute import BatchJob
from hwsim.sweep.database import Database
from hwsim.sweep.definition import SweepDefinition
from hwsim.sweep.execution import run
from hwsim.sweep.recorded import SweepResult


def definition(points: int = 6, **settings) -> SweepDefinition:
    """Define a sweep over beta."""
    axes = (read_axis(f"training.beta=log:1e-8:1e-5:{points}"),)
    return SweepDefinition.make(load("xor"), axes, **{"chips": 16, "seeds": 2} | settings)


def number(*of: object) -> float:
    """Return a number from 0 to 1 that looks random and is always the same."""
    return int.from_bytes(hashlib.sha256(repr(of).encode()).digest()[:6], "big") / 2**48


def compute(job: BatchJob, _: Follow = unseen) -> list[SweepResult]:
    """Return the results of a batch, at once."""
    beta = job.experiment.training.nudge.beta
    errors = {instance: number(beta, *instance) for instance in job.instances}
    failed = "did not settle"
    return [
        SweepResult(job.point, *of, error, error / 2, None, None, 1e-15, 0.01, None)
        if error < 0.9
        else SweepResult(job.point, *of, float("nan"), float("nan"), None, None, float("nan"), 0.01, failed)
        for of, error in errors.items()
    ]


def reporting(job: BatchJob, follow: Follow) -> list[SweepResult]:
    """Report four epochs before the results."""
    for epoch in (1, 2, 3, 4):
        follow(TrainingProgress.after(epoch, 4))
    return compute(job)


def slowly(job: BatchJob, _: Follow) -> list[SweepResult]:
    """Return them after a moment."""
    time.sleep(0.1)
    return compute(job)


def deadly(job: BatchJob, _: Follow) -> list[SweepResult]:
    """Kill the worker, the first time that the third point is computed."""
    time.sleep(0.05)
    mark = Path(os.environ["HWSIM_TEST_MARK"])
    if job.point == 3 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return compute(job)


def always_deadly(job: BatchJob, _: Follow) -> list[SweepResult]:
    """Kill the worker every time that the third point is computed."""
    if job.point == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return compute(job)


def raising(job: BatchJob, _: Follow) -> list[SweepResult]:
    """Find an experiment's fault at the third point."""
    if job.point == 3:
        msg = "data are missing"
        raise ValueError(msg)
    return compute(job)


def content(path: Path) -> list[tuple[object, ...]]:
    """Return all that must not depend on how a sweep was computed."""
    with Database.open(path) as database:
        asked = ("SELECT * FROM sweep", "SELECT * FROM points", "SELECT * FROM results ORDER BY point, chip, seed", "SELECT * FROM claims")
        return [row for one in asked for row in database._connection.execute(one)]


if __name__ == "__main__":
    with Database.begin(Path(sys.argv[1]), definition(), {}) as opened:
        run(opened, lambda results: sys.stdout.write(f"{len(results)}\n") and sys.stdout.flush(), function=slowly, jobs=int(sys.argv[2]))

"""Computation of one batch, its chips and seeds, in a worker process."""

import threading
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import NamedTuple

from hwsim.cluster.one_thread import one_thread
from hwsim.company.figures import CompanyFigures
from hwsim.ensemble.instances import Instance, Mode, Outcome, outcomes
from hwsim.ensemble.reached import Follow, TrainingProgress, part_of, unseen
from hwsim.experiment.experiment import Experiment
from hwsim.sweep.recorded import SweepResult
from hwsim.sweep.sweep_errors import SweepError
from hwsim.typing import Weights

_ONE_AT_A_TIME = threading.Lock()
"""Threads of a worker; it computes one batch after the other, and more processes compute more at once."""


class BatchJob(NamedTuple):
    """All that a worker needs for a batch; `hwsim` is the version of the sweep's process."""

    batch: int
    point: int
    experiment: Experiment
    instances: tuple[Instance, ...]
    mode: Mode
    weights: Weights | None
    hwsim: str


def compute(job: BatchJob, follow: Follow = unseen) -> list[SweepResult]:
    """Compute a batch; a chip that fails is a result too. `follow` is called after each epoch of training.

    Raises
    ------
    SweepError
        When the worker has another hwsim.
    DataError, CircuitError, RunError
        When the experiment cannot be computed.

    """
    if (mine := version("hwsim")) != job.hwsim:
        msg = f"a worker has hwsim {mine}, and this is {job.hwsim}; install the same version on every machine"
        raise SweepError(msg)
    one_thread()
    with _ONE_AT_A_TIME:
        began = time.perf_counter()
        computed = list(_computed(job, follow))
        share = (time.perf_counter() - began) / len(computed)
    return [
        SweepResult(
            point=job.point,
            chip=one.instance.chip,
            seed=one.instance.seed,
            test_error=one.test_error,
            train_error=one.train_error,
            pulses=one.pulses,
            joules=one.joules,
            residual=one.residual,
            seconds=share,
            failed=one.failed,
            company=figures,
        )
        for one, figures in computed
    ]


def _computed(job: BatchJob, follow: Follow) -> Iterator[tuple[Outcome, CompanyFigures | None]]:
    """Compute each instance, side by side, or a company each, one after the other."""
    if job.experiment.company is None:
        yield from ((one, None) for one in outcomes(job.experiment, job.instances, job.mode, job.weights, follow=follow))
        return
    from hwsim.company import company_result  # noqa: PLC0415 - it loads JAX, before which the cores are chosen

    for k, instance in enumerate(job.instances):
        yield company_result.trained(job.experiment, instance, _after(part_of(follow, k, 1, len(job.instances)), job.experiment))


def _after(follow: Follow, experiment: Experiment) -> Callable[[int], None]:
    return lambda epoch: follow(TrainingProgress.after(epoch, experiment.training.epochs))

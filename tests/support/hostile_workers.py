"""Workers of Dask's that return what they should not: worker 0 of a cluster does, the others compute."""

import threading
from collections.abc import Callable, Iterator

import numpy as np
from distributed import get_worker

from hwsim.company.chip_job import ChipAnswer, ChipJob, ChipProgress
from hwsim.company.chip_samples import Fingerprint
from hwsim.company.chip_work import computed
from hwsim.core.protocol import ConvergenceError

Changed = Callable[[ChipAnswer], object]


def _arrays(change: Callable[[np.ndarray], object]) -> Changed:
    return lambda answer: answer._replace(arrays=answer.arrays | {"g/w1": change(answer.arrays["g/w1"])})


CHANGES: dict[str, tuple[Changed, str]] = {
    "a number that is none": (_arrays(lambda g: np.where(g == g.max(), np.nan, g)), "its g/w1 is not finite"),
    "another shape": (_arrays(lambda g: g[:-1]), "its g/w1 has shape"),
    "another type": (_arrays(lambda g: g.astype(np.float32)), "float32, not"),
    "no array at all": (_arrays(lambda g: g.tolist()), "its g/w1 has shape () of list"),
    "a conductance that no device has": (_arrays(lambda g: -g), "negative conductance"),
    "an array too few": (lambda answer: answer._replace(arrays={"g/w1": answer.arrays["g/w1"]}), "it returned no array"),
    "an array too many": (lambda answer: answer._replace(arrays=answer.arrays | {"g/w2": np.ones(3)}), "an array too many 'g/w2'"),
    "another version": (lambda answer: answer._replace(hwsim="0.1"), "it has hwsim '0.1'"),
    "other samples": (lambda answer: answer._replace(samples=Fingerprint("0" * 64)), "its samples of chip"),
    "another chip": (lambda answer: answer._replace(chip=answer.chip + 1), "it returned chip"),
    "arrays that are none": (lambda answer: answer._replace(arrays=None), "its answer cannot be read"),
    "something else": (lambda _: {"g": 1.0}, "it computed nothing"),
}
"""How worker 0 changes its answers, and what is in the line that refuses them."""


class Hostile:
    """Computes as it should on all workers but number 0, and changes what that one returns."""

    def __init__(self, kind: str, *, everywhere: bool = False) -> None:
        self.kind, self.everywhere = kind, everywhere

    def __call__(self, job: ChipJob) -> Iterator[ChipAnswer | ChipProgress]:
        """Compute a job."""
        for one in computed(job):
            wrong = isinstance(one, ChipAnswer) and job.work == "epoch" and (self.everywhere or str(get_worker().name) == "0")
            yield CHANGES[self.kind][0](one) if wrong else one  # type: ignore[misc]  # what a stranger sends may be anything


def unable(job: ChipJob) -> Iterator[ChipAnswer | ChipProgress]:
    """Compute on all workers but number 0, whose data are missing."""
    if str(get_worker().name) == "0":
        msg = "digits: no such file"
        raise FileNotFoundError(msg)
    return computed(job)


def unsettled(job: ChipJob) -> Iterator[ChipAnswer | ChipProgress]:
    """Report that a sample does not settle."""
    msg = f"chip {job.chip}: 1 equilibria were not found"
    raise ConvergenceError(msg)


LEAVING = threading.Event()
"""Set once a worker has left."""


def leaving(job: ChipJob) -> Iterator[ChipAnswer | ChipProgress]:
    """Compute, but let worker 0 leave in the midst of its first epoch."""
    worker = get_worker()
    for one in computed(job):
        if str(worker.name) == "0" and job.work == "epoch" and not LEAVING.is_set():
            LEAVING.set()
            worker.loop.add_callback(worker.close, executor_wait=False, nanny=False)
        yield one

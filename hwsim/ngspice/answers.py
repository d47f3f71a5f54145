"""How a batch is shared out to workers in runs of samples, and how their answers are put together."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.core.protocol import Result
from hwsim.ngspice.messages import Answer, Job

POINTS = 300
"""Points a sweep: enough to spread what a sweep costs at its start, few enough to be over soon."""


def split(whole: Job, samples: NDArray[np.intp], workers: int) -> list[Job]:
    """Share chosen samples of a batch out in runs of neighbours: one a worker at least, and none longer than POINTS."""
    longest = max(POINTS // whole.phases, 1)
    jobs = max(-(-len(samples) // longest), min(workers, len(samples)))
    return list(map(whole.some, np.array_split(samples, jobs))) if jobs else []


def blank(nodes: int, outputs: int, phases: int) -> Answer:
    """Return an answer about one sample whose numbers were not fit to be sent."""
    one_each = (1, phases, outputs)
    return Answer(
        v=np.full((1, phases, nodes), np.nan),
        steps=np.zeros((1, phases), dtype=np.int64),
        result=np.full((1, phases), int(Result.NOT_FINITE)),
        beta=np.zeros((1, phases)),
        target=np.zeros(one_each),
        current=np.zeros(one_each),
        message="",
    )


def merged(batch: int, kept: NDArray[np.intp], answers: Sequence[Answer], blank: Answer) -> Answer:
    """Put the answers about the samples `kept` of a batch together; the others get a blank one."""
    merged: dict[str, Any] = {"message": next((answer.message for answer in answers if answer.message), "")}
    for name in ("v", "steps", "result", "beta", "target", "current"):
        array = np.repeat(getattr(blank, name), batch, axis=0)
        if answers:
            array[kept] = np.concatenate([getattr(answer, name) for answer in answers])
        merged[name] = array
    return Answer(**merged)

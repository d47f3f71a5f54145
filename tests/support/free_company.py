"""Work of chips whose numbers cost nothing, and no JAX: for tests of what surrounds the computing, in processes that are killed."""

import time
from collections.abc import Iterator

import numpy as np

from hwsim.company.chip_job import OUTPUTS, SUMS, ChipAnswer, ChipJob, ChipProgress, G
from hwsim.company.chip_work import _chip

SECONDS = 0.1
"""How long an epoch takes [s]."""


def computed(job: ChipJob) -> Iterator[ChipAnswer | ChipProgress]:
    """Move conductances by what only the state, the chip and the epoch decide; slowly."""
    chip = _chip(job.company, job.chip)
    rng = np.random.default_rng([job.chip, job.epoch])
    if job.work == "epoch":
        time.sleep(SECONDS)
        moved = {name: g * rng.uniform(0.9, 1.1, g.shape) for name, g in job.arrays.items() if name.startswith(G)}
        sums = {f"{SUMS}{name}": np.array(value) for name, value in chip.alone.zero_sums()._asdict().items()}
        sums[f"{SUMS}samples"] = np.array(1, np.int32)
        arrays = job.arrays | moved | sums | {"epoch": np.array(job.epoch + 1)}
    else:
        g = np.concatenate([values.ravel() for values in job.arrays.values()])
        arrays = {OUTPUTS: rng.uniform(0.0, 1.0, (len(chip.session.data.x_test), 3)) * g.sum()}
    yield ChipAnswer(job.chip, arrays, chip.samples, job.company.hwsim)

"""A worker of Dask's, a thread of this process, that reads data from a folder of its own, as one on a machine of its own does."""

import os
from collections.abc import Iterator
from pathlib import Path

from distributed import get_worker

from hwsim.company import chip_work
from hwsim.company.chip_job import ChipAnswer, ChipJob, ChipProgress


class OwnFolders:
    """Computes with the data of the folder that is called like the worker."""

    def __init__(self, root: Path) -> None:
        self.root = str(root)

    def __call__(self, job: ChipJob) -> Iterator[ChipAnswer | ChipProgress]:
        """Compute a job; one at a time does, so that no other thread reads meanwhile."""
        before = os.environ["HWSIM_DATA"]
        os.environ["HWSIM_DATA"] = f"{self.root}/{get_worker().name}"
        chip_work._whole.cache_clear()  # it is another worker's
        try:
            yield from chip_work.computed(job)
        finally:
            os.environ["HWSIM_DATA"] = before

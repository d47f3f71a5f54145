"""Work of chips in processes that kill themselves by SIGKILL, on request, in the midst of their arithmetic."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hwsim.company.chip_job import ChipAnswer, ChipJob, ChipProgress
from hwsim.company.chip_work import computed
from hwsim.learning import epochs

ORDER, KILLED = "order", "killed"
"""Files of the folder: the time to the next kill [s], and a line for each worker that was killed, with where it was."""


@dataclass(frozen=True)
class KilledWorkers:
    """Computes jobs; the first worker that finds an order kills itself so many seconds after its first updates, if it computes then."""

    folder: str

    def __call__(self, job: ChipJob) -> Iterator[ChipAnswer | ChipProgress]:
        """Compute a job."""
        epochs.CHUNK_SECONDS = 0.005  # programs take how many updates they do as a number, so that no digit depends on it
        began, ended = 0.0, threading.Event()
        for one in computed(job):
            if isinstance(one, ChipProgress) and not began and (seconds := self._taken()) is not None:  # it has compiled
                began = time.perf_counter()
                threading.Timer(seconds, self._kill, (job, began, ended)).start()
            if isinstance(one, ChipAnswer):
                ended.set()
            yield one

    def _taken(self) -> float | None:
        """Take an order; one of all workers does."""
        order = Path(self.folder) / ORDER
        mine = order.with_suffix(f".{os.getpid()}")
        try:
            order.rename(mine)
        except FileNotFoundError:
            return None
        return float(mine.read_text(encoding="utf-8"))

    def _kill(self, job: ChipJob, began: float, ended: threading.Event) -> None:
        if ended.is_set():
            return
        with (Path(self.folder) / KILLED).open("a", encoding="utf-8") as file:
            file.write(f"{job.chip} {job.epoch} {time.perf_counter() - began}\n")
        os.kill(os.getpid(), signal.SIGKILL)

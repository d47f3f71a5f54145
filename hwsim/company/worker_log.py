"""The log of a run's workers: a line each time that one joins, leaves or is refused."""

import json
from collections.abc import Callable

from hwsim.company.dask_workers import WorkerEvent
from hwsim.files.atomic import UnreadableError
from hwsim.files.records import read_text
from hwsim.runs.open_run import OpenRun, RunError

FILE = "workers.jsonl"
"""Its name in a run's folder."""


class WorkerLog:
    """Keeps what happens to workers, and writes it as soon as the run's folder is open.

    Parameters
    ----------
    note
        Is called with a line about each worker that is lost or refused.

    """

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note
        self._folder: OpenRun | None = None
        self._lines = list[str]()
        self.epoch = 0

    def open(self, folder: OpenRun) -> None:
        """Write to a folder from now on, behind the lines of earlier processes.

        Raises
        ------
        RunError
            When those cannot be read.
        OSError
            When the file cannot be written.

        """
        if folder.holds(FILE):
            try:
                self._lines = [*read_text(folder.present / FILE).splitlines(), *self._lines]
            except UnreadableError as error:
                msg = f"{folder.present / FILE}: {error}; remove it"
                raise RunError(msg) from None
        self._folder = folder
        self._write()

    def __call__(self, event: WorkerEvent) -> None:
        """Take up an event; `epoch` counts those that are done."""
        self._lines.append(json.dumps({"epoch": self.epoch} | event._asdict()))
        self._write()
        if event.event == "refused":
            self._note(f"worker {event.worker} ({event.address}) is refused: {event.reason}; others compute it")
        elif event.event == "left":
            self._note(f"worker {event.worker} ({event.address}) has left; others compute what it had")

    def _write(self) -> None:
        if self._folder is not None and self._lines:
            self._folder.write(FILE, "\n".join([*self._lines, ""]))

"""Owners: which worker alone has the samples of each chip, where data stay where they are."""

import time
from collections.abc import Collection, Mapping, Sequence

from circuits.quoting import quote
from hwsim.company.chip_job import ChipJob
from hwsim.company.chip_workers import WorkersError


class ChipOwners:
    """A worker for each chip, in the order of the workers' names.

    Parameters
    ----------
    chips
        How many.
    names
        The workers of a run that is resumed, a chip each; empty: they are assigned.

    """

    def __init__(self, chips: int, names: Sequence[str] = ()) -> None:
        self.chips = chips
        self.names = list(names)
        self._whole = time.monotonic()

    def assign(self, present: Collection[str]) -> None:
        """Assign chips to workers once there are enough of them, for good.

        Raises
        ------
        WorkersError
            When there are more than chips, of which none is assigned yet.

        """
        if self.names or len(present) < self.chips:
            return
        names = sorted(present, key=lambda name: (len(name), name))
        if len(names) > self.chips:
            msg = (
                f"company.chips = {self.chips}, each with samples on a worker of its own, and {len(names)} workers are there "
                f"({quote(', '.join(names), 100)}); stop those that are of no chip, or raise company.chips"
            )
            raise WorkersError(msg)
        self.names = names

    def next(self, waiting: Sequence[ChipJob], worker: str) -> ChipJob | None:
        """Return a worker's next job; None where none is of its chip."""
        return next((job for job in waiting if self.names and self.names[job.chip] == worker), None)

    def require(self, waiting: Sequence[ChipJob], usable: Collection[str], refused: Mapping[str, str], patience: float) -> bool:
        """Whether whoever has the samples of waiting chips is there; `refused` has why workers were refused.

        Raises
        ------
        WorkersError
            When one is refused, or has not come for so long [s].

        """
        missing = [job.chip for job in waiting if not self.names or self.names[job.chip] not in usable]
        now = time.monotonic()
        if not missing:
            self._whole = now
            return True
        if not self.names:
            what = f"company.chips = {self.chips}, each with samples on a worker of its own, and {len(usable)} workers are there"
            remedy = "start them with: dask worker ADDRESS --name NAME"
        else:
            name = self.names[missing[0]]
            what = f"worker {name} alone has the samples of chip {missing[0]}"
            if name in refused:
                msg = f"{what}, and was refused: {refused[name]}"
                raise WorkersError(msg)
            remedy = f"start it again with: dask worker ADDRESS --name {name}"
        if now - self._whole > patience:
            msg = f"{what}; waited {patience:g} s; {remedy}"
            raise WorkersError(msg)
        return False

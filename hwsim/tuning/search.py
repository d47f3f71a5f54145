"""What a search is, and what it finds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hwsim.experiment.overriding import override
from hwsim.sweep.axes import Value
from hwsim.sweep.definition import Definition, Varied
from hwsim.sweep.points import Design


@dataclass(frozen=True, slots=True, kw_only=True)
class Search(Varied):
    """A search for the best values of an experiment's varied keys.

    Parameters
    ----------
    trials
        How many there are in all, those of an earlier start too.
    seeds
        Runs of a trial, from `training.seed` on; the trial's error is their mean.
    share
        Of the training part, which trials are judged on.
    out
        Where the experiment with the best settings is written; the database lies next to it.
    command
        What the user typed, for the file.

    """

    trials: int
    seeds: int
    share: float
    out: Path
    command: str

    @property
    def database(self) -> Path:
        """The study's file."""
        return self.out.with_suffix(".db")

    @property
    def definition(self) -> Definition:
        """All that the numbers depend on; the number of trials is none of it."""
        judged = override(self.experiment, [f"data.validation={self.share}"])
        return Definition.make(judged, self.axes, design=Design(kind="random"), seeds=self.seeds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One trial that ended: its settings, its error (None when it was given up), and why it was given up."""

    number: int
    settings: Mapping[str, Value]
    error: float | None
    epochs: int
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """What a search found: its trials, the best first, those that were given up last."""

    search: Search
    trials: Sequence[Tried]

    @property
    def best(self) -> Tried:
        """The trial with the least error."""
        return self.trials[0]

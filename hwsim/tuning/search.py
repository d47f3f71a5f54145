"""Settings and results of a search."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hwsim.experiment.overriding import override
from hwsim.sweep.axes import Value
from hwsim.sweep.definition import SweepDefinition, Varied
from hwsim.sweep.points import Design


@dataclass(frozen=True, slots=True, kw_only=True)
class Search(Varied):
    """A search for the best values of an experiment's varied keys.

    Parameters
    ----------
    trials
        Number of trials in total, including those of an earlier start.
    seeds
        Runs of a trial, from `training.seed` on; the trial's error is their mean.
    share
        Share of the training set that is the trials' validation set.
    out
        Where the experiment with the best settings is written; the database lies next to it.
    command
        Command line as the user typed it, for the file.

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
    def definition(self) -> SweepDefinition:
        """All settings that the results depend on; the number of trials is not among them."""
        validated = override(self.experiment, [f"data.validation={self.share}"])
        return SweepDefinition.make(validated, self.axes, design=Design(kind="random"), seeds=self.seeds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One completed trial: its settings, its error (None when it was pruned), and the reason for pruning."""

    number: int
    settings: Mapping[str, Value]
    error: float | None
    epochs: int
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """Result of a search: its trials, the best first, pruned ones last."""

    search: Search
    trials: Sequence[Tried]

    @property
    def best(self) -> Tried:
        """The trial with the least error."""
        return self.trials[0]

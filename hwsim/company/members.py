"""Members: a session for each chip of a company, with its own seed, devices and share of the data."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hwsim.company.shards import Chosen, Division, divided
from hwsim.company.taught import taught
from hwsim.experiment.experiment import Experiment, ExperimentError
from hwsim.learning.dataset import Dataset
from hwsim.learning.task import Task
from hwsim.session import Session
from hwsim.settings.company_settings import CompanySettings
from hwsim.typing import Array, Floats, Weights


class Members(NamedTuple):
    """The chips of a company.

    Parameters
    ----------
    whole
        The experiment's session, with all samples.
    alone
        A session a chip, on its labelled samples.
    taught
        The same with the common pool behind these; its targets are 0 V until peers have answered. The same sessions without a pool.
    pool
        Features of the common pool as each chip's inputs drive them, (n, I) each.
    shards
        Which labelled samples each has.
    division
        Which samples all chips of the company have.
    starts
        Initial conductances of each chip [S], at its temperature.

    """

    whole: Session
    alone: Sequence[Session]
    taught: Sequence[Session]
    pool: Sequence[Array]
    shards: Sequence[Chosen]
    division: Division
    starts: Sequence[Weights]

    @classmethod
    def of(
        cls, experiment: Experiment, settings: CompanySettings, *, whole: Session | None = None, chips: Sequence[int] | None = None
    ) -> "Members":
        """Make them real, or only some `chips` of them; `whole` is the session of all samples, where it has been made already.

        Raises
        ------
        ExperimentError
            When the experiment is a chain, its samples are divided into folds, which would differ from chip to chip, or chips would send
            classes of targets that have none.
        DataError
            When there are too few samples.

        """
        whole = Session.of(experiment) if whole is None else whole
        division, data = checked(whole, settings), whole.learnable
        numbers = range(settings.chips) if chips is None else chips
        shards = [division.shards[k] for k in numbers]
        each = [on_chip(experiment, k) for k in numbers]
        starts = [_start(one, experiment.training.seed + k, data) for k, one in zip(numbers, each, strict=True)]
        alone = [Session.of(one, data=data.with_training(shard)) for one, shard in zip(each, shards, strict=True)]
        if not settings.taught:
            return cls(whole, alone, alone, [], shards, division, starts)
        pooled = [
            Session.of(
                one.experiment, data=data.with_training(np.concatenate([shard, division.common])), task=_untaught(one, settings.common)
            )
            for one, shard in zip(alone, shards, strict=True)
        ]
        return cls(whole, alone, pooled, [one.data.x_train[-settings.common :] for one in pooled], shards, division, starts)

    def start(self, chip: int, seed: int) -> Weights:
        """Return initial conductances of a chip by another seed [S]."""
        return _start(self.alone[chip].experiment, seed, self.whole.learnable)


def checked(whole: Session, settings: CompanySettings) -> Division:
    """Divide an experiment's samples among chips, once it is clear that these can learn them.

    Raises
    ------
    ExperimentError, DataError
        As `Members.of`; and when a teacher is of other data.

    """
    experiment = whole.experiment
    _ = experiment.one_circuit
    if experiment.data.folds is not None:
        msg = f"{experiment.name}: chips in company divide the training set, and data.folds would divide it otherwise; omit data.folds"
        raise ExperimentError(msg)
    if settings.taught and settings.precision == "sign" and not whole.task.train.of_classes:
        msg = f"{experiment.name}: company.precision = 'sign' sends the class that a chip answers, and these targets are real; use 'int8'"
        raise ExperimentError(msg)
    return divided(whole.learnable.labels_train, settings, experiment.training.seed)


def refuse_local(settings: CompanySettings) -> None:
    """Refuse to compute, in one process, chips whose samples are on workers.

    Raises
    ------
    ExperimentError
        Naming the command that reaches them.

    """
    if settings.local:
        msg = "company.data = 'local': each chip's samples are on a worker of its own; name their scheduler with hwsim train --scheduler"
        raise ExperimentError(msg)


def on_chip(experiment: Experiment, k: int) -> Experiment:
    """Return the experiment on chip k of the company; the seed, by which data are divided, stays."""
    variation = experiment.variation.model_copy(update={"chip": experiment.variation.chip + k})
    return experiment.model_copy(update={"variation": variation, "company": None})


def _start(experiment: Experiment, seed: int, data: Dataset) -> Weights:
    """Return the initial conductances that a seed draws [S]."""
    seeded = experiment.model_copy(update={"training": experiment.training.model_copy(update={"seed": seed})})
    return Session.of(seeded, data=data).starting()


def _untaught(one: Session, pool: int) -> Task:
    """Return a chip's task with a pool that nobody has answered on yet."""
    task = one.task
    silent: Floats = np.zeros((pool, task.train.shape[1]))
    return Task(taught(task.train, silent), task.test)

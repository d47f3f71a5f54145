"""Clients: chips whose reservoirs are driven by shares of the training set, and what each makes of its own."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from hwsim.company.members import on_chip
from hwsim.company.shards import divided, series_parts
from hwsim.experiment.experiment import Experiment
from hwsim.learning.dataset import Dataset
from hwsim.reservoir.drawn_layer import Adapted
from hwsim.reservoir.plasticity import IntrinsicPlasticity
from hwsim.reservoir.read_states import AT_ONCE, sequences_of
from hwsim.reservoir.reservoir import Reservoir
from hwsim.reservoir.ridge_sums import StateSums, parted
from hwsim.session import Session
from hwsim.settings.company_settings import CompanySettings
from hwsim.typing import Floats


@dataclass(frozen=True)
class Client:
    """A chip with a share of the training set.

    Parameters
    ----------
    experiment
        On this chip, alone.
    part
        The inputs and targets that it learns from, before any reservoir, and those of the test set.
    whole
        The same with all of the training set.

    """

    experiment: Experiment
    part: Dataset
    whole: Dataset

    @cached_property
    def session(self) -> Session:
        """Its session, on its share of the training set, from whose first row its reservoir begins at 0 V."""
        return Session.of(self.experiment, data=self.part)

    @cached_property
    def tested(self) -> Session:
        """The session that its tests are made in: a series runs through its reservoir from the first row of the training set on.

        So the states in the test set are those that other commands make on this chip, whatever part of the series it learns from.
        """
        if not self.part.ordered or len(self.part.x_train) == len(self.whole.x_train):
            return self.session
        return Session.of(self.experiment, data=self.whole)

    @property
    def _reservoir(self) -> Reservoir:
        return self.session.reservoir

    @property
    def samples(self) -> int:
        """How many samples it learns from: sequences, or rows behind the washout."""
        washout = self._reservoir.settings.washout if self.part.ordered else 0
        return len(self.part.x_train) - washout

    @property
    def differs(self) -> bool:
        """Whether its reservoir is another than those of other chips, noise not counted."""
        reservoir = self._reservoir
        return not replace(reservoir, settings=reservoir.settings.model_copy(update={"noise": 0.0})).alike

    @property
    def initial(self) -> Adapted:
        """The gains and biases that its nodes begin to adapt from."""
        return self._reservoir.drawn.begun

    def with_nodes(self, adapted: Adapted) -> Self:
        """Return the client with gains and biases of its nodes."""
        reservoir = self._reservoir.settings.model_copy(update={"gains": tuple(adapted.a.tolist()), "biases": tuple(adapted.b.tolist())})
        return replace(self, experiment=self.experiment.model_copy(update={"reservoir": reservoir}))

    def adapted(self, plasticity: IntrinsicPlasticity) -> Adapted:
        """Return the gains and biases that its own inputs lead to, of sequences the first 500."""
        part, settings = self.part, self._reservoir.settings
        if part.ordered:
            after = plasticity(self._reservoir, part.x_train[None], settings.washout)
        else:
            rows = None if part.rows_train is None else part.rows_train[:AT_ONCE]
            after = plasticity(self._reservoir, sequences_of(part, part.x_train[:AT_ONCE]), 0, rows)
        return after.drawn.begun

    @cached_property
    def order(self) -> Any:
        """The order in which a read-out takes its samples: of a series that of time, of others drawn."""
        with self.session.training_solver() as solver:
            return self.session.trainer(solver).plan(0).order[0]

    @cached_property
    def learnt_from(self) -> tuple[Floats, Floats]:
        """States (samples, n) [V] and targets (samples, K) [V], in their order."""
        session = self.session
        return session.data.x_train[self.order], np.asarray(session.task.train.of(self.order), dtype=np.float64)

    def sums(self, penalty: float | None) -> tuple[StateSums, StateSums]:
        """Return what it sends of its samples: sums to learn from, and those on which a penalty is chosen, unless it is given."""
        return parted(*self.learnt_from, penalty)


def clients_of(experiment: Experiment, settings: CompanySettings) -> list[Client]:
    """Divide an experiment's training set among chips `variation.chip` and those after it.

    Raises
    ------
    DataError, ExperimentError
        When there are too few samples, or the data are unusable.

    """
    alone = experiment.model_copy(update={"company": None})
    whole = Session.of(alone).source.data
    if whole.ordered:
        washout = alone.reservoir.washout if alone.reservoir else 0
        parts: list[Dataset] = [whole.with_training(part) for part in series_parts(len(whole.x_train), washout, settings)]
    else:
        parts = [whole.with_training(shard) for shard in divided(whole.labels_train, settings, alone.training.seed).shards]
    return [Client(on_chip(alone, k), part, whole) for k, part in enumerate(parts)]

"""Federation: chips whose reservoirs adapt together, and whose read-outs come of the sums that all send, a chip after the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np

from hwsim.company.clients import Client, clients_of
from hwsim.company.messages import federation_bytes
from hwsim.experiment.experiment import Experiment
from hwsim.files.raw import DataError
from hwsim.reservoir.drawn_layer import Adapted
from hwsim.reservoir.plasticity import IntrinsicPlasticity
from hwsim.reservoir.ridge import VALIDATED, RidgeReadout
from hwsim.reservoir.ridge_sums import StateSums, solved
from hwsim.settings.block_settings import DigitalBlock, DigitalRidge
from hwsim.settings.company_settings import CompanySettings
from hwsim.settings.reservoir_settings import HEADROOM
from hwsim.typing import Array, Floats


class Collected(NamedTuple):
    """What has been collected of the chips so far.

    Parameters
    ----------
    turns
        How many chips have had their turn: in rounds of adaptation, and then to send sums, shape ().
    gains, biases
        Those of all nodes, as the last whole round left them, shapes (N,).
    weighed
        Of the round under way, sums of gains, biases and 1, each times the sender's number of samples, shape (2·N + 1,).
    learnt, validated
        Sums of the samples to learn from, and of those on which a penalty is chosen.

    """

    turns: Floats
    gains: Floats
    biases: Floats
    weighed: Floats
    learnt: StateSums
    validated: StateSums

    def arrays(self) -> dict[str, Floats]:
        """Lay everything out as named arrays; `read` reads them back bit for bit."""
        sums = {kind: getattr(self, kind) for kind in ("learnt", "validated")}
        flat = {f"{kind}/{name}": values for kind, of in sums.items() for name, values in of.arrays().items()}
        return {name: np.asarray(values) for name, values in self._asdict().items() if name not in sums} | flat

    @classmethod
    def read(cls, arrays: dict[str, Array]) -> Self:
        """Read them back."""
        learnt, validated = (
            StateSums(**{name.partition("/")[2]: values for name, values in arrays.items() if name.startswith(f"{kind}/")})
            for kind in ("learnt", "validated")
        )
        return cls(arrays["turns"], arrays["gains"], arrays["biases"], arrays["weighed"], learnt, validated)


@dataclass(frozen=True)
class Federation:
    """Chips, with shares of the training set, and what they exchange."""

    clients: Sequence[Client]
    settings: CompanySettings

    @classmethod
    def of(cls, experiment: Experiment, settings: CompanySettings) -> Self:
        """Divide the training set.

        Raises
        ------
        DataError, ExperimentError
            When there are too few samples, or no chip has as many as are to be sent.

        """
        one = cls(clients_of(experiment, settings), settings)
        if settings.federated and not one.senders:
            most = max(client.samples for client in one.clients)
            msg = f"company.least_samples = {settings.least_samples}, and no chip has more than {most} samples; lower it, or company.chips"
            raise DataError(f"{experiment.name}: {msg}")
        for together in [one.senders] if settings.federated else [[k] for k in range(settings.chips)]:
            samples = [one.clients[k].samples for k in together]
            if one.penalty is None and not any(int(VALIDATED * count) for count in samples):
                msg = f"chip {together[0]} has {samples[0]} samples, too few to choose a penalty on a fifth of them"
                raise DataError(f"{experiment.name}: {msg}; give more, or the penalty")
        return one

    @cached_property
    def senders(self) -> list[int]:
        """The numbers of the chips that have enough samples to send anything."""
        return [k for k, client in enumerate(self.clients) if client.samples >= self.settings.least_samples]

    @property
    def rounds(self) -> int:
        """Rounds of adaptation."""
        return self.settings.rounds if self.settings.exchange == "plasticity" else 0

    @property
    def turns(self) -> int:
        """How many turns chips have until all is collected."""
        return (self.rounds + 1) * len(self.senders) if self.settings.federated else 0

    @property
    def penalty(self) -> float | None:
        """The strength of the ridge regression; None: to be chosen."""
        (block,) = self.clients[0].experiment.blocks or (None,)
        optimizer = block.optimizer if isinstance(block, DigitalBlock) else None
        return optimizer.penalty if isinstance(optimizer, DigitalRidge) else None

    def begin(self) -> Collected:
        """Return what has been collected before the first turn: nothing."""
        first, experiment = self.clients[0].initial, self.clients[0].experiment
        states, targets = experiment.inputs_and_outputs
        none = StateSums.none(states, targets)
        return Collected(np.zeros(()), first.a, first.b, np.zeros(2 * len(first.a) + 1), none, none)

    def turn(self, collected: Collected) -> Collected:
        """Let the next chip adapt, or send its sums.

        Raises
        ------
        CircuitError, ConvergenceError, DataError
            When its reservoir cannot be driven.

        """
        done, place = divmod(int(collected.turns), len(self.senders))
        k, collected = self.senders[place], collected._replace(turns=collected.turns + 1)
        if done == self.rounds:
            learnt, validated = self.ending(collected, k).sums(self.penalty)
            return collected._replace(learnt=collected.learnt + learnt, validated=collected.validated + validated)
        client = self.clients[k]
        after = client.with_nodes(self.nodes(collected)).adapted(
            IntrinsicPlasticity(std=self.settings.state_std, passes=self.settings.every)
        )
        weighed = collected.weighed + client.samples * np.concatenate([after.a, after.b, [1.0]])
        if place + 1 < len(self.senders):
            return collected._replace(weighed=weighed)
        gains, biases = np.split(weighed[:-1] / weighed[-1], 2)
        return collected._replace(gains=gains, biases=biases, weighed=np.zeros_like(weighed))

    @staticmethod
    def nodes(collected: Collected) -> Adapted:
        """Return the gains and biases that all chips have."""
        return Adapted(collected.gains, collected.biases, HEADROOM)

    def ending(self, collected: Collected, k: int) -> Client:
        """Return a chip as it is after all rounds."""
        return self.clients[k].with_nodes(self.nodes(collected)) if self.rounds else self.clients[k]

    def readout(self, collected: Collected, k: int) -> RidgeReadout:
        """Return the read-out of a chip: that of all sums, or, without an exchange, that of its own.

        Raises
        ------
        CircuitError
            When there are too few samples.

        """
        if self.settings.federated:
            return solved(collected.learnt, collected.validated, self.penalty)
        return solved(*self.ending(collected, k).sums(self.penalty), self.penalty)

    def sent_bytes(self, collected: Collected) -> int:
        """Return what all chips together send and get back [bytes]."""
        states, targets = collected.learnt.hy.shape
        sums = collected.learnt.numbers * (2 if self.penalty is None else 1)
        return federation_bytes(
            self.settings, senders=len(self.senders), sums=sums, readout=(states + 1) * targets, nodes=len(collected.gains)
        )

    def notes(self) -> list[str]:
        """Return what a user should know about who sends what, a line each."""
        if not self.settings.federated:
            return []
        states, least = self.clients[0].experiment.inputs_and_outputs[0], self.settings.least_samples
        few = [k for k in self.senders if self.clients[k].samples < states]
        lines = [
            f"chip {k} has {client.samples} samples, fewer than company.least_samples = {least}: it sends nothing, and gets the read-out"
            for k, client in enumerate(self.clients)
            if k not in self.senders
        ]
        if few:
            have = ", ".join(f"{self.clients[k].samples} (chip {k})" for k in few[:_SHOWN]) + (", …" if len(few) > _SHOWN else "")
            what = f"of fewer samples than the {states} states, sums reveal nearly all: {have}"
            lines.append(f"warning: {what}; give such chips more, or leave them out by company.least_samples = {states}")
        if any(self.clients[k].differs for k in self.senders):
            what = "the chips differ: a read-out of their sums errs more on each, and is useless on a chip whose samples are not in them"
            lines.append(f"warning: {what}; compare with company.exchange = 'none'")
        return lines


_SHOWN = 4
"""Chips that a note names."""

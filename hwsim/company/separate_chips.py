"""The chips of a company computed one by one, here or by workers elsewhere: their states are sent out, and are returned with each round."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jax
import numpy as np

from hwsim.company.answer_checks import impossible, refusal
from hwsim.company.chip_job import (
    COUNTS,
    GRADIENT,
    OUTPUTS,
    SUMS,
    ChipAnswer,
    ChipJob,
    ChipProgress,
    CompanyKey,
    G,
    Work,
    gradient_arrays,
    sums_of,
)
from hwsim.company.chip_samples import ChipSamples, Fingerprint, samples_of
from hwsim.company.chip_workers import ChipWorkers
from hwsim.company.mapped_chips import AllTogether
from hwsim.company.members import Members
from hwsim.company.messages import sent
from hwsim.company.split_update import SplitTrainer
from hwsim.core.protocol import ConvergenceError
from hwsim.ensemble.ensemble_trainer import EnsembleTrainer
from hwsim.learning import epochs
from hwsim.learning.epochs import Progress
from hwsim.learning.state import Arrays, State, copied, joined
from hwsim.learning.step import Batches, Carry, Sums
from hwsim.learning.targets import Targets
from hwsim.numeric.layered.stack import stack_trees
from hwsim.settings.company_settings import CompanySettings
from hwsim.typing import Array, Floats


@dataclass(frozen=True)
class SeparateChips:
    """Chips that are computed apart.

    Parameters
    ----------
    members
        Their sessions; their samples stay here, and workers read their own.
    settings
        What they exchange.
    chips
        What puts states together and takes them apart.
    workers
        Who computes.

    """

    members: Members
    settings: CompanySettings
    chips: EnsembleTrainer
    workers: ChipWorkers

    @cached_property
    def _key(self) -> CompanyKey:
        return CompanyKey.of(self.members.whole.experiment.model_copy(update={"company": self.settings}))

    @cached_property
    def samples(self) -> Sequence[ChipSamples]:
        """The labelled samples of each chip: of local data, as its worker counts them."""
        here = samples_of(self.members, self.settings)
        if not self.settings.local:
            return here
        jobs = [ChipJob(self._key, k, "samples", {}, newton=False, epoch=0) for k in range(len(here))]
        expected = [one.fingerprint._replace(of_chip="") for one in here]
        like = {COUNTS: here[0].by_class}
        done = {one.chip: one for one in self._computed(jobs, lambda _: like, expected) if isinstance(one, ChipAnswer)}
        return [ChipSamples(done[k].samples, done[k].arrays[COUNTS]) for k in range(len(here))]

    @property
    def _samples_an_epoch(self) -> int:
        """How many samples all chips learn from in an epoch, batches filled up."""
        batches = (trainer.batch for trainer in self.chips.trainers)
        return sum(-(-int(one.by_class.sum()) // batch) * batch for one, batch in zip(self.samples, batches, strict=True))

    @cached_property
    def _split(self) -> list[SplitTrainer]:
        return [SplitTrainer(trainer) for trainer in self.chips.trainers]

    def epoch(self, state: State, targets: Sequence[Targets] | None) -> Iterator[Progress]:
        """Do all updates of an epoch; with `targets`, a set a chip, on the common samples too."""
        if self.settings.exchange == "mean-gradient":
            yield from epochs.run(_InSteps(self.chips, state.epoch + 1, updated=self._updated), state)
            return
        began, done, reached = time.perf_counter(), dict[int, Arrays](), dict[int, ChipProgress]()
        each = self.chips.apart(state)
        jobs = [
            self._job(k, "epoch", one, one.arrays(), answers=None if targets is None else targets[k].of(slice(-self.settings.common, None)))
            for k, one in enumerate(each)
        ]
        samples = self._samples_an_epoch
        for one in self._computed(jobs, lambda job: job.arrays | self._zero_sums(job.chip)):
            if isinstance(one, ChipAnswer):
                done[one.chip] = one.arrays
            if isinstance(one, ChipProgress):
                reached[one.chip] = one
            count, loss = sum(part.samples for part in reached.values()), sum(part.loss for part in reached.values())
            yield Progress(state, state.epoch, self.chips.settings.epochs, count, samples, loss / max(count, 1), None)
        circuit = self.chips.trainers[0].circuit
        state = self.chips.together([State.from_arrays(done[k], circuit) for k in range(len(each))])
        sums = [sums_of(done[k])._asdict() for k in range(len(each))]
        record: dict[str, Any] = {name: np.stack([of_chip[name] for of_chip in sums]) for name in Sums._fields}
        loss = float(record["loss"].sum() / record["samples"].sum())
        yield Progress(
            state, state.epoch - 1, self.chips.settings.epochs, samples, samples, loss, record | {"seconds": time.perf_counter() - began}
        )

    def outputs(self, state: State, *, common: bool = False) -> Floats:
        """Return what each chip answers on the test set, or on the common samples, (chips, n, K) [V]."""
        jobs = [
            self._job(k, "common outputs" if common else "test outputs", one, _conductances(one))
            for k, one in enumerate(self.chips.apart(state))
        ]
        x = self.members.pool if common else [session.data.x_test for session in self.members.alone]
        like = {OUTPUTS: np.zeros((len(x[0]), len(self.chips.trainers[0].circuit.outputs)))}
        done = {one.chip: one.arrays[OUTPUTS] for one in self._computed(jobs, lambda _: like) if isinstance(one, ChipAnswer)}
        return np.stack([done[k] for k in range(len(jobs))])

    def _gradients(self, carries: Sequence[Carry], step: int, epoch: int, *, newton: bool) -> list[tuple[dict[str, Array], Sums]]:
        """Return the gradient of an update at each chip's conductances, by block, and the sums with what was found."""
        jobs = [
            ChipJob(self._key, k, "gradient", _prefixed(G, carry.g) | _prefixed(SUMS, carry.sums._asdict()), newton, epoch, step)
            for k, carry in enumerate(carries)
        ]
        likes = [gradient_arrays(carry.g, carry.sums) for carry in carries]
        done = {one.chip: one.arrays for one in self._computed(jobs, lambda job: likes[job.chip]) if isinstance(one, ChipAnswer)}
        return [
            ({name.removeprefix(GRADIENT): values for name, values in done[k].items() if name.startswith(GRADIENT)}, sums_of(done[k]))
            for k in range(len(jobs))
        ]

    def _updated(self, carries: list[Carry], batches: Sequence[Batches], step: int, epoch: int, *, newton: bool) -> list[Carry]:
        """Do one update of all chips by the mean of their gradients, as these are sent."""
        each = self._gradients(carries, step, epoch, newton=newton)
        precision = self.settings.precision
        messages = [
            by_block if precision == "float32" else {name: sent(values, precision) for name, values in by_block.items()}
            for by_block, _ in each
        ]
        mean = {name: np.mean([one[name] for one in messages], axis=0) for name in messages[0]}
        return [
            copied(split.step(carry._replace(sums=sums), mean, of_chip, step))
            for split, carry, (_, sums), of_chip in zip(self._split, carries, each, batches, strict=True)
        ]

    def _computed(
        self, jobs: Sequence[ChipJob], like: Any, expected: Sequence[Fingerprint] = ()
    ) -> Iterator[ChipAnswer | ChipProgress | None]:
        """Compute jobs; `like` returns arrays of the shapes and types that a job's answer must have."""
        lenient, samples = self.chips.settings.skip_failed, expected or [one.fingerprint for one in self.samples]

        def refused(job: ChipJob, answer: ChipAnswer) -> str:
            reason = refusal(job, answer, like(job), samples[job.chip], finite=not lenient)
            trainer = self.chips.trainers[job.chip]
            return reason or (impossible(trainer.circuit, answer.arrays) if job.work == "epoch" and not answer.failed else "")

        for one in self.workers.compute(jobs, refused):
            if isinstance(one, ChipAnswer) and one.failed:
                raise ConvergenceError(one.failed)
            yield one

    def _job(self, k: int, work: Work, state: State, arrays: Arrays, answers: Floats | None = None) -> ChipJob:
        return ChipJob(self._key, k, work, arrays, state.newton, state.epoch, answers=answers)

    def _zero_sums(self, k: int) -> Arrays:
        return _prefixed(SUMS, self.chips.trainers[k].zero_sums()._asdict())


@dataclass(frozen=True)
class _InSteps(AllTogether):
    """All chips, each update of which takes the mean of gradients that workers compute."""

    updated: Callable[..., list[Carry]] = field(kw_only=True)

    def advance(self, carry: Carry, batches: Batches, first: int, last: int, *, newton: bool) -> Carry:
        """Do some updates."""
        apart: list[Any] = [jax.tree.map(lambda values, k=k: values[k], (carry, batches)) for k in range(len(self.chips.trainers))]
        carries, plans = [one for one, _ in apart], [plan for _, plan in apart]
        for step in range(first, last):
            carries = self.updated(carries, plans, step, self.until - 1, newton=newton)
        done: Carry = stack_trees(carries)
        return done


def _conductances(state: State) -> Arrays:
    return _prefixed(G, joined(state.g))


def _prefixed(prefix: str, values: Any) -> Arrays:
    return {f"{prefix}{name}": np.array(value) for name, value in values.items()}

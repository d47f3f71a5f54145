"""Ensemble trainer: many trainings of one experiment, other chips and other seeds, as one compiled computation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import jax
import numpy as np

from hwsim.core.protocol import Drive, Equilibrium, Result, Solver
from hwsim.core.verified import audited
from hwsim.ensemble.reached import Follow, to_the_end, unseen
from hwsim.ensemble.results import Tested, TrainingResult
from hwsim.learning import epochs, gradient_audit
from hwsim.learning.epochs import Progress
from hwsim.learning.evaluate import BATCH, scored
from hwsim.learning.state import State, copied
from hwsim.learning.step import KEPT_PROGRAMS, Batches, Carry, Exchange, Sums, TrainingArrays, Updater, in_a_row, keep
from hwsim.learning.targets import Targets
from hwsim.learning.trainer import Trainer
from hwsim.numeric.jax_scope import compiler_options, jax_scope
from hwsim.numeric.kept_programs import kept
from hwsim.numeric.layered.chips import Chips
from hwsim.numeric.layered.layered_solver import LayeredSolver
from hwsim.numeric.layered.source_voltages import held_volts
from hwsim.numeric.layered.stack import Stack, stack, stack_trees
from hwsim.numeric.layered.traced import TracedSolver
from hwsim.settings.training_settings import TrainingSettings
from hwsim.typing import Array, Weights

Axes = tuple[int | None, ...]

CHIPS = "chips"
"""The axis over which programs of ensembles are mapped, and over which chips exchange gradients."""


def mean_of_chips(by_block: dict[str, Array]) -> dict[str, Array]:
    """Return the mean of all chips' gradients, for each of them: synchronous stochastic gradient descent."""
    average: Any = jax.lax.pmean  # JAX leaves it untyped
    mean: dict[str, Array] = average(by_block, CHIPS)
    return mean


@dataclass(frozen=True)
class EnsembleTrainer:
    """Trainers that differ in seed and chip only, all on the numeric engine's layered solver, as one compiled computation.

    Parameters
    ----------
    trainers
        One a chip.
    exchange
        What chips do with their gradients before their optimizers take them: keep them, or take those of all together.

    """

    trainers: Sequence[Trainer]
    exchange: Exchange = keep

    @cached_property
    def _chips(self) -> Chips:
        return Chips([_layered(trainer.solver) for trainer in self.trainers])

    @cached_property
    def _given(self) -> tuple[Stack, Stack]:
        """Data and devices of all trainers, and their targets, on the device."""
        inputs = stack([(trainer.samples.x, trainer.updater.programming.devices) for trainer in self.trainers])
        learned = stack([trainer.samples.targets for trainer in self.trainers])
        with jax_scope():
            return inputs._replace(leaves=jax.device_put(inputs.leaves)), learned._replace(leaves=jax.device_put(learned.leaves))

    @cached_property
    def _programs(self) -> dict[bool, tuple[Any, Any]]:
        """The compiled loop with Newton's method or without, and what it takes of the chips."""
        updater, (inputs, learned) = self.trainers[0].updater.bare._replace(exchange=self.exchange), self._given
        programs = {}
        for newton in (False, True):
            trace = self._chips.traced(newton=newton, largest_feature=self._largest)
            programs[newton] = _loop(updater, trace.bare, (inputs.form, learned.form), (inputs.axes, learned.axes)), trace.arguments
        return programs

    @property
    def _largest(self) -> Array:
        """The largest feature that each trainer's circuit is shown, (trainers,)."""
        return np.array([trainer.largest_feature for trainer in self.trainers], self.trainers[0].dtype)

    @property
    def bytes(self) -> int:
        """Bytes of all arrays from update to update: conductances, optimizers, plans, samples, numbers of chips."""
        arrays = self.begin().carry, self.plan(0), self._given, self._chips.mapped
        return sum(np.asarray(leaf).nbytes for leaf in jax.tree.leaves(arrays))

    @property
    def settings(self) -> TrainingSettings:
        """How all learn, but for their seeds."""
        return self.trainers[0].settings

    @property
    def steps(self) -> int:
        """Updates of an epoch."""
        return self.trainers[0].steps

    def plan(self, epoch: int) -> Batches:
        """Draw an epoch's batches of each chip."""
        batches: Batches = stack_trees([trainer.plan(epoch) for trainer in self.trainers])
        return batches

    @jax_scope()
    def advance(
        self, carry: Carry, batches: Batches, first: int, last: int, *, newton: bool, targets: Sequence[Targets] | None = None
    ) -> Carry:
        """Do the updates number `first` … `last` − 1 of an epoch on all chips. `targets` replace those of the tasks."""
        (program, of_chips), (inputs, learned) = self._programs[newton], self._given
        given = learned.leaves if targets is None else stack(targets, learned.axes).leaves
        done: Carry = program(carry._replace(kept=()), batches, of_chips, inputs.leaves, given, (first, last))
        return done

    def zero_sums(self) -> Sums:
        """Return the sums of an epoch before its first update, each (chips,)."""
        sums: Sums = stack_trees([trainer.zero_sums() for trainer in self.trainers])
        return sums

    def check(self, state: State) -> None:
        """Let chips fail by themselves: the failure of one is reported with its results."""

    def record(self, state: State) -> dict[str, Any]:
        """Return an epoch's sums by name, each (chips,)."""
        return {name: np.array(values) for name, values in state.sums._asdict().items()}

    def wants_newton(self, state: State) -> bool:
        """Whether a chip's sweeps alone are too slow, or prove too little."""
        return any(trainer.wants_newton(one) for trainer, one in zip(self.trainers, self.apart(state), strict=True))

    def begin(self) -> State:
        """Return the state before the first update."""
        return self.together([trainer.begin() for trainer in self.trainers])

    def together(self, states: Sequence[State]) -> State:
        """Return chips' states as one, to resume from: of one epoch and step, each from a checkpoint of its own, for example.

        Raises
        ------
        ValueError
            When they are not equally far.

        """
        if len({(state.epoch, state.step) for state in states}) > 1:
            msg = "chips that learn side by side must be equally far; resume them one by one"
            raise ValueError(msg)
        carry: Carry = stack_trees([state.carry for state in states])
        return replace(_with(states[0], carry), newton=any(state.newton for state in states))

    def apart(self, state: State) -> list[State]:
        """Return each chip's own state: what a training of it alone resumes from, and what a checkpoint keeps."""
        host = copied(state.carry)
        return [_with(state, jax.tree.map(lambda values, k=k: values[k], host)) for k in range(len(self.trainers))]

    def run(self, state: State) -> Iterator[Progress]:
        """Train all chips from a state to the last epoch, and report after every chunk of updates."""
        return epochs.run(self, state)

    def train(self, follow: Follow = unseen) -> list[TrainingResult]:
        """Train all from their beginning to the last epoch, and audit gradients then."""
        state, records = to_the_end(self.run(self.begin()), follow)
        states, rounding = self.apart(state), self._rounding(state)
        sums = {name: np.stack([record[name] for record in records], axis=1) for name in Sums._fields}
        return [
            self._learnt(k, trainer.g(states[k]), Sums(*(values[k] for values in sums.values())), rounding[k])
            for k, trainer in enumerate(self.trainers)
        ]

    def _rounding(self, state: State) -> list[str | None]:
        """Return why each chip's gradient is rounding, where it is; None where it is not, or where an equilibrium of the audit failed.

        Every chip is audited, by the same updates: that takes some hundredths of a second each.
        """
        trainers, first = self.trainers, self.trainers[0]
        if not gradient_audit.audited(first.updater.rule):
            return [None] * len(trainers)
        plans = [gradient_audit.planned(trainer, first.settings.epochs - 1) for trainer in trainers]
        kept, failed, wrong = [], np.zeros(len(trainers), bool), [trainer.samples.targets.wrong() for trainer in trainers]
        for batches in zip(*plans, strict=True):
            done = self.advance(copied(state.carry), stack_trees(batches), 0, 1, newton=state.newton, targets=wrong)
            kept.append(np.asarray(done.kept))
            failed |= np.asarray(done.sums.failed) > 0
        reasons = list[str | None]()
        for k, (trainer, one) in enumerate(zip(trainers, self.apart(state), strict=True)):
            of_chip = [of_all[k] for of_all in kept]
            error = None if failed[k] else gradient_audit.gradient_error(trainer, trainer.g(one), plans[k], of_chip)
            reasons.append(trainer.rounding_advice(error) if error is not None and error.value > gradient_audit.STOP else None)
        return reasons

    def _learnt(self, k: int, g: Weights, sums: Sums, failed: str | None) -> TrainingResult:
        """Sum up training number k, from its epochs' sums, each (epochs,); `failed` is what was wrong besides."""
        if sums.failed.any() and not self.trainers[0].settings.skip_failed:
            epoch = int(np.flatnonzero(sums.failed)[0])
            advice = Result(int(sums.code[epoch])).advice
            failed = f"epoch {epoch + 1}: {int(sums.failed[epoch])} equilibria were not found: {advice}"
        error = self.trainers[k].task.train.scores(float(sums.wrong[-1]), int(sums.samples[-1]))["error"]
        return TrainingResult(g, error, float(sums.pulses.sum()), float(sums.energy.sum()), float(sums.residual.max()), failed)


def _with(state: State, carry: Carry) -> State:
    return replace(state, g=carry.g, moments=carry.moments, sums=carry.sums, programming=carry.programming)


def _layered(solver: Solver) -> LayeredSolver:
    if not isinstance(solver, LayeredSolver):
        msg = f"{solver.circuit.name}: only the numeric engine's layered solver trains chips side by side; train them one by one"
        raise TypeError(msg)
    return solver


@lru_cache(maxsize=KEPT_PROGRAMS)
def _loop(updater: Updater, trace: TracedSolver, forms: tuple[Any, Any], axes: tuple[Axes, Axes]) -> Any:
    """Compile many updates in a row, each mapped over trainers; data, devices and targets have an axis of trainers where they differ."""
    of_data, of_targets = forms

    def one(last: Carry, batches: Batches, of_chip: Any, leaves: Any, targets: Any, k: Array) -> Carry:
        x, devices = jax.tree.unflatten(of_data, leaves)
        samples = TrainingArrays(x, jax.tree.unflatten(of_targets, targets))
        return updater.holding(devices).traced_update(trace.holding(of_chip), last, samples, batches, k)

    mapped = jax.vmap(one, in_axes=(0, 0, 0, *axes, None), axis_name=CHIPS)  # the loop around it would be mapped several times over

    def loop(carry: Carry, batches: Batches, of_chips: Any, leaves: Any, targets: Any, ends: tuple[Array, Array]) -> Carry:
        chips, _, batch = batches.order.shape
        kept_of_one = updater.unkept(trace.circuit, batch, next(iter(carry.g.values())).dtype)
        begun = carry._replace(kept=jax.numpy.broadcast_to(kept_of_one, (chips, *kept_of_one.shape)))
        return in_a_row(lambda last, k: mapped(last, batches, of_chips, leaves, targets, k), begun, ends)

    program = jax.jit(loop, donate_argnums=0, compiler_options=compiler_options(mapped=True))
    return kept(program, ("chips", updater, trace, forms, axes))


@jax_scope()
def test_all(
    solvers: Sequence[LayeredSolver], g: Sequence[Weights], x: Array, targets: Sequence[Targets], *, skip_failed: bool
) -> list[Tested]:
    """Test chips with conductances of their own on samples x (chips, n, I); those that do not settle fail a chip, or count as wrong."""
    chips, circuit, count = Chips(solvers), solvers[0].circuit, x.shape[1]
    order = np.resize(np.arange(count), (-(-count // BATCH), min(count, BATCH)))  # the last part is filled up with samples of the first
    parts = [chips.solve(g, x[:, chosen]) for chosen in order]
    parts[0] = _verified(solvers, g, x[:, order[0]], parts[0])
    outputs = np.concatenate([jax.vmap(lambda each: each.outputs(circuit))(part) for part in parts], axis=1)[:, :count]
    residual, result = (np.concatenate([getattr(part, what) for part in parts], axis=1)[:, :count] for what in ("residual", "result"))
    return [_tested(*of_chip, skip_failed=skip_failed) for of_chip in zip(outputs, residual, result, targets, strict=True)]


def _verified(solvers: Sequence[LayeredSolver], g: Sequence[Weights], x: Array, equilibria: Equilibrium) -> Equilibrium:
    """Verify the first few samples of each chip by its elements alone."""
    result, residual = np.array(equilibria.result), np.array(equilibria.residual)
    for k, (solver, of_one) in enumerate(zip(solvers, g, strict=True)):
        of_chip: Equilibrium = jax.tree.map(lambda part, k=k: part[k], equilibria)
        fixed = held_volts(solver.circuit, solver.chip, x[k], len(x[k]), solver.dtype)
        verified = audited(solver.chip, of_one, Drive(x[k]), of_chip._replace(v={**of_chip.v, **fixed}), solver.share)
        few = len(verified.result)
        result[k, :few], residual[k, :few] = verified.result, np.maximum(residual[k, :few], verified.residual)
    return equilibria._replace(result=result, residual=residual)


def _tested(outputs: Array, residual: Array, result: Array, targets: Targets, *, skip_failed: bool) -> Tested:
    failed, good = None, result == Result.CONVERGED
    if (unsettled := int((~good).sum())) and not skip_failed:
        failed = f"{unsettled} of {len(result)} test samples have no equilibrium: {Result(int(result.max())).advice}"
    return Tested(
        scored(targets, outputs, good)[1]["error"], float(residual[good].max(initial=0.0)) if skip_failed else float(residual.max()), failed
    )

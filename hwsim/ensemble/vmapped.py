"""Fleet: many trainings of one experiment, other chips and other seeds, as one compiled computation."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import jax
import numpy as np

from hwsim.core import blocks
from hwsim.core.protocol import Drive, Equilibrium, Result, Solver
from hwsim.core.verified import witnesses
from hwsim.ensemble.results import Learnt, Tested
from hwsim.learning import gradient_audit
from hwsim.learning.evaluate import BATCH, judged
from hwsim.learning.step import KEPT_PROGRAMS, Batches, Carry, Samples, Sums, Updater
from hwsim.learning.task import Targets
from hwsim.learning.trainer import Trainer
from hwsim.numeric.jax_scope import compiler_options, jax_scope
from hwsim.numeric.layered.chips import Chips
from hwsim.numeric.layered.layered_solver import LayeredSolver
from hwsim.numeric.layered.source_voltages import held_volts
from hwsim.numeric.layered.stack import stack, stack_trees
from hwsim.numeric.layered.traced import TracedSolver
from hwsim.typing import Array, Weights

Axes = tuple[int | None, ...]


@dataclass(frozen=True)
class Fleet:
    """Trainers that differ in seed and chip only, all on the numeric engine's layered solver."""

    trainers: Sequence[Trainer]

    @cached_property
    def _programs(self) -> dict[bool, Any]:
        return {newton: self._program(newton=newton) for newton in (False, True)}

    def _program(self, *, newton: bool) -> Any:
        """Compile many updates in a row, mapped over trainers."""
        first, chips = self.trainers[0], Chips([_layered(trainer.solver) for trainer in self.trainers])
        learned = stack([trainer.samples.targets for trainer in self.trainers])
        held = stack([(trainer.samples.x, trainer.updater.programming.devices) for trainer in self.trainers])
        trace = chips.traced(newton=newton, largest_feature=self._largest)
        compiled = _loop(first.updater.bare, trace.bare, (held.form, learned.form), (held.axes, learned.axes))
        with jax_scope():
            on_device, targets_on_device, of_chips = jax.device_put((held.leaves, learned.leaves, trace.arguments))

        @jax_scope()
        def advance(carry: Carry, batches: Batches, last: int, targets: Sequence[Targets] | None = None) -> Carry:
            given = targets_on_device if targets is None else stack(targets, learned.axes).leaves
            done: Carry = compiled(carry._replace(kept=()), batches, of_chips, on_device, given, (0, last))
            return done

        return advance

    @property
    def _largest(self) -> Array:
        """The largest feature that each trainer's circuit is shown, (trainers,)."""
        return np.array([np.abs(trainer.samples.x).max(initial=0.0) for trainer in self.trainers], self.trainers[0].dtype)

    def train(self) -> list[Learnt]:
        """Train all to the last epoch."""
        trainers, first = self.trainers, self.trainers[0]
        states = [trainer.begin() for trainer in trainers]
        newton = any(state.newton for state in states)
        carry: Carry = stack_trees([state.carry for state in states])
        zero = carry.sums
        sums: list[Sums] = []
        for epoch in range(first.settings.epochs):
            batches = stack_trees([trainer.plan(epoch) for trainer in trainers])
            carry = self._programs[newton](carry._replace(sums=zero), batches, first.steps)
            sums.append(jax.tree.map(np.array, carry.sums))
            newton = newton or any(trainer.needs_newton(g) for trainer, g in zip(trainers, self._weights(carry), strict=True))
        of_all: Sums = stack_trees(sums)  # (epochs, trainers)
        weights = self._weights(carry)
        rounding = self._rounding(carry._replace(sums=zero), weights, newton=newton)
        return [self._learnt(k, g, jax.tree.map(lambda values, k=k: values[:, k], of_all), rounding[k]) for k, g in enumerate(weights)]

    def _rounding(self, carry: Carry, weights: Sequence[Weights], *, newton: bool) -> list[str | None]:
        """Return why each gradient is worth nothing, where it is: of the first trainer, and of the others where that is in doubt.

        They differ in seed and chip only, and rounding is a matter of nudge and precision.
        """
        first = self.trainers[0]
        if not gradient_audit.audited(first.updater.rule, first.instruments):
            return [None] * len(self.trainers)
        plans = [gradient_audit.planned(trainer, first.settings.epochs - 1) for trainer in self.trainers]
        kept, failed, wrong = [], np.zeros(len(self.trainers), bool), [trainer.samples.targets.wrong() for trainer in self.trainers]
        for batches in zip(*plans, strict=True):
            done = self._programs[newton](jax.tree.map(np.array, carry), stack_trees(batches), 1, wrong)
            kept.append(np.asarray(done.kept))
            failed |= np.asarray(done.sums.failed) > 0
        reasons: list[str | None] = []
        doubtful = True
        for k, (trainer, g) in enumerate(zip(self.trainers, weights, strict=True)):
            error = None
            if doubtful and not failed[k]:
                error = gradient_audit.gradient_error(trainer, g, plans[k], [voltages[k] for voltages in kept])
                doubtful = k > 0 or error is None or error.value > gradient_audit.WARN
            reasons.append(trainer.rounding_advice(error) if error is not None and error.value > gradient_audit.STOP else None)
        return reasons

    def _weights(self, carry: Carry) -> list[Weights]:
        g = jax.tree.map(np.asarray, carry.g)
        return [blocks.join({name: values[k].astype(np.float64) for name, values in g.items()}) for k in range(len(self.trainers))]

    def _learnt(self, k: int, g: Weights, sums: Sums, failed: str | None) -> Learnt:
        """Sum up training number k, from its epochs' sums, each (epochs,); `failed` says what was wrong besides."""
        if sums.failed.any() and not self.trainers[0].settings.skip_failed:
            epoch = int(np.flatnonzero(sums.failed)[0])
            advice = Result(int(sums.code[epoch])).advice
            failed = f"epoch {epoch + 1}: {int(sums.failed[epoch])} equilibria were not found: {advice}"
        error = self.trainers[k].task.train.scores(float(sums.wrong[-1]), int(sums.samples[-1]))["error"]
        return Learnt(g, error, float(sums.pulses.sum()), float(sums.energy.sum()), float(sums.residual.max()), failed)


def _layered(solver: Solver) -> LayeredSolver:
    if not isinstance(solver, LayeredSolver):
        msg = f"{solver.circuit.name}: only the numeric engine's layered solver trains chips side by side; train them one by one"
        raise TypeError(msg)
    return solver


@lru_cache(maxsize=KEPT_PROGRAMS)
def _loop(updater: Updater, trace: TracedSolver, forms: tuple[Any, Any], axes: tuple[Axes, Axes]) -> Any:
    """Compile many updates in a row, mapped over trainers; data, devices and targets have an axis of trainers where they differ."""
    of_data, of_targets = forms

    def one(carry: Carry, batches: Batches, of_chip: Any, leaves: Any, targets: Any, ends: tuple[Array, Array]) -> Carry:
        x, devices = jax.tree.unflatten(of_data, leaves)
        samples = Samples(x, jax.tree.unflatten(of_targets, targets))
        return updater.holding(devices).loop(trace.holding(of_chip), carry, samples, batches, ends)

    return jax.jit(jax.vmap(one, in_axes=(0, 0, 0, *axes, None)), donate_argnums=0, compiler_options=compiler_options())


@jax_scope()
def test_all(
    solvers: Sequence[LayeredSolver], g: Sequence[Weights], x: Array, targets: Sequence[Targets], *, skip_failed: bool
) -> list[Tested]:
    """Test chips with conductances of their own on samples x (chips, n, I); those that do not settle fail a chip, or count as wrong."""
    chips, circuit, count = Chips(solvers), solvers[0].circuit, x.shape[1]
    order = np.resize(np.arange(count), (-(-count // BATCH), min(count, BATCH)))  # the last part is filled up with samples of the first
    parts = [chips.solve(g, x[:, chosen]) for chosen in order]
    parts[0] = _judged(solvers, g, x[:, order[0]], parts[0])
    outputs = np.concatenate([jax.vmap(lambda found: found.outputs(circuit))(part) for part in parts], axis=1)[:, :count]
    residual, result = (np.concatenate([getattr(part, what) for part in parts], axis=1)[:, :count] for what in ("residual", "result"))
    return [_tested(*of_chip, skip_failed=skip_failed) for of_chip in zip(outputs, residual, result, targets, strict=True)]


def _judged(solvers: Sequence[LayeredSolver], g: Sequence[Weights], x: Array, found: Equilibrium) -> Equilibrium:
    """Judge the first few samples of each chip by its elements alone."""
    result, residual = np.array(found.result), np.array(found.residual)
    for k, (solver, own) in enumerate(zip(solvers, g, strict=True)):
        of_chip: Equilibrium = jax.tree.map(lambda part, k=k: part[k], found)
        held = held_volts(solver.circuit, solver.chip, x[k], len(x[k]), solver.dtype)
        told = witnesses(solver.chip, own, Drive(x[k]), of_chip._replace(v={**of_chip.v, **held}), solver.share)
        few = len(told.result)
        result[k, :few], residual[k, :few] = told.result, np.maximum(residual[k, :few], told.residual)
    return found._replace(result=result, residual=residual)


def _tested(outputs: Array, residual: Array, result: Array, targets: Targets, *, skip_failed: bool) -> Tested:
    failed, good = None, result == Result.CONVERGED
    if (unsettled := int((~good).sum())) and not skip_failed:
        failed = f"{unsettled} of {len(result)} test samples have no equilibrium: {Result(int(result.max())).advice}"
    return Tested(
        judged(targets, outputs, good)[1]["error"], float(residual[good].max(initial=0.0)) if skip_failed else float(residual.max()), failed
    )

"""Trainer: epochs of batches from a state that can be saved, on any engine."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.core import blocks
from hwsim.core.capabilities import is_traceable
from hwsim.core.protocol import Capability, ConvergenceError, Result, Solver
from hwsim.files.raw import DataError
from hwsim.learning import epochs, gradient_audit, rule_factory
from hwsim.learning.audit import AuditResult, audit_phases
from hwsim.learning.augmentation import draw
from hwsim.learning.corruption import Corruption, largest
from hwsim.learning.dataset import Dataset
from hwsim.learning.epochs import Progress
from hwsim.learning.evaluate import BATCH, evaluate
from hwsim.learning.gradient_audit import GradientError
from hwsim.learning.initial import within
from hwsim.learning.setup import Setup
from hwsim.learning.skipping import OR_SKIP, QUIETLY, Skipping, or_skip
from hwsim.learning.sparsity import moved
from hwsim.learning.state import Arrays, State, copied, joined
from hwsim.learning.step import Advance, Batches, Carry, Sums, TrainingArrays, compiled, stepwise
from hwsim.learning.targets import Targets
from hwsim.learning.task import Task
from hwsim.numeric.exact import exact_engine
from hwsim.random.streams import of_chip, stream
from hwsim.settings.training_settings import TrainingSettings
from hwsim.typing import Conductances


class Trainer:
    """Trains one circuit, or a chain of them, on one data set.

    All randomness comes from the experiment's seed, the chip's and the epoch's number.

    Parameters
    ----------
    task
        What is learned of the data.
    setup
        How the circuit learns.

    """

    def __init__(self, settings: TrainingSettings, data: Dataset, solver: Solver, *, task: Task, setup: Setup) -> None:
        self.settings, self.data, self.solver, self.task, self.setup = settings, data, solver, task, setup
        self.circuit = solver.circuit
        self.dtype = np.dtype(settings.precision)
        self._refuse_misfit()
        self.updater = setup.updater._replace(image=data.image if data.shift or data.flip else None)
        self.instruments, self.chip = setup.instruments, setup.chip
        self.batch = min(settings.batch, len(data.x_train))
        self.steps = -(-len(data.x_train) // self.batch)
        self.samples = TrainingArrays(data.x_train.astype(self.dtype), task.train.cast(self.dtype))
        self._programs: dict[bool, Advance] = {}

    def _refuse_misfit(self) -> None:
        self.task.refuse_misfit(self.data, len(self.circuit.outputs))
        if self.settings.loss.kind == "cross-entropy" and not self.task.train.of_classes:
            msg = f"{self.data.name}: training.loss.kind = 'cross-entropy' needs classes, and the targets are real; use 'squared-error'"
            raise DataError(msg)
        if (self.data.shift or self.data.flip) and self.data.image is None:
            msg = f"{self.data.name}: data.{'shift' if self.data.shift else 'flip'} moves images, and nothing states their shape (image)"
            raise DataError(msg)

    def begin(self) -> State:
        """Return the state before the first update."""
        wanted = within(self.solver.chip, self.setup.start)
        g = {name: values.astype(self.dtype) for name, values in wanted.items()}
        parts, programming = self.updater.programming.begin(blocks.split(self.circuit, g))
        newton = self.needs_newton(blocks.join(parts))
        return State(parts, self.updater.optimizer.begin(parts), self.zero_sums(), 0, 0, 0.0, newton, programming)

    def needs_newton(self, g: Conductances) -> bool:
        """Whether sweeps alone are too slow for conductances [S], or prove too little, under this training's nudges."""
        return is_traceable(self.solver) and self.solver.needs_newton(g, self.updater.rule.least_beta)

    def advance(
        self, carry: Carry, batches: Batches, first: int, last: int, *, newton: bool = False, targets: Targets | None = None
    ) -> Carry:
        """Do the updates number `first` … `last` − 1 of an epoch; the arrays of `carry` are gone then. `targets` replace the task's."""
        if newton not in self._programs:
            self._programs[newton] = self._program(newton=newton)
        return self._programs[newton](carry, batches, first, last, targets)

    def _program(self, *, newton: bool) -> Advance:
        if not (is_traceable(self.solver) and self.updater.rule.traceable):
            return stepwise(self.updater, self._lenient, self.samples)
        return compiled(self.updater, self.solver.traced(newton=newton, largest_feature=self.largest_feature), self.samples)

    @property
    def largest_feature(self) -> float:
        """The largest magnitude of any feature that training may show."""
        return largest(self.data, float(np.abs(self.samples.x).max(initial=0.0)))

    def traced(self, solver: Any) -> Any:
        """Return a solver for compiled functions as this training uses it."""
        return solver.wrapped(QUIETLY) if self.settings.skip_failed else solver

    @property
    def _lenient(self) -> Any:
        return self.solver.wrapped(Skipping) if self.settings.skip_failed else self.solver

    def zero_sums(self) -> Sums:
        """Return the sums of an epoch before its first update."""
        kinds = {"loss": self.dtype, "residual": self.dtype, "pulses": np.dtype(float), "energy": np.dtype(float)}
        kinds["wrong"] = self.samples.targets.tally
        apart = len(self.updater.programming.counts)
        shapes = {"pulses": (apart,)} if apart > 1 else {}
        return Sums(*(np.zeros(shapes.get(name, ()), kinds.get(name, np.dtype(np.int32))) for name in Sums._fields))

    def g(self, state: State) -> dict[str, NDArray[np.float64]]:
        """Return a state's conductances [S]."""
        return {name: values.astype(np.float64) for name, values in joined(state.g).items()}

    def plan(self, epoch: int) -> Batches:
        """Draw an epoch's batches. The last one is filled up with samples of the first, so that all have one size."""
        settings, samples = self.settings, len(self.data.x_train)
        order = np.resize(stream(settings.seed, f"order/{epoch}").permutation(samples), (self.steps, self.batch))
        signs = stream(settings.seed, f"sign/{epoch}").choice([-1.0, 1.0], self.steps)
        factor = rule_factory.schedule(settings, epoch)
        rates = {name: self.dtype.type(rate * factor) for name, rate in self.setup.rates.items()}
        by_block = {block: rates[blocks.element_of(block)] for block in blocks.names(self.circuit)}
        seeds = stream(settings.seed, of_chip(f"programming/{epoch}", self.chip)).integers(2**32, size=self.steps, dtype=np.uint32)
        moves = draw(self.data.shift, settings.seed, epoch, order.shape, flip=self.data.flip)
        corruption = Corruption.draw(self.data, settings.seed, epoch, self.steps)
        return Batches(order.astype(np.int32), signs.astype(self.dtype), by_block, seeds, moves, corruption)

    def run(self, state: State) -> Iterator[Progress]:
        """Train from a state to the last epoch, and report after every chunk of updates.

        Raises
        ------
        ConvergenceError
            When a sample has no equilibrium within the tolerance; the conductances of the last report are still good.

        """
        return epochs.run(self, state)

    def check(self, state: State) -> None:
        """Raise a ConvergenceError where equilibria were not found in the epoch so far, unless they are skipped."""
        if state.sums.failed and not self.settings.skip_failed:
            code = Result(int(state.sums.code))
            what = f"epoch {state.epoch + 1}: {int(state.sums.failed)} equilibria were not found"
            msg = f"{self.circuit.name}: {what}: {code.advice}{OR_SKIP}"
            raise ConvergenceError(msg)

    def wants_newton(self, state: State) -> bool:
        """Whether sweeps alone are too slow for a state's conductances, or prove too little."""
        return self.needs_newton(joined(state.g))

    def _refuse_divergence(self, state: State) -> None:
        """Refuse to report errors of conductances or parameters that are no numbers any more."""
        if not np.isfinite(state.sums.loss) and not self.settings.skip_failed:
            where = f"{self.circuit.name}: in epoch {state.epoch + 1}"
            msg = f"{where} the loss is no finite number, and what was learned is lost; lower the rates"
            raise ConvergenceError(msg)

    def record(self, state: State) -> dict[str, float | int]:
        """Test and audit the conductances that end an epoch, and return its row of metrics.

        Raises
        ------
        ConvergenceError
            When the loss is not finite, a sample has no equilibrium, an audited one is not at equilibrium, or a gradient is rounding.

        """
        g = joined(state.g)
        sums, samples = state.sums, int(state.sums.samples)
        self._refuse_divergence(state)
        data, seed = self.data, int(stream(self.settings.seed, of_chip(f"noise/{state.epoch}", self.chip)).integers(2**32))
        with or_skip(skipping=self.settings.skip_failed):
            tested = evaluate(self._lenient, g, data.x_test, self.task.test, self.instruments, seed)
        audit, rounding = self._audited(state.epoch + 1, g, seed), self._gradient_error(state)
        row: dict[str, float | int] = {
            "epoch": state.epoch + 1,
            "loss": float(sums.loss) / samples,
            **{f"train_{name}": value for name, value in self.task.train.scores(float(sums.wrong), samples).items()},
            **{f"test_{name}": value for name, value in tested.scores.items()},
            "seconds": state.seconds,
            "residual_A": max(float(sums.residual), tested.residual),
            "steps": int(sums.steps) / samples,
            "nudged_steps": int(sums.nudged_steps) / samples,
        }
        if audit is not None:
            row["certified_A"] = audit.residual
            row |= {f"conducting_{name}": share for name, share in (audit.conducting or {}).items()} | {"moved": self._moved(state)}
        elif Capability.VERIFIED in self.solver.capabilities:
            row["certified_A"] = row["residual_A"]  # it verifies each by itself
        if rounding is not None:
            row["gradient_error"] = rounding.value
        if self.settings.skip_failed:
            row |= {"failed": int(sums.failed) + (audit.failed if audit else 0), "failed_tests": tested.failed}
        if counts := self.updater.programming.counts:
            row |= dict(zip(counts, np.atleast_1d(sums.pulses).tolist(), strict=True)) | {"programming_J": float(sums.energy)}
        return row

    def _moved(self, state: State) -> float:
        """Return the share of devices that an update moves: the epoch's first one, done again where the epoch ended, and thrown away."""
        done = self.advance(copied(state.carry), self.plan(state.epoch), 0, 1, newton=state.newton)
        devices = {array.name for array in self.circuit.trainable}
        return moved({block: values for block, values in state.g.items() if blocks.element_of(block) in devices}, done.g)

    @cached_property
    def exact(self) -> Solver:
        """The solver that gradients are compared with: in 64 bits, and prepared once, as it may have to be compiled."""
        exact: Solver = self.solver.wrapped(lambda one: exact_engine(one.circuit).prepare(one.circuit, one.chip))
        return exact

    def _due(self, epoch: int) -> bool:
        """Whether an epoch, from 1 on, ends with audits: 1, 2, 4, 8, …, every tenth and the last."""
        return epoch & (epoch - 1) == 0 or epoch % 10 == 0 or epoch == self.settings.epochs

    def _gradient_error(self, state: State) -> GradientError | None:
        """Measure how much of the gradient is rounding, by updates that are thrown away; None: not due, or not measurable.

        Raises
        ------
        ConvergenceError
            When most of it is.

        """
        if not self._due(state.epoch + 1) or not gradient_audit.audited(self.updater.rule):
            return None
        error = gradient_audit.measured(self, state)
        if error is not None and error.value > gradient_audit.STOP:
            raise ConvergenceError(f"{self.circuit.name}: after epoch {state.epoch + 1}, {self.rounding_advice(error)}")
        return error

    def rounding_advice(self, error: GradientError) -> str:
        """Return what is wrong with a gradient and what to do, in a line."""
        return gradient_audit.advice(error.value, self.updater.rule, self.settings.precision, self.solver.tolerance, error.element)

    def _audited(self, epoch: int, g: Arrays, seed: int) -> AuditResult | None:
        """Verify some equilibria of learning with the conductances that end an epoch; None: not after this one, or the solver verifies all.

        Raises
        ------
        ConvergenceError
            When some do not balance, and failed samples are not skipped.

        """
        if not self._due(epoch) or not is_traceable(self.solver):
            return None
        samples, count = self.samples, min(len(self.data.x_test), BATCH)  # as many as are evaluated at once: no further program is compiled
        chosen = np.resize(stream(self.settings.seed, f"witness/{epoch}").permutation(len(samples.x)), count)
        audit = audit_phases(self.solver, self.updater.rule, self.updater.loss, g, samples.x[chosen], samples.targets.of(chosen), seed)
        if audit.failed and not self.settings.skip_failed:
            what = f"after epoch {epoch}, {audit.failed} of the equilibria that were solved again for verification do not hold"
            msg = f"{self.circuit.name}: {what}: {Result(audit.code).advice}"
            raise ConvergenceError(msg)
        return audit

"""A circuit that trains in turns: chained updates, and a measurement of how well its equilibria converge."""

from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from hwsim.benchmarks.turns import PHASES
from hwsim.core.blocks import join
from hwsim.core.protocol import ConvergenceError
from hwsim.experiment.experiment import Experiment
from hwsim.learning.dataset import Dataset
from hwsim.learning.step import Batches, Sums
from hwsim.numeric.jax_scope import jax_scope
from hwsim.session import Session

_HELD_AGAINST = 8
"""Samples that are solved again in 64 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    """Convergence of the equilibria in training.

    Parameters
    ----------
    steps_free, steps_nudged
        Mean sweeps of a sample to its free equilibrium, and from there to each nudged one.
    residual_A
        Largest sum of currents into a node [A].
    off
        Largest difference of a node's voltage from its value in 64 bits at the tightest tolerance, as a share of the largest voltage; None
        where there is no such equilibrium.
    converged
        Share of the equilibria that converged.

    """

    steps_free: float
    steps_nudged: float
    residual_A: float  # noqa: N815 - A is ampere
    off: float | None
    converged: float


class Learner:
    """Trains a circuit with the numeric engine, a number of updates at a time.

    Parameters
    ----------
    sweeps
        Whether equilibria are found; without any sweep, what is left of an update is a floor that no solver gets below.
    newton
        Whether the circuit needs the program with Newton's method on all nodes.

    """

    def __init__(self, experiment: Experiment, data: Dataset, *, sweeps: bool = True) -> None:
        self.experiment, self.data = experiment, data
        _ = experiment.one_circuit
        self.session = Session.of(experiment, data).changed("training", engine="numeric")
        self.circuit = self.session.circuit
        self.solver: Any = self.session.training_solver()
        self.solver = self.solver if sweeps else without_sweeps(self.solver)
        self.trainer = self.session.trainer(self.solver)
        begun = self.trainer.begin()
        self.newton = begun.newton
        self._carry = begun.carry
        self._sums = [_on_host(begun.sums)]

    @property
    def memristors(self) -> int:
        """Number of trainable conductances."""
        return self.circuit.memristors

    @property
    def g(self) -> dict[str, NDArray[Any]]:
        """Return the conductances [S] by block, in the precision of the training."""
        return {name: np.array(values) for name, values in self._carry.g.items()}

    @property
    def traced(self) -> Any:
        """Return the solver for use inside of compiled functions, as training uses it."""
        return self.trainer.traced(self.solver.traced(newton=self.newton, largest_feature=self.trainer.largest_feature))

    def learn(self, plan: Batches, updates: int) -> None:
        """Make updates with the batches of a plan, repeatedly when there are more; returns when they are done."""
        remaining = updates
        while remaining:
            last = min(remaining, len(plan.order))
            self._carry = self.trainer.advance(self._carry, plan, 0, last, newton=self.newton)
            remaining -= last
        self._sums.append(_on_host(self._carry.sums))  # waits for them

    @property
    def error(self) -> float:
        """Return the share of samples that were in the wrong class in the last turn, before their update."""
        before, after = self._sums[-2:]
        return float((after.wrong - before.wrong) / (after.samples - before.samples))

    def settling(self, chosen: NDArray[np.integer[Any]]) -> Settling:
        """Return how well all equilibria converged so far; some samples, by their numbers, are solved again in 64 bits."""
        sums = self._sums[-1]
        return Settling(
            steps_free=float(sums.steps / sums.samples),
            steps_nudged=float(sums.nudged_steps / sums.samples),
            residual_A=float(sums.residual),
            off=self._off(chosen[:_HELD_AGAINST]),
            converged=1 - float(sums.failed / (PHASES * sums.samples)),
        )

    @jax_scope()
    def _off(self, chosen: NDArray[np.integer[Any]]) -> float | None:
        x, y = self.data.x_train[chosen], self.trainer.task.train.of(chosen)
        (rule, loss, *_), traced, dtype = self.trainer.updater, self.traced, self.trainer.dtype
        exact = self.session.changed("solver", tolerance=None, newton=None).solver()
        computed = jax.jit(lambda g, x, y: rule.gradient(traced, g, x, y, loss).phases)(self.g, x.astype(dtype), y.astype(dtype))
        try:
            truth = rule.gradient(exact, {name: values.astype(np.float64) for name, values in join(self.g).items()}, x, y, loss).phases
        except ConvergenceError:
            return None
        pairs = [(np.asarray(ours.v[name]), theirs.v[name]) for ours, theirs in zip(computed, truth, strict=True) for name in theirs.v]
        return float(max(np.abs(ours - theirs).max() for ours, theirs in pairs) / max(np.abs(theirs).max() for _, theirs in pairs))


def without_sweeps(solver: Any) -> Any:
    """Return a layered solver that makes no step: it gives each first guess as it is, not converged."""
    return type(solver)(solver.circuit, solver.chip, replace(solver.options, max_steps=0))


def _on_host(sums: Sums) -> Sums:
    return Sums(*(np.array(value) for value in sums))

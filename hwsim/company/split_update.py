"""An update in two: the gradient, which a chip's worker computes, and the step that the chip takes by the mean of all gradients."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import jax

from hwsim.learning.skipping import QUIETLY
from hwsim.learning.step import KEPT_PROGRAMS, Batches, Carry, Sums, Updater
from hwsim.learning.trainer import Trainer
from hwsim.numeric.jax_scope import compiler_options, jax_scope
from hwsim.numeric.layered.traced import TracedSolver
from hwsim.typing import Array, Conductances


@dataclass(frozen=True)
class SplitTrainer:
    """A chip's trainer, whose updates come in two, each a compiled program of this chip alone.

    Parameters
    ----------
    trainer
        It has the solver, and the labelled samples.

    """

    trainer: Trainer

    @cached_property
    def _samples(self) -> Any:
        with jax_scope():
            return jax.device_put(self.trainer.samples)

    @cached_property
    def _traces(self) -> dict[bool, TracedSolver]:
        solver: Any = self.trainer.solver
        return {newton: solver.traced(newton=newton, largest_feature=self.trainer.largest_feature) for newton in (False, True)}

    def _of_chip(self, *, newton: bool) -> tuple[Any, Any]:
        return self.trainer.updater.programming.devices, self._traces[newton].arguments

    @jax_scope()
    def gradient(self, g: Conductances, sums: Sums, batches: Batches, k: int, *, newton: bool) -> tuple[dict[str, Array], Sums]:
        """Return the gradient of update number `k` of an epoch, by block, and the sums with what it found."""
        program = _gradient_program(self.trainer.updater.bare, self._traces[newton].bare)
        done: tuple[dict[str, Array], Sums] = program(g, sums, self._samples, self._of_chip(newton=newton), batches, k)
        return done

    @jax_scope()
    def step(self, carry: Carry, by_block: Conductances, batches: Batches, k: int) -> Carry:
        """Take the step of update number `k` by a gradient; the arrays of `carry` are gone then."""
        program = _step_program(self.trainer.updater.bare, self._traces[False].bare)
        done: Carry = program(carry._replace(kept=()), by_block, self._of_chip(newton=False), batches, k)
        return done


@lru_cache(maxsize=KEPT_PROGRAMS)
def _gradient_program(updater: Updater, trace: TracedSolver) -> Any:
    def gradient(g: Any, sums: Sums, samples: Any, of_chip: Any, batches: Batches, k: Any) -> tuple[dict[str, Array], Sums]:
        devices, arguments = of_chip
        solver: Any = trace.holding(arguments)
        solver = solver.wrapped(QUIETLY) if updater.skipping else solver
        by_block, added, _ = updater.holding(devices).gradient(solver, g, sums, samples, batches, k)
        return by_block, added

    return jax.jit(gradient, compiler_options=compiler_options())


@lru_cache(maxsize=KEPT_PROGRAMS)
def _step_program(updater: Updater, trace: TracedSolver) -> Any:
    def step(carry: Carry, by_block: Any, of_chip: Any, batches: Batches, k: Any) -> Carry:
        devices, arguments = of_chip
        return updater.holding(devices).step(trace.holding(arguments).chip, carry, by_block, batches, k)

    return jax.jit(step, donate_argnums=0, compiler_options=compiler_options())

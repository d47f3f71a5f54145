"""Times of the parts of one update of a traced solver, compiled and timed separately.

Training compiles a whole update into one program, in which the parts have no separate times. So each part is made a program of its own,
with all that it needs before it, and loops over the same batches; its time less that of the one before it is its share.
"""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from circuits.units import Second
from hwsim.core.protocol import Drive, Equilibrium, Nudge, Push
from hwsim.core.wrapper import SolverWrapper
from hwsim.learning.rules.estimator import Draw
from hwsim.learning.step import Carry
from hwsim.typing import Array, Conductances

if TYPE_CHECKING:
    from hwsim.learning.state import State
    from hwsim.learning.trainer import Trainer


ROUNDS = 5
"""Repetitions for each part; the median counts."""

_TURN = 0.15
"""Approximate time of a repetition [s]."""


class StepTimes(NamedTuple):
    """Times of one update [s]; `whole` is that of the training's own program, in which parts may share work."""

    free: Second
    nudged: Second
    gradient: Second
    programming: Second
    whole: Second


class _RecordingSolver(SolverWrapper):
    """A traced solver that keeps the last equilibria: all that a rule asks the circuit for."""

    def __init__(self, traced: Any) -> None:
        super().__init__(traced)
        self.equilibria: list[Equilibrium] = []

    def solve(self, g: Conductances, drive: Drive, **how: Any) -> Equilibrium:
        self.equilibria.append(super().solve(g, drive, **how))
        return self.equilibria[-1]

    def phases(self, g: Conductances, x: Array, y: Array, nudge: Nudge, **how: Any) -> tuple[Equilibrium, ...]:
        equilibria = super().phases(g, x, y, nudge, **how)
        self.equilibria += equilibria
        return equilibria

    def displaced(self, g: Conductances, x: Array, free: Equilibrium, pushes: Sequence[Push], **how: Any) -> tuple[Equilibrium, ...]:
        equilibria = super().displaced(g, x, free, pushes, **how)
        self.equilibria += equilibria
        return equilibria

    def small_signal(self, g: Conductances, free: Equilibrium, current: Array, **how: Any) -> Equilibrium:
        self.equilibria.append(super().small_signal(g, free, current, **how))
        return self.equilibria[-1]

    def adjoint(self, g: Conductances, free: Equilibrium, error: Array, **how: Any) -> Equilibrium:
        self.equilibria.append(super().adjoint(g, free, error, **how))
        return self.equilibria[-1]


def time_parts(trainer: "Trainer", state: "State", update: Second, clock: Callable[[], Second] = time.perf_counter) -> StepTimes:
    """Time the parts of an update from a state, in turn.

    Parameters
    ----------
    trainer, state
        The trainer and its state, on a traceable solver.
    update
        Approximate time of an update [s]; it decides how many are timed.
    clock
        Returns the time [s].

    """
    from hwsim.numeric.jax_scope import jax_scope  # noqa: PLC0415 - JAX is loaded already where there is a traced solver

    with jax_scope():
        return _timed(trainer, state, update, clock)


def _timed(trainer: "Trainer", state: "State", update: Second, clock: Callable[[], Second]) -> StepTimes:
    import jax  # noqa: PLC0415 - as above

    ready: Any = jax.block_until_ready  # JAX leaves it untyped
    batches = trainer.plan(0)
    count = max(1, min(trainer.steps, round(_TURN / max(update, 1e-6))))
    kept = jax.tree.map(np.array, state.carry)

    def whole(carry: Carry) -> Carry:
        return trainer.advance(carry, batches, 0, count, newton=state.newton)

    programs = [*_programs(trainer, state, kept, count), (kept, whole)]
    seconds = np.zeros((1 + ROUNDS, len(programs)))
    for turn in seconds:
        for k, (given, program) in enumerate(programs):
            copy = ready(jax.device_put(given))  # some programs donate it
            began = clock()
            ready(program(copy))
            turn[k] = clock() - began
    # the first turn compiles
    free, phases, gradient, programming, all_of_it = (np.median(seconds[1:], axis=0) / count).tolist()
    return StepTimes(free, max(phases - free, 0.0), max(gradient - phases, 0.0), programming, all_of_it)


def _programs(trainer: "Trainer", state: "State", kept: Carry, count: int) -> list[tuple[Any, Callable[[Any], Any]]]:
    """Return the parts and their programs: the free phase; all phases; these and the gradient; the step of the conductances."""
    import jax  # noqa: PLC0415 - loaded already where there is a traced solver

    from hwsim.numeric.jax_scope import compiler_options  # noqa: PLC0415 - as above

    barrier: Any = jax.lax.optimization_barrier  # JAX leaves it untyped
    updater, batches = trainer.updater, trainer.plan(0)
    x, targets = trainer.samples
    solver: Any = trainer.solver
    traced = trainer.traced(solver.traced(newton=state.newton, largest_feature=trainer.largest_feature))
    y = targets.of(slice(None))
    given = kept.g, (x, y, batches.order, batches.signs)

    def batch(g: Any, data: Any, k: Any) -> Any:
        # the barrier keeps the compiler from hoisting out of the loop what training does for every batch, with other conductances
        g, k = barrier((g, k))
        x, y, order, signs = data
        return g, x[order[k]], y[order[k]], signs[k]

    def free(g: Any, data: Any, k: Any) -> Any:
        g, x, *_ = batch(g, data, k)
        return traced.solve(g, Drive(x))

    def phases(g: Any, data: Any, k: Any) -> Any:
        g, x, y, sign = batch(g, data, k)
        recorder = _RecordingSolver(traced)
        updater.rule.gradient(recorder, g, x, y, updater.loss, Draw(sign))
        return recorder.equilibria

    def gradient(g: Any, data: Any, k: Any) -> Any:
        g, x, y, sign = batch(g, data, k)
        return updater.rule.gradient(traced, g, x, y, updater.loss, Draw(sign))

    def looped(part: Callable[[Any, Any, Any], Any]) -> tuple[Any, Callable[[Any], Any]]:
        def loop(given: Any) -> Any:
            g, data = given
            nothing = jax.tree.map(lambda like: jax.numpy.zeros(like.shape, like.dtype), jax.eval_shape(part, g, data, 0))
            return jax.lax.fori_loop(0, count, lambda k, _: part(g, data, k), nothing)

        return given, jax.jit(loop)

    def step(carry: Any, slope: Any, batches: Any, devices: Any) -> Any:
        programming = updater.programming.holding(devices)

        def once(k: Any, carry: Any) -> Any:
            g, moments, programming_state = carry
            dg, moments = updater.optimizer.step(barrier((slope, k))[0], moments, batches.rates, g)
            done = programming.update(g, dg, traced.chip, batches.seeds[k], programming_state)
            return done.g, moments, done.state

        return jax.lax.fori_loop(0, count, once, carry)

    nowhere = {name: np.zeros_like(values) for name, values in kept.g.items()}
    compiled_step: Any = jax.jit(step, donate_argnums=0, compiler_options=compiler_options())
    given_step = (kept.g, kept.moments, kept.programming), nowhere, batches, updater.programming.devices
    programming = given_step, lambda given: compiled_step(*given)
    return [looped(free), looped(phases), looped(gradient), programming]

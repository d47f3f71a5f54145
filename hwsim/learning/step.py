"""One update of all conductances, and many in a row: step by step on any engine, or as one compiled loop on a traceable one."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, Self

import numpy as np

from circuits.chip import AnyChip
from circuits.circuit import Circuit
from circuits.maps import Maps
from circuits.rows import free_groups
from hwsim.core.blocks import join
from hwsim.core.protocol import Equilibrium, Result, Solver
from hwsim.devices.programming.programming import NOTHING, Programming, ProgrammingState
from hwsim.learning.augmentation import moved
from hwsim.learning.corruption import Corruption
from hwsim.learning.losses import Loss, Weighted
from hwsim.learning.optimizers import Desynchronous, Moments, Optimizer
from hwsim.learning.rules.estimator import Draw, Gradient, LearningRule
from hwsim.learning.skipping import QUIETLY
from hwsim.learning.targets import Targets
from hwsim.typing import Array, Conductances


class Sums(NamedTuple):
    """What an epoch has added up so far.

    Parameters
    ----------
    wrong
        Mistakes as the task counts them: wrong answers, or squared errors [V²].
    residual
        Largest sum of currents into a node in any free equilibrium [A].
    steps, nudged_steps
        Iterations of the free equilibria, and of the nudged ones, whose phases share one count.
    failed, code
        Equilibria that were not found, and their worst `Result`.
    pulses, energy
        Programming pulses sent to all devices together, and what they took [J].

    """

    samples: Array
    loss: Array
    wrong: Array
    steps: Array
    nudged_steps: Array
    residual: Array
    failed: Array
    code: Array
    pulses: Array
    energy: Array


KEPT = 16
"""Samples of a batch whose voltages an update keeps, for the audit of its gradient: enough to see rounding, and little to hold."""


class Carry(NamedTuple):
    """What one update hands to the next; conductances, moments and the state of the programming are by block.

    `kept` are voltages of the last update: of each phase the first KEPT samples in all groups with free nodes, (phases, samples, nodes)
    [V]; an update takes none. Those that sources hold are not kept: training computes them nowhere, and is twice as fast without them.
    """

    g: dict[str, Array]
    moments: Moments
    sums: Sums
    programming: ProgrammingState = NOTHING
    kept: Any = ()


class TrainingArrays(NamedTuple):
    """The training set: features (n, I) and targets."""

    x: Array
    targets: Targets


class Batches(NamedTuple):
    """One epoch's plan: which samples go into each update (steps, batch), the sign of its nudge (steps,), rates by block.

    `seeds` (steps,) are those of the noise's and the programming's randomness; `moves` (steps, batch, 3) are those of images, and
    `corruption` is what features are then corrupted by. `weights` (steps, batch) are how much each sample's loss counts; None: all alike.
    """

    order: Array
    signs: Array
    rates: dict[str, Array]
    seeds: Array
    moves: Array | None = None
    corruption: Corruption | None = None
    weights: Array | None = None


Exchange = Callable[[dict[str, Array]], dict[str, Array]]
"""From a chip's gradient, by block, to the one that its optimizer takes; in programs that are mapped over chips, others may count."""


def keep(by_block: dict[str, Array]) -> dict[str, Array]:
    """Return the chip's gradient as it is: each learns by itself."""
    return by_block


class Updater(NamedTuple):
    """How conductances learn, step by step: gradient, exchange with other chips, optimizer, programming.

    Parameters
    ----------
    skipping
        Whether an update is learned from the samples with an equilibrium alone, instead of failing where one has none.
    image
        The images that samples are, where they are moved.
    reach
        Which devices take a step.

    """

    rule: LearningRule
    loss: Loss
    optimizer: Optimizer
    programming: Programming
    skipping: bool = False
    image: Maps | None = None
    exchange: Exchange = keep
    reach: Desynchronous = Desynchronous()

    def holding(self, devices: Any) -> Self:
        """Return the same with other arrays of devices: those that a compiled function takes as arguments."""
        return self._replace(programming=self.programming.holding(devices))

    @property
    def bare(self) -> Self:
        """The same without arrays of devices: a key of what is compiled."""
        return self.holding(())

    def update(  # noqa: PLR0913 - what an update takes, and whether it is the last
        self, solver: Any, g: Conductances, carry: Carry, samples: TrainingArrays, batches: Batches, k: Any, *, keeps: bool = True
    ) -> Carry:
        """Do the update number `k` of an epoch; `g` are the conductances in the form that the solver takes.

        Only with `keeps` does it keep voltages.
        """
        by_block, sums, phases = self.gradient(solver, g, carry.sums, samples, batches, k)
        stepped = self.step(solver.chip, carry._replace(sums=sums), self.exchange(by_block), batches, k)
        return stepped._replace(kept=_kept(solver.circuit, phases)) if keeps else stepped

    def gradient(
        self, solver: Any, g: Conductances, sums: Sums, samples: TrainingArrays, batches: Batches, k: Any
    ) -> tuple[dict[str, Array], Sums, Sequence[Equilibrium]]:
        """Return the gradient of update number `k`, by block, the sums with what it found, and its equilibria."""
        chosen, targets = batches.order[k], samples.targets
        x, y = self._features(samples.x, chosen, batches, k), targets.of(chosen)
        loss = self.loss if batches.weights is None else Weighted(self.loss, batches.weights[k])
        gradient = self.rule.gradient(solver, g, x, y, loss, Draw(batches.signs[k], batches.seeds[k]))
        wrong = targets.mistakes(targets.answers(gradient.outputs), chosen)
        by_block = _of_settled(gradient) if self.skipping else gradient.by_block
        return by_block, _added(sums, gradient, wrong), gradient.phases

    def step(self, chip: AnyChip, carry: Carry, by_block: dict[str, Array], batches: Batches, k: Any) -> Carry:
        """Change the conductances by a gradient: optimizer, then programming."""
        seed, sums = batches.seeds[k], carry.sums
        steps, moments = self.optimizer.step(by_block, carry.moments, batches.rates, carry.g)
        done = self.programming.update(carry.g, self.reach(steps, seed), chip, seed, carry.programming)
        added = sums._replace(pulses=sums.pulses + done.pulses, energy=sums.energy + done.energy)
        return Carry(done.g, moments, added, done.state)

    def _features(self, x: Array, chosen: Array, batches: Batches, k: Any) -> Array:
        """Return the features of the chosen samples, (batch, I); images as the plan moves them, and what the plan corrupts."""
        moves = batches.moves
        shown = x[chosen] if self.image is None or moves is None else moved(x, chosen, moves[k], self.image)
        return shown if batches.corruption is None else batches.corruption.of(shown, k)

    def traced_update(self, solver: Any, last: Carry, samples: TrainingArrays, batches: Batches, k: Array) -> Carry:
        """Do the update number `k` inside of a compiled function."""
        return self.update(solver.wrapped(QUIETLY) if self.skipping else solver, last.g, last, samples, batches, k)

    def unkept(self, circuit: Circuit, batch: int, dtype: Any) -> Array:
        """Return zeros in place of the voltages that an update keeps of a batch, (phases, samples, nodes) [V]: none are before it."""
        return np.zeros((self.rule.phases, min(batch, KEPT), sum(map(len, free_groups(circuit)))), dtype)


def in_a_row(update: Callable[[Carry, Array], Carry], begun: Carry, ends: tuple[Array, Array]) -> Carry:
    """Do the updates number `ends[0]` … `ends[1]` − 1, inside of a compiled function."""
    import jax  # noqa: PLC0415 - the ngspice engine trains without it

    done: Carry = jax.lax.fori_loop(*ends, lambda k, last: update(last, k), begun)
    return done


def _of_settled(gradient: Gradient) -> dict[str, Array]:
    """Return the gradient of the mean loss of the samples that settled; of failed ones it holds nothing but their share of the batch."""
    xp = gradient.loss.__array_namespace__()
    codes = xp.stack([phase.result for phase in gradient.phases]).max(axis=0)
    share = len(codes) / xp.maximum((codes == Result.CONVERGED).sum(), 1)
    return {block: values * share.astype(values.dtype) for block, values in gradient.by_block.items()}


def _kept(circuit: Circuit, phases: Sequence[Equilibrium]) -> Array:
    """Return the voltages that an update keeps; a chain has no nodes of its own, and keeps none."""
    xp, groups = phases[0].residual.__array_namespace__(), free_groups(circuit)
    if not groups:
        return xp.zeros((len(phases), min(len(phases[0].residual), KEPT), 0), phases[0].residual.dtype)
    return xp.stack([xp.concatenate([phase.v[group.name][:KEPT] for group in groups], axis=1) for phase in phases])


def _added(sums: Sums, gradient: Gradient, wrong: Array) -> Sums:
    """Add what an update found; `wrong` (B,) holds each sample's mistake."""
    xp = gradient.loss.__array_namespace__()
    free, *nudged = gradient.phases
    codes = xp.stack([phase.result for phase in gradient.phases])
    of_nudged = sum(phase.steps for phase in nudged) if nudged else free.steps
    tally = sums.wrong.dtype  # one sum for all; as real numbers too, counts of a batch are exact
    rows = [row.astype(tally) for row in (wrong, free.steps, of_nudged, (codes != 0).sum(axis=0))]
    errors, *counts = xp.stack(rows).sum(axis=1, dtype=tally)
    steps, nudged_steps, failed = (count.astype(np.int32) for count in counts)
    return sums._replace(
        samples=sums.samples + np.int32(len(gradient.loss)),
        loss=sums.loss + gradient.loss.sum(),
        wrong=sums.wrong + errors,
        steps=sums.steps + steps,
        nudged_steps=sums.nudged_steps + nudged_steps // np.int32(max(len(nudged), 1)),
        residual=xp.maximum(sums.residual, free.residual.max()),
        failed=sums.failed + failed,
        code=xp.maximum(sums.code, codes.max().astype(np.int32)),
    )


Advance = Callable[[Carry, Batches, int, int, Targets | None], Carry]
"""Does the updates number first … last − 1 of an epoch, with the targets that it is given, or those of the samples."""


def stepwise(updater: Updater, solver: Solver, samples: TrainingArrays) -> Advance:
    """Do updates one by one, on any engine."""

    def advance(carry: Carry, batches: Batches, first: int, last: int, targets: Targets | None = None) -> Carry:
        learned = samples if targets is None else samples._replace(targets=targets)
        for k in range(first, last):
            carry = updater.update(solver, join(carry.g), carry, learned, batches, k, keeps=k == last - 1)
        return carry

    return advance


KEPT_PROGRAMS = 32
"""Most compiled loops that are kept, the last that were used; what a sweep compiles must not fill the memory."""


def compiled(updater: Updater, trace: Any, samples: TrainingArrays) -> Advance:
    """Do updates in one compiled loop, with the data on the device; how many it does is not compiled in.

    One program serves all trainings of one structure of circuit, rule, optimizer and way of programming: conductances, data, devices and
    the numbers of the chip are its arguments. The memory of what is handed in is used for what comes out: an old carry's arrays are gone.
    """
    import jax  # noqa: PLC0415 - the ngspice engine trains without it

    from hwsim.numeric.jax_scope import jax_scope  # noqa: PLC0415 - needs JAX

    with jax_scope():
        on_device, of_chip = jax.device_put((samples, (updater.programming.devices, trace.arguments)))
    program = _loop(updater.bare, trace.bare)

    @jax_scope()
    def advance(carry: Carry, batches: Batches, first: int, last: int, targets: Targets | None = None) -> Carry:
        learned = on_device if targets is None else on_device._replace(targets=targets)
        done: Carry = program(carry._replace(kept=()), learned, of_chip, batches, first, last)
        return done

    return advance


@lru_cache(maxsize=KEPT_PROGRAMS)
def _loop(updater: Updater, trace: Any) -> Any:
    import jax  # noqa: PLC0415 - the ngspice engine trains without it

    from hwsim.numeric.jax_scope import compiler_options  # noqa: PLC0415 - needs JAX
    from hwsim.numeric.kept_programs import kept  # noqa: PLC0415 - as above

    def loop(carry: Carry, samples: TrainingArrays, of_chip: tuple[Any, Any], batches: Batches, first: Array, last: Array) -> Carry:
        devices, arguments = of_chip
        begun = carry._replace(kept=updater.unkept(trace.circuit, batches.order.shape[1], samples.x.dtype))
        on, solver = updater.holding(devices), trace.holding(arguments)
        return in_a_row(lambda last, k: on.traced_update(solver, last, samples, batches, k), begun, (first, last))

    return kept(jax.jit(loop, donate_argnums=0, compiler_options=compiler_options()), ("loop", updater, trace))

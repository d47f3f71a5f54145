"""How time and memory grow with the circuit's width and depth, the batch and the tolerance; and with chips and sequences: growth.py."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from circuits.units import Second
from hwsim.benchmarks.cases import experiment
from hwsim.benchmarks.learner import Learner, Settling
from hwsim.benchmarks.turns import CLOCK, Clock, Spread, repetitions, take_turns
from hwsim.learning import rule_factory
from hwsim.learning.dataset import Dataset
from hwsim.learning.step import Batches
from hwsim.numeric.jax_scope import jax_scope
from hwsim.settings.sections import Precision
from hwsim.typing import Array

Series = Literal["width", "depth", "batch", "tolerance", "chips", "length"]

IMAGES = 8192
"""Images to train on; the largest batch fits twice."""

MEGABYTE = 1_000_000
_MOST = 1_000_000
"""Most updates in a turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingPoint:
    """A point of a curve: the varied size, and the circuit, the batch and the precision there."""

    series: Series
    hidden: tuple[int, ...] = (256,)
    batch: int = 32
    tolerance: float = 1e-5
    precision: Precision = "float32"
    chips: int = 1
    length: int = 1

    @property
    def at(self) -> float:
        """Position of the point on the varied axis."""
        return {"width": self.hidden[0], "depth": len(self.hidden)}.get(self.series) or getattr(self, self.series)


def _points(
    widths: list[int], depths: range, batches: list[int], coarse: list[float], fine: list[float], grown: tuple[ScalingPoint, ...] = ()
) -> tuple[ScalingPoint, ...]:
    return (
        *(ScalingPoint(series="width", hidden=(width,)) for width in widths),
        *(ScalingPoint(series="depth", hidden=(256,) * depth) for depth in depths),
        *(ScalingPoint(series="batch", batch=batch) for batch in batches),
        *(ScalingPoint(series="tolerance", tolerance=tolerance) for tolerance in coarse),
        *(ScalingPoint(series="tolerance", tolerance=tolerance, precision="float64") for tolerance in fine),
        *grown,
    )


POINTS = _points(
    [2**k for k in range(6, 14)],
    range(1, 6),
    [4**k for k in range(7)],
    [10.0**-k for k in range(2, 6)],
    [10.0**-k for k in range(2, 14)],
    (
        *(ScalingPoint(series="chips", hidden=(32,), batch=16, precision="float64", chips=4**k) for k in range(4)),
        *(ScalingPoint(series="length", hidden=(50,), batch=1, precision="float64", length=10**k) for k in range(1, 6)),
    ),
)
SHORT_POINTS = _points([64, 1024], range(1, 4, 2), [1, 256], [], [1e-2, 1e-12])


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Results at a point.

    Parameters
    ----------
    training
        Time to train on an image: three equilibria, gradient and update; of sequences, to integrate a sample [µs].
    equilibria
        Time of the three equilibria without gradient and update [µs].
    memory
        What the work holds besides the data [MB]: conductances, and all that is computed at once for a batch; of chips, all their arrays;
        of sequences, the trajectory.
    images
        Numbers of images trained on, and solved, in a turn.
    settling
        Convergence of the equilibria.

    """

    point: ScalingPoint
    at: float
    training: Spread
    equilibria: Spread | None = None
    memory: float
    images: tuple[int, int]
    memristors: int
    rounds: int
    data: str
    settling: Settling | None = None


@jax_scope()
def measure(
    point: ScalingPoint,
    data: Dataset,
    *,
    rounds: int,
    seconds: Second,
    observe: Callable[[int], None] = lambda _: None,
    clock: Clock = CLOCK,
) -> Measured:
    """Time training and equilibria separately, in turns of about `seconds` each; see `training.race` for the other parameters."""
    learner = Learner(experiment(point.hidden, point.batch, tolerance=point.tolerance, precision=point.precision), data)
    plan = learner.trainer.plan(0)
    settle, memory = _settler(learner, plan)

    def learn(updates: int) -> None:
        learner.learn(plan, updates)

    updates = []
    for work in (learn, settle):
        work(1)  # compiles
        updates.append(repetitions(work, seconds, _MOST, clock))
    took = take_turns((lambda _: learn(updates[0]), lambda _: settle(updates[1])), rounds, clock, observe)
    images = updates[0] * point.batch, updates[1] * point.batch
    return Measured(
        point=point,
        at=point.at,
        training=Spread.of((1e6 * took[:, 0] / images[0]).tolist()),
        equilibria=Spread.of((1e6 * took[:, 1] / images[1]).tolist()),
        memory=memory / MEGABYTE,
        images=images,
        memristors=learner.memristors,
        rounds=rounds,
        data=data.name,
        settling=learner.settling(plan.order.ravel()),
    )


def _settler(learner: Learner, plan: Batches) -> tuple[Callable[[int], object], int]:
    """Return a solver of the equilibria of a number of batches, free and nudged to both sides, in one compiled loop, and its memory [B]."""
    trainer = learner.trainer
    (x, targets), order = jax.device_put(trainer.samples), jnp.asarray(plan.order)
    nudge = rule_factory.both_sides(trainer.settings, learner.circuit, learner.g)
    g, traced = learner.g, learner.traced

    @jax.jit
    def loop(count: Array, g: dict[str, Array], x: Array) -> Array:
        def once(k: Array, residual: Array) -> Array:
            chosen = order[k % len(order)]
            phases = traced.phases(g, x[chosen], targets.of(chosen), nudge)
            return jnp.maximum(residual, jnp.max(jnp.stack([phase.residual for phase in phases])))

        return jax.lax.fori_loop(0, count, once, jnp.zeros((), x.dtype))

    program = loop.lower(0, g, x).compile()
    analysis: Any = program.memory_analysis()
    memory = analysis.temp_size_in_bytes + sum(values.nbytes for values in g.values())
    return lambda count: np.asarray(program(count, g, x)), memory  # waits for it


def ratios(points: Sequence[Measured]) -> dict[str, float]:
    """Return the ratio of the training times of an image at the end of each series and at its beginning."""
    series: dict[str, list[Measured]] = {}
    for point in points:
        series.setdefault(f"{point.point.series}, {point.point.precision[-2:]} bit", []).append(point)
    return {f"{name}, {of[0].at:g} to {of[-1].at:g}": of[-1].training.median / of[0].training.median for name, of in series.items()}

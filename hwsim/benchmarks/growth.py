"""How time and memory grow with the number of chips that learn side by side, and with the length of a sequence."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from circuits.chip import Chip
from circuits.units import Second
from hwsim.benchmarks.device_cost import ensemble
from hwsim.benchmarks.epoch_runner import EpochRunner
from hwsim.benchmarks.scaling import MEGABYTE, Measured, ScalingPoint
from hwsim.benchmarks.transient_speed import STEPS, recurrent
from hwsim.benchmarks.turns import CLOCK, Clock, Spread, repetitions, take_turns
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import override

_MOST = 1000


class Work(NamedTuple):
    """What is done a number of times: the samples of one time, its memory [B], its memristors, and the data."""

    do: Callable[[int], object]
    samples: int
    memory: int
    memristors: int
    data: str


def measure(
    point: ScalingPoint,
    *,
    rounds: int,
    seconds: Second,
    observe: Callable[[int], None] = lambda _: None,
    clock: Clock = CLOCK,
) -> Measured:
    """Time a point of `chips` or `length`; the parameters are those of `scaling.measure`."""
    work = _of_chips(point, rounds) if point.series == "chips" else _of_sequence(point)
    work.do(1)  # compiles
    count = repetitions(work.do, seconds, _MOST, clock)
    took = take_turns([lambda _: work.do(count)], rounds, clock, observe)[:, 0]
    return Measured(
        point=point,
        at=point.at,
        training=Spread.of((1e6 * took / (count * work.samples)).tolist()),
        memory=work.memory / MEGABYTE,
        images=(count * work.samples, 0),
        memristors=work.memristors,
        rounds=rounds,
        data=work.data,
    )


def _of_chips(point: ScalingPoint, rounds: int) -> Work:
    """Return epochs of chips of digits, whose diodes differ."""
    sizes = [f"training.batch={point.batch}", f"training.precision={point.precision}", f"training.epochs={_MOST * (rounds + 2)}"]
    trainer = ensemble(override(load("digits"), [*sizes, "variation.diode_i_sat=0.1"]), point.chips)
    runner = EpochRunner(trainer)

    def learn(epochs: int) -> None:
        for _ in range(epochs):
            runner.epoch()

    first = trainer.trainers[0]
    samples = trainer.steps * first.batch * point.chips
    return Work(learn, samples, trainer.bytes, first.circuit.memristors, "digits")


def _of_sequence(point: ScalingPoint) -> Work:
    """Return runs of a recurrent layer through sequences."""
    from hwsim.numeric.numeric_engine import NumericEngine  # noqa: PLC0415 - JAX takes a second to load

    circuit, g, signal = recurrent(point.hidden[0], point.batch, point.length)
    solver = NumericEngine().prepare(circuit, Chip.nominal(circuit))

    def integrate() -> Any:
        return solver.integrate(g, signal, groups=["h1"], steps=STEPS)

    came = integrate()
    memory = sum(np.asarray(values).nbytes for values in (*came.v.values(), came.outputs))
    return Work(lambda count: [integrate() for _ in range(count)], point.batch * point.length, memory, circuit.memristors, "noise")

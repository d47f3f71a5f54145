"""Circuits in time: the numeric engine's integration against ngspice's `.tran`, in turn, both with an estimate of their error."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.junction_neurons import DiodePair
from circuits.network import Network
from circuits.network_layers import Layer
from circuits.recurrence import Recurrence
from hwsim.benchmarks.device_cost import Cost, cost_of
from hwsim.benchmarks.turns import CLOCK, Clock, take_turns
from hwsim.core.signal import Signal
from hwsim.ngspice.ngspice_engine import NgspiceEngine
from hwsim.random.streams import stream
from hwsim.typing import Floats

COLUMNS = 50
SEQUENCES = (1, 256)
"""Of a batch; ngspice integrates one of them."""

STEPS = 4
"""Of the numeric engine, in an interval: 3 µV are then its error here, and ngspice's is 1 µV."""

_PERIOD = 5e-7
_SAMPLES, _FEW = 200, 20
"""Intervals of the numeric engine, and those of ngspice, which takes as long for each."""


class Recurrent(NamedTuple):
    """A layer of columns that feed back to each other, its conductances [S], and a signal that drives it."""

    circuit: Circuit
    g: dict[str, Floats]
    signal: Signal


def recurrent(columns: int, sequences: int, samples: int) -> Recurrent:
    """Return a layer with recurrence of 8 pairs a column, and inputs held for half a microsecond each."""
    recurrence = Recurrence(pattern="random", fan_in=min(8, columns), gain=2.8, leak=1e-6, g_min=1e-7, g_max=1e-5)
    layer = Layer(columns, neuron=DiodePair(v_low=-0.15, v_high=0.15), recurrence=recurrence)
    circuit = Network(inputs=1, layers=(layer,), outputs=1, capacitance=(1e-11, 1e-12)).compile()
    draw = stream(0, "bench/transient")
    g = {element.name: 10 ** draw.uniform(-7, -5, element.shape) for element in circuit.trainable}
    g["w2"] = np.full_like(g["w2"], 1e-8)  # the circuit's outputs load the columns that are read
    return Recurrent(circuit, g, Signal.hold(draw.uniform(-0.5, 0.5, (sequences, samples, 1)), _PERIOD))


def compare(
    *,
    columns: int = COLUMNS,
    rounds: int,
    observe: Callable[[int], None] = lambda _: None,
    clock: Clock = CLOCK,
    samples: tuple[int, int] = (_SAMPLES, _FEW),
) -> list[Cost]:
    """Time a sample of a sequence: of the numeric engine by itself, and in a batch of many, over ngspice's.

    Parameters
    ----------
    columns
        Of the layer.
    rounds, observe, clock
        As for `take_turns`.
    samples
        Intervals in a turn of the numeric engine, and of ngspice.

    """
    from hwsim.numeric.numeric_engine import NumericEngine  # noqa: PLC0415 - JAX takes a second to load

    batches = [recurrent(columns, sequences, samples[0]) for sequences in SEQUENCES]
    few = recurrent(columns, 1, samples[1])
    chip = Chip.nominal(few.circuit)
    with NumericEngine().prepare(few.circuit, chip) as numeric, NgspiceEngine(workers=1).prepare(few.circuit, chip) as ngspice:

        def by_numeric(one: Recurrent) -> Callable[[int], Any]:
            return lambda _: numeric.integrate(one.g, one.signal, groups=["h1"], steps=STEPS)

        contestants: list[Callable[[int], Any]] = [*map(by_numeric, batches), lambda _: ngspice.integrate(few.g, few.signal, groups=["h1"])]
        for contestant in contestants:
            contestant(0)  # compiles, and starts ngspice
        took = take_turns(contestants, rounds, clock, observe)
    a_sample: Any = 1e6 * took / [*(samples[0] * sequences for sequences in SEQUENCES), samples[1]]
    return [
        cost_of(_title(columns, sequences), "ngspice's .tran", "µs/sample", a_sample[:, [k, -1]]) for k, sequences in enumerate(SEQUENCES)
    ]


def _title(columns: int, sequences: int) -> str:
    return f"{columns} columns, {sequences} sequence{'s' if sequences > 1 else ''}"

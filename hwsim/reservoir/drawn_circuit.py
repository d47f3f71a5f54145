"""The circuit of a reservoir: the layers that its settings draw, one behind the other."""

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, repeat
from typing import Any

import numpy as np

from circuits.arrays import Memristors
from circuits.circuit import Circuit
from circuits.junction_neurons import DiodePair
from circuits.network import Amplifier, Layer, Network
from circuits.units import Second
from hwsim.reservoir.drawn_layer import Adapted, DrawnLayer
from hwsim.settings.engine_names import EngineName
from hwsim.settings.reservoir_settings import HEADROOM, ReservoirSettings
from hwsim.typing import Floats, Weights

_INPUTS = "w1"
"""Name of the memristors between inputs and columns of the first layer."""

_BACK = 1e-9
"""Share of its current that a buffer passes back: no column notices."""

_CLOCK: Second = 1e-6
"""Period of clocked reservoirs: long next to the time that a column with a wire's capacitance takes to settle."""


@dataclass(frozen=True)
class DrawnCircuit:
    """What a reservoir's settings draw, for a number of inputs, with what the nodes of its first layer have adapted."""

    settings: ReservoirSettings
    inputs: int
    adapted: Adapted | None = None

    @property
    def begun(self) -> Adapted:
        """The gains and biases from which the nodes of the first layer adapt on."""
        first = self.layers[0]
        return first.adapted or Adapted(np.ones(first.size), first.entering[-1], HEADROOM)

    @cached_property
    def layers(self) -> tuple[DrawnLayer, ...]:
        """Its layers; the lines of one drive the next."""
        size = self.settings.nodes // self.settings.layers
        inputs = accumulate(repeat(size, self.settings.layers - 1), lambda _, lines: lines, initial=self.inputs)
        first, *others = (DrawnLayer(self.settings, number, lines) for number, lines in enumerate(inputs, start=1))
        return replace(first, adapted=self.adapted or Adapted.of(self.settings)), *others

    @cached_property
    def loads(self) -> Floats:
        """The sum of all conductances at each column, shape (N,) [S]."""
        return np.concatenate([layer.loads for layer in self.layers])

    @cached_property
    def period(self) -> Second:
        """How long a row of inputs is held [s]; the states of clocked reservoirs do not depend on it."""
        if self.settings.dynamics == "clocked":
            return _CLOCK
        return float(-np.log1p(-self.settings.leak) * np.median(self.settings.capacitance / self.loads))

    @property
    def groups(self) -> tuple[str, ...]:
        """The node groups of the states, layer by layer."""
        return tuple(f"{'s' if self.settings.dynamics == 'clocked' else 'h'}{layer.number}" for layer in self.layers)

    @property
    def memristors(self) -> int:
        """How many it has, those to the output that nobody reads not counted."""
        return sum(int(np.count_nonzero(of)) for layer in self.layers for of in layer.conductances)

    @property
    def network(self) -> Network:
        """The circuit's description; nothing loads the columns, whose buffers drive what is behind them."""
        settings = self.settings
        buffered = settings.dynamics == "clocked" or settings.layers > 1
        clamped = DiodePair(v_low=-settings.clamp, v_high=settings.clamp, i_sat=settings.i_sat)
        amplifier = None if buffered else Amplifier(gain=1.0, back=_BACK)
        return Network(
            inputs=self.inputs,
            layers=tuple(Layer(layer.size, neuron=clamped, amplifier=amplifier, recurrence=layer.driven) for layer in self.layers),
            outputs=1,
            signed_bias=True,
            v_bias=settings.v_bias,
            input_scale=settings.input_scale,
            g_min=settings.g_low / 10,
            g_max=10 * settings.g_high,
            capacitance=0.0 if settings.dynamics == "clocked" else (*(settings.capacitance for _ in self.layers), 0.0),
        )

    def compile(self, name: str = "reservoir") -> Circuit:
        """Build the circuit; of a sparse crossbar of inputs only the devices that there are."""
        circuit, first = self.network.compile(name), self.layers[0]
        if first.met.all():
            return circuit
        full: Any = circuit[_INPUTS]
        row, column = np.nonzero(first.conductances[0])
        some = Memristors(name=_INPUTS, a=full.rows[row], b=full.columns[column], g_min=full.g_min, g_max=full.g_max)
        return replace(circuit, elements=tuple(some if one is full else one for one in circuit.elements))

    def engine(self, asked: EngineName) -> EngineName:
        """Return what integrates it: what is asked for."""
        return asked

    def conductances(self, circuit: Circuit) -> Weights:
        """Return the conductances of the circuit's arrays [S]; those to its output, which nobody reads, are low."""
        drawn = dict[str, Floats]()
        for layer in self.layers:
            drawn[f"w{layer.number}"], drawn[f"r{layer.number}"] = layer.conductances
        if not self.layers[0].met.all():
            drawn[_INPUTS] = drawn[_INPUTS][drawn[_INPUTS] > 0]
        rest = {array.name: np.full(array.shape, self.settings.g_low) for array in circuit.trainable if array.name not in drawn}
        return drawn | rest

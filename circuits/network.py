"""Network: layer sizes, neurons and amplifiers, compiled to a Circuit.

A layered network n0 – n1 – … – nL as in Kendall et al. 2020, arXiv 2006.01981: features and their negatives on the input rows,
a crossbar between each two layers, a neuron on each hidden column, optionally an amplifier between a column and the row it drives,
a bias row on every crossbar, and outputs read as differences of column pairs.
"""

import itertools
import math
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from circuits.arrays import Crossbar
from circuits.builder import Builder
from circuits.checked import check_fields
from circuits.circuit import Circuit
from circuits.elements import Amplifiers, InputSources, Nudges, VoltageSources
from circuits.errors import CircuitError
from circuits.neurons import FORBID_UNKNOWN, DiodePair, Neuron
from circuits.nodes import GROUND, Nodes
from circuits.units import Ohm, Siemens, Volt
from circuits.wires import Wires

_MOST_LAYERS, _MOST_NODES, _MOST_MEMRISTORS = 1_000, 10_000_000, 1_000_000_000
"""What may be asked for: beyond it, a line of an experiment file would fill any memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Amplifier:
    """A bidirectional amplifier: voltage goes forward, current goes back.

    Parameters
    ----------
    gain
        Of the voltage, forward.
    back
        Of the current, backward.
    offset
        Voltage that is added at its input [V].
    output_resistance
        In series with its output [ohm].

    Examples
    --------
    >>> import hwsim as hw
    >>> hw.Layer(8, amplifier=hw.Amplifier(gain=4.0, back=0.25)).amplifier.gain
    4.0

    """

    __pydantic_config__: ClassVar = FORBID_UNKNOWN
    gain: float = 4.0
    back: float = 0.25
    offset: Volt = 0.0
    output_resistance: Ohm = 0.0

    def __post_init__(self) -> None:
        """Check the fields."""
        check_fields(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One hidden layer.

    Parameters
    ----------
    size
        Its hidden nodes, which are the columns of the crossbar before it.
    neuron
        What each column has.
    amplifier
        Between a column and the row of the next crossbar that it drives; absent: they are joined.

    Examples
    --------
    >>> import hwsim as hw
    >>> hw.Layer(8, neuron=hw.DiodePair(v_low=-0.2, v_high=0.2)).neuron.kind
    'diode-pair'

    """

    __pydantic_config__: ClassVar = FORBID_UNKNOWN
    size: int = field(kw_only=False)
    neuron: Neuron = field(default_factory=DiodePair)
    amplifier: Amplifier | None = None

    def __post_init__(self) -> None:
        """Check the fields."""
        check_fields(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The layers of a network and the range of its conductances.

    Parameters
    ----------
    inputs
        Features of a sample.
    layers
        Hidden layers, from the inputs to the outputs; an empty list: one crossbar alone.
    outputs
        Outputs that are read: one a class, or a single one for two classes.
    differential
        Whether an output is the difference of the voltages of two columns; otherwise it is the voltage of one.
    signed_inputs
        Whether every feature drives a second row with its negative.
    input_scale
        By which features are multiplied [V per unit].
    bias
        Whether every crossbar has a row at the voltage `v_bias`.
    v_bias
        Voltage of the bias rows [V].
    g_min, g_max
        Bounds of the conductances [S], for all crossbars, or one of each a crossbar.
    wire_r_row, wire_r_column
        Resistances of the wires from one memristor to the next [ohm]; 0: ideal wires.

    Raises
    ------
    CircuitError
        When a size is below 1 or the bounds do not fit the number of crossbars.

    Examples
    --------
    >>> import hwsim as hw
    >>> net = hw.Network(inputs=4, layers=[hw.Layer(8, amplifier=hw.Amplifier())], outputs=3, g_min=1e-7, g_max=1e-5)
    >>> [(crossbar.name, crossbar.shape) for crossbar in net.compile().trainable]  # a row for x, for -x, and for the bias
    [('w1', (9, 8)), ('w2', (9, 6))]

    """

    __pydantic_config__: ClassVar = FORBID_UNKNOWN
    inputs: int
    layers: tuple[Layer, ...] = ()
    outputs: int
    differential: bool = True
    signed_inputs: bool = True
    input_scale: float = 1.0
    bias: bool = True
    v_bias: Volt = 1.0
    g_min: Siemens | tuple[Siemens, ...] = 1e-8
    g_max: Siemens | tuple[Siemens, ...] = 1e-4
    wire_r_row: Ohm = 0.0
    wire_r_column: Ohm = 0.0

    def __post_init__(self) -> None:
        """Check the fields, then the sizes."""
        check_fields(self)
        sizes = {"inputs": self.inputs, "outputs": self.outputs} | {f"layers[{k}].size": h.size for k, h in enumerate(self.layers)}
        for name, size in sizes.items():
            if size < 1:
                msg = f"network: {name} = {size} must be at least 1"
                raise CircuitError(msg)
        self._check_extent()
        crossbars = len(self.layers) + 1
        for name in ("g_min", "g_max"):
            bounds = getattr(self, name)
            if isinstance(bounds, tuple) and len(bounds) != crossbars:
                msg = f"network: {name} has {len(bounds)} values for {crossbars} crossbars; give one number, or one a crossbar"
                raise CircuitError(msg)
        if not math.isfinite(self.input_scale) or self.input_scale == 0:
            msg = f"network: input_scale = {self.input_scale:g} must be a finite number other than 0"
            raise CircuitError(msg)

        for name in ("wire_r_row", "wire_r_column"):
            r = getattr(self, name)
            if not (math.isfinite(r) and r >= 0):
                msg = f"network: {name} = {r:g} ohm must be a finite number, 0 or more"
                raise CircuitError(msg)

    def _check_extent(self) -> None:
        """Refuse what no computer holds, before it is tried."""
        widths = [self.inputs, *(layer.size for layer in self.layers), self.outputs]
        memristors = sum(a * b for a, b in itertools.pairwise(widths))
        counts = (len(widths), "layers", _MOST_LAYERS), (sum(widths), "nodes", _MOST_NODES), (memristors, "memristors", _MOST_MEMRISTORS)
        for count, what, most in counts:
            if count > most:
                msg = f"network: {count} {what} are more than {most}, the most that are tried; make layers smaller or fewer"
                raise CircuitError(msg)

    def _crossbar(self, builder: Builder, number: int, rows: Nodes, columns: Nodes) -> None:
        """Add a crossbar, or, where wires have resistance, the grid that it is then."""
        name, bounds = f"w{number}", self._bounds(number - 1)
        if self.wire_r_row or self.wire_r_column:
            Wires(row=self.wire_r_row, column=self.wire_r_column).add(builder, name, rows, columns, **bounds)
        else:
            builder.add(Crossbar(name=name, rows=rows, columns=columns, **bounds))

    def _bounds(self, crossbar: int) -> dict[str, Siemens]:
        def pick(bound: Siemens | tuple[Siemens, ...]) -> Siemens:
            return bound[crossbar] if isinstance(bound, tuple) else bound

        return {"g_min": pick(self.g_min), "g_max": pick(self.g_max)}

    def compile(self, name: str = "network") -> Circuit:
        """Build the circuit: crossbars w1 … wL, columns h1 …, amplified rows a1 …, outputs `out`."""
        builder = Builder()
        features = np.arange(self.inputs)
        rows = builder.group("x", self.inputs)
        builder.add(InputSources(name="v_x", plus=rows, feature=features, scale=self.input_scale))
        if self.signed_inputs:
            negative = builder.group("xn", self.inputs)
            builder.add(InputSources(name="v_xn", plus=negative, feature=features, scale=-self.input_scale))
            rows = np.concatenate([rows, negative])
        bias = rows[:0]
        if self.bias:
            bias = builder.group("bias")
            builder.add(VoltageSources(name="v_bias", plus=bias, minus=GROUND, v=self.v_bias))

        for k, layer in enumerate(self.layers, start=1):
            columns = builder.group(f"h{k}", layer.size)
            self._crossbar(builder, k, np.concatenate([rows, bias]), columns)
            rows = layer.neuron.build(builder, f"h{k}", columns)
            if layer.amplifier is not None:
                amplifier, driver = layer.amplifier, rows
                rows = builder.group(f"a{k}", layer.size)
                numbers = {name: getattr(amplifier, name) for name in Amplifiers.parameters}
                builder.add(Amplifiers(name=f"amp{k}", input=driver, output=rows, **numbers))

        last = len(self.layers)
        out = builder.group("out", self.outputs * (2 if self.differential else 1))
        self._crossbar(builder, last + 1, np.concatenate([rows, bias]), out)
        plus, minus = (out[0::2], out[1::2]) if self.differential else (out, GROUND)
        builder.add(Nudges(name="nudge", plus=plus, minus=minus))
        return builder.circuit(name)

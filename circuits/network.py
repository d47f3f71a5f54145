"""Network: layer sizes, neurons and amplifiers, compiled to a Circuit.

A layered network n0 – n1 – … – nL as in Kendall et al. 2020, arXiv 2006.01981: features and their negatives on the input rows,
a crossbar between each two layers, a neuron on each hidden column, optionally an amplifier between a column and the row it drives,
a bias row on every crossbar, and outputs read as differences of column pairs.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from circuits.builder import Builder
from circuits.capacitors import of_layer, per_layer
from circuits.checked import FORBID_UNKNOWN, check_fields
from circuits.circuit import Circuit
from circuits.elements import Amplifiers, InputSources, Nudges, VoltageSources
from circuits.errors import CircuitError
from circuits.maps import Maps, image
from circuits.network_layers import Amplifier, ConvolutionLayer, HiddenLayer, Layer, PoolLayer
from circuits.neurons import Linear, Neuron
from circuits.nodes import GROUND, Nodes
from circuits.odd_layers import refuse_odd
from circuits.paired import Paired
from circuits.shared_load import SharedLoad
from circuits.twin_layers import pairs, refuse_uneven, twinned
from circuits.units import Farad, Ohm, Siemens, Volt
from circuits.wires import Wires, check_resistance

__all__ = ["Amplifier", "ConvolutionLayer", "Layer", "Network", "PoolLayer"]

_MOST_LAYERS, _MOST_NODES, _MOST_MEMRISTORS = 1_000, 10_000_000, 1_000_000_000
"""What may be asked for: beyond it, a line of an experiment file would fill any memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The layers of a network and the range of its conductances.

    Parameters
    ----------
    inputs
        Features of a sample.
    image
        Height and width, and channels if several, of the images that the features are: row by row, pixel by pixel, channel by channel.
        Absent: square ones of one channel, where a layer looks at images.
    layers
        Hidden layers, from the inputs to the outputs; an empty list: one crossbar alone.
    outputs
        Outputs that are read: one a class, or a single one for two classes.
    differential
        Whether an output is the difference of the voltages of two columns; otherwise it is the voltage of one.
    output_neuron
        What each output's column has, where outputs are single columns; by default nothing.
    signed_inputs
        Whether every feature drives a second row with its negative.
    input_scale
        By which features are multiplied [V per unit].
    bias
        Whether every crossbar has a row at the voltage `v_bias`, but those to layers without a bias.
    signed_bias
        Whether every crossbar with a bias row has a second one, at its negative.
    v_bias
        Voltage of the bias rows [V].
    g_min, g_max
        Bounds of the conductances [S], for all crossbars, or one of each a crossbar.
    twins
        Whether every column has a twin that sees each row by the conductance by which the column sees its negative, and settles at the
        column's negative, so that hidden layers have signed weights too. Each conductance is that of two devices, which are equal.
    wire_r_row, wire_r_column
        Resistances of the wires from one memristor to the next [ohm]; 0: ideal wires.
    output_load
        Whether each column of the outputs has a resistor to ground, all of one value, which is learned, as `load` is of a hidden layer.
    capacitance
        From each node of a hidden layer, and from each output, to ground [F]: one number, or one a layer and one for the outputs. It has no
        effect at an equilibrium; 0: no capacitor.

    Raises
    ------
    CircuitError
        When a size is below 1, or bounds or capacitances do not fit the number of crossbars or layers.

    Examples
    --------
    >>> import hwsim as hw
    >>> net = hw.Network(inputs=4, layers=[hw.Layer(8, amplifier=hw.Amplifier())], outputs=3, g_min=1e-7, g_max=1e-5)
    >>> [(crossbar.name, crossbar.shape) for crossbar in net.compile().trainable]  # a row for x, for -x, and for the bias
    [('w1', (9, 8)), ('w2', (9, 6))]

    """

    __pydantic_config__: ClassVar = FORBID_UNKNOWN
    inputs: int
    image: tuple[int, int] | tuple[int, int, int] | None = None
    layers: tuple[HiddenLayer, ...] = ()
    outputs: int
    differential: bool = True
    output_neuron: Neuron = field(default_factory=Linear)
    signed_inputs: bool = True
    input_scale: float = 1.0
    bias: bool = True
    signed_bias: bool = False
    v_bias: Volt = 1.0
    g_min: Siemens | tuple[Siemens, ...] = 1e-8
    g_max: Siemens | tuple[Siemens, ...] = 1e-4
    twins: bool = False
    wire_r_row: Ohm = 0.0
    wire_r_column: Ohm = 0.0
    output_load: bool = False
    capacitance: Farad | tuple[Farad, ...] = 0.0

    def __post_init__(self) -> None:
        """Check the fields, then the sizes."""
        check_fields(self)
        sizes = [("inputs", self.inputs, 1), ("outputs", self.outputs, 1)]
        sizes += [(f"layers[{k}].{name}", getattr(h, name), least) for k, h in enumerate(self.layers) for name, least in h.least.items()]
        for name, size, least in sizes:
            if size is not None and size < least:
                msg = f"network: {name} = {size} must be at least {least}"
                raise CircuitError(msg)
        self._check_extent()
        for name in ("g_min", "g_max"):
            bounds = getattr(self, name)
            if isinstance(bounds, tuple) and len(bounds) != self.crossbars:
                msg = f"network: {name} has {len(bounds)} values for {self.crossbars} crossbars; give one number, or one a crossbar"
                raise CircuitError(msg)
        if self.signed_bias and not self.bias:
            msg = "network: signed_bias = True adds the negative of the bias row, and bias = False; set bias to True"
            raise CircuitError(msg)
        if not math.isfinite(self.input_scale) or self.input_scale == 0:
            msg = f"network: input_scale = {self.input_scale:g} must be a finite number other than 0"
            raise CircuitError(msg)

        for name in ("wire_r_row", "wire_r_column"):
            check_resistance(f"network: {name}", getattr(self, name))

        per_layer(self.capacitance, len(self.layers))
        refuse_odd(self)
        refuse_uneven(self)

    @property
    def crossbars(self) -> int:
        """Arrays of memristors: one for each layer that learns, and that of the outputs."""
        return 1 + sum(layer.learned for layer in self.layers)

    @property
    def maps(self) -> list[Maps]:
        """The features as maps, then the nodes of each hidden layer.

        Raises
        ------
        CircuitError
            When a window does not fit on the maps before it.

        """
        looked_at = self.image is not None or any(layer.images for layer in self.layers[:1])
        maps = [image(self.inputs, self.image) if looked_at else Maps(1, 1, self.inputs)]
        for k, layer in enumerate(self.layers):
            try:
                maps.append(layer.maps(maps[-1]))
            except CircuitError as error:
                msg = f"network: layers[{k}]: {error}"
                raise CircuitError(msg) from None
        return maps

    @property
    def described(self) -> str:
        """The sizes of its layers, 784-100-10; maps as height×width×channels."""
        return "-".join([str(self.inputs), *map(str, self.maps[1:]), str(self.outputs)])

    @property
    def memristors(self) -> int:
        """All of its memristors, copies too."""
        maps, rails = self.maps, 2 if self.signed_inputs else 1
        last = Layer(self.outputs * (2 if self.differential and not self.twins else 1))
        total = 0
        for before, layer in zip(maps, (*self.layers, last), strict=True):
            if layer.learned:
                total += rails * layer.devices(before) + layer.bias * (self.bias + self.signed_bias) * layer.maps(before).size
            rails = self._twofold if layer.recurrence is None else layer.recurrence.rails
            total += layer.recurrence.devices(layer.size) if layer.recurrence is not None else 0
        return self._twofold * total

    @property
    def _twofold(self) -> int:
        return 2 if self.twins else 1

    def _check_extent(self) -> None:
        """Refuse windows that do not fit, and what no computer holds, before it is tried."""
        if self.layers and not self.layers[0].learned:
            msg = "network: layers[0] is a pool, which averages the maps of a layer before it; begin with a convolution or a dense layer"
            raise CircuitError(msg)
        maps = self.maps
        nodes, memristors = sum(one.size for one in maps) + self.outputs, maps[-1].size * self.outputs
        memristors += sum(layer.devices(before) for layer, before in zip(self.layers, maps, strict=False))
        counts = (len(maps) + 1, "layers", _MOST_LAYERS), (nodes, "nodes", _MOST_NODES), (memristors, "memristors", _MOST_MEMRISTORS)
        for count, what, most in counts:
            if count > most:
                msg = f"network: {count} {what} are more than {most}, the most that are tried; make layers smaller or fewer"
                raise CircuitError(msg)

    def compile(self, name: str = "network", prefix: str = "") -> Circuit:
        """Build the circuit: crossbars w1 …, pools p2 …, columns h1 …, amplified rows a1 …, capacitors c1 …, and outputs `out`.

        `prefix` begins the names of all nodes and elements, where another circuit has such too.
        """
        builder, farads = Builder(prefix), per_layer(self.capacitance, len(self.layers))
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
        if self.signed_bias:
            below = builder.group("biasn")
            builder.add(VoltageSources(name="v_biasn", plus=below, minus=GROUND, v=-self.v_bias))
            bias = np.concatenate([bias, below])

        maps, bounds = self.maps, self._bounds()
        for k, layer in enumerate(self.layers, start=1):
            size = self._twofold * maps[k].size
            columns = builder.group(f"h{k}", size)
            ends = Paired(1, self.inputs) if k == 1 else pairs(maps[k - 1]), pairs(maps[k])
            self._join(builder, layer, k, (rows, bias, columns), maps[k - 1], ends, next(bounds) if layer.learned else {})
            rows = layer.neuron.build(builder, f"h{k}", columns)
            builder.add(*of_layer(k, np.array(sorted({*columns.tolist(), *rows.tolist()})), farads[k - 1]))
            if layer.recurrence is not None:
                rows = layer.recurrence.add(builder, k, rows, columns)
            if layer.amplifier is not None:
                amplifier, driver = layer.amplifier, rows
                rows = builder.group(f"a{k}", size)
                numbers = {name: getattr(amplifier, name) for name in Amplifiers.parameters}
                builder.add(Amplifiers(name=f"amp{k}", input=driver, output=rows, **numbers))

        out = builder.group("out", self.outputs * (2 if self.differential else 1))
        ends = pairs(maps[-1]) if self.layers else Paired(1, self.inputs), Paired(self.outputs, 1)
        self._join(builder, Layer(len(out), load=self.output_load), len(self.layers) + 1, (rows, bias, out), maps[-1], ends, next(bounds))
        self.output_neuron.build(builder, "out", out)
        plus, minus = (out[0::2], out[1::2]) if self.differential else (out, GROUND)
        builder.add(Nudges(name="nudge", plus=plus, minus=minus))
        builder.add(*of_layer(len(farads), out, farads[-1]))
        return builder.circuit(name)

    def _bounds(self) -> Iterator[dict[str, Siemens]]:
        """Return the bounds of each crossbar."""
        for k in range(self.crossbars):
            yield {name: bound[k] if isinstance(bound := getattr(self, name), tuple) else bound for name in ("g_min", "g_max")}

    def _join(  # noqa: PLR0913, PLR0917 - a layer, and all that it joins
        self,
        builder: Builder,
        layer: HiddenLayer,
        number: int,
        nodes: tuple[Nodes, Nodes, Nodes],
        before: Maps,
        ends: tuple[Paired, Paired],
        bounds: dict[str, Siemens],
    ) -> None:
        """Add what joins rows and bias rows to the columns of a layer; where wires have resistance, the grid that a crossbar is then.

        `ends` pair rows and columns where there are twins.
        """
        rows, bias, columns = nodes
        bias = bias if layer.bias else bias[:0]
        name = f"{'w' if layer.learned else 'p'}{number}"
        if self.twins:
            builder.add(twinned(layer, name, rows, bias, columns, before, ends, **bounds))
        elif self.wire_r_row or self.wire_r_column:
            Wires(row=self.wire_r_row, column=self.wire_r_column).add(builder, name, np.concatenate([rows, bias]), columns, **bounds)
        else:
            builder.add(layer.array(name, rows, bias, columns, before, **bounds))
        if layer.load:
            seen = layer.devices(before) // layer.maps(before).size * (len(rows) // before.size) + len(bias)
            bounds = {what: seen * bound for what, bound in bounds.items()}
            builder.add(SharedLoad(name=f"load{number}", a=columns, b=np.zeros_like(columns), devices=seen, **bounds))

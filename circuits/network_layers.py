"""Hidden layers of a network: dense ones, convolutions and pools; each states its maps, and makes the array that leads to them."""

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Discriminator, Tag

from circuits.arrays import Crossbar
from circuits.checked import FORBID_UNKNOWN, check_fields
from circuits.convolution import Convolution
from circuits.elements import Elements
from circuits.errors import CircuitError
from circuits.junction_neurons import DiodePair
from circuits.maps import Maps
from circuits.neurons import Linear, Neuron
from circuits.nodes import Nodes
from circuits.pooling import Pooling
from circuits.recurrence import Recurrence
from circuits.units import Ohm, Siemens, Volt
from circuits.windows import Everywhere, Window


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
    """A dense hidden layer: a crossbar from all nodes before.

    Parameters
    ----------
    size
        Its hidden nodes, which are the columns of the crossbar before it.
    neuron
        What each column has.
    bias
        Whether the circuit's bias rows lead to it; without, its neurons are zero-bias ones.
    amplifier
        Between a column and the row of the next crossbar that it drives; absent: they are joined.
    recurrence
        Lines that follow its columns, and memristors from these back to the columns; absent: there are none.
    load
        Whether each column has a resistor to ground, all of one value, which is learned: the gain of the layer.

    Examples
    --------
    >>> import hwsim as hw
    >>> hw.Layer(8, neuron=hw.DiodePair(v_low=-0.2, v_high=0.2)).neuron.kind
    'diode-pair'

    """

    __pydantic_config__: ClassVar = FORBID_UNKNOWN
    learned: ClassVar[bool] = True
    images: ClassVar[bool] = False
    least: ClassVar[dict[str, int]] = {"size": 1}
    kind: Literal["dense"] = "dense"
    size: int = field(kw_only=False)
    neuron: Neuron = field(default_factory=DiodePair)
    bias: bool = True
    amplifier: Amplifier | None = None
    recurrence: Recurrence | None = None
    load: bool = False

    def __post_init__(self) -> None:
        """Check the fields."""
        check_fields(self)

    def maps(self, before: Maps) -> Maps:  # noqa: ARG002 - the layers' common signature
        """Return its nodes as maps of one pixel."""
        return Maps(1, 1, self.size)

    def devices(self, before: Maps) -> int:
        """Return how many memristors a rail of the maps before needs."""
        return before.size * self.size

    def array(self, name: str, rows: Nodes, bias: Nodes, columns: Nodes, before: Maps, **bounds: Siemens) -> Elements:  # noqa: ARG002 - as above
        """Return what joins rows, and the bias rows behind them, to its columns."""
        return Crossbar(name=name, rows=np.concatenate([rows, bias]), columns=columns, **bounds)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvolutionLayer:
    """A hidden layer of maps: each node sees a window of the maps before, through one kernel a channel.

    Parameters
    ----------
    channels
        Its maps.
    size
        Pixels along a side of the window.
    stride
        Pixels from one position of the window to the next.
    padding
        Pixels around the maps before that the window may cover; there its rows are at 0 V.
    tied
        Whether the memristors of all positions are equal copies of one kernel, whose updates add up; otherwise each learns for itself.
    neuron
        What each column has.
    bias
        Whether the circuit's bias rows lead to it; without, its neurons are zero-bias ones.
    amplifier
        Between a column and the row of the next crossbar that it drives; absent: they are joined.
    load
        Whether each column has a resistor to ground, all of one value, which is learned: the gain of the layer.

    Examples
    --------
    >>> import hwsim as hw
    >>> hw.Network(inputs=64, layers=[hw.ConvolutionLayer(channels=8, size=3, stride=2)], outputs=10).described
    '64-3×3×8-10'

    """

    __pydantic_config__: ClassVar = FORBID_UNKNOWN
    learned: ClassVar[bool] = True
    images: ClassVar[bool] = True
    recurrence: ClassVar[None] = None
    least: ClassVar[dict[str, int]] = {"channels": 1, "size": 1, "stride": 1, "padding": 0}
    kind: Literal["convolution"] = "convolution"
    channels: int
    size: int
    stride: int = 1
    padding: int = 0
    tied: bool = True
    neuron: Neuron = field(default_factory=DiodePair)
    bias: bool = True
    amplifier: Amplifier | None = None
    load: bool = False

    def __post_init__(self) -> None:
        """Check the fields."""
        check_fields(self)

    def maps(self, before: Maps) -> Maps:
        """Return its maps: a pixel for each position of the window."""
        return Maps(*before.window(self.size, self.stride, self.padding).across, self.channels)

    def devices(self, before: Maps) -> int:
        """Return how many memristors a rail of the maps before needs."""
        return before.window(self.size, self.stride, self.padding).taps * self.maps(before).size

    def array(self, name: str, rows: Nodes, bias: Nodes, columns: Nodes, before: Maps, **bounds: Siemens) -> Elements:
        """Return what joins rows, and the bias rows behind them, to its columns."""
        window = before.window(self.size, self.stride, self.padding)
        windows: tuple[Window | Everywhere, ...] = (window,) * (len(rows) // before.size)
        windows = (*windows, *(Everywhere(rows=1, positions=window.positions) for _ in bias))
        nodes = np.concatenate([rows, bias])
        return Convolution(name=name, rows=nodes, columns=columns, windows=windows, channels=self.channels, tied=self.tied, **bounds)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolLayer:
    """A hidden layer that averages maps: a fixed resistor from each pixel of a window to one node a channel, without a neuron.

    Parameters
    ----------
    size
        Pixels along a side of the window.
    stride
        Pixels from one position of the window to the next; absent: its size.
    r
        Each resistor [ohm]; far below what the nodes drive, lest they sag.
    amplifier
        Between a node and the row of the next crossbar that it drives; absent: they are joined.

    Examples
    --------
    >>> import hwsim as hw
    >>> layers = [hw.ConvolutionLayer(channels=8, size=3), hw.PoolLayer(size=2)]
    >>> hw.Network(inputs=64, layers=layers, outputs=10).described
    '64-6×6×8-3×3×8-10'

    """

    __pydantic_config__: ClassVar = FORBID_UNKNOWN
    learned: ClassVar[bool] = False
    images: ClassVar[bool] = True
    recurrence: ClassVar[None] = None
    least: ClassVar[dict[str, int]] = {"size": 1, "stride": 1}
    neuron: ClassVar[Neuron] = Linear()
    bias: ClassVar[bool] = False
    load: ClassVar[bool] = False
    kind: Literal["pool"] = "pool"
    size: int = 2
    stride: int | None = None
    r: Ohm = 1e4
    amplifier: Amplifier | None = None

    def __post_init__(self) -> None:
        """Check the fields."""
        check_fields(self)
        if not (np.isfinite(self.r) and self.r > 0):
            msg = f"pool: r = {self.r:g} ohm must be positive and finite"
            raise CircuitError(msg)

    def maps(self, before: Maps) -> Maps:
        """Return its maps: a pixel for each position of the window."""
        return Maps(*before.window(self.size, self.stride or self.size, 0).across, before.channels)

    def devices(self, before: Maps) -> int:
        """Return how many resistors it needs."""
        return self.size**2 * self.maps(before).size

    def array(self, name: str, rows: Nodes, bias: Nodes, columns: Nodes, before: Maps, **bounds: Siemens) -> Elements:  # noqa: ARG002 - as above
        """Return what joins rows to its columns; it has no bias and learns nothing."""
        return Pooling.over(name, rows, columns, before.window(self.size, self.stride or self.size, 0), self.r)


def _kind(given: Any) -> Any:
    return given.get("kind", "dense") if isinstance(given, dict) else getattr(given, "kind", None)


HiddenLayer = Annotated[
    Annotated[Layer, Tag("dense")] | Annotated[ConvolutionLayer, Tag("convolution")] | Annotated[PoolLayer, Tag("pool")],
    Discriminator(_kind),
]
"""A layer; without a `kind`, a dense one."""

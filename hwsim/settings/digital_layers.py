"""The kinds of digital layers, each a table with the keys of its kind, and the shape that each makes of a sample."""

import math
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from circuits.errors import CircuitError
from hwsim.settings.sections import Section

Shape = tuple[int, ...]
"""Of a sample: (n,) numbers, or maps of (height, width, channels)."""

Image = tuple[PositiveInt, PositiveInt] | tuple[PositiveInt, PositiveInt, PositiveInt]
"""Height and width of maps, and their channels if several."""

_MAPS = 3


def _maps(kind: str, shape: Shape) -> tuple[int, int, int]:
    """Return a shape as that of maps."""
    if len(shape) != _MAPS:
        msg = f"kind = '{kind}' looks at maps, and here are {math.prod(shape)} numbers; give the block an image, or put it before flatten"
        raise CircuitError(msg)
    height, width, channels = shape
    return height, width, channels


def _window(kind: str, shape: Shape, size: int, stride: int, padding: int = 0) -> tuple[int, int, int]:
    """Return the rows and columns that windows of a size make of maps, and the maps' channels."""
    height, width, channels = _maps(kind, shape)
    rows, columns = ((extent + 2 * padding - size) // stride + 1 for extent in (height, width))
    if rows < 1 or columns < 1:
        msg = f"kind = '{kind}': a window of {size}×{size} does not fit on maps of {height}×{width}; make size smaller"
        raise CircuitError(msg)
    return rows, columns, channels


class _Keeping(Section):
    """What leaves the shape of a sample as it is."""

    def after(self, shape: Shape) -> Shape:
        """Return the shape of what comes out for a sample of a shape."""
        return shape


class DenseLayer(Section):
    """Every output is a weighted sum of all inputs.

    Parameters
    ----------
    size
        Number of outputs.
    bias
        Whether each has a bias.

    """

    kind: Literal["dense"] = "dense"
    size: PositiveInt
    bias: bool = True

    def after(self, shape: Shape) -> Shape:  # noqa: ARG002 - of whatever comes in
        """Return the shape of what comes out for a sample of a shape."""
        return (self.size,)


class DigitalConvolution(Section):
    """Kernels that move over maps.

    Parameters
    ----------
    channels
        Kernels, and so maps that come out.
    size, stride, padding
        Side of a kernel, by how much it moves, and rows and columns of zeros around the maps [pixels].
    bias
        Whether each kernel has a bias.

    """

    kind: Literal["convolution"] = "convolution"
    channels: PositiveInt
    size: PositiveInt
    stride: PositiveInt = 1
    padding: NonNegativeInt = 0
    bias: bool = True

    def after(self, shape: Shape) -> Shape:
        """Return the shape of what comes out for a sample of a shape."""
        return (*_window(self.kind, shape, self.size, self.stride, self.padding)[:2], self.channels)


class _PoolLayer(Section):
    """What makes one number of each window on a map."""

    size: PositiveInt
    stride: PositiveInt | None = None

    @property
    def step(self) -> int:
        """By how much the window moves."""
        return self.stride or self.size

    def _after(self, kind: str, shape: Shape) -> Shape:
        return _window(kind, shape, self.size, self.step)


class MaxPoolLayer(_PoolLayer):
    """The largest number in each window on a map.

    Parameters
    ----------
    size, stride
        Side of the window, and by how much it moves; absent: by its side [pixels].

    """

    kind: Literal["max-pool"] = "max-pool"

    def after(self, shape: Shape) -> Shape:
        """Return the shape of what comes out for a sample of a shape."""
        return self._after(self.kind, shape)


class AveragePoolLayer(_PoolLayer):
    """The mean of each window on a map.

    Parameters
    ----------
    size, stride
        Side of the window, and by how much it moves; absent: by its side [pixels].

    """

    kind: Literal["average-pool"] = "average-pool"

    def after(self, shape: Shape) -> Shape:
        """Return the shape of what comes out for a sample of a shape."""
        return self._after(self.kind, shape)


class BatchNormLayer(_Keeping):
    """Zero mean and unit variance over a batch, of each number or map by itself, then a learned weight and bias.

    Tests use running means and variances, which training keeps.

    Parameters
    ----------
    momentum
        Share of the running mean and variance that an update keeps.
    eps
        What is added to a variance [square of the numbers' unit].
    weight
        Whether a weight and a bias are learned; otherwise they are 1 and 0.

    """

    kind: Literal["batch-norm"] = "batch-norm"
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    eps: PositiveFloat = 1e-8
    weight: bool = True


class LayerNormLayer(_Keeping):
    """Zero mean and unit variance over all numbers of a sample, then a learned weight and bias.

    Parameters
    ----------
    eps
        What is added to the variance [square of the numbers' unit].

    """

    kind: Literal["layer-norm"] = "layer-norm"
    eps: PositiveFloat = 1e-8


class RmsNormLayer(_Keeping):
    """Unit mean square over all numbers of a sample, then a learned weight and bias.

    Parameters
    ----------
    eps
        What is added to the mean square [square of the numbers' unit].
    affine
        Whether weight and bias follow; without them one gain for all numbers is enough, and nothing is learned.

    """

    kind: Literal["rms-norm"] = "rms-norm"
    eps: PositiveFloat = 1e-8
    affine: bool = True


class ReluLayer(_Keeping):
    """max(x, 0)."""

    kind: Literal["relu"] = "relu"


class TanhLayer(_Keeping):
    """tanh x."""

    kind: Literal["tanh"] = "tanh"


class SoftmaxLayer(_Keeping):
    """Shares exp(x) / Σ exp(x) of a sample's numbers: a read-out whose outputs add up to 1."""

    kind: Literal["softmax"] = "softmax"


class ScaleLayer(_Keeping):
    """All numbers times a fixed factor: what a range of voltages becomes at the next converter.

    Parameters
    ----------
    factor
        The factor.

    """

    kind: Literal["scale"] = "scale"
    factor: float


class FlattenLayer(Section):
    """Maps as one row of numbers: row by row, pixel by pixel, channel by channel."""

    kind: Literal["flatten"] = "flatten"

    def after(self, shape: Shape) -> Shape:
        """Return the shape of what comes out for a sample of a shape."""
        return (math.prod(shape),)


_Plain = (
    DenseLayer
    | DigitalConvolution
    | MaxPoolLayer
    | AveragePoolLayer
    | BatchNormLayer
    | LayerNormLayer
    | RmsNormLayer
    | ReluLayer
    | TanhLayer
    | SoftmaxLayer
    | ScaleLayer
    | FlattenLayer
)

InnerLayer = Annotated[_Plain, Field(discriminator="kind")]
"""What stands within a residual layer."""


class ResidualLayer(Section):
    """x + f(x): what comes in, and what some layers make of it.

    Parameters
    ----------
    layers
        The layers f, which must bring back the shape of x.

    """

    kind: Literal["residual"] = "residual"
    layers: Annotated[tuple[InnerLayer, ...], Field(min_length=1)]

    def after(self, shape: Shape) -> Shape:
        """Return the shape of what comes out for a sample of a shape."""
        inner = shape_after(self.layers, shape)
        if inner != shape:
            msg = f"kind = 'residual' adds what its layers make to what comes in, of shape {shape}, and they make {inner}; bring it back"
            raise CircuitError(msg)
        return shape


DigitalLayer = Annotated[_Plain | ResidualLayer, Field(discriminator="kind")]


def shape_after(layers: Sequence[DigitalLayer], shape: Shape) -> Shape:
    """Return what layers in a row make of a sample's shape.

    Raises
    ------
    CircuitError
        When one of them does not fit; it names which.

    """
    for k, layer in enumerate(layers):
        try:
            shape = layer.after(shape)
        except CircuitError as error:
            msg = f"layers[{k}]: {error}"
            raise CircuitError(msg) from None
    return shape

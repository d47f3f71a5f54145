"""The blocks of a chain: circuits, digital layers between them, and how each learns."""

import math
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, NamedTuple, Self

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from circuits.errors import CircuitError
from circuits.units import Siemens, Volt
from hwsim.settings.circuit_block import CircuitBlock
from hwsim.settings.digital_layers import DigitalLayer, Image, Shape, shape_after
from hwsim.settings.learning_kinds import Share
from hwsim.settings.sections import Section


class DigitalAdam(Section):
    """Adam, with weight decay as AdamW has it.

    Parameters
    ----------
    rate
        Step size.
    b1, b2
        Shares that are kept of the mean gradient and of the mean square.
    decay
        By which share of itself, times the step size, a weight shrinks at each step; biases and norms do not.

    """

    kind: Literal["adam"] = "adam"
    rate: NonNegativeFloat = 1e-3
    b1: Share = 0.9
    b2: Share = 0.999
    decay: NonNegativeFloat = 0.0

    @property
    def kept(self) -> tuple[str, ...]:
        """The running means that it remembers: of the gradient and of its square."""
        return ("mean", "square")


class DigitalSgd(Section):
    """Gradient descent with momentum; rates in 1/V², as the loss is in V².

    Parameters
    ----------
    rate
        Step size.
    momentum
        Share of the last step that is kept.

    """

    kind: Literal["sgd"] = "sgd"
    rate: NonNegativeFloat = 1.0
    momentum: Share = 0.0

    @property
    def kept(self) -> tuple[str, ...]:
        """The running means that it remembers: of the gradient."""
        return ("mean",) if self.momentum else ()


class _LeastSquares(Section):
    """What solves a read-out instead of descending to it."""

    kept: ClassVar[tuple[str, ...]] = ()


class DigitalRidge(_LeastSquares):
    """Ridge regression: all samples at once.

    Parameters
    ----------
    penalty
        Strength, for inputs of unit variance; absent: chosen on the last fifth of the training set.

    """

    kind: Literal["ridge"] = "ridge"
    penalty: NonNegativeFloat | None = None


class DigitalRls(_LeastSquares):
    """Recursive least squares: sample after sample, in their order; without forgetting it ends where ridge regression does.

    Parameters
    ----------
    penalty
        Strength of the regularisation that it begins with, for inputs of unit variance.
    forgetting
        Weight of each sample next to that of the one behind it.

    """

    kind: Literal["rls"] = "rls"
    penalty: PositiveFloat = 1e-6
    forgetting: Annotated[float, Field(gt=0, le=1)] = 1.0


class DigitalForce(_LeastSquares):
    """Recursive least squares in a closed loop: what a reservoir's read-out makes of a row is the reservoir's input at the next one.

    Of series whose targets are the inputs of the next row. The loop is closed behind the washout, and the read-out learns from states that
    its errors have reached (FORCE, Sussillo & Abbott 2009, Neuron 63, 544), so that it can run free afterwards.

    Parameters
    ----------
    rule
        `rls`, recursive least squares, or `lms`, normalised least mean squares, which keep no matrix: w ← w + rate·e·h/(h·h).
    penalty
        Strength of the regularisation that `rls` begins with, for states of unit variance; with less, errors are suppressed faster.
    forgetting
        Weight of each row next to that of the one behind it, by `rls`.
    rate
        Share of the error of a row that `lms` takes away.

    """

    kind: Literal["force"] = "force"
    rule: Literal["rls", "lms"] = "rls"
    penalty: PositiveFloat = 1e-8
    forgetting: Annotated[float, Field(gt=0, le=1)] = 1.0
    rate: Annotated[float, Field(gt=0, lt=2)] = 0.5

    @model_validator(mode="after")
    def _check(self) -> Self:
        self._refuse_idle("rule", {"penalty": {"rls"}, "forgetting": {"rls"}, "rate": {"lms"}})
        return self


READ = "read"
"""Name of the memristors of a dense layer that is a crossbar, behind the block's prefix."""


class CrossbarRange(NamedTuple):
    """Conductances [S] and the bias line's voltage [V] of the crossbar that a lone dense layer is, where its weights are memristors."""

    g_min: Siemens
    g_max: Siemens
    v_bias: Volt


class DigitalBlock(Section):
    """Digital layers, whose parameters learn by back-propagation.

    Parameters
    ----------
    inputs, image
        Numbers that come in, or height and width, and channels if several, of the image that they are, row by row, pixel by pixel, channel
        by channel. Absent: what the block before makes; the first block needs one of them.
    layers
        What is done with them, in order.
    optimizer
        How the gradient of their parameters becomes a step, or, of one dense layer alone, `ridge`, `rls` or `force` for least
        squares.

    """

    kind: Literal["digital"] = "digital"
    inputs: PositiveInt | None = None
    image: Image | None = None
    layers: Annotated[tuple[DigitalLayer, ...], Field(min_length=1)]
    optimizer: Annotated[DigitalAdam | DigitalSgd | DigitalRidge | DigitalRls | DigitalForce, Field(discriminator="kind")] = DigitalAdam()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.image is not None and self.inputs is not None:
            msg = f"image = {list(self.image)} and inputs = {self.inputs} both state what comes in; omit one of them"
            raise ValueError(msg)
        return self

    def takes(self, before: Shape | None) -> Shape:
        """Return the shape of what comes in, `before` being what the block before makes.

        Raises
        ------
        CircuitError
            When it is unknown, or another number.

        """
        given = (*self.image, 1)[:3] if self.image else (self.inputs,) if self.inputs else None
        if given is None and before is None:
            msg = "what comes in is unknown; set inputs to the number of features, or image to the size of the image"
            raise CircuitError(msg)
        if given is None or before is None:
            return given or before or ()
        if math.prod(given) != math.prod(before):
            key = "image" if self.image else "inputs"
            msg = f"{key} is for {math.prod(given)} numbers, and the block before makes {math.prod(before)}; omit it, or change one of them"
            raise CircuitError(msg)
        return given

    @property
    def seen(self) -> Image | None:
        """The image that comes in, where the block names it."""
        return self.image

    @property
    def learning(self) -> str:
        """How its parameters are learned: by back-propagation, or by which least squares."""
        return "back-propagation" if self.least_squares is None else self.least_squares.kind

    @property
    def least_squares(self) -> DigitalRidge | DigitalRls | DigitalForce | None:
        """What solves it; None where it descends by its gradient."""
        return self.optimizer if isinstance(self.optimizer, _LeastSquares) else None

    @property
    def lone_dense(self) -> bool:
        """Whether it is one dense layer with biases: what least squares solve, and what can be a crossbar."""
        return [layer.kind == "dense" and layer.bias for layer in self.layers] == [True]

    @property
    def described(self) -> str:
        """Its layers in words."""
        return f"digital: {', '.join(layer.kind for layer in self.layers)}"

    def makes(self, shape: Shape) -> Shape:
        """Return the shape of what comes out."""
        return shape_after(self.layers, shape)


def prefix_of(k: int) -> str:
    """Return what the names of a block's arrays and nodes begin with, blocks being numbered from 0 on as keys are: `b1_` for blocks[0]."""
    return f"b{k + 1}_"


BlockSettings = Annotated[DigitalBlock | CircuitBlock, Field(discriminator="kind")]


def shapes(blocks: Sequence[DigitalBlock | CircuitBlock], before: Shape | None = None) -> list[tuple[Shape, Shape]]:
    """Return the shapes of what comes into each block, and of what comes out of it; `before` is what a reservoir before them makes.

    Raises
    ------
    CircuitError
        When blocks do not fit together; it names which.

    """
    each: list[tuple[Shape, Shape]] = []
    for k, block in enumerate(blocks):
        try:
            shape = block.takes(each[-1][1] if each else before)
            each.append((shape, block.makes(shape)))
        except CircuitError as error:
            msg = f"blocks[{k}]: {error}"
            raise CircuitError(msg) from None
    return each

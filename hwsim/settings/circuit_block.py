"""A circuit block of a chain: the network, the window through which it sees maps, and how it learns."""

import math
from typing import Annotated, Any, Literal, Self

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt, field_validator, model_validator

from circuits.errors import CircuitError
from circuits.maps import Maps
from circuits.network import Network
from circuits.windows import Window
from hwsim.formatting import counted
from hwsim.settings.device_settings import DeviceSettings
from hwsim.settings.digital_layers import Image, Shape
from hwsim.settings.learning_kinds import (
    AdjointRule,
    EquilibriumPropagationRule,
    FrozenNudge,
    LoadNudge,
    OptimizerSettings,
    RichardsonRule,
    SmallSignalRule,
    VoltsNudge,
)
from hwsim.settings.sections import Section
from hwsim.settings.training_settings import Range, TrainingSettings

EstimatorSettings = Annotated[
    EquilibriumPropagationRule | RichardsonRule | SmallSignalRule | AdjointRule,
    Field(discriminator="kind"),
]
"""The rules that pass an error on to what comes before."""


class KernelWindow(Section):
    """The window through which a kernel sees maps, position by position.

    Parameters
    ----------
    size
        Pixels along a side of the window.
    stride
        Pixels from one position of the window to the next.
    padding
        Pixels around the maps that the window may cover; there inputs are at 0 V.

    """

    size: PositiveInt
    stride: PositiveInt = 1
    padding: NonNegativeInt = 0

    def over(self, maps: Maps) -> Window:
        """Return the window as it moves over maps.

        Raises
        ------
        CircuitError
            When it does not fit.

        """
        return maps.window(self.size, self.stride, self.padding)


class CircuitBlock(Section):
    """A circuit that settles: its inputs are driven by what the block before makes, and its outputs are read.

    With a window it is a time-multiplexed kernel: one circuit that settles at every position of the maps that come in, and whose outputs
    there are the channels of the maps that it makes.

    Keys on how it learns that are absent are those of the section `training`, and its device is that of the section `device`.

    Parameters
    ----------
    circuit
        The network.
    window
        The window whose pixels are the circuit's inputs, at one position after the other. Absent: all numbers drive it at once.
    image
        Height and width, and channels if several, of the maps that the window moves over. Absent: the maps that the block before makes.
    rule
        What measures the gradient of its conductances, and of what comes in: a rule that passes an error on.
    nudge
        What nudges its outputs: `volts` or `frozen`, or a `load` where the block learns by its goodness.
    optimizer, rate
        How a gradient becomes a step, and its size, one number or one a crossbar.
    g_init, init
        Initial conductances lie between these two [S], `uniform` or `log-uniform`.
    device
        What its memristors are, and how they are programmed.

    """

    kind: Literal["circuit"] = "circuit"
    circuit: Network
    window: KernelWindow | None = None
    image: Image | None = None
    rule: EstimatorSettings = EquilibriumPropagationRule()
    nudge: Annotated[VoltsNudge | FrozenNudge | LoadNudge, Field(discriminator="kind")] = VoltsNudge()
    optimizer: OptimizerSettings | None = None
    rate: NonNegativeFloat | tuple[NonNegativeFloat, ...] | None = None
    g_init: Range | tuple[Range, ...] | None = None
    init: Literal["uniform", "log-uniform"] | None = None
    device: DeviceSettings | None = None

    @field_validator("rule", "nudge", "optimizer", mode="before")
    @classmethod
    def _named(cls, given: Any) -> Any:
        return {"kind": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.image is not None and self.window is None:
            msg = f"image = {list(self.image)} is of the maps that a window moves over, and there is none; set circuit.image, or window"
            raise ValueError(msg)
        return self

    def takes(self, before: Shape | None) -> Shape:
        """Return the shape of what comes in, `before` being what the block before makes.

        Raises
        ------
        CircuitError
            When it is another number, or no maps where a window needs some.

        """
        if self.window is not None:
            shape = self._maps(before)
            taps = self.moving(shape).taps
            if taps != self.circuit.inputs:
                extent = f"{self.window.size}×{self.window.size} pixels of {counted(shape[2], 'channel')}"
                msg = f"circuit.inputs = {self.circuit.inputs}, and its window sees {extent}; set it to {taps}"
                raise CircuitError(msg)
            return shape
        if before is not None and math.prod(before) != self.circuit.inputs:
            msg = f"circuit.inputs = {self.circuit.inputs}, and the block before makes {math.prod(before)} numbers; set it to that"
            raise CircuitError(msg)
        return (self.circuit.inputs,)

    def _maps(self, before: Shape | None) -> Shape:
        """Return the shape of the maps that the window moves over."""
        if self.image is not None:
            shape = (*self.image, 1)[:3]
            if before is not None and math.prod(shape) != math.prod(before):
                msg = f"image is for {math.prod(shape)} numbers, and the block before makes {math.prod(before)}; omit it, or change one"
                raise CircuitError(msg)
            return shape
        if before is None or len(before) != len(Maps._fields):
            what = "what comes in is unknown" if before is None else f"here are {math.prod(before)} numbers"
            msg = f"window moves over maps, and {what}; set image to their height, width and channels"
            raise CircuitError(msg)
        return before

    def moving(self, shape: Shape) -> Window:
        """Return the window as it moves over what comes in; of a circuit that takes all at once, it sees all, in one position."""
        return Maps(1, 1, math.prod(shape)).window(1, 1, 0) if self.window is None else self.window.over(Maps(*shape))

    @property
    def seen(self) -> Image | None:
        """The image that comes in, where the block names it."""
        return self.circuit.image if self.window is None else self.image

    @property
    def described(self) -> str:
        """Its sizes."""
        window = self.window
        return f"circuit: {self.circuit.described}" + (
            "" if window is None else f" at each {window.size}×{window.size} window, stride {window.stride}"
        )

    def makes(self, shape: Shape) -> Shape:
        """Return the shape of what comes out."""
        return (self.circuit.outputs,) if self.window is None else (*self.moving(shape).across, self.circuit.outputs)

    def training(self, of_all: TrainingSettings) -> TrainingSettings:
        """Return how the block learns, where all blocks learn like `of_all`."""
        given = {name: getattr(self, name) for name in ("rule", "nudge", "optimizer", "rate", "g_init", "init")}
        return of_all.model_copy(update={name: value for name, value in given.items() if value is not None})

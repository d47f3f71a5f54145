"""The neuron kinds. Each builds its elements on the columns of a crossbar and states its own i(v).

All are co-content functions (their i(v) rises monotonically), so a network of them has one equilibrium.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from circuits.builder import Builder
from circuits.checked import FORBID_UNKNOWN, check_fields
from circuits.comparator import Comparator
from circuits.ideal_neurons import IdealPair, IdealRectifier
from circuits.junction_neurons import DeadZone, DiodePair, Rectifier
from circuits.nodes import Nodes


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """No diode: the column passes on what it reads.

    Examples
    --------
    >>> import hwsim as hw
    >>> hw.Linear().current(0.3)
    array(0.)

    """

    __pydantic_config__: ClassVar = FORBID_UNKNOWN
    kind: Literal["linear"] = "linear"
    odd: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check the fields."""
        check_fields(self)

    def build(self, builder: Builder, name: str, columns: Nodes) -> Nodes:  # noqa: ARG002 - the neurons' common signature
        """Add nothing; the columns themselves lead on to the next layer."""
        return columns

    def current(self, v: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return i(v) [A]: none."""
        return np.zeros_like(v)


Neuron = Annotated[Linear | DiodePair | Rectifier | IdealPair | IdealRectifier | DeadZone | Comparator, Field(discriminator="kind")]

KINDS: tuple[type, ...] = get_args(get_args(Neuron)[0])
"""The classes that a `kind` in an experiment file names."""

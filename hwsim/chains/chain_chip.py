"""The chips of a chain's circuits as one: parameters by the name of their element, wherever it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from circuits.chip import AnyChip, Chip
from hwsim.chains.chain_circuit import ChainCircuit

if TYPE_CHECKING:
    from hwsim.typing import Floats

_UNBOUNDED = {"g_min": np.float64(-np.inf), "g_max": np.float64(np.inf)}
"""What digital parameters have in the place of bounds."""


@dataclass(frozen=True)
class AnyChips:
    """The chips of a chain, by the numbers of their blocks; inside of compiled functions too.

    Parameters
    ----------
    owners
        The number of the block that each element belongs to; what has none is digital.
    chips
        One a block; None where it is digital.

    """

    owners: Mapping[str, int]
    chips: Sequence[AnyChip | None]

    def __call__(self, element: str, parameter: str) -> Any:
        """Return the values of an element's parameter; digital ones have no bounds."""
        chip = self.chips[self.owners[element]] if element in self.owners else None
        return _UNBOUNDED[parameter] if chip is None else chip(element, parameter)


@dataclass(frozen=True)
class ChainChip(Chip):
    """The manufactured chips of a chain.

    Parameters
    ----------
    chips
        One a block; None where it is digital.

    """

    circuit: ChainCircuit
    chips: tuple[Chip | None, ...] = ()

    @classmethod
    def of_blocks(cls, circuit: ChainCircuit, chips: Sequence[Chip | None]) -> "ChainChip":
        """Return the chips of all blocks as one."""
        made = [chip for chip in chips if chip is not None]
        values = {name: of_element for chip in made for name, of_element in chip.values.items()}
        aged: dict[str, Floats] = {name: factors for chip in made for name, factors in chip.aged.items()}
        common = {"temperature": made[0].temperature, "heat": made[0].heat} if made else {}
        return cls(circuit, values, aged=aged, chips=tuple(chips), **common)

    def __post_init__(self) -> None:
        """Check nothing: each chip was checked when it was made."""

    def __call__(self, element: str, parameter: str) -> Any:
        """Return the values of an element's parameter; digital ones have no bounds."""
        return AnyChips(self.circuit.owners, self.chips)(element, parameter)

    @property
    def members(self) -> tuple[Chip, ...]:
        """The chips of its circuits, crossbars of digital layers not among them."""
        return tuple(chip for k, _ in self.circuit.circuits if (chip := self.chips[k]) is not None)

    @property
    def fresh(self) -> "ChainChip":
        """The same chips with memristors that have just been programmed."""
        return replace(self, aged={}, chips=tuple(None if chip is None else chip.fresh for chip in self.chips))

"""The circuits of a chain as one: all of their trainable arrays, the inputs of the first block, the outputs of the last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from circuits.arrays import Trainable
from circuits.circuit import Circuit
from circuits.errors import CircuitError
from hwsim.chains.crossbar_part import CrossbarPart
from hwsim.chains.digital_part import DigitalPart
from hwsim.settings.block_settings import CrossbarRange, DigitalBlock, prefix_of, shapes
from hwsim.settings.circuit_block import CircuitBlock
from hwsim.settings.digital_layers import Shape

Member = Circuit | DigitalPart


@dataclass(frozen=True)
class Ends:
    """The read-outs at the end of a chain, of a circuit or of digital layers."""

    count: int
    name: str = "outputs"

    def __len__(self) -> int:
        return self.count


@dataclass(frozen=True, kw_only=True)
class ChainCircuit(Circuit):
    """Circuits and digital layers in a row. It has no nodes of its own; those of its circuits begin with their block's prefix.

    Parameters
    ----------
    parts
        The circuit or the digital layers of each block.
    ends
        Shapes of what comes into each block, and of what comes out.
    labels
        How many of the inputs are for labels, behind those of the features.

    """

    parts: tuple[Member, ...] = field(default=())
    ends: tuple[tuple[Shape, Shape], ...] = field(default=())
    labels: int = 0

    @classmethod
    def of_blocks(
        cls,
        name: str,
        blocks: Sequence[DigitalBlock | CircuitBlock],
        before: Shape | None = None,
        *,
        labelled: bool = False,
        crossbar: CrossbarRange | None = None,
    ) -> "ChainCircuit":
        """Compile the blocks of a chain; `before` is the shape of what comes in, where something before them makes it.

        In a `labelled` one, one input a class is for labels. With a `crossbar`, the one block, a dense layer, is one.

        Raises
        ------
        CircuitError
            When blocks do not fit together, or a circuit is wrong.

        """
        ends = shapes(blocks, before)
        labels = int(np.prod(ends[-1][1])) if labelled else 0
        each = enumerate(zip(blocks, ends, strict=True))
        parts = tuple(_part(f"{name}.{k + 1}", block, shape, prefix_of(k), crossbar) for k, (block, (shape, _)) in each)
        return cls(name=name, groups=(), elements=(), parts=parts, ends=tuple(ends), labels=labels)

    def __post_init__(self) -> None:
        """Check nothing: its circuits were checked when they were made."""

    def __hash__(self) -> int:
        return id(self)

    @property
    def members(self) -> tuple[Any, ...]:
        """The circuits and the digital layers."""
        return self.parts

    @cached_property
    def circuits(self) -> tuple[tuple[int, Circuit], ...]:
        """The blocks that are circuits, with their numbers from 0 on."""
        return tuple((k, part) for k, part in enumerate(self.parts) if isinstance(part, Circuit))

    @cached_property
    def digital(self) -> tuple[tuple[int, DigitalPart], ...]:
        """The blocks that are digital, a dense layer that is a crossbar among them, with their numbers from 0 on."""
        return tuple((k, part) for k, part in enumerate(self.parts) if isinstance(part, DigitalPart))

    @cached_property
    def crossbars(self) -> tuple[tuple[int, CrossbarPart], ...]:
        """Those that are crossbars."""
        return tuple((k, part) for k, part in self.digital if isinstance(part, CrossbarPart))

    @property
    def trainable(self) -> tuple[Trainable, ...]:
        """The arrays of memristors of all circuits."""
        return tuple(element for _, circuit in self.circuits for element in circuit.trainable)

    @property
    def memristors(self) -> int:
        """Number of memristors, those of crossbars among the digital layers too."""
        return super().memristors + sum(part.circuit.memristors for _, part in self.crossbars)

    @cached_property
    def owners(self) -> dict[str, int]:
        """The number of the block that each element or parameter belongs to, but for the units of crossbars."""
        of_circuits = {element.name: k for k, circuit in self.circuits for element in circuit.elements}
        of_circuits |= {element.name: k for k, part in self.crossbars for element in part.circuit.elements}
        return of_circuits | {name: k for k, part in self.digital if not isinstance(part, CrossbarPart) for name in part.names}

    @property
    def outputs(self) -> Any:
        """The read-outs at the end."""
        return Ends(int(np.prod(self.ends[-1][1])))

    @property
    def input_count(self) -> int:
        """Numbers that a sample has."""
        return int(np.prod(self.ends[0][0])) - self.labels

    def require(self, *roles: Any) -> None:
        """Do nothing: each circuit of a chain has all roles, and digital layers need none."""

    def check_conductances(self, g: Mapping[str, Any]) -> None:
        """Refuse arrays that do not fit.

        Raises
        ------
        CircuitError
            Naming the array and the remedy.

        """
        wanted = [array.name for member in self.members for array in member.trainable]
        if sorted(g) != sorted(wanted):
            msg = f"{self.name}: arrays are given for {', '.join(sorted(g)) or 'nothing'}; it has {', '.join(wanted)}"
            raise CircuitError(msg)
        for _, circuit in self.circuits:
            circuit.check_conductances({element.name: g[element.name] for element in circuit.trainable})
        for _, part in self.digital:
            part.check(g)


def _part(name: str, block: DigitalBlock | CircuitBlock, shape: Shape, prefix: str, crossbar: CrossbarRange | None) -> Member:
    if isinstance(block, CircuitBlock):
        return block.circuit.compile(name, prefix)
    return DigitalPart(block, shape, prefix) if crossbar is None else CrossbarPart(block, shape, prefix, crossbar)

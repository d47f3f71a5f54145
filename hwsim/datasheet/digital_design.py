"""The same layers as a digital design: what its products and its memory take, by published numbers of one technology.

References
----------
M. Horowitz, Computing's energy problem (and what we can do about it), ISSCC 2014, Figure 1.1.9: 45 nm, 0.9 V.

"""

from dataclasses import dataclass

from circuits.units import Joule
from hwsim.datasheet.energy_use import EnergyUse
from hwsim.datasheet.part_counts import PartCounts
from hwsim.datasheet.sheet_section import SheetSection
from hwsim.formatting import quantity

NODE = "45 nm, 0.9 V (Horowitz 2014)"

_WORD = 8
"""Bytes that a read of a memory returns."""

_MEMORIES: tuple[tuple[int, Joule, str], ...] = (
    (8 << 10, 10e-12, "SRAM of 8 kB"),
    (32 << 10, 20e-12, "SRAM of 32 kB"),
    (1 << 20, 100e-12, "SRAM of 1 MB"),
)
_DRAM: Joule = 1.3e-9
"""A read of 8 bytes, the lower of the published ends."""


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """A format of numbers: its bytes, and what a multiplication and an addition take [J]."""

    name: str
    width: int
    multiply: Joule
    add: Joule


FORMATS = (NumberFormat("int8", 1, 0.2e-12, 0.03e-12), NumberFormat("fp32", 4, 3.7e-12, 0.9e-12))


@dataclass(frozen=True, slots=True, kw_only=True)
class DigitalInference:
    """What a sample takes in one format: `products` [J], reads of the weights from `memory` [J], and by how much the circuit takes less."""

    format: str
    memory: str
    products: Joule
    reads: Joule
    times_the_circuit: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DigitalDesign:
    """The same layers in digital arithmetic, `weights` products a sample."""

    node: str
    weights: int
    inferences: tuple[DigitalInference, ...]

    def section(self) -> SheetSection:
        """Show both formats."""
        rows = [
            (
                one.format,
                quantity(one.products, "J"),
                quantity(one.reads, "J"),
                one.memory,
                quantity(one.products + one.reads, "J"),
                f"{one.times_the_circuit:.3g}",
            )
            for one in self.inferences
        ]
        return SheetSection(
            title="The same layers as a digital design",
            condition=(
                f"{self.weights:,} products a sample at {self.node}; each weight is read once a sample from the smallest memory that holds "
                "all of them, 8 bytes a read."
            ),
            header=("numbers", "products", "reads", "weights in", "a sample", "times what the circuit takes"),
            rows=rows,
            notes=(
                "What the circuit takes is all that is counted of an inference above.",
                "Not counted here: activations, control, reads of inputs. The error of such a design is not measured.",
            ),
        )


def digital_design(counts: PartCounts, use: EnergyUse) -> DigitalDesign:
    """Compute what the same layers take in digital arithmetic."""
    inferences = []
    for number in FORMATS:
        size = counts.weights * number.width
        per_read, memory = next(((joules, name) for most, joules, name in _MEMORIES if size <= most), (_DRAM, "DRAM"))
        products, reads = counts.weights * (number.multiply + number.add), size / _WORD * per_read
        inferences.append(
            DigitalInference(
                format=number.name,
                memory=memory,
                products=products,
                reads=reads,
                times_the_circuit=(products + reads) / use.inference.total,
            )
        )
    return DigitalDesign(node=NODE, weights=counts.weights, inferences=tuple(inferences))

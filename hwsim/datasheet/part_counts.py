"""The count of parts: what has to be built, and how many products a sample takes."""

from dataclasses import dataclass

import numpy as np

from circuits.circuit import Circuit
from circuits.elements import Amplifiers, Diodes, IdealDiodes, InputCurrents, InputSources, Resistors, VoltageSources
from circuits.nodes import Nodes
from hwsim.datasheet.sheet_section import SheetSection

_COUNTED: tuple[tuple[str, tuple[type, ...]], ...] = (
    ("fixed resistors", (Resistors,)),
    ("diodes", (Diodes, IdealDiodes)),
    ("amplifiers", (Amplifiers,)),
    ("fixed voltages", (VoltageSources,)),
    ("input sources", (InputSources, InputCurrents)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartCounts:
    """What a circuit is built of.

    Parameters
    ----------
    parts
        By what they are called.
    nodes
        Ground not counted.
    inputs, outputs
        Features, each with a converter, and read-outs, each with a converter and a nudge.
    products
        Memristors that a sample meets, each of which multiplies: those of tied copies count as often as they occur.
    weights
        Products of a perceptron of the same layers: the memristors of a feature and of its negative are one, and those of an output pair.

    """

    parts: dict[str, int]
    nodes: int
    inputs: int
    outputs: int
    products: int
    weights: int

    def section(self) -> SheetSection:
        """Show them."""
        rows = [(name, f"{count:,}") for name, count in self.parts.items()]
        rows += [
            ("nodes", f"{self.nodes:,}"),
            ("input converters (DAC)", f"{self.inputs:,}"),
            ("output converters (ADC), and nudges", f"{self.outputs:,}"),
            ("products a sample", f"{self.products:,}"),
            ("products of a perceptron of these layers", f"{self.weights:,}"),
        ]
        return SheetSection(
            title="Count of parts",
            condition="Of the circuit that is simulated: what writes the memristors, and what selects them, is not in it.",
            header=("part", "count"),
            rows=rows,
        )


def part_counts(circuit: Circuit) -> PartCounts:
    """Count the parts of a circuit."""
    loads = sum(len(e) for e in circuit.trainable if not e.memristive)
    parts = {"memristors": circuit.memristors, "resistors of shared loads": loads}
    parts |= {name: sum(len(e) for e in circuit.of(*kinds)) for name, kinds in _COUNTED}
    ends = [e.expand(np.ones(e.shape))[:2] for e in circuit.memristive]
    same = _same(circuit)
    joined = [np.unique(np.sort(np.stack([same[a], same[b]]), axis=0), axis=1) for a, b in ends]
    return PartCounts(
        parts={name: count for name, count in parts.items() if count},
        nodes=circuit.size,
        inputs=circuit.input_count,
        outputs=len(circuit.outputs),
        products=sum(len(a) for a, _ in ends),
        weights=sum(pairs.shape[1] for pairs in joined),
    )


def _same(circuit: Circuit) -> Nodes:
    """Return numbers of nodes, the same for those of one feature, of one output pair, and of all fixed voltages, shape (N + 1,)."""
    same = np.arange(circuit.size + 1)
    for source in circuit.of(InputSources):
        same[source.plus] = circuit.size + 1 + source.feature
    for fixed in circuit.of(VoltageSources):
        same[fixed.plus] = -1
    same[circuit.outputs.minus] = same[circuit.outputs.plus]
    same[0] = 0
    return same

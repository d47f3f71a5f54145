"""What of a circuit does not learn, as it stands in the matrix: that changes with nothing but which resistors are stiff."""

from collections.abc import Sequence
from typing import NamedTuple, Self

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.nodes import Nodes
from hwsim.core.stiff_resistors import StiffResistors
from hwsim.numeric.general.linear_system import Entries, MNASystem, SourceTerms, eliminated_first, given, learned
from hwsim.numeric.general.wire_grids import Grid
from hwsim.numeric.general.wired_linear import Frame, WiredLinear
from hwsim.typing import Floats


class FixedParts(NamedTuple):
    """A circuit's parts that do not learn.

    Parameters
    ----------
    rows
        Of the whole circuit's matrix: nodes, held currents, and those of stiff resistors.
    entries, sources, exchanged
        In the matrix, on the right, and which rows are exchanged.
    frame
        The circuit without its grids; None where there are none.

    """

    rows: int
    entries: tuple[Entries, ...]
    sources: SourceTerms
    exchanged: tuple[Nodes, Nodes]
    frame: Frame | None

    @classmethod
    def of(cls, circuit: Circuit, chip: Chip, grids: Sequence[Grid], stiff: StiffResistors) -> Self:
        """Collect them; `stiff` resistors are without the wires of the grids."""
        sources, exchanged = SourceTerms.of(circuit, chip, stiff), eliminated_first(circuit, chip, stiff)
        entries = tuple(given(circuit, chip, stiff))
        frame = Frame.of(circuit, chip, grids, entries, sources, exchanged) if grids else None
        return cls(len(sources.fixed), entries, sources, exchanged, frame)

    def factorized(
        self, circuit: Circuit, chip: Chip, g: dict[str, Floats], ports: tuple[Nodes, Nodes], shunts: Sequence[Entries]
    ) -> MNASystem | WiredLinear:
        """Factorize the circuit with conductances g [S] and what stands across its ports.

        Raises
        ------
        RuntimeError, LinAlgError
            When it is singular.

        """
        if self.frame is not None:
            return WiredLinear.of(self.frame, g, chip, ports, shunts)
        learning = (part for e in circuit.trainable for part in learned(e, g))
        return MNASystem.of([*self.entries, *learning, *shunts], ports, self.sources, self.exchanged)

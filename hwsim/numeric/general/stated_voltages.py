"""Nodes whose voltage to ground sources state, so that it is no unknown: it pushes currents through what joins them to others.

v = fixed + by_feature·x,     A·u = s − K·v
"""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.elements import InputSources, VoltageSources
from circuits.nodes import Nodes
from hwsim.core.branch_currents import columns
from hwsim.numeric.general.linear_system import Entries, SourceTerms
from hwsim.numeric.general.sums import compact, dense, summed
from hwsim.typing import Floats


class StatedVoltages(NamedTuple):
    """What sources state.

    Parameters
    ----------
    nodes, currents
        The nodes, (n,), and the numbers of the currents of their sources.
    place
        By the number of a node or held current, its place among the nodes; −1: it is none.
    terms
        Their voltages.

    """

    nodes: Nodes
    currents: Nodes
    place: Nodes
    terms: SourceTerms

    @classmethod
    def of(cls, circuit: Circuit, chip: Chip, sources: SourceTerms) -> Self:
        """Look for sources with one end at ground."""
        first, behind = columns(circuit, chip).first, circuit.size + 1
        none = np.zeros(0, dtype=np.intp)
        parts = [(none, none, np.zeros(0))]
        for source in circuit.of(VoltageSources, InputSources):
            current = behind + first[source.name] + np.arange(len(source))
            for (nodes, others), sign in ((source.ends, 1.0), (source.ends[::-1], -1.0)):
                alone = (nodes > 0) & (others == 0)
                parts.append((nodes[alone], current[alone], np.full(np.count_nonzero(alone), sign)))
        nodes, currents, signs = (np.concatenate(part) for part in zip(*parts, strict=True))
        place = np.full(len(sources.fixed) + 1, -1)
        place[nodes] = np.arange(len(nodes))
        of_source = summed(signs, np.arange(len(nodes)), currents - 1, (len(nodes), len(sources.fixed)))
        return cls(nodes, currents, place, SourceTerms(of_source @ sources.fixed, compact(of_source @ sources.by_feature)))

    def pushing(self, parts: Sequence[Entries], number: Nodes, sources: SourceTerms) -> SourceTerms:
        """Add to what is pushed into the rows that have a `number` what these nodes push there through entries K."""
        row, column = (np.concatenate([part[k] for part in parts]) for k in (0, 1))
        value = np.concatenate([np.broadcast_to(part.value, part.row.shape) for part in parts])
        some = (number[row] > 0) & (self.place[column] >= 0)
        shape = len(sources.fixed), len(self.nodes)
        k = dense(summed(value[some], number[row[some]] - 1, self.place[column[some]], shape))
        return SourceTerms(sources.fixed - k @ self.terms.fixed, sources.by_feature - k @ self.terms.by_feature)

    def across(self, a: Nodes, b: Nodes, x: Floats) -> Floats:
        """Return the voltages from nodes a to nodes b, (nodes, B) [V], from features (B, I); those that are not stated count as 0 V."""
        v = np.concatenate([self.terms(x), np.zeros((1, len(x)))])  # the last for place −1
        across: Floats = v[self.place[a]] - v[self.place[b]]
        return across

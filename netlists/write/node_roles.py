"""Roles of nodes: what each group of them is, by a deck's header."""

from collections.abc import Iterator

import numpy as np

from circuits.arrays import Divisible
from circuits.circuit import Circuit
from circuits.elements import Amplifiers, Diodes, IdealDiodes, InputSources, VoltageSources
from circuits.nodes import Nodes


def what_they_are(circuit: Circuit, nodes: Nodes) -> str:
    """Describe what some nodes are: inputs, rails, rows and columns of crossbars, outputs; an empty text of others."""
    return ", ".join(_roles(circuit, nodes))


def _roles(circuit: Circuit, nodes: Nodes) -> Iterator[str]:
    arrays = circuit.trainable
    rows = [array.name for array in arrays if isinstance(array, Divisible) and np.isin(nodes, array.rows).any()]
    columns = [array.name for array in arrays if isinstance(array, Divisible) and np.isin(nodes, array.columns).any()]
    if any(np.isin(nodes, source.plus).any() for source in circuit.of(InputSources)):
        yield "inputs"
    if any(np.isin(nodes, (*source.plus, *source.minus)).any() for source in circuit.of(VoltageSources)):
        diodes = any(np.isin(nodes, end).any() for element in circuit.of(Diodes, IdealDiodes) for end in element.ends)
        yield "rails of the diodes" if diodes and not rows else "fixed voltages"
    for element in circuit.of(Amplifiers):
        if np.isin(nodes, element.output).any():
            yield f"outputs of the amplifiers {element.name}"
    if columns:
        yield f"columns of {' and '.join(columns)}"
    if rows:
        yield f"rows of {' and '.join(rows)}"
    outputs = circuit.outputs
    if np.isin(nodes, outputs.plus).any():
        pairs = outputs.minus.any() and np.isin(nodes, outputs.minus).any()
        yield "read in pairs as the outputs, the first less the second" if pairs else "read as the outputs"
    elif outputs.minus.any() and np.isin(nodes, outputs.minus).any():
        yield "subtracted from the outputs"

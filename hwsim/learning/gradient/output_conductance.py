"""The conductance of an output: what a nudge's current meets there."""

from typing import Any

import numpy as np

from circuits.circuit import Circuit
from hwsim.core import blocks
from hwsim.typing import Array, Conductances


def output_conductance(circuit: Circuit, g: Conductances) -> Array:
    """Return the smallest sum of trainable conductances at a node that is read [S]; of nodes without any, their typical value.

    `g` are conductances [S], by element array or by block, of NumPy or of JAX.
    """
    read = np.unique(np.concatenate([circuit.outputs.plus, circuit.outputs.minus]))
    read, of_blocks = read[read > 0], blocks.split(circuit, g)
    total: Any = 0.0
    joined = np.zeros(len(read), bool)
    for block, array in blocks.parts(circuit):
        values = of_blocks[block]
        for nodes, sums in ((array.rows, array.row_sum(values)), (array.columns, array.column_sum(values))):
            here = (read[:, None] == nodes).astype(np.float64)
            if here.any():
                total, joined = total + here.astype(values.dtype) @ sums, joined | here.any(axis=1)
    if joined.all():  # else the mean of so many logarithms is a good part of a small update
        return total.min()
    xp = next(iter(of_blocks.values())).__array_namespace__()
    typical = xp.exp(xp.stack([xp.log(values).mean() for values in of_blocks.values()]).mean())
    return xp.where(total > 0, total, typical).min()

"""Layers with twins: what a network needs for them, and the array of a layer."""

from typing import Any

import numpy as np

from circuits.elements import Elements
from circuits.errors import CircuitError
from circuits.maps import Maps
from circuits.network_layers import HiddenLayer
from circuits.nodes import Nodes
from circuits.paired import Paired
from circuits.twins import Twins

_NEEDED = (
    ("signed_inputs", "each row needs its negative"),
    ("signed_bias", "each row needs its negative"),
    ("differential", "an output's two columns are twins"),
)


def refuse_uneven(network: Any) -> None:
    """Refuse what keeps a network's twins, if it has any, from settling at the negatives of their columns.

    Raises
    ------
    CircuitError
        Naming the key to change.

    """
    if not network.twins:
        return
    for key, why in _NEEDED:
        if not getattr(network, key) and (network.bias or key != "signed_bias"):
            msg = f"network: twins = True, and {key} = False: {why}; set {key} to True"
            raise CircuitError(msg)
    for k, layer in enumerate(network.layers):
        if not layer.neuron.odd:
            msg = f"network: layers[{k}]: a {layer.neuron.kind} of twins must be odd; set v_low to -v_high, or choose another kind"
            raise CircuitError(msg)
        if layer.amplifier is not None and layer.amplifier.offset:
            msg = f"network: layers[{k}]: an offset of {layer.amplifier.offset:g} V moves a column and its twin alike; set offset to 0"
            raise CircuitError(msg)


def pairs(maps: Maps) -> Paired:
    """Return how the nodes of a layer are paired: pixel by pixel, first all channels, then their twins."""
    return Paired(maps.height * maps.width, maps.channels)


def twinned(  # noqa: PLR0913, PLR0917 - what an array takes, and the pairs
    layer: HiddenLayer, name: str, rows: Nodes, bias: Nodes, columns: Nodes, before: Maps, ends: tuple[Paired, Paired], **bounds: Any
) -> Elements:
    """Return what joins rows and bias rows, each with their negatives, to columns and their twins; `ends` pair the rows and the columns."""
    of_rows, of_columns = ends
    if not layer.learned:
        return layer.array(name, rows, bias, columns, before._replace(channels=2 * before.channels))
    one: Any = layer.array(name, of_rows.split(rows)[0], bias[: len(bias) // 2], of_columns.split(columns)[0], before, **bounds)
    of_all = (of_rows, Paired(1, 1)) if len(bias) else (of_rows,)
    nodes = np.concatenate([rows, bias])
    return Twins(name=name, rows=nodes, columns=columns, one=one, row_pairs=of_all, column_pairs=of_columns, **bounds)

"""Layers that do not go together: each check names two and the remedy."""

from typing import TYPE_CHECKING

from circuits.capacitors import per_layer
from circuits.errors import CircuitError

if TYPE_CHECKING:
    from circuits.network import Network


def refuse_odd(network: "Network") -> None:
    """Refuse what does not go together.

    Raises
    ------
    CircuitError
        Naming what, and what to set.

    """
    _refuse_timed(network)
    _refuse_lines(network)
    _refuse_wired(network)
    _refuse_outputs(network)


def _refuse_timed(network: "Network") -> None:
    """Refuse circuits that are clocked in part: their columns settle within a phase, and have no capacitors and no other dynamics."""
    clocked = {k: layer.recurrence.hold is not None for k, layer in enumerate(network.layers) if layer.recurrence is not None}
    if not any(clocked.values()):
        return
    farads = per_layer(network.capacitance, len(network.layers))
    if any(farads):
        msg = f"network: capacitance = {max(farads):g} F, and columns with a hold settle in each clock; set capacitance to 0"
        raise CircuitError(msg)
    free = next((k for k, has_hold in clocked.items() if not has_hold), None)
    if free is not None:
        msg = f"network: layers[{free}] has a recurrence without a hold, and others have one; give each a hold, or none"
        raise CircuitError(msg)


def _refuse_lines(network: "Network") -> None:
    """Refuse lines that lead on through amplifiers of columns, or to windows of maps, which they do not make."""
    for k, layer in enumerate(network.layers):
        if layer.recurrence is None or layer.recurrence.onward == "columns":
            continue
        if layer.amplifier is not None:
            msg = f"network: layers[{k}] has an amplifier, and its lines lead on, which have a gain; omit it, or set onward to columns"
            raise CircuitError(msg)
        if any(behind.images for behind in network.layers[k + 1 : k + 2]):
            msg = f"network: layers[{k}].recurrence.onward = lines leads to a {network.layers[k + 1].kind}; set it to columns"
            raise CircuitError(msg)


def _refuse_wired(network: "Network") -> None:
    """Refuse wires with resistance where no dense crossbar stands alone, and twins of a recurrence."""
    odd = next((f"layers[{k}] is a {layer.kind}" for k, layer in enumerate(network.layers) if layer.images), None)
    recurrent = next((f"layers[{k}] has a recurrence" for k, layer in enumerate(network.layers) if layer.recurrence is not None), None)
    if recurrent and network.twins:
        msg = f"network: {recurrent}, and twins have none; set twins to False"
        raise CircuitError(msg)
    odd = "twins = True" if network.twins else odd or recurrent
    if odd is not None and (network.wire_r_row or network.wire_r_column):
        what = f"{odd}, and wires have resistance in dense crossbars alone"
        msg = f"network: {what}; set wire_r_row and wire_r_column to 0 ohm"
        raise CircuitError(msg)


def _refuse_outputs(network: "Network") -> None:
    """Refuse neurons on pairs of columns, and those that lead on to other nodes than the columns."""
    kind = network.output_neuron.kind
    if kind in {"dead-zone", "comparator"}:
        msg = f"network: output_neuron is a {kind}, and nothing follows the outputs that it could lead to; choose another kind"
        raise CircuitError(msg)
    if kind != "linear" and network.differential:
        msg = f"network: output_neuron is a {kind}, and outputs are differences of columns; set differential to False"
        raise CircuitError(msg)

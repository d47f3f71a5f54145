"""The gradient by the inputs: what a response of the voltages changes in the currents that input sources deliver."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from circuits.arrays import Divisible
from circuits.chip import AnyChip
from circuits.circuit import Circuit
from circuits.elements import Capacitors, InputCurrents, InputSources, Resistors
from circuits.rows import row_parts
from hwsim.core import blocks
from hwsim.core.gathering import gather
from hwsim.core.protocol import UnsupportedCircuitError
from hwsim.learning.gradient.drops import Field
from hwsim.learning.gradient.factors import Factor
from hwsim.typing import Array, Conductances


def input_gradient(circuit: Circuit, chip: AnyChip, g: Conductances, response: Field, x: Array, factors: Mapping[str, Factor]) -> Array:
    """Return Σ c·(current that the response pushes into the input rows)·(volts per unit of a feature) by feature, (B, I).

    Parameters
    ----------
    g
        Conductances [S], by element array or by block.
    response
        Change of the voltages by node group, 0 where sources hold them.
    x
        The features; only their shape counts.
    factors
        Weights c of the element arrays in the energy.

    Raises
    ------
    UnsupportedCircuitError
        When an input drives anything but trainable devices: what flows there is not counted.

    """
    _refuse_others(circuit)
    of_blocks, total = blocks.split(circuit, g), 0.0 * x
    for element in circuit.trainable:
        if isinstance(element, Divisible):
            columns = gather(circuit, response, element.columns)
            columns = columns * _cast(factors[element.name], columns)
            for features, part, weight, scale in _by_features(circuit, chip, element, of_blocks):
                total = _added(total, features, scale * part.backward(weight, columns))
        else:
            total = _of_list(circuit, chip, element, of_blocks[element.name], response, total, factors[element.name])
    return total


def _by_features(circuit: Circuit, chip: AnyChip, element: Divisible, g: Mapping[str, Array]) -> Iterator[tuple[Any, Any, Array, Any]]:
    """List the rows that features drive: the features, the rows, their conductances [S] and scales [V per unit].

    Rows with the same features share one product, as those of a feature and of its negative do.
    """
    merged: dict[tuple[bytes, Any], tuple[Any, Any, Array]] = {}
    for run, part in row_parts(circuit, element):
        if run.features is None:
            continue
        of_run = g[blocks.name(element.name, run.of_g)]
        scale = chip(run.source or "", "scale")[run.places].astype(of_run.dtype)
        if (scaled := part.times_rows(of_run, scale)) is None:
            yield run.features, part, of_run, scale
        else:
            key = run.features.tobytes(), part.pattern
            merged[key] = run.features, part, merged[key][2] + scaled if key in merged else scaled
    yield from ((features, part, weight, 1.0) for features, part, weight in merged.values())


def _of_list(  # noqa: PLR0913, PLR0917 - a list in its circuit
    circuit: Circuit, chip: AnyChip, element: Any, g: Array, response: Field, total: Array, factor: Factor
) -> Array:
    for here, there in ((element.rows, element.columns), (element.columns, element.rows)):
        for source in circuit.of(InputSources):
            place = {int(node): k for k, node in enumerate(source.plus)}
            on = np.flatnonzero([int(node) in place for node in here])
            if len(on):
                k = [place[int(node)] for node in here[on]]
                weight = _cast(factor, g) if np.ndim(factor) == 0 else _cast(factor, g)[on]
                current = gather(circuit, response, there[on]) * (g[on] * weight)
                total = _added(total, source.feature[k], current * chip(source.name, "scale")[k].astype(current.dtype))
    return total


def _added(total: Array, features: Any, values: Array) -> Array:
    """Add the values of rows (B, rows) to those of their features; a feature may drive several."""
    if np.array_equal(features, np.arange(total.shape[1])):
        return total + values
    if isinstance(values, np.ndarray):
        np.add.at(total.T, features, values.T)
        return total
    return values.__array_namespace__().asarray(total).at[:, features].add(values)


def _cast(factor: Factor, like: Array) -> Any:
    return factor if isinstance(factor, float) else factor.astype(like.dtype)


def _refuse_others(circuit: Circuit) -> None:
    if circuit.of(InputCurrents):
        currents = circuit.of(InputCurrents)[0].name
        msg = f"{circuit.name}: the gradient by the inputs is known where they are voltages; here {currents} are currents"
        raise UnsupportedCircuitError(msg)
    inputs = np.concatenate([source.plus for source in circuit.of(InputSources)])
    trainable = {element.name for element in circuit.trainable}
    for element in circuit.elements:
        if element.name in trainable or isinstance(element, InputSources | Capacitors):
            continue
        if any(np.isin(end, inputs).any() for pair in element.pairs for end in pair):
            what = "wires or resistors" if isinstance(element, Resistors) else element.name
            msg = f"{circuit.name}: the gradient by the inputs is known where they drive memristors alone; here they drive {what} too"
            raise UnsupportedCircuitError(msg)

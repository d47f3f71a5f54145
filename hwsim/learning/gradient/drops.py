"""Products of voltage drops over every trainable device, summed over a batch: all that a local learning rule needs."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from circuits.arrays import Divisible, Trainable
from circuits.chip import AnyChip
from circuits.circuit import Circuit
from circuits.rows import RowRun, row_parts
from hwsim.core import blocks
from hwsim.core.gathering import gather
from hwsim.learning.gradient.factors import Factor
from hwsim.typing import Array

Field = Mapping[str, Array]
"""Voltages by node group, each (B, n)."""


def drop_products(circuit: Circuit, chip: AnyChip, p: Field, q: Field, x: Array, phases: int = 1) -> dict[str, Array]:
    """Return Σ_b (p_i − p_j)·(q_i − q_j) for every trainable device between nodes i and j; devices that share a conductance add up.

    The sum is expanded into matrix products; an array (batch, rows, columns) is never built. Rows with the same features share one.

    Parameters
    ----------
    p
        A field that is 0 on nodes which sources hold: a difference of two phases, or an adjoint.
    q
        Any field.
    x
        The features that q's input rows carry, shape (B, I).
    phases
        Of how many phases q is the sum.

    Returns
    -------
    dict
        By block: (rows, columns) for rows of a crossbar, (n,) for memristors [V²].

    """
    products: dict[str, Array] = {}
    for element in circuit.trainable:
        products |= _of_array(circuit, chip, element, (p, q), x, phases, _unweighted)
    return products


def weighted_drop_products(  # noqa: PLR0913 - two fields on a circuit, and their weights
    circuit: Circuit, chip: AnyChip, p: Field, q: Field, x: Array, *, factors: Mapping[str, Factor], scale: Array | float, phases: int = 1
) -> dict[str, Array]:
    """Return the products of drops times their weights in the energy, c_l/c_L, and a common scale.

    Devices that share a conductance have each their own weight, where there is one a column.
    """
    block_products: dict[str, Array] = {}
    for element in circuit.trainable:
        factor = factors[element.name]
        within = element.shared and not isinstance(factor, float)
        drops = _of_array(circuit, chip, element, (p, q), x, phases, _weighing(factor) if within else _unweighted)
        for block, drop in drops.items():
            outside = 1.0 if within else factor if isinstance(factor, float) else factor.astype(drop.dtype)
            block_products[block] = drop * (outside * scale)
    return block_products


_Weighted = Callable[[Array], Array]


def _of_array(  # noqa: PLR0913, PLR0917 - what drop_products takes, and the array
    circuit: Circuit, chip: AnyChip, array: Trainable, fields: tuple[Field, Field], x: Array, phases: int, weighted: _Weighted
) -> dict[str, Array]:
    if isinstance(array, Divisible):
        return _of_runs(circuit, chip, array, fields, x, phases, weighted)
    p, q = ((gather(circuit, field, array.rows), gather(circuit, field, array.columns)) for field in fields)
    return {array.name: array.drop_products((weighted(p[0]), weighted(p[1])), q)}


def _unweighted(values: Array) -> Array:
    return values


def _weighing(factor: Any) -> _Weighted:
    return lambda values: values * factor.astype(values.dtype)


def _of_runs(  # noqa: PLR0913, PLR0917 - what drop_products takes, and the array
    circuit: Circuit, chip: AnyChip, array: Divisible, fields: tuple[Field, Field], x: Array, phases: int, weighted: _Weighted
) -> dict[str, Array]:
    # Σ(p_i − p_j)(q_i − q_j) = Σ p_j·q_j − Σ q_i·p_j where p_i = 0; q_i follows from features, or is the same for all samples
    p, q = fields
    p_columns, q_columns = weighted(gather(circuit, p, array.columns)), gather(circuit, q, array.columns)
    at_columns = (p_columns * q_columns).sum(axis=0)
    shared: dict[tuple[bytes, Any], Array] = {}

    def block(run: RowRun, part: Divisible) -> Array:
        if run.source is not None:
            of_columns = part.of_columns(at_columns)
        if run.features is not None:
            scale, offset = (chip(run.source or "", what)[run.places].astype(p_columns.dtype) for what in ("scale", "offset"))
            whole = len(run.features) == x.shape[1] and (run.features == range(x.shape[1])).all()
            key = run.features.tobytes(), part.pattern
            if key not in shared:
                shared[key] = part.outer(x if whole else x[:, run.features], p_columns)
            scaled = part.times_rows(shared[key], phases * scale)
            if scaled is None:
                scaled = part.outer((x if whole else x[:, run.features]) * (phases * scale), p_columns)
            products = of_columns - scaled
            if isinstance(offset, np.ndarray) and not offset.any():
                return products
            return products - phases * part.outer(offset[None], p_columns.sum(axis=0)[None])
        if run.source is not None:
            volts = chip(run.source, "v")[run.places].astype(p_columns.dtype)
            return of_columns - phases * part.outer(volts[None], p_columns.sum(axis=0)[None])
        return part.drop_products((gather(circuit, p, run.nodes), p_columns), (gather(circuit, q, run.nodes), q_columns))

    total: dict[str, Array] = {}
    for run, part in row_parts(circuit, array):
        name, products = blocks.name(array.name, run.of_g), block(run, part)
        total[name] = total[name] + products if name in total else products
    return total

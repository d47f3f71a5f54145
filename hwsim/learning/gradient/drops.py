"""Products of voltage drops over every trainable device, summed over a batch: all that a local learning rule needs."""

from collections.abc import Mapping

import numpy as np

from circuits.arrays import Trainable
from circuits.chip import AnyChip
from circuits.circuit import Circuit
from circuits.rows import RowRun, row_runs
from hwsim.core import blocks
from hwsim.core.protocol import gather
from hwsim.typing import Array

Field = Mapping[str, Array]
"""Voltages by node group, each (B, n)."""


def drop_products(circuit: Circuit, chip: AnyChip, p: Field, q: Field, x: Array, phases: int = 1) -> dict[str, Array]:
    """Return Σ_b (p_i − p_j)·(q_i − q_j) for every trainable device between nodes i and j.

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
    found: dict[str, Array] = {}
    for element in circuit.trainable:
        if element.grid:
            found |= _of_runs(circuit, chip, element, p, q, x, phases)
        else:
            sides = ((gather(circuit, field, element.rows), gather(circuit, field, element.columns)) for field in (p, q))
            found[element.name] = element.drop_products(*sides)
    return found


def _of_runs(  # noqa: PLR0913, PLR0917 - what drop_products takes, and the grid
    circuit: Circuit, chip: AnyChip, grid: Trainable, p: Field, q: Field, x: Array, phases: int
) -> dict[str, Array]:
    # Σ(p_i − p_j)(q_i − q_j) = Σ p_j·q_j − Σ q_i·p_j where p_i = 0; q_i follows from features, or is the same for all samples
    p_columns, q_columns = gather(circuit, p, grid.columns), gather(circuit, q, grid.columns)
    of_columns = (p_columns * q_columns).sum(axis=0)
    shared: dict[bytes, Array] = {}

    def block(run: RowRun) -> Array:
        if run.features is not None:
            key = run.features.tobytes()
            if key not in shared:
                whole = len(run.features) == x.shape[1] and (run.features == range(x.shape[1])).all()
                shared[key] = grid.outer(x if whole else x[:, run.features], p_columns)
            scale, offset = (chip(run.source or "", what)[run.places].astype(p_columns.dtype) for what in ("scale", "offset"))
            products = of_columns - (phases * scale[:, None]) * shared[key]
            if isinstance(offset, np.ndarray) and not offset.any():
                return products
            return products - phases * offset[:, None] * p_columns.sum(axis=0)
        if run.source is not None:
            held = chip(run.source, "v")[run.places].astype(p_columns.dtype)
            return of_columns - phases * held[:, None] * p_columns.sum(axis=0)
        return grid.drop_products((gather(circuit, p, run.nodes), p_columns), (gather(circuit, q, run.nodes), q_columns))

    return {blocks.name(grid.name, run.span): block(run) for run in row_runs(circuit, grid)}

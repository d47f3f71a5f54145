"""Trainable elements of a deck: their conductances, and where each of them stands in the text, so that learning can change it there."""

import numpy as np
from numpy.typing import NDArray

from circuits.circuit import Circuit
from netlists.build.arrays import Sorting
from netlists.build.builder import Making
from netlists.deck import Places
from netlists.text.findings import Finding, Findings
from netlists.text.lines import Source


def conductances(circuit: Circuit, sorting: Sorting, making: Making) -> tuple[dict[str, NDArray[np.float64]], dict[str, Places]]:
    """Read the conductances that learn, every digit of them, and find where each stands."""
    table = sorting.flat.resistances
    ohm = np.array(table.ohm)
    with np.errstate(over="ignore"):
        of_all = 1.0 / ohm
    of_all[list(table.exact)] = list(table.exact.values())
    for k in np.flatnonzero(~np.isfinite(of_all)).tolist():  # of those below 1e-308
        text = f"{table.names[k]}: {ohm[k]:g} ohm has no conductance that is a number; write a larger resistance"
        sorting.findings.mistakes.append(Finding(table.lines[k].source.name, table.lines[k].number, text))
    g: dict[str, NDArray[np.float64]] = {}
    places: dict[str, Places] = {}
    for element in circuit.trainable:
        members = making.members[element.name]
        rows = [making.place[name] for name in members]
        places[element.name] = Places(table, rows)
        g[element.name] = of_all[rows].reshape(element.shape)
        for k in rows:
            if not table.factors[k]:
                text = f"{table.names[k]} has no value of its own, which learning could change; write its resistance behind its nodes"
                sorting.findings.mistakes.append(Finding(table.lines[k].source.name, table.lines[k].number, text))
    return g, places


def warn_bounds(circuit: Circuit, g: dict[str, NDArray[np.float64]], findings: Findings, source: Source) -> None:
    """Warn of conductances that lie outside of their bounds."""
    for element in circuit.trainable:
        outside = int(np.sum((g[element.name] < element.g_min) | (g[element.name] > element.g_max)))
        if outside:
            text = f"{outside} of {len(element)} conductances of {element.name} lie outside of their bounds; learning will bring them in"
            findings.warnings.append(Finding(source.name, 1, text))

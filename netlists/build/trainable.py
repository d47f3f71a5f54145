"""What learns in a deck: its conductances, and where each of them stands in the text, so that learning can change it there."""

import numpy as np
from numpy.typing import NDArray

from circuits.circuit import Circuit
from netlists.build.arrays import Sorting
from netlists.deck import Place, Places
from netlists.text.findings import Finding, Findings
from netlists.text.lines import Source
from netlists.build.builder import Making
from netlists.read.parts import Resistances


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
    used: dict[tuple[Source, int, int], str] = {}
    for element in circuit.trainable:
        members = making.members[element.name]
        rows = [making.place[name] for name in members]
        places[element.name] = Places(table, rows)
        g[element.name] = of_all[rows].reshape(element.shape)
        for k in rows:
            unwritable = _unwritable(table, k, used) if table.spots[k] is not None or not table.factors[k] else None
            if unwritable:
                text = f"{table.names[k]} {unwritable}"
                sorting.findings.mistakes.append(Finding(table.lines[k].source.name, table.lines[k].number, text))
    return g, places


def _unwritable(table: Resistances, k: int, used: dict[tuple[Source, int, int], str]) -> str | None:
    """Say why learning cannot change a value in the text, if so."""
    spot = table.spots[k]
    if spot is None or not table.factors[k]:
        return "has no value of its own, which learning could change; write its resistance behind its nodes"
    source, line, start, _ = Place(table.lines[k], spot, 1.0).characters()
    if used.setdefault((source, line, start), table.names[k]) != table.names[k] or (spot.owner is not None and spot.owner.uses > 1):
        return "shares its value with other elements; give each instance its own, as a parameter"
    return None


def warn_bounds(circuit: Circuit, g: dict[str, NDArray[np.float64]], findings: Findings, source: Source) -> None:
    """Warn of conductances that lie outside of their bounds."""
    for element in circuit.trainable:
        outside = int(np.sum((g[element.name] < element.g_min) | (g[element.name] > element.g_max)))
        if outside:
            text = f"{outside} of {len(element)} conductances of {element.name} lie outside of their bounds; learning will bring them in"
            findings.warnings.append(Finding(source.name, 1, text))

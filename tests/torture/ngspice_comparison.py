"""ngspice next to the numeric engine: where both settle, each is compared with the exact equilibrium and with the other."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from circuits.circuit import Circuit
from circuits.elements import Amplifiers, IdealDiodes
from hwsim.core.protocol import Drive, Push, Result
from hwsim.ngspice.ngspice_engine import NgspiceEngine
from hwsim.ngspice.ngspice_errors import NgspiceError
from torture.exact import Exact
from torture.extremes import Case

NEAR = 1e-6
"""How far ngspice may be off, as a share of the circuit's largest voltage, to be called right; its own default is a thousandth."""


def compared_with_ngspice(
    circuit: Circuit, drawn: Sequence[Case], right: Mapping[int, np.ndarray], promised: float
) -> tuple[Counter[str], list[str]]:
    """Ask ngspice for the cases that the numeric engine has right, given with their voltages (N + 1,) [V].

    Returns how many came to what, and in words those where the two settled apart from each other though there is one equilibrium. There may
    be several where amplifiers differ; ngspice also takes those that would not last. Circuits of ideal diodes are left out: it has none.
    """
    tally, wrong = Counter[str](), list[str]()
    if circuit.of(IdealDiodes):
        return tally, wrong
    for k, v in right.items():
        other = _asked(circuit, drawn[k])
        if other is None:
            tally["ngspice: reported"] += 1
            continue
        one, largest = drawn[k], max(1e-3, float(np.abs(v).max()))
        off = Exact(circuit, one.chip, one.g).check(other, one.x, one.beta, one.target).off
        if off > NEAR * largest:
            tally["ngspice: it alone is off"] += 1
        elif np.abs(other - v).max() > off + promised * largest + 1e-12:
            word = "another equilibrium" if _differ(circuit, one) else "apart"
            tally[f"ngspice: {word}"] += 1
            if word == "apart":
                wrong.append(f"{circuit.name} case {k}: apart from ngspice by {np.abs(other - v).max():.3g} V of {largest:.3g} V")
        else:
            tally["ngspice: agrees"] += 1
    return tally, wrong


def _differ(circuit: Circuit, one: Case) -> bool:
    """Whether amplifiers of a layer differ, so that there may be several equilibria."""
    names = [(amplifiers.name, what) for amplifiers in circuit.of(Amplifiers) for what in ("gain", "back")]
    return any(np.ptp(one.chip(*name)) > 0 for name in names)


def _asked(circuit: Circuit, one: Case) -> np.ndarray | None:
    """Return ngspice's voltages (N + 1,) [V]; None where it reports that it found none."""
    logging.getLogger("hwsim.ngspice").setLevel(logging.ERROR)
    drive = Drive(one.x[None], Push(one.beta, one.target[None]))
    try:
        with NgspiceEngine(workers=1).prepare(circuit, one.chip) as solver:
            equilibrium = solver.solve(one.g, drive, throw=False)
    except NgspiceError:
        return None
    if equilibrium.result[0] != Result.CONVERGED:
        return None
    return np.concatenate([[0.0], *(equilibrium.v[group.name][0] for group in circuit.groups)])

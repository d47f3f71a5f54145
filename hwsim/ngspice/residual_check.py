"""Residual check: a point of ngspice's counts when Kirchhoff's law, summed up from the elements themselves, holds for it."""

import numpy as np
from numpy.typing import NDArray

from circuits.arrays import Trainable
from circuits.elements import Capacitors, CurrentSources, InputCurrents, Nudges, Resistors
from hwsim.core.kirchhoff import balance
from hwsim.core.protocol import Drive, Equilibrium, Result
from hwsim.core.stiff_resistors import has_stiff
from hwsim.ngspice.plan import Plan
from hwsim.ngspice.user_plan import UserPlan
from hwsim.typing import Conductances, Floats


def verified(plan: Plan | UserPlan, g: Conductances, drive: Drive, answer: Equilibrium) -> Equilibrium:
    """Return an answer of ngspice with its residuals, and with the code of what is wrong where something is.

    Parameters
    ----------
    plan
        The circuit, with sharp diodes in the place of ideal ones.
    g
        Conductances [S].
    drive
        Features (B, I) and the push, whose beta has shape (B, 1).
    answer
        All voltages, and the codes so far.

    """
    result, residual = np.array(answer.result), np.full(len(answer.result), np.nan)
    ok = np.flatnonzero(result == Result.CONVERGED)
    if len(ok):
        whole = len(ok) == len(result)
        applied, some = (drive, answer) if whole else (drive.some(ok), answer.some(ok))
        balanced = balance(plan.circuit, plan.chip, g, applied, some)
        residual[ok] = balanced.residual
        result[ok[~balanced.holds]] = Result.STIFF if has_stiff(plan.circuit, plan.chip) else Result.MAX_STEPS
    beta = np.asarray(drive.push.beta)
    if (beta < 0).any():
        pushed = beta * plan.chip(plan.circuit.outputs.name, "gain")
        result[(result == Result.CONVERGED) & ~_is_convex(plan, g, pushed)] = Result.NOT_CONVEX
    return answer._replace(residual=residual, result=result)


def _is_convex(plan: Plan | UserPlan, g: Conductances, beta: Floats) -> NDArray[np.bool_]:
    """Return for each sample, shape (B,), whether its outputs are stable under a negative nudge.

    The conductance matrix of an output pair, [[a + beta, −beta], [−beta, b + beta]], must stay positive definite. Outputs at which
    anything but linear elements stands are not looked at. `beta` is (B, K) [S].
    """
    outputs = plan.circuit.outputs
    a, linear = _conductances(plan, g)
    a[0] = np.inf
    linear[0] = True
    plus, minus = a[outputs.plus], a[outputs.minus]
    with np.errstate(invalid="ignore"):
        both = np.where(np.isinf(minus), plus, np.where(np.isinf(plus), minus, plus * minus / (plus + minus)))
    checked = linear[outputs.plus] & linear[outputs.minus] & (outputs.plus != outputs.minus)
    stable: NDArray[np.bool_] = (~checked | (both + beta > 0)).all(axis=1)
    return stable


def _conductances(plan: Plan | UserPlan, g: Conductances) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the sum of conductances at each node [S], and whether nothing but linear elements stands there."""
    circuit = plan.circuit
    a, linear = np.zeros(circuit.size + 1), np.ones(circuit.size + 1, dtype=bool)
    for element in circuit.elements:
        match element:
            case Trainable(rows=rows, columns=columns, name=name):
                np.add.at(a, rows, element.row_sum(np.asarray(g[name])))
                np.add.at(a, columns, element.column_sum(np.asarray(g[name])))
            case Resistors(a=one, b=other, name=name):
                np.add.at(a, one, 1 / plan.chip(name, "r"))
                np.add.at(a, other, 1 / plan.chip(name, "r"))
            case Nudges() | CurrentSources() | InputCurrents() | Capacitors():
                pass
            case _:
                for terminal in element.terminals:
                    if terminal != "feature":
                        linear[getattr(element, terminal)] = False
    return a, linear

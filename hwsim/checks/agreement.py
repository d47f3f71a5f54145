"""Engines compared with each other, and with Kirchhoff's law."""

import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.elements import IdealDiodes, InputSources, VoltageSources
from hwsim.checks.check_results import AGREE_KIRCHHOFF, AGREE_V, PHASES, Bench, CheckResult
from hwsim.core import kirchhoff
from hwsim.core.protocol import ConvergenceError, Drive, Engine, Equilibrium, Push
from hwsim.core.stiff_resistors import has_stiff
from hwsim.learning.rules.estimator import LossNudge
from hwsim.numeric.numeric_engine import NumericEngine

AGREE_SHARP = 1e-3
"""Share of the voltage range; the largest error of the sharp diode that replaces an ideal clamp."""


def engines(chip: Chip, bench: Bench, few: Bench, nudge: LossNudge, reference: Engine) -> list[CheckResult]:
    """Compare the numeric engine with a reference, which solves `few` samples, and both with Kirchhoff's law.

    Stiff resistors may leave the reference nothing but rounding; then only the numeric engine is compared with Kirchhoff's law.

    Raises
    ------
    ConvergenceError
        When an engine finds no equilibrium of other circuits.

    """
    circuit = bench.circuit
    with NumericEngine().prepare(circuit, chip) as numeric, reference.prepare(circuit, chip) as other:
        ours = numeric.phases(bench.g, bench.x, bench.y, nudge)
        try:
            theirs = other.phases(bench.g, few.x, few.y, nudge)
        except ConvergenceError:
            if not has_stiff(circuit, chip):
                raise
            return [balance("kirchhoff_numeric", chip, bench, nudge, ours)]
    findings = [*agreement(circuit, ours, theirs), balance("kirchhoff_numeric", chip, bench, nudge, ours)]
    if not circuit.of(IdealDiodes):  # a sharp diode's current differs from an ideal one's
        findings.append(balance(f"kirchhoff_{reference.name}", chip, few, nudge, theirs))
    return findings


def agreement(circuit: Circuit, numeric: tuple[Equilibrium, ...], ngspice: tuple[Equilibrium, ...]) -> list[CheckResult]:
    """Compare all node voltages, free and nudged."""
    findings = []
    for name, of_numeric, of_ngspice in zip(PHASES, numeric, ngspice, strict=True):
        batch = len(of_ngspice.residual)
        apart = max(float(np.abs(of_numeric.v[key][:batch] - of_ngspice.v[key]).max()) for key in of_ngspice.v)
        limit = AGREE_V
        if circuit.of(IdealDiodes):
            limit = AGREE_SHARP * voltage_range(circuit, of_ngspice)
        findings.append(CheckResult(f"engines_dv_{name}", apart, limit, "V", apart <= limit))
    return findings


def voltage_range(circuit: Circuit, equilibrium: Equilibrium) -> float:
    """Return the largest voltage of a source [V]."""
    return max(
        float(np.abs(equilibrium.at(circuit, source.plus)).max()) for source in circuit.of(VoltageSources, InputSources) if len(source)
    )


def balance(name: str, chip: Chip, bench: Bench, nudge: LossNudge, phases: tuple[Equilibrium, ...]) -> CheckResult:
    """Compare the sum of the currents into each node with 0, in all phases."""
    pushes = (Push(), *nudge.pushes(phases[0].outputs(bench.circuit), bench.y))
    worst = 0.0
    for push, phase in zip(pushes, phases, strict=True):
        balance = kirchhoff.balance(bench.circuit, chip, bench.g, Drive(bench.x, push), phase)
        worst = max(worst, float(balance.share.max()))
    return CheckResult(name, worst, AGREE_KIRCHHOFF, "of the largest current", worst <= AGREE_KIRCHHOFF)

"""Comparison of the engines, of the gradient with finite differences, and of the voltages with Kirchhoff's law."""

import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.elements import IdealDiodes, InputSources, VoltageSources
from circuits.passed import Passed
from hwsim.checks.check_results import AGREE_KIRCHHOFF, AGREE_V, PHASES, Bench, CheckReport, CheckResult, evenly_nudged
from hwsim.checks.gradients import gradients, own_gradient
from hwsim.checks.in_time import in_time
from hwsim.checks.through_ngspice import through_ngspice
from hwsim.core import kirchhoff
from hwsim.core.protocol import Drive, Engine, Equilibrium, Push
from hwsim.experiment.engines import make_engine
from hwsim.learning import factory
from hwsim.learning.rules.estimator import LossNudge
from hwsim.numeric.numeric_engine import NumericEngine
from hwsim.session import Session
from hwsim.typing import Weights

AGREE_SHARP = 1e-3
"""Share of the voltage range; the largest error of the sharp diode that replaces an ideal clamp."""


def check(session: Session, g: Weights, reference: Engine, *, samples: int = 20, reference_samples: int = 20) -> CheckReport:
    """Compare the numeric engine with a reference, the gradient with finite differences, and voltages with Kirchhoff's law.

    Parameters
    ----------
    g
        Conductances of the session's circuit [S].
    reference
        The ngspice engine. A circuit with parts that it alone knows is solved by it alone.
    samples, reference_samples
        Numbers of samples that the numeric engine solves, and the reference.

    Raises
    ------
    ConvergenceError
        When an engine does not find an equilibrium.

    """
    circuit, chip, data, training = session.circuit, session.chip, session.data, session.experiment.training
    loss = factory.loss(training)
    x, y = data.x_train[:samples], session.task.train.of(slice(samples))
    if circuit.of(Passed):
        return through_ngspice(session, Bench(circuit, g, x[:reference_samples], y[:reference_samples], loss), reference)
    bench = Bench(circuit, g, x, y, loss)
    few = Bench(circuit, g, x[:reference_samples], y[:reference_samples], loss)
    nudge = factory.both_sides(training, circuit, g)
    with NumericEngine().prepare(circuit, chip) as numeric, reference.prepare(circuit, chip) as other:
        ours, theirs = numeric.phases(g, x, y, nudge), other.phases(g, few.x, few.y, nudge)
        findings = [*_agreement(circuit, ours, theirs), _kirchhoff("kirchhoff_numeric", chip, bench, nudge, ours)]
        if not circuit.of(IdealDiodes):  # a sharp diode's current differs from an ideal one's
            findings.append(_kirchhoff(f"kirchhoff_{reference.name}", chip, few, nudge, theirs))
    even = evenly_nudged(chip)
    by_ngspice = training.engine == reference.name
    training_engine = reference if by_ngspice else make_engine(training.engine, session.experiment.solver, training.precision)
    with NumericEngine().prepare(circuit, even) as numeric, training_engine.prepare(circuit, even) as learner:
        findings += [
            *gradients(numeric, bench, factory.nudge(training)),
            own_gradient(numeric, learner, few if by_ngspice else bench, session.experiment),
        ]
    findings += in_time(session, g, reference)
    return CheckReport(circuit.name, len(x), len(few.x), tuple(findings))


def _agreement(circuit: Circuit, numeric: tuple[Equilibrium, ...], ngspice: tuple[Equilibrium, ...]) -> list[CheckResult]:
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


def _kirchhoff(name: str, chip: Chip, bench: Bench, nudge: LossNudge, phases: tuple[Equilibrium, ...]) -> CheckResult:
    pushes = (Push(), *nudge.pushes(phases[0].outputs(bench.circuit), bench.y))
    worst = 0.0
    for push, phase in zip(pushes, phases, strict=True):
        balance = kirchhoff.balance(bench.circuit, chip, bench.g, Drive(bench.x, push), phase)
        worst = max(worst, float((balance.residual / balance.largest).max()))
    return CheckResult(name, worst, AGREE_KIRCHHOFF, "of the largest current", worst <= AGREE_KIRCHHOFF)

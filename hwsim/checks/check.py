"""Comparison of the engines, of the gradient with finite differences, and of the voltages with Kirchhoff's law."""

from circuits.passed import Passed
from hwsim.checks.agreement import engines
from hwsim.checks.chain_check import check_chain
from hwsim.checks.check_results import Bench, CheckReport, evenly_nudged
from hwsim.checks.gradients import gradients, own_gradient
from hwsim.checks.in_time import in_time
from hwsim.checks.through_ngspice import through_ngspice
from hwsim.core.protocol import Engine
from hwsim.experiment.engines import make_engine
from hwsim.learning import factory, rule_factory
from hwsim.numeric.numeric_engine import NumericEngine
from hwsim.session import Session
from hwsim.typing import Weights


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
    if session.experiment.blocks is not None:
        return check_chain(session, g, reference, samples=samples, reference_samples=reference_samples)
    circuit, chip, data, training = session.circuit, session.chip, session.data, session.experiment.training
    loss = factory.loss(training)
    x, y = data.x_train[:samples], session.task.train.of(slice(samples))
    if circuit.of(Passed):
        return through_ngspice(session, Bench(circuit, g, x[:reference_samples], y[:reference_samples], loss), reference)
    bench = Bench(circuit, g, x, y, loss)
    few = Bench(circuit, g, x[:reference_samples], y[:reference_samples], loss)
    nudge = rule_factory.both_sides(training, circuit, g)
    findings = engines(chip, bench, few, nudge, reference)
    compared = any(finding.name.startswith("engines_dv") for finding in findings)
    note = "" if compared else f"{reference.name} finds no equilibrium of resistors, or wires, of so little resistance: it is not compared"
    even = evenly_nudged(chip)
    by_ngspice = training.engine == reference.name
    training_engine = reference if by_ngspice else make_engine(training.engine, session.experiment.solver, training.precision)
    with NumericEngine().prepare(circuit, even) as numeric, training_engine.prepare(circuit, even) as learner:
        findings += [
            *gradients(numeric, bench, rule_factory.nudge(training)),
            own_gradient(numeric, learner, few if by_ngspice else bench, session.experiment),
        ]
    findings += in_time(session, g, reference)
    return CheckReport(circuit.name, len(x), len(few.x) if compared else 0, tuple(findings), note)

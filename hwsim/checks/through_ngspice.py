"""Comparisons of a circuit with transistors and other parts that ngspice alone knows: through ngspice, with itself and with our sums."""

from dataclasses import replace

import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.passed import Passed
from circuits.rows import fixed_nodes
from hwsim.checks.check_results import AGREE_KIRCHHOFF, AGREE_V, PHASES, Bench, CheckReport, CheckResult, evenly_nudged
from hwsim.checks.gradients import gradients, own_gradient
from hwsim.core import kirchhoff
from hwsim.core.protocol import Drive, Engine, Equilibrium, Push
from hwsim.learning import rule_factory
from hwsim.ngspice.expander import Expanding
from hwsim.ngspice.inner_nodes import InnerNodes
from hwsim.ngspice.terminals import currents
from hwsim.session import Session
from hwsim.typing import Floats
from netlists.foreign.expansion import Expansion
from netlists.foreign.simulated import Added, sample_cards
from netlists.text.numbers import plain


def through_ngspice(session: Session, bench: Bench, reference: Engine) -> CheckReport:
    """Compare the samples of one sweep with operating points found one by one, the currents there with Kirchhoff's law, and gradients.

    Raises
    ------
    ConvergenceError, NgspiceError
        When ngspice does not find an equilibrium.
    ExpansionError
        When it does not find an operating point.

    """
    circuit, chip, training = bench.circuit, session.chip, session.experiment.training
    nudge = rule_factory.both_sides(training, circuit, bench.g)
    with reference.prepare(circuit, chip) as solver:
        swept = solver.phases(bench.g, bench.x, bench.y, nudge)
    pushes = (Push(), *nudge.pushes(swept[0].outputs(circuit), bench.y))
    expanding = Expanding()
    try:
        points = [[_operating_point(expanding, bench, chip, push, k) for k in range(len(bench.x))] for push in pushes]
    finally:
        expanding.close()
    apart = [_same(name, _apart(circuit, chip, phase, at)) for name, phase, at in zip(PHASES, swept, points, strict=True)]
    even = evenly_nudged(chip)
    with reference.prepare(circuit, even) as solver:
        slopes = [*gradients(solver, bench, rule_factory.nudge(training)), own_gradient(solver, solver, bench, session.experiment)]
    findings = (*apart, _kirchhoff(bench, chip, pushes, swept, points), *slopes)
    names = ", ".join(sorted({element.letter.upper() for element in circuit.of(Passed)}))
    note = f"ngspice alone solves {names} elements, so it is compared with itself, with finite differences and with sums of currents"
    return CheckReport(circuit.name, len(bench.x), len(bench.x), findings, note)


def _same(phase: str, off: float) -> CheckResult:
    """Compare the states of a phase that was reached from its neighbour with those that were searched for from no guess."""
    advice = "" if off <= AGREE_V else "; the circuit may have several stable states, among which .nodeset chooses"
    return CheckResult(
        f"operating_point_dv_{phase}", off, AGREE_V, f"V between a sweep and single operating points{advice}", off <= AGREE_V
    )


def _operating_point(expanding: Expanding, bench: Bench, chip: Chip, push: Push, k: int) -> Expansion:
    """Let ngspice find the operating point of sample k under a push, in the deck that a person would give it."""
    circuit, outputs = bench.circuit, (len(bench.x), len(bench.circuit.outputs))
    beta = np.broadcast_to(np.asarray(push.beta, float), (len(bench.x), 1))[k]
    i = np.broadcast_to(beta * np.asarray(push.target) + np.asarray(push.current), outputs)[k] * chip(circuit.outputs.name, "gain")
    nudges = Added.of(circuit).nudges(circuit, chip, plain(beta, "beta")[0], plain(i, "current"))
    return expanding([*sample_cards(circuit, chip, bench.g, bench.x[k]), *nudges])


def _by_node(circuit: Circuit, chip: Chip, swept: Equilibrium, points: list[Expansion]) -> Floats:
    """Return the voltages of operating points by the numbers of nodes, (B, N + 1) [V]; those that ngspice does not print follow."""
    v = kirchhoff.by_number(circuit, swept)
    for k, point in enumerate(points):
        v[k] = [point.voltages.get(name, before) for name, before in zip(circuit.node_names, v[k].tolist(), strict=True)]
    InnerNodes.of(circuit, chip).fill(v)
    return v


def _apart(circuit: Circuit, chip: Chip, swept: Equilibrium, points: list[Expansion]) -> float:
    return float(np.abs(_by_node(circuit, chip, swept, points) - kirchhoff.by_number(circuit, swept)).max())


def _kirchhoff(
    bench: Bench, chip: Chip, pushes: tuple[Push, ...], swept: tuple[Equilibrium, ...], points: list[list[Expansion]]
) -> CheckResult:
    """Sum up the currents at each node: our own of what we know, and those that ngspice reports of the terminals of other parts.

    At nodes of parts whose currents it does not report nothing is known.
    """
    circuit = bench.circuit
    parts = {e.name: [currents(point, e.cards) for phase in points for point in phase] for e in circuit.of(Passed)}
    reported = {name: drawn for name, drawn in parts.items() if all(drawn)}
    others = replace(circuit, elements=tuple(e for e in circuit.elements if e.name not in reported), text=None, blocks=(), grounded=False)
    unknown = {int(node) for e in others.of(Passed) for node in e.nodes}
    free = np.flatnonzero(~fixed_nodes(circuit))
    asked = [node for node in free.tolist() if node and node not in unknown]
    number = {name: k for k, name in enumerate(circuit.node_names)}
    worst = 0.0
    for phase, (push, before, at) in enumerate(zip(pushes, swept, points, strict=True)):
        drawn = np.zeros((len(at), circuit.size + 1))
        for k in range(len(at)):
            for sums in reported.values():
                for node, i in (sums[phase * len(at) + k] or {}).items():
                    drawn[k, number[node]] += i
        v = _by_node(circuit, chip, before, at)
        equilibrium = before._replace(v={group.name: v[:, group.nodes] for group in circuit.groups})
        noise = {group.name: -drawn[:, group.nodes] for group in circuit.groups}
        balance = kirchhoff.balance(others, chip.of(others), bench.g, Drive(bench.x, push, noise), equilibrium)
        largest = np.maximum(balance.largest, np.abs(drawn).max(axis=1))
        worst = max(worst, float(balance._replace(largest=largest).share.max()))
    unit = f"of the largest current, at {len(asked)} of {len(free) - (0 in free)} nodes that no source holds"
    return CheckResult("kirchhoff_ngspice", worst, AGREE_KIRCHHOFF, unit, worst <= AGREE_KIRCHHOFF)

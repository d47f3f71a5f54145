"""The check of a chain: each circuit by both engines, and the whole gradient by finite differences and by back-propagation."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from circuits.units import Volt
from hwsim.chains.chain import Chain
from hwsim.chains.chain_rule import Boundary, ChainRule
from hwsim.checks.agreement import engines
from hwsim.checks.check_results import Bench, CheckReport, CheckResult, evenly_nudged
from hwsim.checks.gradients import AGREE_GRADIENT, AGREE_OWN, ENTRIES, STEP, apart
from hwsim.core import blocks
from hwsim.core.capabilities import is_traceable
from hwsim.core.protocol import Engine
from hwsim.learning import factory
from hwsim.learning.losses import Loss, SquaredError
from hwsim.learning.rules.adjoint import Adjoint
from hwsim.learning.rules.estimator import EstimatorRule, LossNudge
from hwsim.learning.rules.nudges import Sides, Volts
from hwsim.learning.rules.richardson import Richardson
from hwsim.numeric.jax_scope import jax_scope
from hwsim.session import Session
from hwsim.typing import Array, Floats, Weights

SHIFT = 0.01
"""By how much the nudges that engines are compared under move a block's outputs, about [V]."""

NUDGES = (1e-2, 3e-3, 1e-3, 3e-4)
"""Nudges that equilibrium propagation is tried with, until it agrees with its limit [V]."""

_GOLDEN = 0.618034
"""Multiples of the golden ratio are spread evenly between whole numbers, as many as there are."""


class _Samples(NamedTuple):
    """What a chain is compared on: inputs (n, I), targets (n, K), and the loss."""

    x: Floats
    y: Floats
    loss: Loss


def check_chain(session: Session, g: Weights, reference: Engine, *, samples: int, reference_samples: int) -> CheckReport:
    """Compare the engines circuit by circuit, at what the chain drives them with, and the gradient of all of it.

    Parameters
    ----------
    g
        Conductances and digital parameters.
    reference
        The ngspice engine.
    samples, reference_samples
        Numbers of samples that the numeric engine solves, and the reference.

    Raises
    ------
    ConvergenceError
        When an engine does not find an equilibrium.

    """
    chain: Any = session.made
    training = session.experiment.training
    given = _Samples(session.data.x_train[:samples], session.task.train.of(slice(samples)), factory.loss(training))
    findings: list[CheckResult] = []
    with session.changed("training", engine="numeric").solver() as solver:
        quiet = chain.rule.quiet
        for k, one, x, outputs in _driven(chain, quiet.boundaries(solver, g, given.x)):
            bench = Bench(one.circuit, _conductances(one.circuit, g), x, np.roll(outputs, 1, axis=0), SquaredError())
            few = replace(bench, x=bench.x[:reference_samples], y=bench.y[:reference_samples])
            nudge = LossNudge(Sides(Volts(SHIFT).at(one.circuit, bench.g), (1, -1)), bench.loss)
            compared = engines(evenly_nudged(one.chip), bench, few, nudge, reference)
            findings += [replace(finding, name=f"b{k + 1}_{finding.name}") for finding in compared]
        findings += _gradients(quiet, solver, g, given)
    with session.training_solver() as learner:
        findings.append(_own_gradient(session, quiet, learner, g, given))
    note = "" if chain.circuits else "the chain has no circuit, so only its gradient is compared"
    return CheckReport(session.circuit.name, len(given.x), min(reference_samples, samples), tuple(findings), note)


def _driven(chain: Chain, ends: list[tuple[Array, Array]]) -> list[tuple[int, Any, Floats, Floats]]:
    """Return the circuit blocks with what drives them and what they make of it, a row a sample.

    A kernel is compared at one position of each sample: the middle for the first, and the others spread over its maps.
    """
    driven = []
    for k, one in chain.circuits.items():
        window = chain.window(k)
        x = window.patches(np.asarray(ends[k][0], float))
        outputs = np.asarray(ends[k][1], float).reshape(len(x), window.positions, -1)
        rows = np.arange(len(x))
        positions = ((0.5 + _GOLDEN * rows) % 1.0 * window.positions).astype(int)
        driven.append((k, one, x[rows, positions], outputs[rows, positions]))
    return driven


def _conductances(circuit: Any, g: Weights) -> dict[str, Floats]:
    return {element.name: g[element.name] for element in circuit.trainable}


def _gradients(rule: ChainRule, solver: Any, g: Weights, given: _Samples) -> list[CheckResult]:
    """Compare back-propagation through the adjoint circuits with finite differences, and equilibrium propagation with it."""
    exact = _measured(rule.by(_adjoint), solver, g, given)
    off = _from_differences(rule, solver, g, given, exact)
    findings = [
        CheckResult("gradient_max_rel", off, AGREE_GRADIENT, "of the largest entry, adjoint from finite differences", off <= AGREE_GRADIENT)
    ]
    if not rule.rules:
        return findings
    errors: dict[float, float] = {}
    for u in NUDGES:
        estimate = _measured(rule.by(partial(_nudged, u)), solver, g, given)
        errors[u] = apart(estimate, exact)
        if errors[u] <= AGREE_GRADIENT:
            break
    best = min(errors, key=lambda u: errors[u])
    unit = f"of the largest entry, nudges of {best:g} V from the adjoint"
    return [*findings, CheckResult("gradient_adjoint_rel", errors[best], AGREE_GRADIENT, unit, errors[best] <= AGREE_GRADIENT)]


def _adjoint(rule: EstimatorRule) -> EstimatorRule:
    return Adjoint(instruments=rule.instruments)


def _nudged(u: Volt, rule: EstimatorRule) -> EstimatorRule:
    return Richardson(Volts(u), instruments=rule.instruments)


def _own_gradient(session: Session, rule: ChainRule, learner: Any, g: Weights, given: _Samples) -> CheckResult:
    """Compare the gradient that training computes, by its own rules, nudges, engine and precision, with the adjoint's."""
    training = session.experiment.training
    cast = _Samples(given.x.astype(training.precision), given.y.astype(training.precision), given.loss)
    cast_g = {name: values.astype(training.precision) for name, values in g.items()}
    estimate = _measured(rule, learner, cast_g, cast)
    with session.changed("training", engine="numeric").solver() as solver:
        exact = _measured(rule.by(_adjoint), solver, g, given)
    off = apart(estimate, exact)
    unit = f"of the largest entry, {session.experiment.rules} in {training.precision[-2:]} bits from the adjoint"
    return CheckResult("gradient_own_rel", off, AGREE_OWN, unit, off <= AGREE_OWN)


def _measured(rule: ChainRule, solver: Any, g: Weights, given: _Samples) -> dict[str, Floats]:
    """Return the gradient of the summed loss by every array and the inputs, or of layers' own losses by array, as training computes it."""

    def of(g: Weights, x: Array, y: Array) -> Any:
        if not rule.passes_back:
            return rule.by_parameter(traced, g, x, y, given.loss), None
        return rule.with_inputs(traced, g, x, y, given.loss)[1:]

    traced: Any = solver
    if is_traceable(solver):
        import jax  # noqa: PLC0415 - it loads with the numeric engine

        traced = solver.traced(newton=solver.needs_newton(g))
        with jax_scope():
            by_block, dx = jax.jit(of)(g, given.x, given.y)
    else:
        by_block, dx = of(g, given.x, given.y)
    arrays = {name: np.asarray(values, float) for name, values in blocks.join(by_block).items()}
    return arrays if dx is None else arrays | {"inputs": np.asarray(dx, float)}


def _from_differences(rule: ChainRule, solver: Any, g: Weights, given: _Samples, exact: Weights) -> float:
    """Compare some entries of a gradient with central finite differences of fourth order of the loss that their layer descends on."""
    pick, worst = np.random.default_rng(0), 0.0
    everything = dict(g) | {"inputs": given.x}
    errors = rule.errors(solver, g, given.x, given.y, given.loss)
    for name, slopes in exact.items():
        largest = float(np.abs(slopes).max())
        others = pick.choice(slopes.size, min(ENTRIES, slopes.size) - 1, replace=False).tolist()
        for entry in {int(np.abs(slopes).argmax()), *others}:
            at = np.unravel_index(entry, slopes.shape)
            size = abs(float(everything[name][at])) or float(np.abs(everything[name]).max()) or 1.0
            rise = _rise(rule, solver, everything, given, (name, at), errors)
            h = STEP * size
            difference = (8 * rise(h) - rise(2 * h)) / (12 * h)
            worst = max(worst, abs(float(slopes[at]) - difference) / largest if largest else abs(difference))
    return worst


def _rise(
    rule: ChainRule, solver: Any, everything: Weights, given: _Samples, entry: tuple[str, Any], errors: list[Boundary]
) -> Callable[[float], float]:
    """Return how much the summed loss of an entry's layer rises from −h to +h of it, as a function of h."""
    name, at = entry
    block = solver.circuit.owners.get(name, 0)
    number = next(k for k, layer in enumerate(rule.layers) if block in layer)

    def loss(step: float) -> float:
        moved = everything[name].copy()
        moved[at] += step
        arrays = dict(everything) | {name: moved}
        x = arrays.pop("inputs")
        return rule.objectives(solver, arrays, x, given.y, given.loss, errors)[number]

    return lambda h: loss(h) - loss(-h)

"""Gradients compared: equilibrium propagation, and a training's own rule, with finite differences of the loss."""

import functools
import itertools
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from circuits.elements import IdealDiodes
from circuits.passed import Passed
from circuits.units import Siemens
from hwsim.checks.check_results import Bench, CheckResult
from hwsim.checks.reciprocity import RECIPROCAL, asymmetry
from hwsim.core.capabilities import is_traceable
from hwsim.core.protocol import ConvergenceError, Drive, Solver
from hwsim.experiment.experiment import Experiment
from hwsim.learning import rule_factory
from hwsim.learning.rules.adjoint import Adjoint
from hwsim.learning.rules.equilibrium_propagation import EquilibriumPropagation
from hwsim.learning.rules.estimator import LearningRule
from hwsim.learning.rules.nudges import NudgeKind
from hwsim.learning.rules.small_signal import SmallSignal
from hwsim.typing import Array, Weights

AGREE_GRADIENT = 1e-5
"""Share of the gradient's largest entry."""

AGREE_OWN = 0.1
"""Share of the gradient's largest entry: tolerance of a training's own estimate, for the size of its nudge and rounding together.

Chosen: well below what stops iris from learning (0.9 and more is rounding at a beta of 1e-11 S in 32 bits)."""

RATE = (3.5, 4.5)
"""Factor by which halving beta divides the error of a centred nudge: 4, as long as beta is small and the error above rounding.

With ideal clamps it may fall faster: below some beta the nudge no longer switches a clamp."""

HALVINGS = range(-12, 15)
"""Number of times that beta is halved to reach agreement; it is doubled first, to measure the rate."""

HALVINGS_OF_NGSPICE = range(-3, 15)
"""The same for circuits that ngspice alone solves: stronger nudges move transistors to where it searches long."""

READABLE = 30
"""Multiple of the least error, which is rounding; a rate is computed from errors above that."""

ENTRIES = 6
"""Conductances of each crossbar with a finite difference: the one of the largest gradient, others at random."""

STEP = 1e-3
"""Step of a finite difference as a share of the conductance."""


def _limit_rule(solver: Solver) -> Adjoint | SmallSignal | None:
    """Return the rule that computes the limit of a vanishing nudge with this solver; None where none does."""
    rules: tuple[Adjoint | SmallSignal, ...] = (Adjoint(), SmallSignal())
    return next((rule for rule in rules if rule.needs <= solver.capabilities), None)


def gradients(solver: Solver, bench: Bench, nudge: NudgeKind) -> list[CheckResult]:
    """Compare centred equilibrium propagation with its limit, as the nudge shrinks, and with finite differences.

    Transistors are not reciprocal, so that equilibrium propagation is inexact with them at any size of its nudge: where responses are not
    alike both ways, the tolerance is that of a training's own estimate. The limit is the adjoint, or where the solver has none, the
    response of the linearised circuit; without either, the estimates themselves where they change least.
    """
    propagate = _propagation(solver, bench, nudge)
    by_ngspice = bool(bench.circuit.of(Passed))
    factors = [1 / 2.0**k for k in (HALVINGS_OF_NGSPICE if by_ngspice else HALVINGS)]
    estimates = [propagate(factor) for factor in factors]
    rule = _limit_rule(solver)
    limit = _steadiest(estimates) if rule is None else _gradient(rule, solver, bench)
    errors = [apart(estimate, limit) for estimate in estimates]
    best = int(np.nanargmin(errors))
    differences = _against_differences(solver, bench, estimates[best], limit)
    one_way = asymmetry(solver, bench) if by_ngspice else 0.0
    allowed = AGREE_GRADIENT if one_way <= RECIPROCAL else AGREE_OWN
    at = f"of the largest entry, at {nudge.times(factors[best]).size.removeprefix('training.nudge.')}"
    how = f"{at}; not reciprocal: responses differ by {one_way:.2g} of the largest" if one_way > RECIPROCAL else at
    findings = [CheckResult("gradient_max_rel", differences, allowed, f"from finite differences, {how}", differences <= allowed)]
    if rule is not None:
        findings += [
            CheckResult(
                f"gradient_{rule.name.replace('-', '_')}_rel",
                errors[best],
                AGREE_GRADIENT,
                f"from the rule {rule.name}, {at}",
                errors[best] <= AGREE_GRADIENT,
            ),
            _rate(errors, best, most=np.inf if bench.circuit.of(IdealDiodes) else RATE[1]),
        ]
    return findings


def _rate(errors: Sequence[float], best: int, most: float) -> CheckResult:
    """Return how much smaller half of beta makes the error, just above rounding."""
    readable = [k for k in range(best) if errors[k + 1] > READABLE * errors[best]]
    rate = errors[readable[-1]] / errors[readable[-1] + 1] if readable else RATE[0]
    unit = f"times smaller error for half of beta; at least {RATE[0]:g}"
    return CheckResult("gradient_rate", rate, most, unit, RATE[0] <= rate <= most)


def own_gradient(solver: Solver, learner: Solver, bench: Bench, experiment: Experiment) -> CheckResult:
    """Compare the gradient that a training computes, by its own rule, nudge, engine and precision, with finite differences.

    A rule that descends no loss is compared with its own result in 64 bits.
    """
    training = experiment.training
    rule = rule_factory.rule(training, bench.circuit)
    estimate = _gradient(rule, learner, bench)
    how = f"{f'at {rule.size} ' if rule.size else ''}in {training.precision[-2:]} bits"
    if rule.descends:
        limit = _limit_rule(solver)
        off = _against_differences(solver, bench, estimate, estimate if limit is None else _gradient(limit, solver, bench))
        how += ", from finite differences"
    else:
        off = apart(estimate, _gradient(rule, solver, bench))
        how += ", from 64 bits"
    advice = "" if off <= AGREE_OWN else "; a smaller nudge is nearer, or where rounding counts, a larger one or float64"
    return CheckResult("gradient_own_rel", off, AGREE_OWN, f"of the largest entry, {training.rule.kind} {how}{advice}", off <= AGREE_OWN)


def apart(a: Weights, b: Weights) -> float:
    """Return the largest difference of any crossbar as a share of the second's largest entry."""

    def share(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
        apart, largest = float(np.abs(np.asarray(one) - other).max()), float(np.abs(other).max())
        return apart / largest if largest else 0.0 if apart == 0.0 else np.inf  # where nothing changes an output, all are 0

    return max(share(a[name], b[name]) for name in b)


def _steadiest(estimates: Sequence[Weights]) -> Weights:
    """Return the estimate that differs least from the next."""
    changes = [apart(a, b) for a, b in itertools.pairwise(estimates)]
    return estimates[int(np.nanargmin(changes)) + 1]


def _gradient(rule: LearningRule, solver: Solver, bench: Bench) -> Weights:
    """Return a rule's gradient of the mean loss."""
    gradient = rule.gradient(solver, bench.g, bench.x, bench.y, bench.loss).g
    return {name: np.asarray(part, float) for name, part in gradient.items()}


def _propagation(solver: Solver, bench: Bench, nudge: NudgeKind) -> Callable[[float], Weights]:
    """Return an estimator of the gradient by centred equilibrium propagation at a multiple of the nudge; compiled for layers."""
    traced = solver.traced(newton=solver.needs_newton(bench.g)) if is_traceable(solver) else solver

    def propagate(factor: float) -> Mapping[str, Array]:
        return EquilibriumPropagation(nudge.times(factor)).gradient(traced, bench.g, bench.x, bench.y, bench.loss).g

    if not is_traceable(solver):
        return functools.partial(_or_nothing, propagate, bench.g)
    import jax  # noqa: PLC0415 - it loads with the numeric engine

    from hwsim.numeric.jax_scope import jax_scope  # noqa: PLC0415 - it needs JAX

    compiled: Callable[[float], Weights] = jax_scope()(jax.jit(propagate))
    return compiled


def _or_nothing(propagate: Callable[[float], Mapping[str, Array]], g: Weights, factor: float) -> Mapping[str, Array]:
    """Return the estimate, or NaN where a nudge is too strong: the next one is half of it."""
    try:
        return propagate(factor)
    except ConvergenceError:
        return {name: np.full_like(values, np.nan) for name, values in g.items()}


def _against_differences(solver: Solver, bench: Bench, estimate: Weights, exact: Weights) -> float:
    """Compare some entries of an estimate with central finite differences of fourth order of the mean loss."""
    pick = np.random.default_rng(0)
    worst = 0.0
    for name, values in bench.g.items():
        slope = np.abs(exact[name])
        largest = float(slope.max())
        for entry in {int(slope.argmax()), *pick.choice(slope.size, min(ENTRIES, slope.size) - 1, replace=False).tolist()}:
            at = np.unravel_index(entry, slope.shape)
            h = STEP * float(values[at])
            near, far = (_rise(solver, bench, name, at, k * h) for k in (1, 2))
            difference = (8 * near - far) / (12 * h)
            worst = max(worst, abs(float(np.asarray(estimate[name])[at]) - difference) / largest)
    return worst


def _rise(solver: Solver, bench: Bench, name: str, at: tuple[np.intp, ...], h: Siemens) -> float:
    """Return how much the mean loss rises from −h to +h of one conductance [V²]."""

    def mean_loss(step: Siemens) -> float:
        moved = dict(bench.g) | {name: bench.g[name].copy()}
        moved[name][at] += step
        return float(bench.loss.value(solver.solve(moved, Drive(bench.x)).outputs(bench.circuit), bench.y).mean())

    return mean_loss(h) - mean_loss(-h)

"""Comparison of the engines, of the gradient with finite differences, and of the voltages with Kirchhoff's law."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.elements import IdealDiodes, InputSources, VoltageSources
from circuits.units import Siemens
from hwsim.core import kirchhoff
from hwsim.core.capabilities import is_traceable
from hwsim.core.protocol import ConvergenceError, Drive, Engine, Equilibrium, Push, Solver, UnsupportedCircuitError
from hwsim.experiment.engines import make_engine
from hwsim.experiment.experiment import Experiment
from hwsim.learning import factory
from hwsim.learning.losses import Loss
from hwsim.learning.rules.adjoint import Adjoint
from hwsim.learning.rules.equilibrium_propagation import EquilibriumPropagation
from hwsim.learning.rules.estimator import LearningRule, LossNudge
from hwsim.learning.rules.nudges import OutputNudge
from hwsim.numeric.general.general_solver import GeneralSolver
from hwsim.numeric.layered.layered_solver import LayeredSolver
from hwsim.numeric.numeric_engine import NumericEngine
from hwsim.session import Session
from hwsim.typing import Array, Floats, Weights

AGREE_V = 1e-8
"""V; engines that solve the same equations differ by no more."""

AGREE_SHARP = 1e-3
"""Share of the voltage range; the largest error of the sharp diode that replaces an ideal clamp."""

AGREE_GRADIENT = 1e-5
"""Share of the gradient's largest entry."""

AGREE_OWN = 0.1
"""Share of the gradient's largest entry: tolerance of a training's own estimate, for the size of its nudge and rounding together.

Chosen: well below what stops iris from learning (0.9 and more is rounding at a beta of 1e-11 S in 32 bits)."""

AGREE_KIRCHHOFF = 1e-9
"""Share of the largest branch current."""

RATE = (3.5, 4.5)
"""Factor by which halving beta divides the error of a centred nudge: 4, as long as beta is small and the error above rounding.

With ideal clamps it may fall faster: below some beta the nudge no longer switches a clamp."""

HALVINGS = range(-12, 15)
"""Number of times that beta is halved to reach agreement; it is doubled first, to measure the rate."""

READABLE = 30
"""Multiple of the least error, which is rounding; a rate is computed from errors above that."""

ENTRIES = 6
"""Conductances of each crossbar with a finite difference: the one of the largest gradient, others at random."""

STEP = 1e-3
"""Step of a finite difference as a share of the conductance."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One comparison: the value, its limit, the unit, and whether it is within the limit."""

    name: str
    value: float
    limit: float
    unit: str
    holds: bool


@dataclass(frozen=True, slots=True)
class CheckReport:
    """All comparisons of one circuit."""

    circuit: str
    samples: int
    ngspice_samples: int
    findings: tuple[CheckResult, ...]

    @property
    def passed(self) -> bool:
        """Whether every comparison holds."""
        return all(finding.holds for finding in self.findings)

    def value(self, name: str) -> float | None:
        """Return the value under a name, or None."""
        return next((finding.value for finding in self.findings if finding.name == name), None)


@dataclass(frozen=True, slots=True)
class Bench:
    """What is compared: a circuit with conductances, samples x (n, I) with targets y (n, K) [V], and a loss."""

    circuit: Circuit
    g: Weights
    x: Floats
    y: Floats
    loss: Loss


def check(session: Session, g: Weights, reference: Engine, *, samples: int = 20, reference_samples: int = 20) -> CheckReport:
    """Compare the numeric engine with a reference, the gradient with finite differences, and voltages with Kirchhoff's law.

    Parameters
    ----------
    g
        Conductances of the session's circuit [S].
    reference
        The ngspice engine.
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
    bench = Bench(circuit, g, x, y, loss)
    few = Bench(circuit, g, x[:reference_samples], y[:reference_samples], loss)
    nudge = factory.both_sides(training, circuit, g)
    with _numeric(circuit, chip) as numeric, reference.prepare(circuit, chip) as other:
        ours, theirs = numeric.phases(g, x, y, nudge), other.phases(g, few.x, few.y, nudge)
        findings = [*_agreement(circuit, ours, theirs), _kirchhoff("kirchhoff_numeric", chip, bench, nudge, ours)]
        if not circuit.of(IdealDiodes):  # a sharp diode's current differs from an ideal one's
            findings.append(_kirchhoff(f"kirchhoff_{reference.name}", chip, few, nudge, theirs))
    even = _evenly_nudged(chip)
    by_ngspice = training.engine == reference.name
    training_engine = reference if by_ngspice else make_engine(training.engine, session.experiment.solver, training.precision)
    with _numeric(circuit, even) as numeric, training_engine.prepare(circuit, even) as learner:
        findings += [
            *_gradients(numeric, bench, factory.nudge(training)),
            _own_gradient(numeric, learner, few if by_ngspice else bench, session.experiment),
        ]
    return CheckReport(circuit.name, len(x), len(few.x), tuple(findings))


def _evenly_nudged(chip: Chip) -> Chip:
    """Return a chip with nudges of nominal strength: others follow the gradient of a loss with weighted outputs."""
    values = {name: parameters for name, parameters in chip.values.items() if name != chip.circuit.outputs.name}
    return replace(chip, values=values)


def _numeric(circuit: Circuit, chip: Chip) -> LayeredSolver | GeneralSolver:
    try:
        return NumericEngine().prepare(circuit, chip)
    except UnsupportedCircuitError as error:
        msg = f"check compares both engines: {error}, with the other commands"
        raise UnsupportedCircuitError(msg) from None


def _agreement(circuit: Circuit, numeric: tuple[Equilibrium, ...], ngspice: tuple[Equilibrium, ...]) -> list[CheckResult]:
    """Compare all node voltages, free and nudged."""
    findings = []
    for name, of_numeric, of_ngspice in zip(("free", "nudged_up", "nudged_down"), numeric, ngspice, strict=True):
        batch = len(of_ngspice.residual)
        apart = max(float(np.abs(of_numeric.v[key][:batch] - of_ngspice.v[key]).max()) for key in of_ngspice.v)
        limit = AGREE_V
        if circuit.of(IdealDiodes):
            limit = AGREE_SHARP * voltage_range(circuit, of_ngspice)
        findings.append(CheckResult(f"engines_dv_{name}", apart, limit, "V", apart <= limit))
    return findings


def voltage_range(circuit: Circuit, equilibrium: Equilibrium) -> float:
    """Return the largest voltage of a source [V]."""
    return max(float(np.abs(equilibrium.at(circuit, source.plus)).max()) for source in circuit.of(VoltageSources, InputSources))


def _kirchhoff(name: str, chip: Chip, bench: Bench, nudge: LossNudge, phases: tuple[Equilibrium, ...]) -> CheckResult:
    pushes = (Push(), *nudge.pushes(phases[0].outputs(bench.circuit), bench.y))
    worst = 0.0
    for push, phase in zip(pushes, phases, strict=True):
        balance = kirchhoff.balance(bench.circuit, chip, bench.g, Drive(bench.x, push), phase)
        worst = max(worst, float((balance.residual / balance.largest).max()))
    return CheckResult(name, worst, AGREE_KIRCHHOFF, "of the largest current", worst <= AGREE_KIRCHHOFF)


def _apart(a: Weights, b: Weights) -> float:
    """Return the largest difference of any crossbar as a share of the second's largest entry."""

    def share(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
        apart, largest = float(np.abs(np.asarray(one) - other).max()), float(np.abs(other).max())
        return apart / largest if largest else 0.0 if apart == 0.0 else np.inf  # where nothing changes an output, all are 0

    return max(share(a[name], b[name]) for name in b)


def _gradient(rule: LearningRule, solver: Solver, bench: Bench) -> Weights:
    """Return a rule's gradient of the mean loss."""
    gradient = rule.gradient(solver, bench.g, bench.x, bench.y, bench.loss).g
    return {name: np.asarray(part, float) for name, part in gradient.items()}


def _gradients(solver: LayeredSolver | GeneralSolver, bench: Bench, nudge: OutputNudge) -> list[CheckResult]:
    """Compare centred equilibrium propagation with the adjoint, as the nudge shrinks, and with finite differences."""
    exact = _gradient(Adjoint(), solver, bench)
    propagate = _propagation(solver, bench, nudge)
    factors = [1 / 2.0**k for k in HALVINGS]
    estimates = [propagate(factor) for factor in factors]
    errors = [_apart(estimate, exact) for estimate in estimates]
    best = int(np.nanargmin(errors))
    differences = _against_differences(solver, bench, estimates[best], exact)
    readable = [k for k in range(best) if errors[k + 1] > READABLE * errors[best]]
    rate = errors[readable[-1]] / errors[readable[-1] + 1] if readable else RATE[0]
    most = np.inf if bench.circuit.of(IdealDiodes) else RATE[1]
    at = f"of the largest entry, at {nudge.times(factors[best]).size.removeprefix('training.nudge.')}"
    return [
        CheckResult("gradient_max_rel", differences, AGREE_GRADIENT, f"from finite differences, {at}", differences <= AGREE_GRADIENT),
        CheckResult("gradient_adjoint_rel", errors[best], AGREE_GRADIENT, f"from the adjoint, {at}", errors[best] <= AGREE_GRADIENT),
        CheckResult("gradient_rate", rate, most, f"times smaller error for half of beta; at least {RATE[0]:g}", RATE[0] <= rate <= most),
    ]


def _own_gradient(solver: LayeredSolver | GeneralSolver, learner: Solver, bench: Bench, experiment: Experiment) -> CheckResult:
    """Compare the gradient that a training computes, by its own rule, nudge, engine and precision, with finite differences.

    A rule that descends no loss is compared with its own result in 64 bits.
    """
    training = experiment.training
    rule = factory.rule(training, bench.circuit)
    estimate = _gradient(rule, learner, bench)
    how = f"{f'at {rule.size} ' if rule.size else ''}in {training.precision[-2:]} bits"
    if rule.descends:
        off = _against_differences(solver, bench, estimate, _gradient(Adjoint(), solver, bench))
        how += ", from finite differences"
    else:
        off = _apart(estimate, _gradient(rule, solver, bench))
        how += ", from 64 bits"
    advice = "" if off <= AGREE_OWN else "; a smaller nudge is nearer, or where rounding counts, a larger one or float64"
    return CheckResult("gradient_own_rel", off, AGREE_OWN, f"of the largest entry, {training.rule.kind} {how}{advice}", off <= AGREE_OWN)


def _propagation(solver: LayeredSolver | GeneralSolver, bench: Bench, nudge: OutputNudge) -> Callable[[float], Mapping[str, Array]]:
    """Return an estimator of the gradient by centred equilibrium propagation at a multiple of the nudge; compiled for layers."""
    traced = solver.traced(newton=solver.needs_newton(bench.g)) if is_traceable(solver) else solver

    def propagate(factor: float) -> Mapping[str, Array]:
        return EquilibriumPropagation(nudge.times(factor)).gradient(traced, bench.g, bench.x, bench.y, bench.loss).g

    if not is_traceable(solver):
        return functools.partial(_or_nothing, propagate, bench.g)
    import jax  # noqa: PLC0415 - it loads with the numeric engine

    from hwsim.numeric.jax_scope import jax_scope  # noqa: PLC0415 - it needs JAX

    compiled: Callable[[float], Mapping[str, Array]] = jax_scope()(jax.jit(propagate))
    return compiled


def _or_nothing(propagate: Callable[[float], Mapping[str, Array]], g: Weights, factor: float) -> Mapping[str, Array]:
    """Return an infinite error where a nudge is too strong: the next one is half of it."""
    try:
        return propagate(factor)
    except ConvergenceError:
        return {name: np.full_like(values, np.nan) for name, values in g.items()}


def _against_differences(solver: LayeredSolver | GeneralSolver, bench: Bench, estimate: Weights, exact: Weights) -> float:
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


def _rise(solver: LayeredSolver | GeneralSolver, bench: Bench, name: str, at: tuple[np.intp, ...], h: Siemens) -> float:
    """Return how much the mean loss rises from −h to +h of one conductance [V²]."""

    def mean_loss(step: Siemens) -> float:
        moved = dict(bench.g) | {name: bench.g[name].copy()}
        moved[name][at] += step
        return float(bench.loss.value(solver.solve(moved, Drive(bench.x)).outputs(bench.circuit), bench.y).mean())

    return mean_loss(h) - mean_loss(-h)

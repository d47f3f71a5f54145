"""The laws that every solver obeys: each is a function of an examination, and raises an error where its law is broken."""

from collections.abc import Callable
from functools import cached_property

import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from hwsim.core import kirchhoff
from hwsim.core.capabilities import has_adjoint, is_traceable
from hwsim.core.protocol import FREE, Capability, ConvergenceError, Drive, Engine, Equilibrium, Push, Result, Solver
from hwsim.learning.losses import SquaredError
from hwsim.learning.rules.adjoint import Adjoint
from hwsim.learning.rules.estimator import LossNudge
from hwsim.learning.rules.nudges import Following, Sides
from hwsim.testing.problems import EngineProblem
from hwsim.typing import Floats

BALANCED = 1e-9
"""Share of the largest branch current that may be missing at a node: what the engines promise for an equilibrium in 64 bits."""

EXACT_V = 1e-10
"""V; how far a closed form may be from an engine whose tolerance is smaller than that. It is rounded itself."""

MOVED = 1e-4
"""Share of a conductance that it is moved by in a finite difference; the error of the centred one is of the order of its square."""

ROUNDED = 1e-12
"""Share of the largest branch current; residuals below it are rounding, and depend on the order of summation."""

SAME_GRADIENT = 1e-5
"""Share of the gradient's largest entry that the adjoint may differ from finite differences, which are rounded."""

UNSTABLE = -1.0
"""S; a nudge that no output of the problems withstands: their conductances are far smaller."""


class Examination:
    """A problem on a solver: what the laws look at.

    Parameters
    ----------
    problem
        The circuit with its numbers.
    circuit, chip
        Those that `solver` was prepared for.
    solver
        The solver under test.
    reference
        The engine that its voltages are compared with.
    tolerance
        V; how far two answers to one question may be apart.

    """

    def __init__(
        self, problem: EngineProblem, circuit: Circuit, chip: Chip, solver: Solver, *, reference: Engine, tolerance: float
    ) -> None:
        self.problem, self.circuit, self.chip, self.solver = problem, circuit, chip, solver
        self.reference, self.tolerance = reference, tolerance
        self.g, self.drives = problem.conductances(circuit), problem.drives(circuit)
        self.x, self.y = problem.x(circuit), problem.y(circuit)

    @cached_property
    def answers(self) -> dict[str, Equilibrium]:
        """The equilibria of all drives, by the drive's name."""
        return {name: self.solver.solve(self.g, drive) for name, drive in self.drives.items()}

    def volts(self, equilibrium: Equilibrium) -> Floats:
        """Lay out voltages by node number, shape (B, N + 1) [V]."""
        return kirchhoff.by_number(self.circuit, equilibrium)

    def agree(self, actual: Floats, wanted: Floats, what: str, atol: float | None = None) -> None:
        """Compare voltages [V]; the tolerance is the examination's."""
        np.testing.assert_allclose(actual, wanted, rtol=0, atol=self.tolerance if atol is None else atol, err_msg=what)

    def balances(self, g: dict[str, Floats], drive: Drive, answer: Equilibrium, what: str) -> None:
        """Compare an equilibrium with Kirchhoff's current law, summed from the elements by code that no engine shares."""
        _require(list(answer.v) == [group.name for group in self.circuit.groups], f"{what}: voltages are of {list(answer.v)}")
        for group in self.circuit.groups:
            shape = np.shape(answer.v[group.name])
            _require(shape == (len(drive.x), len(group)), f"{what}: v[{group.name!r}] has shape {shape}")
        _require(not np.any(answer.result), f"{what}: results are {np.asarray(answer.result)}")
        balance = kirchhoff.balance(self.circuit, self.chip, g, drive, answer)
        worst = float(balance.share.max())
        _require(worst <= BALANCED, f"{what}: {worst:.2g} of the largest current is missing at a node")


def _require(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - as of `assert`
    """Raise an AssertionError unless something holds; Python's `assert` is absent under -O."""
    if not holds:
        raise AssertionError(otherwise)


def _refused(kind: type[Exception], call: Callable[[], object], what: str) -> None:
    """Require an error of a kind with a message, and no other."""
    try:
        call()
    except kind as error:
        _require(bool(str(error)), f"{what}: the error has no message")
    else:
        raise AssertionError(f"{what}: no {kind.__name__} was raised")


def free(case: Examination) -> None:
    """Require that, in the free phase, the currents into every node sum to zero and sources have their voltages."""
    case.balances(case.g, case.drives["free"], case.answers["free"], "free")


def nudged(case: Examination) -> None:
    """Require the same with a nudge towards the target, with one away from it, and with a frozen current."""
    for name, drive in case.drives.items():
        case.balances(case.g, drive, case.answers[name], name)


def closed_form(case: Examination) -> None:
    """Require that the read-outs are those of the closed form, where there is one."""
    if case.problem.closed_form is not None:
        wanted = case.problem.closed_form(case.g, case.x)
        case.agree(case.answers["free"].outputs(case.circuit), wanted, "free", max(EXACT_V, case.tolerance))


def reference(case: Examination) -> None:
    """Require that the voltages of all nodes are those of the reference, in every phase."""
    with case.reference.prepare(case.circuit, case.chip) as solver:
        for name, drive in case.drives.items():
            case.agree(case.volts(case.answers[name]), case.volts(solver.solve(case.g, drive)), name)


def phases(case: Examination) -> None:
    """Require that the phases of `phases` are what `solve` returns for their nudges."""
    beta = case.problem.beta
    free, *nudged = case.solver.phases(case.g, case.x, case.y, LossNudge(Sides(Following(beta), (1, -0.1)), SquaredError()))
    for name, phase in zip(("free", "towards", "away"), (free, *nudged), strict=True):
        case.agree(case.volts(phase), case.volts(case.answers[name]), name)


def one_by_one(case: Examination) -> None:
    """Require that a sample's equilibrium is the same alone as in a batch, also with a nudge."""
    beta, target, _ = case.drives["towards"].push
    for k in (len(case.x) - 1, 0):
        alone = case.solver.solve(case.g, Drive(case.x[k : k + 1], Push(beta=beta, target=np.asarray(target)[k : k + 1])))
        case.agree(case.volts(alone)[0], case.volts(case.answers["towards"])[k], f"sample {k}")


def order(case: Examination) -> None:
    """Require that, in another order, the samples have the same equilibria, whatever the search starts from."""
    new = np.roll(np.arange(len(case.x))[::-1], 1)
    for start in (None, case.answers["towards"]):
        shuffled = case.solver.solve(case.g, Drive(case.x[new]), start=start)
        case.agree(case.volts(shuffled), case.volts(case.answers["free"])[new], f"order {new}")


def fresh(case: Examination) -> None:
    """Require that conductances changed in place count, and that a solver changes none of its arguments."""
    g = {name: values.copy() for name, values in case.g.items()}
    case.solver.solve(g, case.drives["free"])
    for name, values in case.g.items():
        g[name][...] = values * np.linspace(0.5, 1.5, values.size).reshape(values.shape)
    kept, x = {name: values.copy() for name, values in g.items()}, case.x.copy()
    case.balances(kept, case.drives["free"], case.solver.solve(g, Drive(x)), "changed conductances")
    same = np.array_equal(x, case.x) and all(np.array_equal(g[name], values) for name, values in kept.items())
    _require(same, "the solver changed its arguments")


def failure(case: Examination) -> None:
    """Require that a sample without an equilibrium fails alone, as data, without `throw`; and with it raises ConvergenceError."""
    x = case.x.copy()
    x[1, -1] = np.nan
    others = np.arange(len(x)) != 1
    answer = case.solver.solve(case.g, Drive(x), throw=False)
    failed = np.asarray(answer.result) != Result.CONVERGED
    _require(list(failed) == list(~others), f"a feature of sample 1 is no number, and the results are {np.asarray(answer.result)}")
    case.agree(case.volts(answer)[others], case.volts(case.answers["free"])[others], "the other samples")
    _refused(ConvergenceError, lambda: case.solver.solve(case.g, Drive(x)), "a feature that is no number")


def unstable(case: Examination) -> None:
    """Require that a nudge away from the target fails where it is stronger than all conductances: no solution is stable."""
    drive = Drive(case.x, Push(beta=UNSTABLE, target=case.y))
    results = np.asarray(case.solver.solve(case.g, drive, throw=False).result)
    _require(bool((results != Result.CONVERGED).all()), f"no output withstands this nudge, and the results are {results}")
    _refused(ConvergenceError, lambda: case.solver.solve(case.g, drive), "an unstable nudge")


def shapes(case: Examination) -> None:
    """Require that arrays that do not fit the circuit are refused by a ValueError, and so are conductances that are not positive."""
    solver, g, x, y = case.solver, case.g, case.x, case.y
    element, values = next(iter(g.items()))
    nudge = LossNudge(Sides(Following(case.problem.beta), (1,)), SquaredError())
    negative = np.where(np.arange(values.size).reshape(values.shape) == 0, -1.0, 1.0) * values
    for what, call in {
        "one feature too many": lambda: solver.solve(g, Drive(np.hstack([x, x[:, :1]]))),
        "a batch without its axis": lambda: solver.solve(g, Drive(x[0])),
        "one target too many": lambda: solver.phases(g, x, np.hstack([y, y[:, :1]]), nudge),
        "a sample without targets": lambda: solver.phases(g, x, y[1:], nudge),
        "conductances of another shape": lambda: solver.solve(g | {element: values[1:]}, Drive(x)),
        "an element without conductances": lambda: solver.solve({name: g[name] for name in g if name != element}, Drive(x)),
        "conductances of no element": lambda: solver.solve(g | {"nothing": values}, Drive(x)),
        "a negative conductance": lambda: solver.solve(g | {element: negative}, Drive(x)),
    }.items():
        _refused(ValueError, call, what)


def capabilities(case: Examination) -> None:
    """Require what is declared: the adjoint's gradient is that of finite differences, compiled functions solve the same, residuals hold.

    `MANY_CHIPS` is not tried: the protocol does not define how.
    """
    declared = case.solver.capabilities
    _require(isinstance(declared, frozenset) and declared <= set(Capability), f"capabilities are {declared!r}")
    if has_adjoint(case.solver):
        _adjoint_is_the_gradient(case)
    if is_traceable(case.solver):
        import jax  # noqa: PLC0415 - an engine that is not traceable needs none

        from hwsim.numeric.jax_scope import jax_scope  # noqa: PLC0415 - needs JAX

        traced = case.solver.traced(newton=case.solver.needs_newton(case.g, case.problem.beta))
        with jax_scope():
            outputs = np.asarray(jax.jit(lambda g, x: traced.solve(g, Drive(x)).outputs(case.circuit))(case.g, case.x))
        case.agree(outputs, case.answers["free"].outputs(case.circuit), "traced")
    if Capability.VERIFIED in declared:
        for name, drive in case.drives.items():
            balance = kirchhoff.balance(case.circuit, case.chip, case.g, drive, case.answers[name])
            off = np.abs(case.answers[name].residual - balance.residual)
            _require(bool((off <= ROUNDED * balance.largest).all()), f"{name}: the reported residuals are off by {off} A")


def _adjoint_is_the_gradient(case: Examination) -> None:
    """Compare two entries of every trainable element with centred finite differences of the mean loss: the largest, and the last."""

    def loss(g: dict[str, Floats]) -> float:
        outputs = case.solver.solve(g, Drive(case.x, FREE)).outputs(case.circuit)
        return float(np.mean(SquaredError().value(np.asarray(outputs), case.y)))

    gradient = {
        name: np.asarray(values) for name, values in Adjoint().gradient(case.solver, case.g, case.x, case.y, SquaredError()).g.items()
    }
    for name, values in gradient.items():
        _require(values.shape == case.g[name].shape, f"the adjoint's gradient of {name} has shape {values.shape}")
        for place in {int(np.abs(values).argmax()), values.size - 1}:
            at = np.unravel_index(place, values.shape)
            step = MOVED * case.g[name][at]
            moved = [case.g | {name: case.g[name].copy()} for _ in range(2)]
            moved[0][name][at] += step
            moved[1][name][at] -= step
            difference = (loss(moved[0]) - loss(moved[1])) / (2 * step)
            same = abs(values[at] - difference) <= SAME_GRADIENT * np.abs(values).max()
            _require(same, f"dC/d{name}{[int(k) for k in at]}: adjoint {values[at]:.6g}, differences {difference:.6g}")


Law = Callable[[Examination], None]

QUICK: dict[str, Law] = {"free": free, "nudged": nudged, "closed_form": closed_form, "reference": reference, "fresh": fresh}
"""The laws of every problem, by name."""

LAWS: dict[str, Law] = QUICK | {
    "phases": phases,
    "one-by-one": one_by_one,
    "order": order,
    "failure": failure,
    "unstable": unstable,
    "shapes": shapes,
    "capabilities": capabilities,
}
"""Those of thorough problems too."""

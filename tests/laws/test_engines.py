"""Every engine solves every problem: known answers, Kirchhoff's current law, and the other engine's voltages."""

import numpy as np
import pytest

from circuits.builder import Builder
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.elements import Elements, IdealDiodes, InputSources, Nudges, Resistors, VoltageSources
from circuits.errors import CircuitError
from circuits.nodes import GROUND
from hwsim.core import kirchhoff
from hwsim.core.protocol import FREE, Drive, Engine, Equilibrium, Push
from hwsim.ngspice.ngspice_engine import NgspiceEngine
from hwsim.numeric.numeric_engine import NumericEngine
from support.problems import PROBLEMS, Problem

AGREE = 1e-8  # V
ENGINES: dict[str, Engine] = {"numeric": NumericEngine(), "ngspice": NgspiceEngine(workers=1)}


def solved(name: str, problem: Problem) -> tuple[Circuit, dict[str, Equilibrium]]:
    """Solve all phases of a problem."""
    circuit = problem.circuit()
    with ENGINES[name].prepare(circuit, problem.chip(circuit)) as solver:
        return circuit, {phase: solver.solve(problem.conductances(circuit), drive) for phase, drive in problem.drives().items()}


def voltage_range(problem: Problem) -> float:
    """Give the largest voltage that a source holds [V]."""
    circuit = problem.circuit()
    fixed = [float(np.abs(source.v).max()) for source in circuit.of(VoltageSources)]
    scales = [float(np.abs(source.scale).max()) for source in circuit.of(InputSources)]
    return max([*fixed, *(scale * float(np.abs(problem.x()).max()) for scale in scales)])


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_every_engine_solves_every_problem(problem: Problem) -> None:
    """What flows into every node flows out again, free and nudged; a known answer is found; and engines agree at every node."""
    answers = {name: solved(name, problem) for name in ENGINES}
    for name, (circuit, found) in answers.items():
        sharp = name == "ngspice" and bool(circuit.of(IdealDiodes))
        if not sharp:  # a sharp diode's current is not what an ideal one's law says
            for phase, drive in problem.drives().items():
                balance = kirchhoff.balance(circuit, problem.chip(circuit), problem.conductances(circuit), drive, found[phase])
                assert (balance.residual <= 1e-9 * balance.largest).all(), (name, phase)
        if problem.known is not None:
            atol = 1e-3 * voltage_range(problem) if sharp else 1e-10
            np.testing.assert_allclose(found["free"].outputs(circuit), problem.known(problem), rtol=0, atol=atol, err_msg=name)
    atol = 1e-3 * voltage_range(problem) if problem.is_ideal else AGREE
    (circuit, ours), (_, theirs) = answers.values()
    for phase in ours:
        assert set(ours[phase].v) == set(theirs[phase].v) == {group.name for group in circuit.groups}
        for group, v in ours[phase].v.items():
            np.testing.assert_allclose(v, theirs[phase].v[group], rtol=0, atol=atol, err_msg=f"{phase} {group}")


def fixed_divider(*elements: Elements) -> Circuit:
    """Make a divider of resistors and a diode, in which nothing learns; with what a test adds."""
    builder = Builder()
    x, y = builder.group("x"), builder.group("y")
    builder.add(Resistors(name="r", a=np.concatenate([x, y]), b=np.concatenate([y, GROUND]), r=[1e3, 3e3]), *elements)
    return builder.circuit("fixed")


X, Y = np.array([1]), np.array([2])
INPUT, OUTPUT = InputSources(name="v_x", plus=X, feature=[0], scale=-2.0), Nudges(name="nudge", plus=Y, minus=GROUND)


@pytest.mark.parametrize("engine", ENGINES)
def test_circuits_are_solved_in_which_nothing_learns(engine: str) -> None:
    """Three quarters of the input, and with a nudge what the two resistors in parallel make of its current."""
    circuit = fixed_divider(INPUT, OUTPUT)
    x = np.array([[0.3], [-0.2]])
    with ENGINES[engine].prepare(circuit, Chip.nominal(circuit)) as solver:
        free, pushed = (solver.solve({}, Drive(x, push)) for push in (FREE, Push(current=np.full((2, 1), 1e-4))))
    np.testing.assert_allclose(free.outputs(circuit), -1.5 * x, rtol=0, atol=1e-10)
    np.testing.assert_allclose(pushed.outputs(circuit), -1.5 * x + 0.075, rtol=0, atol=1e-10)
    assert (kirchhoff.balance(circuit, Chip.nominal(circuit), {}, Drive(x), free).residual < 1e-12).all()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("elements", "message"), [((INPUT,), "fixed has no outputs"), ((OUTPUT,), "fixed has no input sources")])
def test_circuits_without_inputs_or_outputs_are_not_solved(engine: str, elements: tuple[Elements, ...], message: str) -> None:
    """Every engine refuses them in one line that says what is missing."""
    circuit = fixed_divider(*elements)
    with pytest.raises(CircuitError, match=message):
        ENGINES[engine].prepare(circuit, Chip.nominal(circuit))

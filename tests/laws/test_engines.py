"""Every engine solves every problem: known answers, Kirchhoff's current law, and the other engine's voltages."""

import numpy as np
import pytest

from circuits.circuit import Circuit
from circuits.elements import IdealDiodes, InputSources, VoltageSources
from hwsim.core import kirchhoff
from hwsim.core.protocol import Engine, Equilibrium
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

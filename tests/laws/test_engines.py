"""Every engine solves every problem: the conformance suite, with what an engine does not do and why."""

import numpy as np
import pytest

from circuits.builder import Builder
from circuits.chip import Chip
from circuits.elements import InputSources, Nudges, Resistors
from circuits.errors import CircuitError
from circuits.nodes import GROUND
from hwsim.ngspice.ngspice_engine import NgspiceEngine
from hwsim.numeric.general.general_solver import GeneralEngine
from hwsim.numeric.numeric_engine import NumericEngine
from hwsim.testing import conformance
from hwsim.testing.conformance import AGREE_V, PROBLEMS, EngineProblem

REDUCED, FULL = NgspiceEngine(workers=1), NgspiceEngine(workers=1, full=True)


SHARP = {
    f"{problem.name}/{law}": "a sharp diode is written for an ideal one, and its current is not what the ideal one's law allows"
    for problem in PROBLEMS
    if problem.is_ideal
    for law in ("free", "nudged", "fresh")
}
UNJUDGED = {"mesh/unstable": "ngspice looks for stability only at outputs with nothing but linear elements"}


def of_spice(problem: EngineProblem) -> float:
    """Return how far sharp diodes may be off [V]."""
    return 1e-3 if problem.is_ideal else AGREE_V


ENGINES = {
    "layered": {"engine": NumericEngine(), "tolerance": 1e-10},
    "general": {"engine": GeneralEngine(), "reference": REDUCED, "tolerance": of_spice},
    "ngspice": {"engine": REDUCED, "tolerance": of_spice, "exceptions": SHARP | UNJUDGED},
    "ngspice-full": {"engine": FULL, "tolerance": of_spice, "exceptions": SHARP | UNJUDGED},
}


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_every_engine_solves_every_problem(problem: EngineProblem, name: str) -> None:
    """All laws hold for all engines, but for the exceptions, which are needed."""
    conformance.check(problems=[problem], **ENGINES[name])


X, Y = np.array([1]), np.array([2])
ENDS = {
    "fixed has no outputs": InputSources(name="v_x", plus=X, feature=[0]),
    "fixed has no input sources": Nudges(name="nudge", plus=Y, minus=GROUND),
}


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("message", ENDS)
def test_circuits_without_inputs_or_outputs_are_not_solved(message: str, name: str) -> None:
    """Every engine refuses them in one line that names what is missing."""
    builder = Builder()
    x, y = builder.group("x"), builder.group("y")
    builder.add(Resistors(name="r", a=np.concatenate([x, y]), b=np.concatenate([y, GROUND]), r=[1e3, 3e3]), ENDS[message])
    circuit = builder.circuit("fixed")
    with pytest.raises(CircuitError, match=message):
        ENGINES[name]["engine"].prepare(circuit, Chip.nominal(circuit))

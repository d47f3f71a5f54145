"""Whether a circuit is an odd function of its inputs: outputs at −x are those at x, negated."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.passed import Passed
from hwsim.core.protocol import ConvergenceError, Drive
from hwsim.numeric.exact import exact_engine

_SAMPLES = 4
_EVEN = 1e-9
"""Share of the outputs' largest value; what remains of x and −x in an odd circuit is rounding."""


def is_odd(circuit: Circuit, chip: Chip, g: Mapping[str, NDArray[np.float64]]) -> bool:
    """Solve a few samples and their opposites; False for a circuit that only ngspice solves, or without equilibrium."""
    if circuit.of(Passed):
        return False
    x = np.random.default_rng(0).uniform(-1.0, 1.0, (_SAMPLES, circuit.input_count))
    try:
        with exact_engine(circuit).prepare(circuit, chip) as solver:
            outputs = np.asarray(solver.solve(g, Drive(np.concatenate([x, -x]))).outputs(circuit))
    except ConvergenceError:
        return False
    largest = float(np.abs(outputs).max())
    return largest > 0 and float(np.abs(outputs[:_SAMPLES] + outputs[_SAMPLES:]).max()) <= _EVEN * largest

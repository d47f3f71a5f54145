"""What leaves with a certificate balances, whoever solved it; what does not balance fails aloud."""

import numpy as np
import pytest

from circuits.chip import Chip
from circuits.network import Amplifier, Layer, Network
from hwsim.core.kirchhoff import balance
from hwsim.core.protocol import ConvergenceError, Drive, Result
from hwsim.core.verified import CertifiedSolver, certified
from hwsim.numeric.numeric_engine import NumericEngine

CIRCUIT = Network(inputs=3, layers=(Layer(size=4, amplifier=Amplifier()),), outputs=2).compile()
CHIP = Chip.nominal(CIRCUIT)
RNG = np.random.default_rng(1)
G = {element.name: RNG.uniform(1e-7, 1e-5, element.shape) for element in CIRCUIT.trainable}
DRIVE = Drive(RNG.uniform(-1, 1, (5, 3)))


@pytest.fixture(scope="module")
def solved():
    return NumericEngine().prepare(CIRCUIT, CHIP).solve(G, DRIVE)


def test_an_equilibrium_passes_with_the_checks_residual(solved):
    """Its voltages stay, and its residual is what the elements state, not what the solver states."""
    equilibrium = certified(CHIP, G, DRIVE, solved)
    assert (equilibrium.result == Result.CONVERGED).all()
    np.testing.assert_array_equal(equilibrium.residual, balance(CIRCUIT, CHIP, G, DRIVE, solved).residual)


def test_a_voltage_that_is_off_is_caught(solved):
    """One node of one sample a millionth of a volt off: that sample fails, and no other; solving raises."""
    moved = {name: v.copy() for name, v in solved.v.items()}
    moved["h1"][2, 1] += 1e-6
    lie = solved._replace(v=moved)
    assert (certified(CHIP, G, DRIVE, lie).result == [0, 0, Result.UNBALANCED, 0, 0]).all()

    class Liar:
        circuit, chip, capabilities = CIRCUIT, CHIP, frozenset()

        def solve(self, *_, **__):
            """Return what is wrong."""
            return lie

    with pytest.raises(ConvergenceError, match=r"sample 2.*do not balance"):
        CertifiedSolver(Liar()).solve(G, DRIVE)

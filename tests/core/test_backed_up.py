"""A solver that is backed up by another one: what it finds itself is its own, and the rest is the other one's."""

import numpy as np
import pytest

import hwsim as hw
from hwsim.core.backed_up import BackedUpSolver
from hwsim.core.protocol import Result
from hwsim.core.wrapper import SolverWrapper
from hwsim.numeric.exact import small_engine
from hwsim.numeric.general.general_solver import GeneralEngine


class Failing(SolverWrapper):
    """Finds nothing for positive features."""

    def solve(self, g, drive, *, throw=True, **how):
        """Find the equilibria, and take back some of them."""
        equilibrium = super().solve(g, drive, throw=throw, **how)
        return equilibrium._replace(result=np.where(np.asarray(drive.x)[:, 0] > 0, int(Result.MAX_STEPS), equilibrium.result))


@pytest.fixture(scope="module")
def session():
    return hw.Session.of(hw.load("xor"))


def test_the_other_solver_is_made_once_and_only_where_the_first_fails(session):
    made = []

    def prepare():
        made.append(GeneralEngine().prepare(session.circuit, session.chip))
        return made[-1]

    g, x = session.begun(), session.data.x_test
    low, high = x[x[:, 0] <= 0], x[x[:, 0] > 0]
    with BackedUpSolver(Failing(prepare()), prepare) as solver:
        made.clear()
        assert (solver.solve(g, hw.Drive(low)).result == Result.CONVERGED).all()
        assert not made
        for _ in range(2):
            assert (solver.solve(g, hw.Drive(high)).result == Result.CONVERGED).all()
        assert len(made) == 1


def test_reported_numbers_of_small_circuits_are_those_of_their_layers(session):
    """To what 64 bits resolve, whichever way they are solved; settings of layers alone ask for these."""
    g, x = session.begun(), session.data.x_test
    with session.verified_solver() as by_ports, session.solver() as by_layers:
        assert isinstance(by_ports, BackedUpSolver)
        each = [solver.solve(g, hw.Drive(x)).outputs(session.circuit) for solver in (by_ports, by_layers)]
    np.testing.assert_allclose(*each, rtol=0, atol=1e-11)
    experiment = hw.load("xor", ["solver.newton=true"])
    assert small_engine(session.circuit, experiment.solver) is None

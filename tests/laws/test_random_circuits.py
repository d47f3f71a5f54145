"""Laws that hold in any layered circuit, tried on random ones."""

import jax
import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from circuits.chip import Chip
from hwsim.core import kirchhoff
from hwsim.core.protocol import Drive, Push, Result
from hwsim.learning.losses import SquaredError
from hwsim.learning.rules.adjoint import Adjoint
from hwsim.learning.rules.estimator import Gradient
from hwsim.numeric.numeric_engine import NumericEngine
from support.nudges import propagation
from support.strategies import conductances, features, networks, targets

pytestmark = pytest.mark.usefixtures("jax_64_bits")

BETAS = (1e-7, 1e-8, 1e-9, 1e-10)  # S
ROUNDING = 1e-13  # V; where no current flows, a residual is compared with this


@settings(max_examples=4, phases=[Phase.explicit, Phase.generate])
@given(st.data())
def test_equilibria_of_random_circuits(data: st.DataObject) -> None:
    """Kirchhoff's law holds, free and nudged; a sample settles alone as it does in a batch; and from wherever it starts."""
    circuit = data.draw(networks(max_layers=3)).compile()
    chip, g = Chip.nominal(circuit), data.draw(conductances(circuit))
    x, y = data.draw(features(circuit)), data.draw(targets(circuit))
    with NumericEngine().prepare(circuit, chip) as solver:
        for push in (Push(), Push(beta=1e-6, target=y)):
            drive = Drive(x, push)
            equilibrium = solver.solve(g, drive)
            balance = kirchhoff.balance(circuit, chip, g, drive, equilibrium)
            assert (balance.residual <= 1e-9 * balance.largest + ROUNDING * circuit.trainable[0].g_max).all()
            alone = solver.solve(g, Drive(np.repeat(x[1:2], len(x), axis=0), Push(push.beta, np.repeat(y[1:2], len(x), axis=0))))
            elsewhere = solver.solve(g, drive, start=alone)
            for group, v in equilibrium.v.items():
                atol = 1e-9 * max(1.0, float(np.abs(v).max()))
                np.testing.assert_allclose(alone.v[group][0], v[1], rtol=0, atol=atol)
                np.testing.assert_allclose(elsewhere.v[group], v, rtol=0, atol=atol)


@settings(max_examples=4, phases=[Phase.explicit, Phase.generate])
@given(st.data())
def test_gradients_of_random_circuits(data: st.DataObject) -> None:
    """Centred equilibrium propagation gives the adjoint circuit's gradient, whatever the layers, neurons and amplifiers.

    A dead zone that hardly leaks bends so sharply that only the smallest beta is small enough, and elsewhere rounding wants a larger one:
    the law holds for one of them.
    """
    circuit = data.draw(networks(max_layers=2, ideal=False)).compile()
    g, x, y = data.draw(conductances(circuit)), data.draw(features(circuit)), data.draw(targets(circuit))

    def scaled(gradient: dict[str, np.ndarray]) -> np.ndarray:
        return np.concatenate([np.ravel(gradient[name] * g[name]) for name in g])

    with NumericEngine().prepare(circuit, Chip.nominal(circuit)) as solver:
        exact = scaled(Adjoint().gradient(solver, g, x, y, SquaredError()).g)
        traced = solver.traced(newton=solver.needs_newton(g, -max(BETAS)))

    @jax.jit  # once for all betas
    def propagated(beta: float) -> Gradient:
        return propagation(SquaredError(), beta).gradient(traced, g, x, y, SquaredError())

    def apart_at(beta: float) -> float:
        result = jax.tree.map(np.asarray, propagated(beta))
        if any((phase.result == Result.NOT_CONVEX).any() for phase in result.phases):
            return np.inf  # so strong a push away tears weak outputs off
        assert all((phase.result == Result.CONVERGED).all() for phase in result.phases)
        return float(np.linalg.norm(scaled(result.g) - exact))

    assert min(map(apart_at, BETAS)) <= 1e-2 * np.linalg.norm(exact) + 1e-6 * float(np.mean(y**2))

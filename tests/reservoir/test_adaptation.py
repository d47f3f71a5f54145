"""Nodes adapt to the spread that is asked for, and a circuit to the edge of stability; what adapts changes just what it should."""

import numpy as np
import pytest

from circuits.errors import CircuitError
from hwsim.core.protocol import ConvergenceError
from hwsim.reservoir.drawn_layer import Adapted
from hwsim.reservoir.edge import edge_of_stability, row_exponent
from hwsim.reservoir.plasticity import IntrinsicPlasticity, plasticity
from hwsim.reservoir.reservoir import Reservoir
from hwsim.settings.reservoir_settings import ReservoirSettings

SETTINGS = ReservoirSettings(nodes=8, fan_in=3, leak=0.6, noise=0.0)
X = np.random.default_rng(0).uniform(0, 1, (1, 120, 1)) ** 3


def test_the_rule_is_schrauwens_for_the_hyperbolic_tangent():
    """Δb = −η·(−μ/σ² + y/σ²·(2σ² + 1 − y² + μ·y)), Δa = η/a + Δb·x."""
    rng = np.random.default_rng(1)
    x, a, b, mean, std = rng.normal(size=(5, 3)), rng.uniform(0.5, 2, 3), rng.normal(size=3), 0.1, 0.4
    y = np.tanh(a * x + b)
    gained, biased = plasticity(y, 1 - y**2, -2 * y * (1 - y**2), x, a, mean, std)
    wanted = mean / std**2 - y / std**2 * (2 * std**2 + 1 - y**2 + mean * y)
    np.testing.assert_allclose(biased, wanted, atol=1e-13)
    np.testing.assert_allclose(gained, 1 / a + wanted * x, atol=1e-13)


def test_gains_and_biases_change_what_flows_in_and_no_load():
    """Row i of the weights is multiplied by a_i, and b is what the bias line does: S, which depends on loads, stays."""
    plain = Reservoir(SETTINGS, 1)
    bias = plain.drawn.layers[0].entering[-1]
    a = np.linspace(0.5, 2.0, 8)
    one, other = (Reservoir(SETTINGS, 1, adapted=Adapted(gain, b, 3.0)).drawn.layers[0] for gain, b in ((np.ones(8), bias), (a, -bias)))
    np.testing.assert_allclose(one.loads, other.loads, rtol=1e-12)
    assert one.driven.gain == pytest.approx(other.driven.gain)
    (w, r), (scaled, back) = one.conductances, other.conductances
    np.testing.assert_allclose(scaled[0] - scaled[1], a * (w[0] - w[1]), atol=1e-18)
    np.testing.assert_allclose(scaled[2] - scaled[3], -(w[2] - w[3]), atol=1e-18)
    _, end = one.recurrence.meets(8)
    count = len(end)
    np.testing.assert_allclose(back[:count] - back[count:], a[end] * (r[:count] - r[count:]), atol=1e-18)
    assert min(scaled.min(), back.min()) >= SETTINGS.g_low * (1 - 1e-9)


def test_states_come_near_to_the_spread_that_is_asked_for():
    """Skewed inputs leave means apart from 0 and spreads apart from each other; after adaptation both are what was asked for."""
    before = Reservoir(SETTINGS, 1)
    after = IntrinsicPlasticity(std=0.03, passes=25)(before, X)
    (first, last) = (one.run(X).states[0, 30:] for one in (before, after))
    assert np.abs(last.mean(axis=0)).max() < 0.2 * np.abs(first.mean(axis=0)).max()
    assert np.abs(np.log(last.std(axis=0) / 0.03)).mean() < 0.5 * np.abs(np.log(first.std(axis=0) / 0.03)).mean()


@pytest.mark.parametrize("dynamics", ["clocked", "continuous"])
def test_the_exponent_becomes_the_one_that_is_asked_for(dynamics):
    """By the radius of the weights alone."""
    settings = SETTINGS.model_copy(update={"dynamics": dynamics})
    x = X[:, :40]
    edge = edge_of_stability(Reservoir(settings, 1), x, -0.05)
    assert row_exponent(edge, x) == pytest.approx(-0.05, abs=2e-3)
    assert edge.settings.spectral_radius > settings.spectral_radius
    assert edge.settings.model_copy(update={"spectral_radius": settings.spectral_radius}) == settings


def test_what_does_not_adapt_is_refused():
    """In one line."""
    with pytest.raises(CircuitError, match="set dynamics to 'clocked'"):
        IntrinsicPlasticity()(Reservoir(SETTINGS.model_copy(update={"dynamics": "continuous"}), 1), X)
    with pytest.raises(CircuitError, match="a washout of 200 rows"):
        IntrinsicPlasticity()(Reservoir(SETTINGS, 1), X, washout=200)
    with pytest.raises(ConvergenceError, match="after 1 rounds"):
        edge_of_stability(Reservoir(SETTINGS, 1), X, rounds=1)

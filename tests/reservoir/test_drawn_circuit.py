"""A reservoir's circuit has the spectral radius and the time that its settings ask for, and its chips differ by their mismatch alone."""

import numpy as np
import pytest

from hwsim.numeric.transient.state_form import StateForm
from hwsim.reservoir.reservoir import Reservoir
from hwsim.settings.reservoir_settings import ReservoirSettings
from hwsim.settings.variation_settings import VariationSettings


@pytest.mark.parametrize("family", ["random", "cycle"])
def test_the_circuit_has_the_spectral_radius_that_is_asked_for(family):
    """C·dv/dt = (A·Δr − G)·v, and G⁻¹·A·Δr has that radius; the median time constant C/G gives the period."""
    reservoir = Reservoir(ReservoirSettings(nodes=20, family=family, dynamics="continuous", spectral_radius=0.7, leak=0.5), inputs=2)
    form = StateForm.of(reservoir.circuit, reservoir.chip, reservoir.g)
    loads = reservoir.drawn.loads
    weights = np.eye(20) + form.charging.of_v / loads[:, None]
    assert np.abs(np.linalg.eigvals(weights)).max() == pytest.approx(0.7, rel=1e-6)
    tau = np.median(form.c / loads)
    assert 1 - np.exp(-reservoir.drawn.period / tau) == pytest.approx(0.5, rel=1e-12)


def test_chips_differ_by_their_mismatch():
    """Chip by chip, and by its size; without mismatch they are one."""
    nodes = ReservoirSettings(nodes=10, mismatch=0.02)
    nominal, *chips = (
        Reservoir(settings, 1, VariationSettings(chip=chip))
        for settings, chip in ((nodes.model_copy(update={"mismatch": 0.0}), 0), (nodes, 1), (nodes, 2))
    )
    one, two = (np.concatenate([(chip.g[name] / nominal.g[name] - 1).ravel() for name in nominal.g]) for chip in chips)
    assert one.std() == pytest.approx(0.02, rel=0.15)
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.3


def test_a_run_continues_where_another_ended():
    """As if it had not been interrupted."""
    reservoir = Reservoir(ReservoirSettings(nodes=10), 1)
    x = np.random.default_rng(0).uniform(-1, 1, (2, 30, 1))
    whole = reservoir.run(x).states
    first = reservoir.run(x[:, :12])
    second = reservoir.run(x[:, 12:], first.end, x[:, 11])
    np.testing.assert_allclose(np.concatenate([first.states, second.states], axis=1), whole, atol=2e-6)


def test_each_part_has_noise_of_its_own():
    """Of the size that is asked for, the same each time."""
    reservoir = Reservoir(ReservoirSettings(nodes=10, noise=1e-3), 1)
    x = np.random.default_rng(0).uniform(-1, 1, (1, 40, 1))
    clean = reservoir.run(x).states
    train, again, test = (reservoir.states(x, part) - clean for part in ("train", "train", "test"))
    assert train.std() == pytest.approx(1e-3, rel=0.2)
    assert np.array_equal(train, again)
    assert abs(np.corrcoef(train.ravel(), test.ravel())[0, 1]) < 0.2

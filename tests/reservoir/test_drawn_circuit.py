"""A reservoir's circuit has the spectral radius and the time that its settings ask for, and its chips differ by their mismatch alone."""

import numpy as np
import pytest
from pydantic import ValidationError

from circuits.errors import CircuitError
from hwsim.numeric.transient.clocked_form import ClockedForm
from hwsim.numeric.transient.forgetting import forgetting_rate
from hwsim.numeric.transient.state_form import StateForm
from hwsim.reservoir.reservoir import Reservoir
from hwsim.settings.reservoir_settings import ReservoirSettings
from hwsim.settings.variation_settings import VariationSettings


@pytest.mark.parametrize("family", ["random", "cycle", "euler"])
def test_the_circuit_has_the_spectral_radius_that_is_asked_for(family):
    """C·dv/dt = (A·Δr − G)·v, and G⁻¹·A·Δr has that radius; the median time constant C/G gives the period."""
    reservoir = Reservoir(ReservoirSettings(nodes=20, family=family, dynamics="continuous", spectral_radius=0.7, leak=0.5), inputs=2)
    form = StateForm.of(reservoir.circuit, reservoir.chip, reservoir.g)
    loads = reservoir.drawn.loads
    weights = np.eye(20) + form.charging.of_v / loads[:, None]
    assert np.abs(np.linalg.eigvals(weights)).max() == pytest.approx(0.7, rel=1e-6)
    tau = np.median(form.c / loads)
    assert 1 - np.exp(-reservoir.drawn.period / tau) == pytest.approx(0.5, rel=1e-12)


def test_antisymmetric_weights_turn_without_amplifying():
    """However large their radius: nothing grows, and the circuit is certified to forget at the rate at which a column does by itself."""
    settings = ReservoirSettings(nodes=20, family="euler", dynamics="continuous", fan_in=6, spectral_radius=6.0, leak=0.3)
    reservoir = Reservoir(settings, inputs=1)
    form = StateForm.of(reservoir.circuit, reservoir.chip, reservoir.g)
    flow = form.rates() * form.c[:, None]
    across = flow - np.diag(np.diagonal(flow))
    np.testing.assert_allclose(across, -across.T, atol=1e-12)
    assert forgetting_rate(form) == pytest.approx((reservoir.drawn.loads / form.c).min(), rel=1e-3)


def test_each_column_meets_so_many_inputs():
    """Others have no weight, pairs of low conductances; all other draws stay, and so do layers behind the first."""
    settings = ReservoirSettings(nodes=20, family="deep", layers=2, fan_in=3)
    sparse = settings.model_copy(update={"input_fan_in": 2})
    (full, behind), (some, same) = (Reservoir(one, 5).drawn.layers for one in (settings, sparse))
    met = some.entering[:-1] != 0
    assert (met.sum(axis=0) == 2).all()
    assert (met.sum(axis=1) > 0).all()
    np.testing.assert_array_equal(some.entering[:-1][met], full.entering[:-1][met])
    np.testing.assert_array_equal(some.entering[-1], full.entering[-1])
    np.testing.assert_array_equal(same.entering, behind.entering)
    assert not some.conductances[0][:5][~met].any(), "a device that is not there loads no column"
    with pytest.raises(CircuitError, match="more than the 1 inputs"):
        _ = Reservoir(sparse, 1).g


@pytest.mark.parametrize("dynamics", ["clocked", "continuous"])
def test_layers_of_a_deep_reservoir_drive_each_other_in_order(dynamics):
    """Each has its radius; what one does reaches those behind it alone, and all are read."""
    settings = ReservoirSettings(nodes=18, family="deep", layers=3, fan_in=3, dynamics=dynamics, leak=0.5, spectral_radius=0.7)
    reservoir, x = Reservoir(settings, 1), np.random.default_rng(1).uniform(-1, 1, (1, 12, 1))
    assert reservoir.run(x).states.shape == (1, 12, 18)
    assert len({layer.driven.seed for layer in reservoir.drawn.layers}) == 3
    for layer in reservoir.drawn.layers:
        assert np.abs(np.linalg.eigvals(layer.driven.gain * layer.matrix)).max() == pytest.approx(0.7)
    circuit, g = reservoir.circuit, reservoir.g
    clocked = dynamics == "clocked"
    weights = ClockedForm.of(circuit, reservoir.chip, g).linear_weights if clocked else StateForm.of(circuit, reservoir.chip, g).rates()
    before = np.kron(np.triu(np.ones((3, 3)), 1), np.ones((6, 6)))
    assert np.abs(weights * before).max() < 1e-9 * np.abs(weights).max()
    assert (np.abs(weights)[6:12, :6] > 0).all()


def test_a_cycle_of_few_bits_is_the_integer_echo_state_network():
    """Kleyko et al.: shift by one, add the input, round and clip; all but where diodes conduct a little and a state rounds otherwise."""
    settings = ReservoirSettings(nodes=6, family="cycle", spectral_radius=1.0, leak=1.0, bits=4, bias=0.0)
    reservoir, x = Reservoir(settings, 1), np.random.default_rng(2).uniform(-1, 1, (1, 200, 1))
    states = reservoir.run(x).states[0]
    layer, step = reservoir.drawn.layers[0], settings.clamp / 7
    plus, minus = layer.pair(layer.entering)
    into = np.column_stack([settings.input_scale * x[0], np.ones(200)]) @ ((plus - minus) / layer.loads)
    shifted = np.roll(states[:-1], 1, axis=1)
    wanted = np.clip(np.round((shifted + into[1:]) / step), -7, 7) * step
    np.testing.assert_allclose(states / step, np.round(states / step), atol=1e-9)
    assert (np.abs(wanted - states[1:]) < 1e-9).mean() > 0.95
    assert len(np.unique(np.round(states / step))) > 5


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


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"family": "euler"}, "set dynamics to 'continuous'"),
        ({"family": "euler", "dynamics": "continuous", "leak": 0.5, "fan_in": 3}, "must be even"),
        ({"family": "deep"}, "layers = 1"),
        ({"family": "deep", "layers": 3}, "which divide nodes = 20"),
        ({"layers": 2}, "others 1"),
        ({"family": "deep", "layers": 4, "fan_in": 6}, "more than the 5 nodes of a layer"),
        ({"bits": 3, "leak": 0.5}, "leak to 1"),
        ({"bits": 1}, "2 bits and more"),
    ],
)
def test_families_that_cannot_be_are_refused(given, message):
    """In one line."""
    with pytest.raises(ValidationError, match=message):
        ReservoirSettings(nodes=20, **given)

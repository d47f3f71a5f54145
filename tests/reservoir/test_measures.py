"""Memory, rank and entropy of states are those that are known where states are known."""

import numpy as np
import pytest

from circuits.errors import CircuitError
from hwsim.reservoir.measures import effective_rank, memory_capacity, state_entropy, state_rank


def test_a_delay_line_remembers_as_many_inputs_as_it_has_nodes():
    """One each, and none beyond; N independent states that are no inputs remember nothing."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, 2000)
    line = np.stack([np.roll(x, d) for d in range(1, 6)], axis=1)
    shared = memory_capacity(line, x, 8)
    np.testing.assert_allclose(shared[:5], 1.0, atol=1e-6)
    assert shared[5:].max() < 0.02
    mixed = line @ rng.normal(size=(5, 5))
    assert memory_capacity(mixed, x, 8).sum() == pytest.approx(5, abs=0.05)
    assert memory_capacity(rng.normal(size=line.shape), x, 8).sum() < 0.05


def test_states_move_in_as_many_directions_as_were_put_in():
    """Equal independent states count all; copies count once, and so does what noise drowns."""
    rng = np.random.default_rng(1)
    states = rng.normal(size=(5000, 6))
    assert effective_rank(states) == pytest.approx(6, rel=0.01)
    assert effective_rank(states[:, :1] * np.ones(6)) == pytest.approx(1, abs=1e-6)
    assert effective_rank(np.ones((10, 3))) == 0
    scaled = states * [1.0, 1.0, 1.0, 1.0, 1e-3, 1e-3]
    assert state_rank(scaled, 1e-2) == 4
    assert state_rank(scaled, 1e-4) == 6


def test_entropy_rises_with_scale_and_with_how_much_nodes_differ():
    """By ln 2 for twice the voltages; nodes that all do the same have less than nodes that do not."""
    rng = np.random.default_rng(2)
    states = rng.normal(size=(40, 30))
    assert state_entropy(2 * states) - state_entropy(states) == pytest.approx(np.log(2), rel=1e-9)
    assert state_entropy(states[:, :1] * np.ones(30)) < state_entropy(states) - 0.5
    assert state_entropy(np.ones((3, 4))) == -np.inf


def test_too_little_is_refused():
    """In one line."""
    with pytest.raises(CircuitError, match="too few for 8 delays"):
        memory_capacity(np.ones((20, 4)), np.ones(20), 8)
    with pytest.raises(CircuitError, match=r"give \(T, N\) and \(T,\)"):
        memory_capacity(np.ones((20, 4)), np.ones((20, 1)), 2)

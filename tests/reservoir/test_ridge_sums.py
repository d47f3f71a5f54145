"""Sums of states are all that ridge regression needs: those of parts add up, and errors and read-outs are those of the samples."""

import numpy as np
import pytest

from circuits.errors import CircuitError
from hwsim.reservoir.ridge import RidgeReadout
from hwsim.reservoir.ridge_sums import StateSums, added, parted, solved

RNG = np.random.default_rng(0)
MIXING = RNG.normal(size=(12, 12)) * 10.0 ** -RNG.uniform(0, 3, 12)
STATES = 0.1 * np.tanh(RNG.normal(size=(200, 12)) @ MIXING) + 0.05
Y = np.stack([np.sin(20 * STATES[:, 0]), STATES[:, 1] * STATES[:, 2] + 3.0], axis=1) + 0.01 * RNG.normal(size=(200, 2))


@pytest.mark.parametrize("penalty", [None, 1e-8, 0.1])
def test_read_outs_are_those_of_the_samples(penalty):
    """With a penalty that is given, and with the one that the last fifth chooses."""
    plain, one = RidgeReadout.fit(STATES, Y, penalty), solved(*parted(STATES, Y, penalty), penalty)
    assert one.penalty == plain.penalty
    assert np.abs(one(STATES) - plain(STATES)).max() < 1e-9 * Y.std()


def test_errors_are_those_of_the_samples():
    """On samples that the read-out has not learnt from, whatever their mean."""
    read, (_, last) = RidgeReadout.fit(STATES[:150], Y[:150]), parted(STATES, Y, None)
    assert last.count == 40
    assert last.squared_error(read) == pytest.approx(((read(STATES[160:]) - Y[160:]) ** 2).sum(), rel=1e-9)


def test_sums_of_parts_are_those_of_all():
    """Whoever has the samples; no sample at all adds nothing."""
    whole, parts = StateSums.of(STATES, Y), [StateSums.of(STATES[k::4], Y[k::4]) for k in range(4)]
    total = added([StateSums.none(12, 2), *parts])
    for name, values in whole.arrays().items():
        np.testing.assert_allclose(total.arrays()[name], values, rtol=1e-13)
    assert whole.numbers == 1 + 12 + 2 + 2 + 12 * 13 // 2 + 12 * 2


def test_a_state_that_does_not_move_has_no_weight():
    """What rounding leaves of its variance is no spread."""
    still = np.concatenate([STATES, np.full((200, 1), 0.0987654321)], axis=1)
    read, plain = (solved(*parted(states, Y, 1e-6), 1e-6) for states in (still, STATES))
    assert not read.weights[-1].any()
    np.testing.assert_allclose(read(still), plain(STATES), atol=1e-9)


def test_too_few_samples_choose_no_penalty():
    """In one line."""
    with pytest.raises(CircuitError, match="4 samples are too few to choose a penalty"):
        solved(*parted(STATES[:4], Y[:4], None), None)

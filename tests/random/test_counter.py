"""Draws: the same numbers for both engines, other ones for every update and purpose, of the distributions that they claim."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from hwsim.random.counter import PLACES, Draws

pytestmark = pytest.mark.usefixtures("jax_64_bits")

LIKE = np.zeros(5000)


@pytest.mark.parametrize("place", PLACES)
def test_numbers_pass_their_tests(place: str) -> None:
    """Uniform and normal numbers pass Kolmogorov-Smirnov tests at a fixed seed."""
    draws = Draws(np.uint32(7), LIKE)
    assert stats.kstest(draws.uniform(place), "uniform").pvalue > 1e-3
    assert stats.kstest(draws.normal(place).ravel(), "norm").pvalue > 1e-3


def test_many_normal_numbers_fill_their_bins() -> None:
    """300,000 of them are spread over fifty equally likely bins as normal numbers are (chi-squared), with their fourth moment."""
    numbers = Draws(np.uint32(11), np.zeros(300_000)).normal("cycle")
    counts = np.histogram(stats.norm.cdf(numbers), bins=50, range=(0, 1))[0]
    assert stats.chisquare(counts).pvalue > 1e-3
    assert abs((numbers**4).mean() - 3) < 4 * (96 / numbers.size) ** 0.5


def test_both_engines_draw_the_same() -> None:
    """In a compiled function or outside, for arrays of JAX or NumPy, a seed gives the same numbers in the precision asked for."""
    compiled = jax.jit(lambda seed, like: Draws(seed, like).normal("cycle", 2))(np.uint32(3), jnp.asarray(LIKE, np.float32))
    outside = Draws(np.uint32(3), LIKE).normal("cycle", 2)
    assert (compiled.dtype, outside.dtype, outside.shape) == (np.float32, np.float64, (2, 5000))
    np.testing.assert_allclose(compiled, outside, rtol=1e-6)


def test_a_part_draws_what_the_whole_does() -> None:
    """Of all numbers of an update, rows that stand for parts of it have theirs, also where there are several for each device."""
    whole = Draws(np.uint32(5), LIKE)
    part = Draws(np.uint32(5), LIKE[100:300], first=100, total=LIKE.size)
    np.testing.assert_array_equal(part.uniform("round"), whole.uniform("round")[100:300])
    np.testing.assert_array_equal(part.normal("verify", 2), whole.normal("verify", 2)[:, 100:300])


def test_updates_and_purposes_have_numbers_of_their_own() -> None:
    """No two of them are correlated."""
    rows = [Draws(np.uint32(seed), LIKE).normal(place) for seed in (0, 1, 2**32 - 1) for place in PLACES]
    assert np.abs(np.corrcoef(rows) - np.eye(len(rows))).max() < 0.07


def test_neighbours_and_following_updates_are_independent() -> None:
    """Pairs of numbers, of neighbouring devices or of one device in following updates, fill the square evenly (chi-squared)."""
    like = np.zeros(200_000)
    rows = [Draws(np.uint32(seed), like).uniform("round") for seed in range(4)]
    pairs = [(rows[0][:-1], rows[0][1:]), *itertools.pairwise(rows), (rows[0], Draws(np.uint32(0), like).uniform("cycle"))]
    for first, second in pairs:
        counts = np.histogram2d(first, second, bins=20, range=[[0, 1], [0, 1]])[0]
        assert stats.chisquare(counts.ravel()).pvalue > 1e-4

"""Precision changes results by no more than a seed does; the same seed changes nothing."""

from torture.precision import Spread, errors

SEEDS = 4


def test_32_bits_learn_what_64_do_within_the_spread_of_seeds():
    """Irises learnt by four seeds: the means differ by no more than chance would let two samples of seeds differ."""
    wide, narrow = (errors("iris", precision, SEEDS, "training.epochs=10") for precision in ("float64", "float32"))
    assert Spread.of(narrow).agrees(Spread.of(wide), SEEDS)
    assert max(wide) < 0.5


def test_means_that_lie_apart_do_not_agree():
    """Two means of nine seeds, whose errors scatter by 0.3, may differ by 2·0.3·√2/3 and by no more."""
    assert Spread(1.0, 0.3).agrees(Spread(1.28, 0.3), 9)
    assert not Spread(1.0, 0.3).agrees(Spread(1.29, 0.3), 9)

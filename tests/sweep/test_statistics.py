"""Numbers about numbers: yields are within their intervals, tests have their level, indices are those of known functions."""

import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

from hwsim.experiment.loading import load
from hwsim.sweep.axes import read_axis
from hwsim.sweep.definition import SweepDefinition
from hwsim.sweep.points import Design, saltelli
from hwsim.sweep.recorded import Recorded, SweepResult
from hwsim.sweep.sensitivity import indices, slopes, sobol, value_of
from hwsim.sweep.statistics import difference, numbers, per_unit, summary, wilson, yield_at
from support.free_sweep import definition, number


def test_wilson_holds_the_truth_as_often_as_it_says() -> None:
    """On average over true shares; at any one share the whole numbers make it vary."""
    n, shares = 16, np.linspace(0.02, 0.98, 97)
    kept = [sum(binom.pmf(k, n, share) for k in range(n + 1) if wilson(k, n)[0] <= share <= wilson(k, n)[1]) for share in shares]
    assert np.mean(kept) == pytest.approx(0.95, abs=0.01)
    assert min(kept) > 0.85
    assert wilson(0, 16)[0] == 0.0
    assert wilson(16, 16)[1] == 1.0


def results(errors: np.ndarray, point: int = 1) -> list[SweepResult]:
    """Return the results of errors (chips, seeds); NaN is a failure."""
    return [
        SweepResult(point, chip, seed, error, error, None, None, 0.0, 0.1, "did not settle" if math.isnan(error) else None)
        for (chip, seed), error in np.ndenumerate(errors)
    ]


def test_points_that_are_alike_differ_in_one_test_of_twenty() -> None:
    """Errors that share chips and seeds are compared chip by chip: what a chip does to both points does not count."""
    rng = np.random.default_rng(2)
    p = []
    for _ in range(500):
        chips, seeds = rng.gamma(2, 0.02, (8, 1)), rng.normal(0.05, 0.02, (1, 2))
        a, b = (chips + seeds + rng.normal(0, 0.003, (8, 2)) for _ in range(2))
        p.append(difference(results(a), results(b)).p)
    assert np.mean(np.array(p) <= 0.05) == pytest.approx(0.05, abs=0.03)


def test_points_that_differ_are_distinguished() -> None:
    """Half a point of error on every chip is seen, though chips differ by much more; its sign is that of the first."""
    rng = np.random.default_rng(3)
    base = rng.gamma(2, 0.02, (16, 2))
    result = difference(results(base + 0.005 + rng.normal(0, 0.001, (16, 2))), results(base))
    assert result.p < 0.001
    assert result.mean == pytest.approx(0.005, abs=0.001)
    assert result.interval.low < result.mean < result.interval.high
    assert difference(results(base), results(base)).p == 1.0
    assert difference(results(base[:1, :1] + 0.1), results(base[:1, :1])).p == 1.0  # one pair proves nothing


def test_a_chip_counts_once() -> None:
    """By the mean of its seeds; of a single chip the seeds count; failures are left out of means and are bad in yields."""
    errors = np.array([[0.1, 0.3], [0.2, np.nan], [np.nan, np.nan], [0.02, 0.04]])
    assert per_unit(results(errors)) == pytest.approx({0: 0.2, 1: 0.2, 3: 0.03})
    result = summary(results(errors))
    assert (result.results, result.failed, result.units) == (8, 3, 3)
    assert result.mean == pytest.approx(0.43 / 3)
    assert 0.0 < result.interval.low < result.mean < result.interval.high < 1.0
    assert yield_at(results(errors), 0.2)[0::2] == (0.5, 2)
    assert per_unit(results(np.array([[0.1, 0.3]]))) == {0: 0.1, 1: 0.3}


def test_where_nothing_is_significant_nothing_is_claimed() -> None:
    """One result has a mean and no interval; none has neither."""
    assert np.isnan(summary(results(np.full((1, 1), 0.1))).interval).all()
    nothing = summary(results(np.full((2, 1), np.nan)))
    assert nothing.failed == 2
    assert np.isnan([nothing.mean, nothing.sd, *nothing.interval, *nothing.quantiles]).all()
    assert np.isnan(difference(results(np.full((2, 1), np.nan)), results(np.ones((2, 1)))).p)
    assert np.isnan(wilson(0, 0)).all()


def recorded(chosen: SweepDefinition, error: Callable[..., float]) -> Recorded:
    """Return a finished sweep whose errors follow from the point's settings, the chip and the seed."""
    points = chosen.points()
    result = [
        SweepResult(point.number, chip, seed, error(point.settings, chip, seed), 0.0, None, None, 0.0, 0.1, None)
        for point in points
        for chip in range(chosen.chips)
        for seed in range(chosen.seeds)
    ]
    return Recorded(Path("a.db"), chosen, points, result, {})


def over(*vary: str, chips: int = 10, **design) -> SweepDefinition:
    return SweepDefinition.make(load("xor"), tuple(map(read_axis, vary)), design=Design(**design), chips=chips)


def test_slopes_are_those_of_a_plane() -> None:
    """On a grid or at random points; per unit, or per decade of a logarithmic range."""
    scatter = np.random.default_rng(0).normal(0, 0.001, 10)

    def plane(settings, chip: int, seed: int) -> float:
        del seed
        return 0.1 + (0.05 + scatter[chip]) * settings["training.adam_b1"] - 0.01 * math.log10(settings["training.beta"])

    for design in ({"kind": "grid"}, {"kind": "random", "count": 12}):
        result = slopes(recorded(over("training.adam_b1=0:0.8:5", "training.beta=log:1e-8:1e-5:4", **design), plane))
        assert [one.key for one in result] == ["training.adam_b1", "training.beta"]
        assert [one.slope for one in result] == pytest.approx([0.05 + scatter.mean(), -0.01])
        assert result[0].interval.low < 0.05 < result[0].interval.high
        assert result[1].log


def test_a_key_without_effect_has_no_slope() -> None:
    """Not the rounding of its least squares, such as 2e-14."""
    chosen = over("training.adam_b1=0:0.8:5", "training.beta=log:1e-8:1e-5:4", chips=3)
    assert [one.slope for one in slopes(recorded(chosen, lambda *_: 2 / 3))] == [0, 0]

    def opposed(settings, chip: int, seed: int) -> float:
        del seed
        return 0.7 + 0.1 * (chip - 1) * settings["training.adam_b1"]

    assert [one.slope for one in slopes(recorded(chosen, opposed))] == [0, 0]


def test_one_at_a_time_starts_from_what_the_experiment_has() -> None:
    """Each key's slope goes through the point as it is; names have none."""
    ours = load("xor").training

    def error(settings, chip: int, seed: int) -> float:
        del chip, seed
        at = {"training.adam_b1": ours.optimizer.b1, "training.target_high": ours.target_high} | settings
        return 0.2 + 0.1 * at["training.adam_b1"] + 0.3 * at["training.target_high"]

    chosen = over("training.adam_b1=0.1:0.5:2", "training.target_high=0.2,0.3", "training.optimizer=sgd,adam", kind="alone")
    result = slopes(recorded(chosen, error))
    assert {one.key: one.slope for one in result} == pytest.approx({"training.adam_b1": 0.1, "training.target_high": 0.3})
    assert [one.span for one in result] == pytest.approx([ours.optimizer.b1 - 0.1, 0.3 - ours.target_high])


def test_values_are_found_by_their_key() -> None:
    """Also within lists; what is not there is None."""
    xor = load("xor")
    assert value_of(xor, "training.beta") == xor.training.nudge.beta
    assert value_of(xor, "circuit.layers[0].size") == value_of(xor, "circuit.layers.0.size") == xor.circuit.layers[0].size
    assert value_of(xor, "circuit.layers[7].size") is None
    assert value_of(xor, "device.preset") is None


def test_sobol_indices_of_a_known_function() -> None:
    """Ishigami's function: sin x + 7 sin² y + 0.1 z⁴ sin x over ±π; all within 0.02 (Homma and Saltelli 1996)."""
    axes = tuple(read_axis(f"{name}=-{math.pi}:{math.pi}") for name in "xyz")
    x, y, z = ((2 * np.array(saltelli(axes, 2048)) - 1) * math.pi).T
    result = sobol(axes, np.sin(x) + 7 * np.sin(y) ** 2 + 0.1 * z**4 * np.sin(x))
    assert [one.first for one in result] == pytest.approx([0.3139, 0.4424, 0.0], abs=0.02)
    assert [one.total for one in result] == pytest.approx([0.5576, 0.4424, 0.2437], abs=0.02)
    assert all(one.total_half < 0.1 for one in result)


def test_sobol_indices_of_a_sweep() -> None:
    """From the means of its points, once all are there; a key that does nothing has none."""
    chosen = over("training.adam_b1=0:0.8", "training.target_high=0.1:0.2", kind="sobol", count=64, chips=2)
    result = recorded(chosen, lambda settings, chip, seed: 0.1 * chip + settings["training.adam_b1"] ** 2 + 0 * seed)
    assert [one.total for one in indices(result)] == pytest.approx([1.0, 0.0], abs=0.1)
    assert indices(Recorded(result.path, chosen, result.points, result.results[1:], {})) == []


def test_every_point_is_put_in_numbers() -> None:
    """Compared with the one that was chosen, which is compared with nothing."""
    chosen = definition(3)

    def error(settings, chip: int, seed: int) -> float:
        return number(settings["training.beta"], chip, seed)

    result = numbers(recorded(chosen, error), 0.5, reference=2)
    assert [one.against is None for one in result] == [False, True, False]
    assert all(one.yields and one.yields.units == 16 for one in result)
    assert all(a <= b for one in result for a, b in pairwise(one.summary.quantiles))

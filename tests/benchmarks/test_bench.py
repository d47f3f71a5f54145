"""Benchmarks compare like with like, and state how well each side did. Their clock here is a counter: nothing is timed."""

import dataclasses
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from circuits.windows import Window
from cli import bench_text
from hwsim.benchmarks import cases, convolution_speed, device_cost, engine_speed, perceptron, ratio_plots, record, scaling, training
from hwsim.benchmarks.places import SameProcess
from hwsim.benchmarks.turns import PHASES, Spread, quicker, repetitions, take_turns
from hwsim.numeric.jax_scope import jax_scope
from hwsim.runs.loaded import load_model
from support.benchmarks import DATA, LOAD, TURNS, measured, ticking

KERNEL = convolution_speed.Kernel(Window(height=5, width=4, channels=2, size=3, stride=2, padding=1), 3)


@cache
def compared() -> tuple[engine_speed.EngineComparison, list[int]]:
    """Compare the engines with each other; return the rounds that were reported."""
    rounds: list[int] = []
    return engine_speed.compare(load_model("xor"), samples=5, rounds=3, full=False, observe=rounds.append, clock=ticking()), rounds


@cache
def raced(*hidden: int) -> tuple[training.Race, list[int]]:
    """Let a circuit and a perceptron learn by turns, an epoch a turn; which rounds were reported."""
    rounds: list[int] = []
    return training.race((hidden, 8), LOAD, rounds=3, seconds=1000.0, place=SameProcess, observe=rounds.append, clock=ticking()), rounds


@cache
def pulsed() -> device_cost.Cost:
    """Compare pulses with ideal updates."""
    return device_cost.pulses("gokmen-vlasov", DATA, clock=ticking(), **TURNS)


@cache
def patched() -> device_cost.Cost:
    """Compare patches with convolutions of XLA."""
    return convolution_speed.compare(KERNEL, clock=ticking(), **TURNS)


def test_a_spread_holds_median_and_ends() -> None:
    """The median of an even number of values lies between the middle ones."""
    assert Spread.of([4.0, 1.0, 2.0, 10.0]) == Spread(median=3.0, least=1.0, most=10.0)


@pytest.mark.parametrize("rounds", [1, 2])
def test_a_single_round_has_no_interval(rounds: int) -> None:
    """A table prints its number alone, and a plot draws no whiskers; two rounds have both."""
    spread = Spread.of([3.0, 5.0][:rounds])
    alone = rounds == 1
    cost = dataclasses.replace(pulsed(), time=spread, plain=spread, ratio=spread, rounds=rounds)
    assert ("–" in bench_text.costs_table([cost])) != alone
    assert [spread.single, ratio_plots.drawn("bars", [spread]) == "bars: one round"] == [alone, alone]
    assert ratio_plots.DRAW["devices"]([cost]).startswith(b"\x89PNG")


def test_turns_alternate_and_change_their_order() -> None:
    """Everyone has a turn a round; who was first is last in the next; times stand in the column of who took them."""
    now, seen, rounds = [0.0], [], []

    def contestant(name: str, seconds: float) -> Callable[[int], None]:
        def work(k: int) -> None:
            seen.append(f"{name}{k}")
            now[0] += seconds

        return work

    took = take_turns((contestant("a", 1.0), contestant("b", 5.0)), 3, lambda: now[0], rounds.append)
    assert seen == ["a0", "b0", "b1", "a1", "a2", "b2"]
    assert rounds == [0, 1, 2, 3]
    np.testing.assert_array_equal(took, [[1.0, 5.0]] * 3)


def test_the_quicker_of_two_has_the_smaller_median() -> None:
    """However slow its slowest turn was."""
    took = np.array([[1.0, 5.0, 9.0], [1.0, 4.0, 2.0], [1.0, 4.0, 2.0]])
    assert (quicker(took, 1, 2), quicker(took, 0, 2)) == (2, 0)


@pytest.mark.parametrize(("each", "most", "count"), [(0.01, 10_000, 100), (0.01, 30, 30), (7.0, 10_000, 1), (0.0, 64, 64)])
def test_repetitions_fill_a_turn(each: float, most: int, count: int) -> None:
    """As many as fit into a second; at least one, and no more than there are."""
    now = [0.0]

    def work(times: int) -> None:
        now[0] += times * each

    assert repetitions(work, 1.0, most, lambda: now[0]) == count


def test_both_engines_find_the_same_equilibria_by_turns() -> None:
    """With a clock that ticks a second a look, every turn takes a second; every equilibrium is found, and in balance."""
    result, rounds = compared()
    assert rounds == [0, 1, 2, 3]
    assert result.equilibria == PHASES * 5
    assert result.ratio == Spread(median=1.0, least=1.0, most=1.0)
    for timing in result.timings:
        assert timing.milliseconds.median == pytest.approx(1e3 / 15)
        assert timing.converged == 1.0
        assert timing.imbalance is not None
        assert timing.imbalance < 1e-9
        assert timing.steps >= 1


def test_the_perceptron_propagates_errors_back() -> None:
    """One update of one sample is what the chain rule, written out, makes of it."""
    rate, x, label = 0.1, DATA.x_train[:1], int(DATA.labels_train[0])
    mine = perceptron.Perceptron((5,), DATA, rate)
    (w1, b1), (w2, b2) = [(np.array(w, np.float64), np.array(b, np.float64)) for w, b in mine.weights]
    hidden = np.maximum(x @ w1 + b1, 0)
    share = np.exp(hidden @ w2 + b2)
    error = share / share.sum() - (np.arange(10) == label)
    back = (error @ w2.T) * (hidden > 0)
    mine.learn(np.array([[0]]))
    expected = ((w1 - rate * x.T @ back, b1 - rate * back[0]), (w2 - rate * hidden.T @ error, b2 - rate * error[0]))
    for layer, of_layer in zip(mine.weights, expected, strict=True):
        for ours, theirs in zip(layer, of_layer, strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_the_perceptron_learns_in_32_bits() -> None:
    """Images that can be separated are separated; its arrays stay in 32 bits, as the circuit's do."""
    learner = perceptron.Perceptron((16,), DATA, 0.05)
    order = np.resize(np.arange(96), (60, 8))
    learner.learn(order)
    first = learner.error
    learner.learn(order)
    assert learner.error < min(0.1, first)
    assert {leaf.dtype for leaf in jax.tree.leaves(learner.weights)} == {np.dtype(np.float32)}
    assert learner.count == 785 * 16 + 17 * 10


@pytest.mark.parametrize(("hidden", "off"), [((20,), 1e-6), ((3, 3), 1e-5)])  # rounding in 32 bits is amplified behind a gain of 20
def test_circuit_and_perceptron_learn_the_same_images_by_turns(hidden: tuple[int, ...], off: float) -> None:
    """Both do an epoch a turn where it fits; every equilibrium is found, near to where 64 bits put it."""
    result, rounds = raced(*hidden)
    assert rounds == [0, 1, 2, 3]
    assert result.layers == (784, *hidden, 10)
    assert result.images == result.epoch == 800
    assert result.ratio == Spread(median=1.0, least=1.0, most=1.0)
    assert result.circuit.median == result.perceptron.median == pytest.approx(1e6 / 800)
    assert result.settling.converged == 1.0
    assert result.settling.off is not None
    assert result.settling.off < off
    assert min(result.settling.steps_free, result.settling.steps_nudged) >= 1
    assert 0 <= result.circuit_error <= 1
    assert training.ratios([result]) == {f"784-{'-'.join(map(str, hidden))}-10, batch 8": 1.0}


def test_the_circuit_learns_in_the_benchmark() -> None:
    """Its rates of plain gradient descent suit it: errors fall from nine in ten."""
    result, _ = raced(20)
    assert result.circuit_error < 0.3
    assert result.perceptron_error < 0.3


def test_a_tighter_tolerance_takes_more_sweeps() -> None:
    """And brings voltages nearer to where they belong: measured with the same clock, at two ends of the curve."""
    coarse, fine = measured(1e-2), measured(1e-12)
    assert (coarse.at, fine.at) == (1e-2, 1e-12)
    assert coarse.settling.steps_free < fine.settling.steps_free
    assert coarse.settling.off > fine.settling.off
    assert fine.settling.off < 1e-12
    assert scaling.ratios([coarse, fine]) == {"tolerance, 64 bit, 0.01 to 1e-12": 1.0}


def test_the_points_reach_as_far_as_they_should() -> None:
    """Width 64 to 8,192, depth 1 to 5, batch 1 to 4,096, tolerance 1e-2 to 1e-13, …; the data hold the largest batch."""
    reach = {
        series: [point.at for point in scaling.POINTS if point.series == series]
        for series in ("width", "depth", "batch", "tolerance", "chips", "length")
    }
    assert {series: (min(at), max(at)) for series, at in reach.items()} == {
        "width": (64, 8192),
        "depth": (1, 5),
        "batch": (1, 4096),
        "tolerance": (1e-13, 1e-2),
        "chips": (1, 64),
        "length": (10, 100_000),
    }
    assert max(reach["batch"]) <= scaling.IMAGES


def test_the_synthetic_images_have_mnists_shape() -> None:
    """784 pixels from 0 to 1, ten classes, the same at every call."""
    again = cases.synthetic(800)
    assert DATA.x_train.shape == (800, 784)
    assert (DATA.x_train.min(), DATA.x_train.max()) == (0.0, 1.0)
    assert DATA.classes == 10
    np.testing.assert_array_equal(again.x_train, DATA.x_train)


def test_every_benchmark_leaves_numbers_and_a_plot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The JSON file holds what was measured, ratios, load and machine; the plot is a PNG; the table has 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    outcome = {
        "engines": compared()[0],
        "training": raced(20)[0],
        "epochs": pulsed(),
        "scaling": measured(1e-2),
        "devices": pulsed(),
        **dict.fromkeys(("convolutions", "blocks", "transient", "company"), patched()),
    }
    assert set(outcome) == set(ratio_plots.DRAW) == set(record.RATIOS) == set(bench_text.TABLES)
    for name, result in outcome.items():
        assert max(map(len, bench_text.TABLES[name]([result]).splitlines())) <= 80  # of the table, which fits a terminal
        report, paths = record.save(tmp_path / "new" / "folder", f"{name}-short", [result], 0.25, complete=True)
        assert [path.name for path in paths] == [f"{name}-short.json", f"{name}-short.png"]
        written = json.loads(paths[0].read_text(encoding="utf-8"))
        assert written == json.loads(json.dumps(report))
        assert written["results"][0]["rounds"] == result.rounds
        assert written["ratios"]
        assert written["load_before"] == 0.25
        assert written["environment"]["cores"] >= 1
        assert paths[1].read_bytes().startswith(b"\x89PNG")


def test_patches_are_convolutions() -> None:
    """Both contestants compute the same, with padding and strides too."""
    rng, window = np.random.default_rng(0), KERNEL.window
    shapes = (window.taps, KERNEL.channels), (3, window.rows), (3, window.positions * KERNEL.channels)
    given = [rng.normal(size=shape) for shape in shapes]
    with jax_scope():
        by_xla = convolution_speed.by_xla(KERNEL)(*map(jnp.asarray, given))
    for one, other in zip(convolution_speed.by_patches(KERNEL)(*given), by_xla, strict=True):
        np.testing.assert_allclose(other, one, rtol=0, atol=1e-12)


def test_pulses_and_chips_are_held_against_their_plain_forms() -> None:
    """Both sides learn by turns; the ratio is that of their times, round by round, and all of it is reported and drawn."""
    costs = [pulsed()]
    assert costs[0].ratio == Spread(median=1.0, least=1.0, most=1.0)
    assert device_cost.ratios(costs) == {"gokmen-vlasov, batch 32": 1.0}
    assert ratio_plots.DRAW["devices"](costs).startswith(b"\x89PNG")

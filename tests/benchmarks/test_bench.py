"""Benchmarks compare like with like, and state how well each side did. Their clock here is a counter: nothing is timed."""

import dataclasses
import itertools
import json
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from circuits.windows import Window
from cli import bench_text
from cli.main import main
from hwsim.benchmarks import cases, convolution_speed, device_cost, engine_speed, perceptron, ratio_plots, record, scaling, training
from hwsim.benchmarks.places import SameProcess
from hwsim.benchmarks.turns import PHASES, Spread, quicker, repetitions, take_turns
from hwsim.numeric.jax_scope import jax_scope
from hwsim.runs.loaded import load_model

LOAD = partial(cases.synthetic, 800)
DATA = LOAD()
KERNEL = convolution_speed.Kernel(Window(height=5, width=4, channels=2, size=3, stride=2, padding=1), 3)
TURNS = {"rounds": 3, "seconds": 1.0}


def ticking() -> Callable[[], float]:
    """Return a clock on which every look takes a second."""
    ticks = itertools.count()
    return lambda: float(next(ticks))


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


def point(tolerance: float) -> scaling.ScalingPoint:
    """Return a small circuit in 64 bits."""
    return scaling.ScalingPoint(series="tolerance", hidden=(4,), batch=8, tolerance=tolerance, precision="float64")


@cache
def measured(tolerance: float) -> scaling.Measured:
    """Time a small circuit."""
    return scaling.measure(point(tolerance), DATA, **TURNS, clock=ticking())


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


@pytest.mark.parametrize("words", [["engines", "xor"], ["xor", "--full"]])
def test_the_command_writes_what_it_prints(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The file holds the same results as the JSON on stdout; a circuit's name alone stands for `engines`."""
    folder = tmp_path / "results"
    assert main(["bench", *words, "--samples", "3", "--rounds", "2", "--out", str(folder), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    full = "--full" in words
    assert report["files"] == [str(folder / f"engines{'-full' if full else ''}.{kind}") for kind in ("json", "png")]
    assert json.loads(Path(report["files"][0]).read_text(encoding="utf-8"))["results"] == report["results"]
    assert report["results"][0]["netlist"] == ("full" if full else "norton")
    assert report["ratios"]["xor"] > 0


@pytest.fixture
def few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let synthetic images stand in for MNIST, and all contestants work in this process."""
    monkeypatch.setattr(cases, "images", lambda _=None: DATA)
    monkeypatch.setattr(training, "race", partial(training.race, place=SameProcess))


@pytest.mark.usefixtures("few_images")
def test_training_is_timed_at_the_sizes_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--hidden` and `--batch` name which; so do table and file."""
    monkeypatch.setenv("COLUMNS", "80")
    words = ["--hidden", "3x2", "--batch", "8", "--rounds", "2", "--seconds", "0.01", "--out", str(tmp_path)]
    assert main(["bench", "training", *words]) == 0
    printed = capsys.readouterr()
    assert "784-3-3-10" in printed.out
    assert "synthetic" in printed.err
    report = json.loads((tmp_path / "training.json").read_text(encoding="utf-8"))
    assert [(one["layers"], one["batch"]) for one in report["results"]] == [([784, 3, 3, 10], 8)]
    assert report["complete"]


@pytest.mark.usefixtures("few_images")
def test_ctrl_c_keeps_the_cases_that_are_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """An interrupted benchmark writes what it has, reports that it is not complete, and exits with 130; with nothing, it writes nothing."""
    results = iter([measured(1e-2)])

    def measure(*_: object, **__: object) -> scaling.Measured:
        for result in results:
            return result
        raise KeyboardInterrupt

    monkeypatch.setattr(scaling, "measure", measure)
    words = ["bench", "scaling", "--along", "tolerance", "--out", str(tmp_path)]
    assert main(words) == 130
    written = (tmp_path / "scaling.json").read_text(encoding="utf-8")
    assert not json.loads(written)["complete"]
    assert len(json.loads(written)["results"]) == 1
    assert "interrupted" in capsys.readouterr().err
    assert main(words) == 130
    assert (tmp_path / "scaling.json").read_text(encoding="utf-8") == written


@pytest.mark.usefixtures("few_images")
def test_the_short_version_runs_three_benchmarks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`hwsim bench` alone runs a few cases of three benchmarks, into files of their own."""
    monkeypatch.setattr("cli.bench.USUAL", ("xor",))
    monkeypatch.setattr(training, "SHORT_CASES", (((20,), 8),))
    monkeypatch.setattr(scaling, "SHORT_POINTS", (point(1e-2),))
    assert main(["bench", "--out", str(tmp_path), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert set(report["ratios"]) == {"engines", "training", "scaling"}
    assert {path.name for path in tmp_path.iterdir()} == {f"{name}-short.{kind}" for name in report["ratios"] for kind in ("json", "png")}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["training", "--hidden", "many"], "--hidden many"),
        (["training", "--hidden", "100x"], "--hidden 100x"),
        (["training", "--hidden", "0"], "--hidden 0"),
        (["training", "--batch", "0"], "0"),
        (["training", "--full"], "--full"),
        (["scaling", "--along", "height"], "height"),
        (["scaling", "--seconds", "0"], "0"),
        (["--out", "somewhere", "training"], "--out follows the name"),
        (["no-such-circuit"], "no-such-circuit"),
    ],
)
def test_wrong_words_are_refused_at_once(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The message names what is wrong; nothing is measured."""
    assert main(["bench", *words]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(("words", "name"), [(["xor"], "engines.json"), (["scaling"], "scaling.png"), ([], "training-short.json")])
def test_numbers_of_the_default_folder_are_kept(
    words: list[str], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without --out and --force they are not replaced, and nothing is measured before that is reported."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results/benchmarks").mkdir(parents=True)
    (tmp_path / "results/benchmarks" / name).write_text("{}")
    assert main(["bench", *words]) == 2
    *_, printed = capsys.readouterr().err.splitlines()
    assert (
        printed
        == f"hwsim: results/benchmarks/{name} has the numbers of an earlier benchmark; --force replaces them, --out FOLDER keeps them"
    )
    assert (tmp_path / "results/benchmarks" / name).read_text() == "{}"


def test_missing_data_are_an_error_when_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A circuit that was named is not left out in silence."""
    monkeypatch.setenv("HWSIM_DATA", str(tmp_path / "nowhere"))
    assert main(["bench", "mnist-kendall2020", "--out", str(tmp_path / "new")]) == 2
    assert "is not a folder" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


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

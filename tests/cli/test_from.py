"""`hwsim train --from`: another training starts from what a run learned; what a run learned is never dropped or cut without a word."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from hwsim.devices.temperature import heat_of
from hwsim.ensemble.reached import Follow
from hwsim.experiment.experiment import ExperimentError
from hwsim.experiment.loading import load
from hwsim.files.stored_conductances import WeightsError, beyond
from hwsim.runs.loaded import load_model
from hwsim.session import Session
from hwsim.sweep.compute import BatchJob, compute
from hwsim.sweep.execution import run
from hwsim.sweep.new_sweep import Planned
from hwsim.sweep.recorded import SweepResult

CUT = "learned conductances beyond what the devices can have are cut to their bounds: "


def weights(path: Path | str) -> dict[str, np.ndarray]:
    """Read conductances."""
    with np.load(path) as arrays:
        return dict(arrays)


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    """Whether conductances are equal, bit for bit."""
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def test_a_run_is_not_silently_trained_from_its_seed(hwsim, trained):
    """The command names both ways on, and the file that repeats the run."""
    answer = hwsim("train", trained)
    assert (answer.code, answer.out) == (2, "")
    assert f"--from {trained} starts from its conductances, --resume resumes it" in answer.err
    answer = hwsim("train", trained / "experiment.toml", "--out", "again")
    assert answer.code == 0
    assert same(weights("again/weights.npz"), weights(trained / "weights.npz"))


@pytest.mark.parametrize("engine", ["numeric", "ngspice"])
def test_a_learning_rate_of_zero_leaves_what_was_learned(hwsim, trained, engine):
    """The conductances stay, bit for bit, and so does the error that the run reports."""
    before = hwsim("evaluate", trained, "--json").json["test_error"]
    line = ("train", "iris", "--from", trained, "--engine", engine, "--epochs", "1", "--set", "training.rate=0", "--out", "same", "--json")
    answer = hwsim(*line)
    assert CUT not in answer.err
    assert answer.json["test_error"] == before
    assert same(weights("same/weights.npz"), weights(trained / "weights.npz"))
    assert hwsim("evaluate", "same", "--json").json["test_error"] == before


def test_the_folder_needs_the_first_run_no_longer(hwsim, trained):
    """It holds what it started from, resumes to the same numbers and is repeated by its experiment; its optimizer begins afresh."""
    shutil.copytree(trained, "first")
    assert hwsim("train", "first", "--from", "first", "--epochs", "3", "--out", "whole").code == 0
    assert hwsim("train", "iris", "--from", "first", "--epochs", "3", "--out", "copied").code == 0
    assert same(weights("whole/weights.npz"), weights("copied/weights.npz"))
    assert not same(weights("whole/weights.npz"), weights("first/weights.npz"))
    assert same(weights("whole/start.npz"), weights("first/weights.npz"))
    assert hwsim("train", "first", "--from", "first", "--epochs", "1", "--out", "part").code == 0
    shutil.rmtree("first")
    assert hwsim("train", "part", "--resume", "--epochs", "3").code == 0
    assert same(weights("part/weights.npz"), weights("whole/weights.npz"))
    Path("whole").rename("moved")
    assert hwsim("train", "moved/experiment.toml", "--out", "repeated").code == 0
    assert same(weights("repeated/weights.npz"), weights("moved/weights.npz"))
    assert hwsim("report", "moved").code == 0


def test_another_start_is_another_run(hwsim, trained):
    """A run resumes from what it started from, and from nothing else, wherever that lies."""
    assert hwsim("train", "iris", "--from", trained, "--epochs", "1", "--out", "run").code == 0
    assert hwsim("train", "iris", "--from", trained, "--epochs", "2", "--out", "run", "--resume").code == 0
    assert hwsim("train", "iris", "--from", "run/weights.npz", "--epochs", "1", "--out", "other").code == 0
    for words in (("iris",), ("iris", "--from", "other")):
        answer = hwsim("train", *words, "--epochs", "3", "--out", "run", "--resume")
        assert answer.code == 2
        assert "run was begun with another training.start; resume it as it was" in answer.err


def test_a_trained_netlist_goes_on_too(hwsim):
    """Its resistors start from the run's values, whatever the deck states; the deck keeps everything else."""
    assert hwsim("compile", "xor", "-o", "xor.cir").code == 0
    line = ("train", "xor.cir", "--data", "xor", "--epochs", "1")
    assert hwsim(*line, "--out", "first").code == 0
    assert hwsim(*line, "--from", "first", "--set", "training.rate=0", "--out", "second").code == 0
    assert same(weights("second/weights.npz"), weights("first/weights.npz"))
    assert Path("second/circuit.cir").read_bytes() == Path("first/circuit.cir").read_bytes()


def test_what_was_learned_with_ideal_wires_goes_on_with_real_ones(hwsim):
    """On another chip, too; the memristors are the same, laid along a grid."""
    assert hwsim("train", "xor", "--epochs", "1", "--out", "ideal").code == 0
    wires = ("--set", "circuit.wire_r_row=10", "--set", "circuit.wire_r_column=10")
    line = ("train", "xor", "--from", "ideal", *wires, "--set", "training.rate=0", "--epochs", "1", "--out", "wired")
    assert hwsim(*line, "--chip", "7", "--set", "variation.diode_i_sat=0.3").code == 0
    for name, g in weights("wired/weights.npz").items():
        np.testing.assert_array_equal(g.ravel(), weights("ideal/weights.npz")[name].ravel())


def test_what_a_hot_chip_learned_is_the_same_chip_when_it_starts_again(hwsim):
    """Its conductances are those at its own temperature, and its copy's those at 27 °C, so that heat counts once."""
    hot = ("--set", "variation.temperature=77", "--set", "device.temperature_coefficient=0.002")
    few = ("--epochs", "1", "--set", "training.rate=0")
    assert hwsim("train", "xor", *hot, "--epochs", "1", "--out", "hot").code == 0
    assert hwsim("train", "xor", *hot, *few, "--from", "hot", "--out", "same").code == 0
    assert hwsim("train", "xor", *hot[2:], *few, "--from", "hot", "--out", "cool").code == 0
    for name, g in weights("hot/weights.npz").items():
        np.testing.assert_allclose(weights("same/weights.npz")[name], g, rtol=1e-14)
        np.testing.assert_allclose(weights("cool/weights.npz")[name], g / 1.1, rtol=1e-14)


def test_what_the_devices_cannot_have_is_cut_and_reported(hwsim):
    """By every command that takes a run's conductances: how many, where, and what the bounds are."""
    assert hwsim("train", "xor", "--epochs", "1", "--out", "run").code == 0
    bound = ("--set", "circuit.g_max=3e-5", "--set", "training.rate=0", "--set", "training.epochs=1")
    learned = weights("run/weights.npz")
    count = {name: int((g > 3e-5).sum()) for name, g in learned.items()}
    assert all(count.values())
    message = f"{CUT}{count['w1']} of 40 in w1 (w1["
    for words in (
        ("evaluate", "run"),
        ("solve", "run"),
        ("compile", "run", "-o", "out.cir"),
        ("train", "xor", "--from", "run", "--out", "cut"),
    ):
        answer = hwsim(*words, *bound)
        assert answer.err.count(message) == 1, words
        assert f"{count['w2']} of 18 in w2 (w2[" in answer.err
        assert "3e-05 S)" in answer.err
    for heat in ((), ("--heat",)):
        assert any(message in warning for warning in hwsim("inspect", "run", *heat, *bound, "--json").json["warnings"])
    assert same(weights("cut/weights.npz"), {name: np.minimum(g, 3e-5) for name, g in learned.items()})
    assert CUT not in hwsim("solve", "cut").err
    assert message in Planned.make("run", bound[1::2], ["variation.offset=0,0.01"], "evaluate").cut


@pytest.mark.parametrize(("factor", "cut"), [(1.0, False), (0.99, True)])
def test_a_hot_chip_is_compared_with_its_bounds_when_it_is_hot(hwsim, factor, cut):
    """What is at the lower bound at 27 °C is there at any temperature, and nothing is cut."""
    circuit = load_model("xor").circuit
    np.savez("start.npz", **{each.name: factor * np.broadcast_to(each.g_min, each.shape) for each in circuit.trainable})
    hot = ("--set", "variation.temperature=77", "--set", "device.temperature_coefficient=0.002")
    assert (CUT in hwsim("train", "xor", *hot, "--from", "start.npz", "--epochs", "1").err) == cut


def test_rounding_to_32_bits_is_no_cut():
    """A conductance that misses its bound by less than that is the bound; one beyond it is not."""
    given = load_model("xor")
    high = np.asarray(given.circuit["w1"].g_max, np.float64)
    for factor, cut in ((1 + 1e-7, False), (1 + 1e-5, True)):
        assert bool(beyond(given.chip, {"w1": np.full(given.circuit["w1"].shape, high * factor)})) == cut


FITS = {
    "another circuit": (("iris", "--from", "xor-run"), "training.start = xor-run: w1: conductances have shape (5, 8)"),
    "other names": (("xor", "--set", "circuit.layers=[]", "--from", "xor-run"), "conductances are given for w1, w2; it has w1"),
    "nothing there": (("xor", "--from", "nowhere"), "nowhere: no such file or folder; name a run's folder"),
    "no epoch yet": (("xor", "--from", "empty"), "empty holds no weights.npz"),
    "no numbers": (("xor", "--from", "text.npz"), "text.npz: w1 holds <U1, not numbers"),
    "no archive": (("xor", "--from", "junk.npz"), "junk.npz: cannot be read"),
}


@pytest.mark.parametrize("name", FITS)
def test_what_does_not_fit_is_refused_in_a_line(hwsim, name):
    """Exit 2, naming the first thing that is wrong; no folder is left."""
    words, message = FITS[name]
    assert hwsim("train", "xor", "--epochs", "1", "--out", "xor-run").code == 0
    Path("empty").mkdir()
    np.savez("text.npz", w1=np.array(["a"]))
    Path("junk.npz").write_text("junk")
    answer = hwsim("train", *words, "--epochs", "1", "--out", "new")
    assert (answer.code, answer.out) == (2, "")
    assert message in answer.err
    assert not Path("new").exists()


def test_sweeps_and_searches_say_that_they_train_from_seeds(hwsim):
    """A run's conductances are used where training.start names it, and else left aside with a line that shows how to use them."""
    assert hwsim("train", "xor", "--epochs", "2", "--out", "run").code == 0
    message = "what the run learned is used only with --set training.start=run"
    few = ("--vary", "training.rate=0,0", "--set", "training.epochs=1")
    assert hwsim("sweep", "run", *few).err.count(message) == 1
    assert hwsim("tune", "run", "--vary", "training.rate=0,1e-9", *few[2:], "--trials", "1", "--out", "best.toml").err.count(message) == 1
    error = hwsim("evaluate", "run", "--json").json["test_error"]
    report = hwsim("sweep", "run", *few, "--set", "training.start=run", "--out", "started.db", "--json").json
    assert report["points"][0]["mean"] == error


def test_no_start_tests_what_it_learned(hwsim, trained):
    """Another seed divides iris otherwise, so that a training from a run's conductances is refused; other data are free."""
    few = ("--epochs", "1", "--out", "run")
    for start in (trained, trained / "weights.npz"):
        answer = hwsim("train", "iris", "--from", start, "--seed", "5", *few)
        assert answer.code == 2
        assert "training.seed is 5, and it was trained with 0, so samples that it has learnt may be tested" in answer.err
    answer = hwsim("sweep", "iris", "--vary", "training.rate=0,1e-6", "--seeds", "2", "--set", f"training.start={trained}")
    assert answer.code == 2
    Path("own.csv").write_text("".join(f"{k % 5},{k % 7},{k % 3},{k % 2},{'abc'[k % 3]}\n" for k in range(30)))
    assert hwsim("train", "iris", "--data", "own.csv", "--from", trained, "--seed", "5", *few).code == 0


def test_no_point_of_a_sweep_starts_from_what_it_may_not(trained):
    """Starts that have learnt by another seed, or are another circuit's, are refused before anything is computed."""
    starts = f"training.start={trained},{trained / 'weights.npz'}"
    assert Planned.make("iris", [], [starts], "train").points
    with pytest.raises(ExperimentError, match=r"training\.seed is 1, and it was trained with 0"):
        Planned.make("iris", [], [starts], "train", seeds=2)
    with pytest.raises(WeightsError, match="w1: conductances have shape"):
        Planned.make("xor", [], [starts], "train")


@pytest.mark.parametrize("vary", ["device.temperature_coefficient=0,0.002,-0.001", "variation.temperature=27,60,77"])
def test_a_point_of_a_sweep_is_the_chip_that_evaluate_tests(hwsim, tmp_path, vary):
    """Of a run that was trained away from 27 °C, too, whatever key is varied."""
    hot = ("--set", "variation.temperature=77", "--set", "device.temperature_coefficient=0.003")
    assert hwsim("train", "xor", *hot, "--epochs", "1", "--out", "hot").code == 0
    jobs: list[BatchJob] = []

    def kept(job: BatchJob, follow: Follow) -> list[SweepResult]:
        jobs.append(job)
        return compute(job, follow)

    planned = Planned.make("hot", [], [vary], "evaluate")
    with planned.open(tmp_path / "hot.db", dict) as database:
        run(database, lambda _: None, function=kept)
        errors = {result.point: result.test_error for result in database.results()}
    assert len(jobs) == 3
    for job, value in zip(sorted(jobs, key=lambda one: one.point), vary.partition("=")[2].split(","), strict=True):
        setting = f"{vary.partition('=')[0]}={value}"
        heat = heat_of(job.experiment.device, job.experiment.variation)
        for name, g in load_model("hot", [setting]).wanted.items():
            np.testing.assert_allclose(heat * job.weights[name], g, rtol=1e-14)
        assert errors[job.point] == hwsim("evaluate", "hot", "--set", setting, "--json").json["test_error"]


ALIKE = "all chips are equal: nothing varies from chip to chip"


@pytest.mark.parametrize("command", ["compile -o out.cir", "solve", "check --samples 1", "evaluate", "train --epochs 1"])
def test_a_chip_of_a_design_without_spread_is_reported(hwsim, command):
    """Whichever command asks for one."""
    name, *others = command.split()
    assert hwsim(name, "xor", *others, "--chip", "7").err.count(ALIKE) == 1


def test_a_chip_that_differs_and_no_chip_are_nothing_to_report(hwsim):
    """With a spread it is another circuit."""
    assert ALIKE not in hwsim("solve", "xor", "--chip", "7", "--set", "variation.gain=0.01").err
    assert ALIKE not in hwsim("solve", "xor").err


def test_chips_are_alike_only_where_no_seed_changes_anything():
    """What all chips have in common is no spread; rare stuck devices and noise are one; pulses differ only where they are sent."""
    for settings, asked, wanted in (
        (["variation.output_resistance=10"], False, True),
        (["variation.temperature=60"], False, True),
        (["variation.stuck=0.0001"], False, False),
        (["device.preset=reram-sb"], True, False),
        (["device.preset=ideal"], False, True),
        (["device.preset=ideal"], True, False),
        (["device.preset=ideal", "device.rounding=nearest"], True, True),
        (["device.preset=ideal", "device.rounding=nearest", "device.cycle=0.1"], True, False),
        (["noise.read=0.1"], False, False),
        (["noise.bandwidth=1e3"], False, True),
        (["device.preset=reram-sb", "variation.g_min=0", "variation.g_max=0"], False, True),
    ):
        experiment = load("xor", settings)
        assert Session.of(experiment).alike(learning=asked) == wanted, settings
        plan = Planned.make("xor", settings, ["training.beta=1e-6,2e-6"], "train" if asked else "evaluate", chips=2)
        assert plan.alike == wanted, settings


@pytest.mark.parametrize("values", ["0.5,1", "1,0.5"])
def test_chips_of_a_sweep_are_alike_only_where_those_of_each_point_are(values):
    """In whatever order points come."""
    assert not Planned.make("xor", [], [f"training.update.probability={values}"], "train", chips=2).alike


@pytest.mark.parametrize("key", ["noise", "mismatch"])
@pytest.mark.parametrize("values", ["0.01,0", "0,0.01"])
def test_chips_of_reservoirs_are_alike_only_where_those_of_each_point_are(key, values):
    """Circuits behind them may well be."""
    assert not Planned.make("narma10", [], [f"reservoir.{key}={values}"], "train", chips=2).alike


@pytest.mark.parametrize("command", [["evaluate"], ["solve"], ["sweep", "--mode", "evaluate", "--vary", "variation.offset=0,1e-3"]])
def test_what_a_run_learned_takes_no_other_start(hwsim, trained, command):
    """A run is tested with what it learned, so that a start from elsewhere would change nothing; the line names what to test instead."""
    answer = hwsim(command[0], trained, *command[1:], "--set", "training.start=elsewhere.npz")
    assert (answer.code, answer.out) == (2, "")


@pytest.mark.parametrize(
    "command",
    [
        ["train", "--epochs", "1"],
        ["evaluate"],
        ["inspect"],
        ["sweep", "--mode", "evaluate", "--vary", "variation.offset=0,1e-3"],
    ],
)
def test_initial_conductances_beyond_the_bounds_are_reported(hwsim, command):
    """Each command that cuts them prints how many and the farthest; within the bounds, and up to them, nothing is stated."""
    cut = "initial conductances beyond what the devices can have are cut to their bounds: 72 of 72 in w1 ("
    for wanted, reported in (("[1e-3,1e-2]", True), ("[1e-7,1e-4]", False)):
        answer = hwsim(command[0], "iris", *command[1:], "--set", f"training.g_init={wanted}")
        assert answer.code == 0
        assert (cut in answer.err + answer.unwrapped) == reported

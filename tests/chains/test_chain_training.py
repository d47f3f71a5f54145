"""A chain trains, resumes and is tested as one circuit is."""

import json

import numpy as np
import pytest

from cli.main import main
from hwsim.core.wrapper import SolverWrapper
from hwsim.experiment.experiment import ExperimentError, make
from hwsim.experiment.loading import load, to_toml
from hwsim.learning import factory
from hwsim.learning.skipping import Skipping
from hwsim.learning.state import State, copied
from hwsim.session import Session

FEW = {"data.train_limit": 48, "data.test_limit": 20, "training.epochs": 2, "training.schedule.kind": "constant"}


@pytest.fixture(scope="module")
def session():
    """Return a chain on a few digits."""
    return Session.of(load("ff-digits", FEW))


def trained(session, interrupt_at=None):
    """Train to the end, or through a checkpoint in the middle of an epoch; return all arrays and metrics."""
    with session.training_solver() as solver:
        trainer, rows = session.trainer(solver), []
        state = trainer.begin()
        if interrupt_at is not None:
            carry = trainer.advance(copied(state.carry), trainer.plan(0), 0, interrupt_at)
            arrays = State(carry.g, carry.moments, carry.sums, 0, interrupt_at, 0.0, state.newton, carry.programming).arrays()
            state = State.from_arrays(arrays, trainer.circuit)
        for progress in trainer.run(state):
            state = progress.state
            rows += [progress.record] if progress.record else []
        return state.arrays(), rows


def test_a_chain_resumes_bit_for_bit(session):
    """Interrupted in the middle of an epoch and resumed, a chain ends with every bit of an uninterrupted training."""
    (whole, rows), (resumed, again) = trained(session), trained(session, interrupt_at=1)
    differing = [name for name, values in whole.items() if name != "seconds" and not np.array_equal(values, resumed[name])]
    assert not differing
    assert [row["loss"] for row in rows] == [row["loss"] for row in again]
    assert {name.partition("/")[2] for name in whole if name.startswith("g/")} >= {"b1_w1", "b2_0.weight", "b2_0.mean", "b3_w2"}


def test_running_averages_follow_their_batches(session):
    """With one batch an epoch and a momentum m, a running mean is (1 − m)·m^0 … of what each batch had."""
    one = Session.of(load("ff-digits", FEW | {"training.batch": 48, "training.epochs": 1, "data.denoise": 0.0}))
    with one.solver() as solver:
        trainer = one.trainer(solver)
        state = trainer.begin()
        g = trainer.g(state)
        _, (before, _), *_ = one.rule.boundaries(solver, g, one.data.x_train)
        done = trainer.advance(copied(state.carry), trainer.plan(0), 0, 1)
    assert np.allclose(np.asarray(done.g["b2_0.mean"]), 0.1 * np.asarray(before).mean(0), atol=1e-9)
    assert np.allclose(np.asarray(done.g["b2_0.variance"]), 0.9 + 0.1 * np.asarray(before).var(0, ddof=1), atol=1e-9)
    assert session.rule.parts[1].running == {"b2_0.mean", "b2_0.variance"}


def typed(capsys, *words):
    """Type a command line with --json, and return what it prints."""
    assert main([*map(str, words), "--json"]) == 0, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def test_a_chain_trains_and_is_tested_from_its_folder(tmp_path, capsys):
    """Train, evaluate and start another training from it, by the commands."""
    few = [f"--set={key}={value}" for key, value in FEW.items()]
    summary = typed(capsys, "train", "ff-digits", *few, "-o", tmp_path / "run")
    assert summary["blocks"] == "circuit: 64-30-12; digital: batch-norm; circuit: 12-30-10"
    assert typed(capsys, "evaluate", tmp_path / "run")["test_error"] == summary["test_error"]
    more = typed(capsys, "train", "ff-digits", *few, "--from", tmp_path / "run", "-o", tmp_path / "more")
    assert more["loss"] < summary["loss"]


def test_converters_stand_between_blocks():
    """Coarse converters change what a chain makes; fine ones do not."""
    session = Session.of(load("ff-digits", FEW))
    with session.solver() as solver:
        g, x = session.begun(), session.data.x_test
        plain, _ = session.rule.read(solver, g, x)
    apart = []
    for bits in (3, 20):
        rough = Session.of(
            load(
                "ff-digits",
                FEW
                | {
                    f"variation.{key}": value
                    for kind in ("dac", "adc")
                    for key, value in {f"{kind}_bits": bits, f"{kind}_full_scale": 4.0}.items()
                },
            )
        )
        with rough.solver() as solver:
            read, _ = rough.rule.read(solver, g, rough.data.x_test)
        apart.append(float(np.abs(np.asarray(read) - np.asarray(plain)).max()))
    assert apart[1] < 1e-3 < apart[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"blocks": [{"kind": "digital", "layers": [{"kind": "relu"}]}]}, "blocks[0]: what comes in is unknown; set inputs"),
        (
            {"blocks": [{"kind": "digital", "inputs": 5, "layers": [{"kind": "dense", "size": 3}]}]},
            "what blocks[0] takes = 5, but data iris have 4",
        ),
        (
            {"blocks": [{"kind": "digital", "inputs": 4, "layers": [{"kind": "dense", "size": 2}]}]},
            "what blocks[0] makes = 2, but data iris have 3",
        ),
        (
            {"blocks": [{"kind": "digital", "inputs": 4, "layers": [{"kind": "max-pool", "size": 2}]}]},
            "blocks[0]: layers[0]: kind = 'max-pool' looks at maps",
        ),
        (
            {"blocks": [{"kind": "digital", "image": [2, 2], "layers": [{"kind": "convolution", "channels": 2, "size": 3}]}]},
            "a window of 3×3 does not fit on maps of 2×2",
        ),
        (
            {
                "blocks": [
                    {"kind": "digital", "inputs": 4, "layers": [{"kind": "dense", "size": 6}]},
                    {"circuit": {"inputs": 5, "outputs": 3}, "kind": "circuit"},
                ]
            },
            "blocks[1]: circuit.inputs = 5, and the block before makes 6",
        ),
        (
            {"blocks": [{"kind": "circuit", "circuit": {"inputs": 4, "outputs": 3}}], "circuit": {"inputs": 4, "outputs": 3}},
            "circuit and blocks are both set",
        ),
        (
            {"blocks": [{"kind": "circuit", "circuit": {"inputs": 4, "outputs": 3}, "rate": [1e-6, 1e-6]}]},
            "blocks[0].rate has 2 entries for 1 crossbars",
        ),
        (
            {"blocks": [{"kind": "circuit", "circuit": {"inputs": 4, "outputs": 3}}], "training": {"rule": "adjoint"}},
            "training.rule is of one circuit",
        ),
        ({"blocks": [{"kind": "circuit", "circuit": {"inputs": 4, "outputs": 3}, "rule": "coupled-learning"}]}, "blocks[0].rule"),
        (
            {"blocks": [{"kind": "digital", "inputs": 4, "layers": [{"kind": "residual", "layers": [{"kind": "dense", "size": 3}]}]}]},
            "bring it back",
        ),
    ],
)
def test_a_chain_that_does_not_fit_is_refused_in_a_line(change, message):
    """What is wrong, where, and what to do."""
    with pytest.raises(ExperimentError) as error:
        make({"name": "chain", "data": {"name": "iris"}} | change, "chain.toml")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_chain_is_written_and_read_back(tmp_path):
    """An experiment file holds all of a chain."""
    experiment = load("ff-digits")
    (tmp_path / "chain.toml").write_text(to_toml(experiment))
    assert load(tmp_path / "chain.toml") == experiment
    changed = load("ff-digits", {"blocks[0].circuit.layers[0].size": 8, "blocks[1].optimizer.rate": 0.1, "blocks[2].rule.kind": "adjoint"})
    assert (changed.blocks[0].circuit.layers[0].size, changed.blocks[1].optimizer.rate, changed.blocks[2].rule.kind) == (8, 0.1, "adjoint")


SMALL = """
name = "small"
data = {name = "iris", scaling = "standard"}
training = {loss = {kind = "cross-entropy"}, target_high = 0.1}

[[blocks]]
kind = "circuit"
circuit = {inputs = 4, outputs = 3, layers = [{size = 4, neuron = {kind = "diode-pair", v_low = -0.05, v_high = 0.05}}]}

[[blocks]]
kind = "digital"
layers = [{kind = "batch-norm"}, {kind = "tanh"}]

[[blocks]]
kind = "circuit"
rule = "richardson"
circuit = {inputs = 3, outputs = 3}
"""


def test_check_compares_each_circuit_and_the_whole_gradient(tmp_path, capsys):
    """Both engines in each block, finite differences, the adjoint, and training's own gradient."""
    (tmp_path / "small.toml").write_text(SMALL)
    report = typed(capsys, "check", tmp_path / "small.toml", "--samples", 6, "--ngspice-samples", 2)
    assert report["passed"]
    assert {"b1_engines_dv_free", "b3_kirchhoff_ngspice", "gradient_max_rel", "gradient_adjoint_rel"} <= set(report["findings"])
    assert report["findings"]["gradient_max_rel"]["value"] < 1e-6
    assert report["findings"]["gradient_own_rel"]["value"] < 1e-3


def test_a_chain_trains_through_ngspice_as_it_does_by_the_numeric_engine(tmp_path, capsys):
    """One epoch of each engine ends with equal losses."""
    (tmp_path / "small.toml").write_text(SMALL)
    few = ["--epochs", 1, "--set", "data.train_limit=12", "--set", "data.test_limit=6", "--set", "training.batch=6"]
    runs = [
        typed(capsys, "train", tmp_path / "small.toml", *few, "--engine", engine, "-o", tmp_path / engine)
        for engine in ("numeric", "ngspice")
    ]
    assert runs[0]["loss"] == pytest.approx(runs[1]["loss"], rel=1e-7)
    assert runs[0]["test_error"] == runs[1]["test_error"]


def test_overfitting_tests_on_what_is_trained(tmp_path, capsys):
    """--overfit trains and tests on the same few samples."""
    (tmp_path / "small.toml").write_text(SMALL)
    typed(capsys, "train", tmp_path / "small.toml", "--overfit", 8, "--epochs", 2, "-o", tmp_path / "run")
    data = Session.of(load(tmp_path / "small.toml", {"data.overfit": 8})).data
    assert data.x_train.shape == (8, 4)
    assert np.array_equal(data.x_train, data.x_test)
    assert np.array_equal(data.labels_train, data.labels_test)


class Failing(SolverWrapper):
    """Finds no equilibrium of the first sample."""

    def solve(self, g, drive, **how):
        """Find those of the others."""
        free = super().solve(g, drive, **how)
        return free._replace(result=np.where(np.arange(len(free.result)), free.result, 1))


def test_a_sample_that_is_skipped_moves_no_mean_of_a_batch():
    """Gradient and running averages are those of the batch without it."""
    session = Session.of(load("ff-digits", FEW | {"training.skip_failed": True}))
    g, x, loss = session.begun(), session.data.x_train[:6], factory.loss(session.experiment.training)
    y = session.task.train.of(slice(6))
    with session.solver() as solver:
        skipped = session.rule.gradient(solver.wrapped(Failing).wrapped(Skipping), g, x, y, loss).g
        others = session.rule.gradient(solver, g, x[1:], y[1:], loss).g
    for name, values in others.items():
        share = 1.0 if name in {"b2_0.mean", "b2_0.variance"} else 6 / 5
        assert np.allclose(share * skipped[name], values, rtol=1e-6, atol=1e-9 * np.abs(values).max()), name


def test_rounding_in_the_gradient_of_a_chain_is_measured(tmp_path, capsys):
    """Nudges in volts keep their digits in 32 bits; one small beta for all loses them, and training stops and names it."""
    (tmp_path / "small.toml").write_text(SMALL.replace('rule = "richardson"\n', ""))
    few = ["--epochs", 1, "--set", "data.train_limit=24", "--set", "data.test_limit=6", "--set", "training.precision=float32"]
    assert typed(capsys, "train", tmp_path / "small.toml", *few, "-o", tmp_path / "volts")["gradient_error"] < 1e-3
    frozen = [f"--set=blocks[{k}].nudge.{key}" for k in (0, 2) for key in ("kind=frozen", "beta=1e-13")]
    assert main(["train", str(tmp_path / "small.toml"), *map(str, few), *frozen, "-o", str(tmp_path / "frozen")]) == 1
    assert "is rounding, as the nudge (blocks[0].nudge.beta = 1e-13 S)" in capsys.readouterr().err


def test_pulses_and_flips_of_one_chain_are_counted_apart(tmp_path, capsys):
    """A circuit that is programmed by pulses, and one whose devices change levels."""
    (tmp_path / "small.toml").write_text(SMALL)
    few = ["--epochs", 1, "--set", "data.train_limit=24", "--set", "data.test_limit=6", "--set", "blocks[0].device.preset=reram-es"]
    mixed = ["--set", "blocks[2].device.levels=4", "--set", "training.rate=1e-5"]
    both = typed(capsys, "train", tmp_path / "small.toml", *few, *mixed, "-o", tmp_path / "mixed")
    assert both["pulses_per_device"] > 0
    assert both["flips_per_device"] > 0
    row = json.loads((tmp_path / "mixed" / "metrics.jsonl").read_text())
    assert row["flips"] == int(row["flips"]) <= 3 * 8 * both["memristors"]
    assert typed(capsys, "report", tmp_path / "mixed", "-o", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "Flips of devices" in page
    assert "Programming pulses" in page

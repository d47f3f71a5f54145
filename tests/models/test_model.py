"""Models: plain arrays in, plain arrays out; what they predict is what the commands evaluate, and a folder gives them back."""

import gc
import json
import pickle
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from threadpoolctl import threadpool_info

import hwsim as hw
from cli.main import main
from hwsim.experiment.overriding import override
from hwsim.files.raw import DataError
from hwsim.learning.trainer import Trainer
from hwsim.models import fit
from hwsim.ngspice import pool
from hwsim.ngspice.process import WorkerProcess

EPOCHS = 3
NET = hw.Network(inputs=4, layers=[hw.Layer(6, amplifier=hw.Amplifier())], outputs=3)
X, Y = hw.dataset("iris")


@pytest.fixture(scope="module")
def model() -> hw.Model:
    """Return a model of iris that all look at."""
    return hw.fit(NET, X, Y, epochs=EPOCHS, seed=4)


def test_a_model_learns_and_reports(model: hw.Model) -> None:
    """Labels come back as they were passed, conductances by crossbar, metrics by epoch."""
    assert model.predict(X[:2]).tolist() == Y[:2].tolist()
    assert model.score(X, Y) > 0.9
    assert {name: g.shape for name, g in model.g.items()} == {"w1": (9, 6), "w2": (7, 6)}
    assert model.history["epoch"].tolist() == [1, 2, 3]
    assert model.history["test_error"][-1] == pytest.approx(1 - model.score(X, Y))
    assert model.probabilities(X[:5]).sum(axis=1) == pytest.approx(1)
    assert np.array_equal(model.decision(X).argmax(axis=1), model.probabilities(X).argmax(axis=1))


def test_the_same_seed_learns_the_same(model: hw.Model) -> None:
    """Bit for bit, also in a second training of a process; another seed learns something else. JAX's settings stay as they are."""
    before = dict(jax.config.values)
    again, other = (hw.fit(NET, X, Y, epochs=EPOCHS, seed=seed) for seed in (4, 5))
    assert dict(jax.config.values) == before
    assert all(np.array_equal(again.g[name], model.g[name]) for name in model.g)
    assert not np.array_equal(other.g["w1"], model.g["w1"])


@pytest.mark.parametrize("labels", [np.array([7, 10, 9]), np.array(["10", "9", "é"]), np.array([0.0, 1.0, 2.0])])
def test_labels_of_any_kind_come_back(labels: np.ndarray, tmp_path: Path) -> None:
    """From a folder too."""
    y = labels[np.unique(Y, return_inverse=True)[1]]
    made = hw.fit(NET, X, y, epochs=1)
    kept = hw.load(made.save(tmp_path / "run"))
    for one in (made, kept):
        predicted = one.predict(X)
        assert predicted.dtype == y.dtype
        assert set(predicted.tolist()) <= set(labels.tolist())
    assert np.array_equal(made.predict(X), kept.predict(X))


def test_labels_are_compared_by_what_they_are(model: hw.Model) -> None:
    """Numbers match names that are numbers; what is no class is refused, and never counted as wrong in silence."""
    named = replace(model, labels=np.array(["0", "1", "2"]))
    numbers = np.unique(Y, return_inverse=True)[1]
    assert named.score(X, numbers) == named.score(X, numbers.astype(float)) == model.score(X, Y)
    for unknown in (numbers, np.full(len(X), "rose")):
        with pytest.raises(DataError, match="none of the 3 classes: 'setosa'"):
            model.score(X, unknown)


def test_a_folder_is_a_model_and_a_model_is_a_folder(
    model: hw.Model, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands evaluate, resume and check what `save` wrote, from wherever they are run; `load` reads what they wrote."""
    folder = model.save(tmp_path / "run")
    assert main(["evaluate", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["test_error"] == pytest.approx(1 - model.score(X, Y), abs=1e-12)
    monkeypatch.chdir(tmp_path)
    (moved := tmp_path / "moved").mkdir()
    folder = folder.rename(moved / "run")
    assert main(["train", "moved/run", "--resume", "--epochs", str(EPOCHS + 1), "--json"]) == 0
    kept = hw.load(folder)
    assert len(kept.history["epoch"]) == EPOCHS + 1
    assert 'name = "samples.npz"' in (folder / "experiment.toml").read_text()
    again = hw.load(kept.save(tmp_path / "again"))
    assert np.array_equal(again.outputs(X), kept.outputs(X))
    with pytest.raises(ValueError, match="not empty"):
        model.save(folder)


def test_a_model_is_pickled(model: hw.Model) -> None:
    """And predicts the same."""
    assert np.array_equal(pickle.loads(pickle.dumps(model)).outputs(X), model.outputs(X))  # noqa: S301 - written here


def test_ngspice_starts_once_for_all_predictions_of_a_model(model: hw.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its processes end with the model, and between predictions NumPy's products have their threads; a copy starts its own."""
    started = []

    def noted(*limits: Any) -> WorkerProcess:
        worker = WorkerProcess(*limits)
        started.append((worker.process, worker.home))
        return worker

    def threads() -> list[int]:
        return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]

    monkeypatch.setattr(pool, "WorkerProcess", noted)
    settings = {"training.engine": "ngspice", "solver.ngspice_workers": 1}
    before, made = threads(), replace(model, session=replace(model.session, experiment=override(model.experiment, settings)))
    outputs = made.outputs(X[:2])
    made.score(X[:2], Y[:2])
    assert hw.solve(made, made.scaled(X[:2])).outputs == pytest.approx(outputs, abs=1e-12)
    assert hw.evaluate(made, X[:2], Y[:2]) == hw.evaluate(made, X[:2], Y[:2], engine="ngspice")
    assert len(started) == 1
    assert threads() == before
    copied = pickle.loads(pickle.dumps(made))  # noqa: S301 - written here
    assert np.array_equal(copied.outputs(X[:2]), outputs)
    assert len(started) == 2
    del made
    gc.collect()
    assert [(process.poll() is None, home.exists()) for process, home in started] == [(False, False), (True, True)]


def test_how_many_samples_are_predicted_at_once_changes_no_class(model: hw.Model) -> None:
    """Each sample is by itself."""
    whole = model.outputs(X)
    assert model.outputs(X[:1]) == pytest.approx(whole[:1], abs=1e-9)
    assert model.outputs(np.tile(X, (4, 1)))[450:] == pytest.approx(whole, abs=1e-9)


def test_a_chip_differs_and_engines_do_not(model: hw.Model, tmp_path: Path) -> None:
    """Stuck memristors change what is answered, another chip in another way; ngspice reads the same outputs, and runs the deck."""
    chips = [model.on_chip(number, {"variation.stuck": 0.1}) for number in (1, 2)]
    assert len({tuple(one.outputs(X[:1])[0]) for one in (model, *chips)}) == 3
    with pytest.warns(UserWarning, match="all chips are alike"):
        model.on_chip(1)
    assert hw.evaluate(model, X[:5], Y[:5], engine="ngspice") == hw.evaluate(model, X[:5], Y[:5])
    assert "R_w1_0_0" in model.to_spice(tmp_path / "iris.cir").read_text()
    swept = model.sweep({"variation.stuck": [0, 0.1]}, chips=2)
    assert swept.points["mean"][0] == pytest.approx(1 - model.score(X, Y))
    assert swept.results["test_error"][2:] == pytest.approx(
        [1 - one.on_chip(k, {}).score(X, Y) for k, one in enumerate([model.on_chip(0, {"variation.stuck": 0.1}), chips[0]])]
    )


def test_a_chips_converters_are_at_its_inputs(model: hw.Model) -> None:
    """Of another chip than the one that learned too: its own test set goes through them, as what is predicted does."""
    with pytest.warns(UserWarning, match="all chips are alike"):
        coarse = model.on_chip(1, {"variation.dac_bits": 2, "variation.dac_full_scale": 1.5})
    assert np.unique(coarse.session.data.x_test).tolist() == [-1.5, 0, 1.5]
    assert hw.evaluate(coarse)["error"] == pytest.approx(1 - coarse.score(X, Y))
    assert len(np.unique(coarse.outputs(X), axis=0)) < len(np.unique(model.outputs(X), axis=0))
    finer = coarse.on_chip(1, {"variation.dac_bits": None, "variation.dac_full_scale": None, "variation.stuck": 0.1})
    assert np.array_equal(finer.session.data.x_test, model.session.data.x_test)


def test_none_is_a_value(model: hw.Model, tmp_path: Path) -> None:
    """Of an experiment, a run folder and a sweep, where a text could not express it."""
    assert hw.load("iris", {"variation.adc_bits": None}).variation.adc_bits is None
    assert hw.load(model.save(tmp_path / "run"), {"variation.adc_bits": None, "solver.tolerance": 1e-9}).experiment.solver.tolerance == 1e-9
    bits = [None, 2]
    swept = model.sweep({"variation.adc_bits": bits}, settings={"variation.adc_full_scale": 0.1, "device.preset": None})
    assert swept.points["variation.adc_bits"] == bits
    assert swept.points["mean"][0] == pytest.approx(1 - model.score(X, Y))
    with pytest.raises(ValueError, match="there are no values"):
        model.sweep({"variation.adc_bits": []})


class Shifted(hw.DiodePair):
    """A neuron of a caller's own, of a kind that experiment files know under its parent's name."""

    def build(self, builder, name, columns):
        """Put the pair behind another one with other rails."""
        return super().build(builder, f"{name}_own", columns)


def test_a_neuron_of_ones_own_stays(tmp_path: Path) -> None:
    """Whatever keys change; what would lose it is refused, and so is a folder, which could not describe it."""
    net = hw.Network(inputs=4, layers=[hw.Layer(6, neuron=Shifted(v_low=-0.2))], outputs=3)
    made = hw.fit(net, X, Y, epochs=1, settings={"circuit.input_scale": 0.5, "circuit.layers.0.size": 5})
    layer = made.experiment.circuit.layers[0]
    assert (type(layer.neuron), layer.neuron.v_low, layer.size) == (Shifted, -0.2, 5)
    assert any("own" in element.name for element in made.session.circuit.elements)
    assert type(made.on_chip(1, {"variation.stuck": 0.1}).experiment.circuit.layers[0].neuron) is Shifted
    with pytest.raises(ValueError, match=r"circuit.layers\[0\].neuron: it is of class Shifted"):
        hw.fit(net, X, Y, settings={"circuit.layers.0.neuron.v_low": -0.1})
    with pytest.raises(ValueError, match="no experiment file describes"):
        made.save(tmp_path / "run")
    assert not (tmp_path / "run").exists()


@dataclass
class Unhashable:
    """A neuron of a caller's own that can be changed, and so has no hash."""

    v: float = 0.2

    def build(self, builder, name, columns):
        """Put a pair of these rails there."""
        return hw.DiodePair(v_low=-self.v, v_high=self.v).build(builder, name, columns)


def test_a_neuron_of_ones_own_needs_no_hash() -> None:
    """It is trained as a neuron of hwsim's is that builds the same."""
    unhashable, usual = (
        hw.fit(hw.Network(inputs=4, layers=[hw.Layer(6, neuron=neuron)], outputs=3), X, Y, epochs=1)
        for neuron in (Unhashable(), hw.DiodePair(v_low=-0.2, v_high=0.2))
    )
    np.testing.assert_array_equal(unhashable.predict(X), usual.predict(X))


def test_real_targets_are_predicted_in_their_units() -> None:
    """One column for one target; R² is the score, and a test set is what the metrics are of."""
    x = np.random.default_rng(0).normal(size=(60, 3))
    y = 1000 + 200 * x[:, 0] - 100 * x[:, 1]
    net = hw.Network(inputs=3, outputs=1)
    made = hw.fit(net, x[:40], y[:40], test=(x[40:], y[40:]), epochs=30, rate=1e-6)
    assert made.predict(x[40:]).shape == (20,)
    assert made.score(x[40:], y[40:]) > 0.9
    assert made.history["test_r2"][-1] == pytest.approx(made.score(x[40:], y[40:]), abs=1e-9)
    assert hw.evaluate(made, x[40:], y[40:])["error"] == pytest.approx(made.history["test_error"][-1])
    with pytest.raises(hw.DataError, match="real numbers"):
        made.probabilities(x)


def test_ctrl_c_keeps_what_was_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    """The updates under way end, and the model shows how far it came."""
    check = Trainer.check

    def interrupting(self: Trainer, *args: object) -> None:
        signal.raise_signal(signal.SIGINT)
        check(self, *args)

    monkeypatch.setattr(Trainer, "check", interrupting)
    with pytest.warns(hw.FitWarning, match="stopped in epoch"):
        made = hw.fit(NET, X, Y, epochs=9)
    assert made.predict(X[:1]).shape == (1,)


@pytest.mark.parametrize("error", [None, RuntimeError])
def test_ctrl_c_before_the_first_update_waits_for_nothing(monkeypatch: pytest.MonkeyPatch, error: type[Exception] | None) -> None:
    """What is compiled is given up, whatever the compiler makes of that, and the model is that of before; the caller's handler stays."""
    waited, exits, before = [], [], signal.getsignal(signal.SIGINT)

    def compiling(*_: Any, **__: Any) -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise (error or KeyboardInterrupt) from None
        waited.append("for the update")

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "advance", compiling)
        patch.setattr(fit, "wait_at_exit", lambda: exits.append("waits for the compiler"))
        with pytest.warns(hw.FitWarning, match="stopped in epoch 1 of 9"):
            made = hw.fit(NET, X, Y, epochs=9, seed=4)
    assert (waited, len(exits), signal.getsignal(signal.SIGINT)) == ([], 1, before)
    begun = made.session.begun()
    assert all(np.array_equal(made.g[name], begun[name]) for name in begun)
    assert made.predict(X[:1]).shape == (1,)


def test_a_process_that_was_interrupted_while_it_compiled_ends_well() -> None:
    """XLA's threads may still be at work then."""
    code = """
import os, signal, threading, warnings
import jax
import hwsim as hw
from hwsim.learning.trainer import Trainer
advance, interrupt = Trainer.advance, threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))

def lowered(event, seconds, **_):
    if event.endswith("jaxpr_to_mlir_module_duration") and seconds > 0.02 and not interrupt.is_alive():
        interrupt.start()  # what takes so long is the update, which is compiled next

def advancing(*given, **how):
    jax.monitoring.register_event_duration_secs_listener(lowered)
    return advance(*given, **how)

Trainer.advance = advancing
warnings.simplefilter("ignore")
x, y = hw.dataset("iris")
print(len(hw.fit(hw.Network(inputs=4, layers=[hw.Layer(8, amplifier=hw.Amplifier())], outputs=3), x, y, epochs=3).rows))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_history_without_an_epoch_has_the_metrics_of_every_training(task: str, tmp_path: Path) -> None:
    """Each is empty, and comes in the order of those of a training that ended an epoch; so it is of a model that was written and read."""
    y = Y if task == "classification" else np.eye(3)[np.unique(Y, return_inverse=True)[1]]
    ended = hw.fit(NET, X, y, epochs=1, task=task)
    stopped = replace(ended, rows=())
    for model in (stopped, hw.load(stopped.save(tmp_path / "run"))):
        assert [name for name in ended.history if name in model.history] == list(model.history)
        assert all(metrics.shape == (0,) for metrics in model.history.values())
        assert {"epoch", "loss", "test_error", "seconds"} <= model.history.keys()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: hw.fit(NET, X), "pass both x and y"),
        (lambda: hw.fit(NET), "learns nothing without data"),
        (lambda: hw.fit(NET, X[:, :3], Y), "circuit.inputs = 4, but data arrays have 3 features; set it to 3"),
        (lambda: hw.fit(NET, X, Y[:5]), "150 samples but 5 labels"),
        (lambda: hw.fit(NET, X * np.nan, Y), "features must be finite"),
        (lambda: hw.fit(NET, X, Y, epochs=0), "training.epochs = 0: should be greater than 0"),
        (lambda: hw.fit(NET, X, Y, device="memory"), "no such preset"),
        (lambda: hw.fit(NET, X, Y, settings={"training.epoch": 3}), "training.epoch: there is no such key; did you mean training.epochs"),
        (lambda: hw.fit("iriss", X, Y), "did you mean iris"),
        (lambda: hw.load("iris", {"training.rate": "fast"}), "should be a number"),
    ],
)
def test_what_is_wrong_is_named_in_a_line(call: object, message: str) -> None:
    """It names the value and the remedy."""
    with pytest.raises((ValueError, TypeError), match=message) as raised:
        call()
    assert "\n" not in str(raised.value)


def test_a_model_refuses_samples_of_another_kind(model: hw.Model) -> None:
    """With another number of features, or labels; and settings that would mean another training."""
    with pytest.raises(hw.DataError, match="x has 3 features, and the circuit was trained with 4"):
        model.predict(X[:, :3])
    with pytest.raises(hw.DataError, match="150 samples were predicted"):
        model.score(X, Y[:3])
    with pytest.raises(
        hw.DataError, match="section training belong to another training or circuit; change those of variation, noise, device, solver"
    ):
        model.on_chip(1, {"training.rate": 1.0})
    with pytest.raises(hw.DataError, match="there are 150 samples"):
        model.to_spice("no.cir", sample=150)

"""Imported models: they answer as what they were made of, are models like any other, and learn further."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier, MLPRegressor

import hwsim as hw
from cli.main import main

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # few steps are enough

X, Y = hw.dataset("iris")
TRAIN, TEST = slice(0, None, 2), slice(1, None, 2)


@pytest.fixture(scope="module")
def classifier() -> Any:
    """Return a perceptron of iris."""
    return MLPClassifier((5,), activation="tanh", solver="lbfgs", max_iter=60, random_state=0).fit(X[TRAIN], Y[TRAIN])


@pytest.fixture(scope="module")
def model(classifier: Any) -> hw.ImportedModel:
    """Return its circuit."""
    return hw.from_sklearn(classifier, X[TRAIN], Y[TRAIN], test=(X[TEST], Y[TEST]))


def test_it_answers_as_the_perceptron(model: hw.ImportedModel, classifier: Any) -> None:
    """Classes by their names, and probabilities within a few hundredths, for outputs are logits to scale."""
    assert (model.predict(X) == classifier.predict(X)).mean() > 0.98
    assert np.abs(model.probabilities(X) - classifier.predict_proba(X)).mean() < 0.02
    agreement = model.agreement()
    assert agreement.samples == 75
    assert agreement.original_error == pytest.approx(1 - classifier.score(X[TEST], Y[TEST]))
    assert agreement.error == pytest.approx(1 - model.score(X[TEST], Y[TEST]))
    assert agreement.answers == pytest.approx((model.predict(X[TEST]) == classifier.predict(X[TEST])).mean())


def test_it_is_a_model_like_any_other(model: hw.ImportedModel, tmp_path: Path) -> None:
    """Its folder has what it is, also without an epoch of training; a deck is written of it."""
    kept = hw.load(model.save(tmp_path / "run"))
    assert isinstance(kept, hw.Model)
    np.testing.assert_array_equal(kept.outputs(X), model.outputs(X))
    assert kept.rows == ()
    assert model.to_spice(tmp_path / "deck.cir").read_text().startswith("* imported: ")


def test_fine_tuning_mends_a_chip(model: hw.ImportedModel) -> None:
    """It starts from the chip's conductances, so that none moves farther than its steps; the loss falls, the original stays."""
    chip = model.on_chip(3, {"variation.gain": 0.2, "variation.rails": 0.02})
    tuned = chip.fine_tuned(4, {"training.rate": 1e-6}, progress=False)
    assert isinstance(tuned, hw.ImportedModel)
    assert max(np.abs(tuned.g[name] - chip.g[name]).max() for name in chip.g) < 1.5e-6 * 4 * 5  # 5 updates an epoch, at most about the rate
    assert tuned.history["loss"][-1] < 0.9 * tuned.history["loss"][0]
    assert tuned.history["epoch"].tolist() == [1, 2, 3, 4]
    assert tuned.agreement().original_error == model.agreement().original_error
    with pytest.raises(hw.DataError, match="fine_tuned: settings of the section variation belong to another training or circuit"):
        chip.fine_tuned(1, {"variation.stuck": 0.5})


@pytest.mark.parametrize("outputs", [1, 2])
def test_real_targets(outputs: int) -> None:
    """In their own units, each on its own scale."""
    rng = np.random.default_rng(outputs)
    x = rng.normal(size=(80, 3))
    y = np.stack([np.sin(x[:, 0]) + 5, 100 * x[:, 1] * x[:, 2]], axis=1)[:, :outputs].squeeze()
    net = MLPRegressor(hidden_layer_sizes=(6,), activation="logistic", solver="lbfgs", max_iter=100, random_state=0).fit(x, y)
    model = hw.from_sklearn(net, x, y)
    wanted = net.predict(x)
    assert model.predict(x).shape == y.shape
    assert (((model.predict(x) - wanted) ** 2).mean(axis=0) < 0.01 * wanted.var(axis=0)).all()
    agreement = model.agreement()
    assert agreement.answers > 0.99
    assert agreement.original_error == pytest.approx(np.sqrt(((wanted - y) ** 2).mean()))


def test_one_logit_is_two_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """And the command leaves a run that answers as the file, reports it, and refuses what has no circuit with one line."""
    monkeypatch.chdir(tmp_path)
    two = slice(50, 150)
    net = MLPClassifier((4,), activation="tanh", solver="lbfgs", max_iter=40, random_state=1).fit(X[two], Y[two])
    np.savez("net.npz", w1=net.coefs_[0], b1=net.intercepts_[0], w2=net.coefs_[1], b2=net.intercepts_[1], activations="tanh")
    np.savez("data.npz", x_train=X[two], y_train=Y[two], x_test=X[50:100:5], y_test=Y[50:100:5])
    assert main(["import", "net.npz", "--data", "data.npz", "-o", "run", "--json"]) == 0
    shown = capsys.readouterr()
    assert "samples that the perceptron was trained on may be in the test set" in shown.err
    answer = json.loads(shown.out)
    assert answer["agreement"] > 0.9
    assert answer["original_error"] == pytest.approx(1 - net.score(X[50:100:5], Y[50:100:5]))
    for words, message in (
        (["import", "net.npz", "--data", "data.npz", "-o", "run"], "run"),
        (["import", "net.npz", "--data", "data.npz", "-o", "b", "--set", "circuit.g_max=1e-5"], "circuit is what the perceptron becomes"),
        (
            ["import", "net.npz", "--data", "digits", "-o", "b"],
            "data digits have 64 features and 10 classes or targets, and the perceptron has 4 inputs and",
        ),
        (["import", "none.pt", "--data", "iris", "-o", "b"], "none.pt: no such file"),
    ):
        assert main(words) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert message in line
    assert not Path("b").exists()


def test_arrays_that_do_not_fit(classifier: Any) -> None:
    """Messages state what was passed and what is taken."""
    with pytest.raises(hw.DataError, match="x has 2 features, and the perceptron takes 4"):
        hw.from_sklearn(classifier, X[:, :2])
    with pytest.raises(hw.ImportingError, match="MLPClassifier is no fitted perceptron"):
        hw.from_sklearn(MLPClassifier(), X, Y)
    with pytest.raises(hw.ImportingError, match="target_scaling"):
        hw.from_sklearn(
            MLPRegressor(hidden_layer_sizes=(2,), max_iter=5, solver="lbfgs").fit(X, X[:, 0]),
            X,
            X[:, 0],
            settings={"data.target_scaling": "none"},
        )

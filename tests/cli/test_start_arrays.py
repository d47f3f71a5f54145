"""A training that starts with some of the arrays that another one learned: an autoencoder's encoder, under a classifier."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from hwsim.experiment.loading import load
from hwsim.session import Session

ENCODER = ("--set", "data.task=reconstruction", "--set", "circuit.outputs=4", "--set", "circuit.input_scale=0.1", "--epochs", "1")
FEW = ("--set", "data.train_limit=30")
START = ("--set", 'training.start_arrays=["w1"]')


def weights(path: str | Path) -> dict[str, np.ndarray]:
    """Read a file of conductances."""
    with np.load(path) as file:
        return dict(file)


@pytest.fixture
def encoder(hwsim) -> Path:
    """Train an autoencoder of irises for a moment."""
    assert hwsim("train", "iris", *ENCODER, *FEW, "--out", "encoder").code == 0
    return Path("encoder")


def test_named_arrays_start_with_what_was_learned(hwsim, encoder):
    """The others are drawn as without; an array whose rate is 0 keeps it, bit for bit; the folder needs the first run no longer."""
    line = ("train", "iris", "--from", encoder, *START, *FEW, "--set", "training.rate=[0,1e-6]", "--epochs", "2")
    assert hwsim(*line, "--out", "whole").code == 0
    assert hwsim(*line, "--epochs", "1", "--out", "part").code == 0
    experiment = load("iris", [f"training.start={encoder}", 'training.start_arrays=["w1"]'])
    begun, drawn = (Session.of(one).begun() for one in (experiment, load("iris")))
    np.testing.assert_array_equal(begun["w1"], weights(encoder / "weights.npz")["w1"])
    np.testing.assert_array_equal(begun["w2"], drawn["w2"])
    shutil.rmtree(encoder)
    learned = weights("whole/weights.npz")
    np.testing.assert_array_equal(learned["w1"], begun["w1"])
    assert (learned["w2"] != begun["w2"]).any()
    assert hwsim("train", "part", "--resume", "--epochs", "2").code == 0
    for name, values in weights("part/weights.npz").items():
        np.testing.assert_array_equal(values, learned[name])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (['training.start_arrays=["w9"]'], "w9 is no array of iris, which has w1, w2; name one of both"),
        (['training.start_arrays=["w2"]'], "training.start = encoder: w2: conductances have shape"),
        (["training.start=", 'training.start_arrays=["w1"]'], "takes conductances from training.start, which is absent; set it too"),
        (["training.seed=1", 'training.start_arrays=["w1"]'], "training.seed is 1, and it was trained with 0"),
    ],
)
def test_arrays_that_do_not_fit_are_refused_in_a_line(hwsim, encoder, settings, message):
    """The line names the array, or the key."""
    words = [word for setting in settings for word in ("--set", setting)]
    answer = hwsim("train", "iris", "--set", f"training.start={encoder}", *words, "--out", "new")
    assert (answer.code, answer.out) == (2, "")
    assert message in answer.err.replace("\n", " ")
    assert not Path("new").exists()

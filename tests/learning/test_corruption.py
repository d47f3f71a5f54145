"""Corrupted features: as many are left out as asked for, noise is as large, targets stay clean, and training keeps its laws."""

import io

import jax.numpy as jnp
import numpy as np
import pytest

from circuits.chip import Chip
from hwsim.data.loading import load_data
from hwsim.experiment.experiment import Experiment
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import override
from hwsim.learning import epochs
from hwsim.learning.corruption import Corruption, largest
from hwsim.learning.gradient_audit import planned
from hwsim.learning.state import State
from hwsim.numeric.numeric_engine import NumericEngine
from hwsim.session import Session
from learning.test_trainer import Plain, assert_same, final

pytestmark = pytest.mark.usefixtures("jax_64_bits")

SETTINGS = ["data.task=reconstruction", "circuit.outputs=4", "circuit.input_scale=0.1", "data.input_dropout=0.3", "data.denoise=0.2"]


def experiment(*more: str) -> Experiment:
    return override(load("iris"), ["training.epochs=2", "training.batch=20", "circuit.layers=[]", "training.beta=1e-8", *SETTINGS, *more])


def trainer(settings: Experiment, *, plain: bool = False):
    circuit = settings.circuit.compile()
    solver = NumericEngine().prepare(circuit, Chip.nominal(circuit))
    return Session.of(settings).trainer(Plain(solver) if plain else solver)


def drawn(dropout: float, noise: float) -> Corruption:
    return Corruption(np.float64(dropout), np.float64(noise), np.arange(5, dtype=np.uint32))


@pytest.mark.parametrize("xp", [np, jnp])
def test_the_share_that_is_left_out_is_the_one_asked_for(xp) -> None:
    """A quarter of many features is 0, the others keep the mean, and noise has its standard deviation, within 5 standard errors."""
    x = xp.full((200, 100), 0.5)
    dropped = np.asarray(drawn(0.25, 0.0).of(x, 2))
    assert set(np.unique(dropped)) == {0.0, 0.5 / 0.75}
    assert abs((dropped == 0).mean() - 0.25) < 5 * np.sqrt(0.25 * 0.75 / x.size)
    noisy = np.asarray(drawn(0.0, 0.1).of(x, 2)) - 0.5
    assert abs(noisy.std() / 0.1 - 1) < 5 / np.sqrt(2 * x.size)
    assert abs(noisy.mean()) < 5 * 0.1 / np.sqrt(x.size)


def test_numpy_and_jax_corrupt_alike() -> None:
    """Each update has numbers of its own, and they are the same on both."""
    x = np.random.default_rng(0).uniform(size=(6, 7))
    ours, theirs, other = (np.asarray(drawn(0.3, 0.2).of(each, k)) for each, k in ((x, 1), (jnp.asarray(x), 1), (x, 2)))
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    assert (ours != other).all()


def test_no_feature_is_beyond_the_largest() -> None:
    """The bound by which the solver scales its tolerance holds what corruption makes."""
    data = load_data(experiment())
    corrupted = drawn(data.input_dropout, data.denoise).of(data.x_train, 0)
    assert np.abs(data.x_train).max() < np.abs(corrupted).max() < largest(data, np.abs(data.x_train).max())


def test_targets_stay_clean_and_only_training_is_corrupted() -> None:
    """Targets are the voltages of the clean inputs; the test set and the gradient audit show features as they are."""
    noisy, clean = trainer(experiment()), trainer(experiment("data.input_dropout=0", "data.denoise=0"))
    np.testing.assert_array_equal(noisy.task.train.of(slice(None)), 0.1 * clean.data.x_train)
    np.testing.assert_array_equal(noisy.data.x_test, clean.data.x_test)
    assert clean.plan(0).corruption is None
    for plan in planned(noisy, 0):
        np.testing.assert_array_equal(plan.corruption.of(noisy.samples.x, 0), noisy.samples.x)


def test_chips_see_the_same_corruption() -> None:
    """What is drawn depends on seed and epoch, not on the chip."""
    plans = [trainer(experiment(*more)).plan(1).corruption for more in ([], ["variation.chip=3"], ["training.seed=1"])]
    np.testing.assert_array_equal(plans[0].seeds, plans[1].seeds)
    assert (plans[0].seeds != plans[2].seeds).all()


def test_compiled_training_corrupts_as_stepwise_does_and_resumes(monkeypatch) -> None:
    """Many updates in one loop learn what single ones do; from a state in the middle training ends in the same bits."""
    looped, stepped = (final(trainer(experiment(), plain=plain)) for plain in (False, True))
    for block, g in looped.g.items():
        np.testing.assert_allclose(g, stepped.g[block], rtol=1e-6)
    monkeypatch.setattr(epochs, "CHUNK_SECONDS", 1e-9)
    other = trainer(experiment())
    states = [progress.state.arrays() for progress in other.run(other.begin())]
    assert_same(states[-1], looped.arrays())
    file = io.BytesIO()
    np.savez(file, **states[len(states) // 2])
    file.seek(0)
    with np.load(file, allow_pickle=False) as saved:
        assert_same(final(other, State.from_arrays(dict(saved), other.circuit)).arrays(), states[-1])

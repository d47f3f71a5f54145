"""Shifted images: whole pixels, nothing comes in from outside, and training with them keeps its laws."""

import jax.numpy as jnp
import numpy as np
import pytest

from hwsim.experiment.experiment import ExperimentError
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import override
from hwsim.learning.shifts import draw, moved

pytestmark = pytest.mark.usefixtures("jax_64_bits")

IMAGES = np.random.default_rng(3).random((5, 36))


def shifted(image: np.ndarray, down: int, right: int) -> np.ndarray:
    """Move one image in a frame so wide that nothing comes round."""
    return np.roll(np.pad(image, 9), (down, right), (0, 1))[9:-9, 9:-9]


@pytest.mark.parametrize("xp", [np, jnp])
def test_images_move_as_on_paper(xp) -> None:
    """Every shift gives what moving the picture on a wide empty sheet does, on NumPy as on JAX."""
    shifts = np.stack(np.meshgrid([-7, -1, 0, 2], [-2, 0, 1, 6]), -1).reshape(-1, 2).astype(np.int32)
    chosen = np.arange(len(shifts)) % len(IMAGES)
    result = np.asarray(moved(xp.asarray(IMAGES), xp.asarray(chosen), xp.asarray(shifts)))
    wanted = [shifted(IMAGES[k].reshape(6, 6), *shift).ravel() for k, shift in zip(chosen, shifts.tolist(), strict=True)]
    np.testing.assert_array_equal(result, wanted)


def test_every_shift_is_drawn_as_often() -> None:
    """All nine shifts by at most a pixel come in an epoch, each a ninth of the time within 5 standard deviations."""
    drawn = draw(1, 0, 0, (200, 50))
    assert drawn is not None
    _, count = np.unique(drawn.reshape(-1, 2), axis=0, return_counts=True)
    assert len(count) == 9
    assert np.abs(count - 10000 / 9).max() < 5 * np.sqrt(10000 / 9)


def test_what_is_no_image_is_not_shifted() -> None:
    """Features that are no square image, or that have scales of their own, are refused."""
    with pytest.raises(ExperimentError, match=r"data\.shift = 1 moves square images, and data wine have 13 features"):
        override(load("wine"), ["data.shift=1", "data.scaling=none"])
    with pytest.raises(ExperimentError, match="set scaling to 'none'"):
        override(load("digits"), ["data.shift=1", "data.scaling=minmax"])

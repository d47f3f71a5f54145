"""Moved images: shifts by whole pixels and mirror images, nothing comes in from outside, and training with them keeps its laws."""

import jax.numpy as jnp
import numpy as np
import pytest

from circuits.maps import Maps
from hwsim.experiment.experiment import ExperimentError
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import override
from hwsim.learning.augmentation import draw, moved

pytestmark = pytest.mark.usefixtures("jax_64_bits")

SHAPE = Maps(6, 4, 3)
IMAGES = np.random.default_rng(3).random((5, SHAPE.size))


def on_paper(image: np.ndarray, down: int, right: int, mirrored: int) -> np.ndarray:
    """Mirror one image, and move it in a frame so wide that nothing comes round."""
    whole = image.reshape(SHAPE)[:, ::-1] if mirrored else image.reshape(SHAPE)
    return np.roll(np.pad(whole, ((9, 9), (9, 9), (0, 0))), (down, right), (0, 1))[9:-9, 9:-9].ravel()


@pytest.mark.parametrize("xp", [np, jnp])
def test_images_move_as_on_paper(xp) -> None:
    """Every move of a colour image gives what mirroring and moving the picture on a wide empty sheet does, on NumPy as on JAX."""
    moves = np.stack(np.meshgrid([-7, -1, 0, 2], [-2, 0, 1, 6], [0, 1]), -1).reshape(-1, 3).astype(np.int32)
    chosen = np.arange(len(moves)) % len(IMAGES)
    result = np.asarray(moved(xp.asarray(IMAGES), xp.asarray(chosen), xp.asarray(moves), SHAPE))
    wanted = [on_paper(IMAGES[k], *move) for k, move in zip(chosen, moves.tolist(), strict=True)]
    np.testing.assert_array_equal(result, wanted)


def test_every_move_is_drawn_as_often() -> None:
    """All nine shifts by at most a pixel, mirrored and not, come in an epoch, each as often within 5 standard deviations."""
    drawn = draw(1, 0, 0, (200, 50), flip=True)
    assert drawn is not None
    _, count = np.unique(drawn.reshape(-1, 3), axis=0, return_counts=True)
    assert len(count) == 18
    assert np.abs(count - 10000 / 18).max() < 5 * np.sqrt(10000 / 18)


def test_flips_leave_the_draws_of_shifts() -> None:
    """Shifts are the same with and without mirror images; without either nothing is drawn."""
    plain, mirrored = draw(2, 7, 3, (4, 5)), draw(2, 7, 3, (4, 5), flip=True)
    assert plain is not None
    assert mirrored is not None
    assert draw(0, 7, 3, (4, 5)) is None
    assert not plain[..., 2].any()
    np.testing.assert_array_equal(plain[..., :2], mirrored[..., :2])


def test_what_is_no_image_is_not_shifted() -> None:
    """Features that are no image, or that have scales of their own, are refused."""
    with pytest.raises(ExperimentError, match=r"data\.shift = 1 moves images, and data wine have 13 features, no square image"):
        override(load("wine"), ["data.shift=1", "data.scaling=none"])
    with pytest.raises(ExperimentError, match=r"data\.flip = true moves images"):
        override(load("wine"), ["data.flip=true", "data.scaling=none"])
    with pytest.raises(ExperimentError, match="set scaling to 'none'"):
        override(load("digits"), ["data.shift=1", "data.scaling=minmax"])

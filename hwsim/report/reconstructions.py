"""Reconstructions: samples of the held-out set above what an autoencoder's outputs make of them, as images or as curves."""

from functools import partial
from typing import Any

import numpy as np

from circuits.errors import CircuitError
from circuits.maps import Maps, image
from hwsim.experiment.experiment import Experiment
from hwsim.inspection.palette import SERIES
from hwsim.learning.predictions import Predictions
from hwsim.report.picture import Picture, grid, picture
from hwsim.typing import Floats

MOST = 10
"""Samples that are drawn."""

_COLOURS = 3
"""Channels of an image that are red, green and blue; of others, the mean is drawn."""


_SMALLEST = 16
"""Features from which a square number of them is taken for an image, where the circuit names no shape."""


def reconstructions(predicted: Predictions, name: str, experiment: Experiment) -> Picture:
    """Draw the first samples, and their reconstructions below them."""
    true, again = predicted.true[:MOST], predicted.predicted[:MOST]
    maps, held_out, measure = _image(experiment, true.shape[1]), experiment.data.held_out, experiment.data.measure
    errors = np.sqrt(((predicted.predicted - predicted.true) ** 2).mean(axis=1))
    each = f"RMSE of a sample {measure.text(float(errors.min()))} to {measure.text(float(errors.max()))}"

    draw = partial(_draw_curves, true, again) if maps is None else partial(_draw_images, mosaic(true, again, maps))
    what = f"The first {len(true)} samples of the {held_out} set"
    return picture(
        f"{name}-reconstructions",
        "Reconstructions",
        draw,
        alt=f"{'Images' if maps else 'Curves'} of {len(true)} samples and their reconstructions; {each}.",
        caption=f"{what}, {'and below each' if maps else 'and over each'} its reconstruction by the outputs; {each}.",
        height=1.2 if maps else 0.55 * len(true),
        wide=True,
    )


def _draw_images(images: Floats, figure: Any) -> None:
    axes = figure.add_subplot()
    axes.set_axis_off()
    axes.imshow(images, cmap="gray", interpolation="none")


def _draw_curves(true: Floats, again: Floats, figure: Any) -> None:
    for axes, sample, repeated in zip(figure.subplots(len(true), 1, sharex=True, squeeze=False)[:, 0], true, again, strict=True):
        grid(axes)
        axes.plot(sample, color=SERIES[0])
        axes.plot(repeated, color=SERIES[1])


def mosaic(true: Floats, again: Floats, maps: Maps) -> Floats:
    """Lay out images (n, K) in a row above their reconstructions, all in one scale: 0 to 1, with gaps of 1."""
    low, high = min(true.min(), again.min()), max(true.max(), again.max())
    both = (np.stack([true, again]) - low) / ((high - low) or 1.0)
    images = both.reshape(2, len(true), *maps)
    images = images if maps.channels == _COLOURS else images.mean(axis=-1, keepdims=True)
    framed = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1), (0, 0)), constant_values=1.0)
    rows = framed.transpose(0, 2, 1, 3, 4).reshape(2 * (maps.height + 2), len(true) * (maps.width + 2), -1)
    return rows if rows.shape[-1] == _COLOURS else rows[..., 0]


def _image(experiment: Experiment, features: int) -> Maps | None:
    """Return the images that features are; None where they are none."""
    shape = getattr(experiment.circuit, "image", None)
    try:
        return image(features, shape) if shape is not None or features >= _SMALLEST else None
    except CircuitError:
        return None

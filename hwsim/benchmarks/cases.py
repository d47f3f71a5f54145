"""Trainings to time: circuits of any size for images like MNIST's, and those images."""

from collections.abc import Sequence

import numpy as np

from hwsim.data.loading import load_data
from hwsim.experiment.experiment import Experiment
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import override
from hwsim.files.raw import DataError
from hwsim.learning.dataset import Dataset
from hwsim.random.streams import stream
from hwsim.settings.sections import Precision

BASE = "mnist-kendall2020"

PIXELS, CLASSES = 784, 10

_G_INIT = (1e-7, 1e-5)
_BETA = 1e-4
_RATES = (1e-5, 1e-6)
"""Initial conductances [S], nudge [S] and rates [S²/V²] of the first and of later crossbars that suit 100 hidden units, batches of 32."""

_DEEP_BETA = 1e-3
_DEEP_RATES = (1e-7, 1e-9)
"""With several hidden layers: nudges [S for each row of the last crossbar] that 32 bits can resolve from rounding in the first, and rates
that move it little."""

_USUAL_BATCH = 32


def experiment(hidden: Sequence[int], batch: int, *, tolerance: float, precision: Precision = "float32") -> Experiment:
    """Return the circuit mnist-kendall2020 with other hidden layers, and plain gradient descent at a constant rate.

    Parameters
    ----------
    hidden
        Sizes of the hidden layers, one or more.
    batch
        Samples an update.
    tolerance
        Tolerance of the equilibria, as a share of the largest voltage.
    precision
        Of the training.

    """
    deep = len(hidden) > 1
    first, later = (rate * min(1.0, (batch / _USUAL_BATCH) ** 0.5) for rate in (_DEEP_RATES if deep else _RATES))
    return override(
        load(BASE),
        [
            f"name={BASE}-{'-'.join(map(str, hidden))}",
            f"circuit.layers=[{', '.join(_layer(size, deep=deep) for size in hidden)}]",
            f"training.g_init=[{_G_INIT[0]}, {_G_INIT[1]}]",
            f"training.beta={_DEEP_BETA * hidden[-1] if deep else _BETA}",
            "training.optimizer=sgd",
            "training.schedule=constant",
            f"training.rate=[{', '.join(f'{rate:.6g}' for rate in (first, *[later] * len(hidden)))}]",
            f"training.batch={batch}",
            f"training.precision={precision}",
            f"solver.tolerance={tolerance:g}",
        ],
    )


def _layer(size: int, *, deep: bool) -> str:
    neuron = '{ kind = "diode-pair", v_low = -0.05, v_high = 0.0, i_sat = 1e-6, n = 1.0 }'
    return f"{{ size = {size}, neuron = {neuron}, amplifier = {{ gain = 4.0, back = {0.125 if deep else 0.25} }} }}"


def images(count: int | None = None) -> Dataset:
    """Return MNIST, or where it is not at hand, synthetic images of its shape; no more than `count` to train on, if given."""
    wanted = override(load(BASE), [] if count is None else [f"data.train_limit={count}"])
    try:
        return load_data(wanted)
    except DataError:
        return synthetic(count or 60_000)


def synthetic(count: int, seed: int = 0) -> Dataset:
    """Make images of distinguishable classes: each is its class's pattern, a fifth of it bright, with added noise."""
    draw = stream(seed, "bench/images")
    patterns = draw.random((CLASSES, PIXELS)) * (draw.random((CLASSES, PIXELS)) < 0.2)  # noqa: PLR2004 - as much of MNIST is not black
    labels = draw.integers(CLASSES, size=count)
    x = np.clip(patterns[labels] + 0.2 * draw.standard_normal((count, PIXELS)), 0, 1)
    few = slice(min(count, 1000))
    names = tuple(map(str, range(CLASSES)))
    return Dataset(name="synthetic", x_train=x, labels_train=labels, x_test=x[few], labels_test=labels[few], class_names=names)

"""Scaling: features as numbers of similar size, by what the training set alone shows."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits.quoting import quote, quote_all
from hwsim.files.raw import DataError, Samples
from hwsim.learning.feature_scale import FeatureScale
from hwsim.settings.sections import DataSettings

Features = NDArray[np.float64]

_SQUARED = 400
"""Binary exponents up to which magnitudes are squared and summed as they are: neither 2^800 times the number of samples nor the square of
a 2^-52th of 2^-400 leaves the range of 64 bits."""

_OFFSET = 2.0**10
"""Magnitude over range from which on a feature's lowest value is subtracted before its mean is computed."""

_FAR = 100.0
"""Standard deviations, or ranges, of the training set by which a test sample may be off before it is reported: of any
distribution, at most one sample in 100² is farther off (Chebyshev's inequality), and a wrong unit is mostly off by 1,000."""


def scaled(
    samples: Samples, settings: DataSettings, known_scale: FeatureScale | None = None
) -> tuple[Features, Features, FeatureScale, tuple[str, ...]]:
    """Scale features as `settings.scaling` and `settings.clip` are set.

    A `known_scale`, that of the run whose conductances are used, stands in the place of one that is fitted to the training set.

    A feature that never changes in the training set, or only from one number of its stored type to the next, is 0 in both sets: no
    conductance can learn what it means, and an input at 0 V leaves the circuit as it was trained.

    Returns
    -------
    x_train, x_test
        Shapes (n, I) and (m, I), in 64 bits.
    scale
        What was done, for other samples.
    notes
        What a user should know about the features, a line each.

    Raises
    ------
    DataError
        When numbers exceed 64 bits, before or after scaling (naming the feature), or when no feature changes.

    """
    assert samples.x_test is not None  # noqa: S101 - both sets exist by now
    x_train, x_test = (_as_float(samples, x) for x in (samples.x, samples.x_test))
    notes: list[str] = []
    scale = FeatureScale()
    if settings.scaling != "none":
        with np.errstate(all="ignore"):  # whatever becomes infinite is looked for afterwards
            if known_scale is None:
                scale, changed, rounded = _scale(x_train, x_test, _stored(samples), settings)
            else:
                scale, changed, rounded = _by_known(x_train, x_test, known_scale)
        notes += _constant(samples, scale, changed, rounded)
        if settings.clip is None:
            notes += _far(samples, x_test, settings)
    scale = replace(scale, bytes_to_one=samples.x.dtype == np.uint8, clip=settings.clip)
    return scale.clipped(x_train), scale.clipped(x_test), scale, tuple(notes)


def scaled_rows(
    samples: Samples, settings: DataSettings, known_scale: FeatureScale | None = None
) -> tuple[Features, Features, FeatureScale, tuple[str, ...]]:
    """Scale sequences, channel by channel over all of their rows; what fills them up stays 0. As `scaled`, whose scale is of channels."""
    assert samples.image is not None and samples.x_test is not None  # noqa: S101, PT018 - as sequences have
    times, channels, _ = samples.image
    parts = (samples.x, samples.rows), (samples.x_test, samples.rows_test)
    there = [np.arange(times) < np.asarray(rows)[:, None] for _, rows in parts]
    each = [x.reshape(-1, times, channels)[which] for (x, _), which in zip(parts, there, strict=True)]
    *rows, scale, notes = scaled(replace(samples, x=each[0], x_test=each[1]), settings, known_scale)
    filled = [np.zeros((*which.shape, channels)) for which in there]
    for whole, which, values in zip(filled, there, rows, strict=True):
        whole[which] = values
    x_train, x_test = (whole.reshape(len(whole), -1) for whole in filled)
    return x_train, x_test, scale, notes


def _as_float(samples: Samples, x: NDArray[np.generic]) -> Features:
    """Copy to 64 bits; 8-bit images become 0 to 1."""
    with np.errstate(over="ignore"):
        wide = np.array(x, dtype=np.float64)
    if x.dtype == np.uint8:
        wide /= 255.0
    if x.dtype.itemsize > wide.itemsize and not np.isfinite(wide).all():
        k = int(np.flatnonzero(~np.isfinite(wide).all(axis=0))[0])
        msg = f"{samples.name}: {samples.feature(k)} holds numbers that exceed 64 bits; scale it down"
        raise DataError(msg)
    return wide


def _stored(samples: Samples) -> np.dtype[np.floating[Any]]:
    """Return the type whose rounding the features have: their own, or 64 bits where that is finer or of whole numbers."""
    dtype = samples.x.dtype
    return dtype if dtype.kind == "f" and dtype.itemsize < np.dtype(np.float64).itemsize else np.dtype(np.float64)


def _spacing(magnitude: Features, stored: np.dtype[np.floating[Any]]) -> Features:
    """Return the distance to the next number of a type; below its smallest normal number a share of the magnitude, as above it."""
    return np.minimum(np.spacing(magnitude.astype(stored)).astype(np.float64), float(np.finfo(stored).eps) * magnitude)


def _scale(
    x_train: Features, x_test: Features, stored: np.dtype[np.floating[Any]], settings: DataSettings
) -> tuple[FeatureScale, NDArray[np.bool_], NDArray[np.bool_]]:
    """Scale both sets in place, for MNIST takes half a gigabyte.

    Returns
    -------
    scale
        Its `constant` features are those that the training set never changes by more than one rounding of the `stored` type.
    changed
        Which of these the test set changes, shape (I,).
    rounded
        Which of these the training set changes by that one rounding, shape (I,).

    """
    low, high = x_train.min(axis=0), x_train.max(axis=0)
    _, exponent = np.frexp(np.maximum(np.abs(low), np.abs(high)))
    exponent[np.abs(exponent) <= _SQUARED] = 0
    scale = FeatureScale(exponent=exponent)
    for x in (x_train, x_test, low, high):
        scale.shrink(x)
    magnitude, width = np.maximum(np.abs(low), np.abs(high)), high - low
    rounding = _spacing(magnitude, stored)
    constant = width <= rounding
    rounded = constant & (width > 0)
    outside = ((x_test < low - rounding) | (x_test > high + rounding)).any(axis=0)
    low[(magnitude <= _OFFSET * width) | constant] = 0.0
    near = x_train - low if low.any() else x_train
    if settings.scaling == "standard":
        centre, width = near.mean(axis=0), near.std(axis=0)
    else:
        centre = near.min(axis=0)
    scale = replace(scale, low=low, centre=centre, width=width, constant=constant)
    for x in (x_train, x_test):
        scale.centred(x)
    return scale, constant & outside, rounded


def _by_known(x_train: Features, x_test: Features, scale: FeatureScale) -> tuple[FeatureScale, NDArray[np.bool_], NDArray[np.bool_]]:
    """Scale both sets in place by a known scale; return as `_scale`. What is constant in it was so in the training set of its run."""
    assert scale.low is not None and scale.centre is not None and scale.constant is not None  # noqa: S101, PT018 - as it was fitted
    changed = np.zeros(x_train.shape[1], dtype=bool)
    for x in (x_train, x_test):
        scale.shrink(x)
        changed |= (np.abs(x - scale.low - scale.centre) > _spacing(np.abs(x).max(axis=0), np.dtype(np.float32))).any(axis=0)
        scale.centred(x)
    return scale, changed & scale.constant, np.zeros_like(changed)


def _constant(samples: Samples, scale: FeatureScale, changed: NDArray[np.bool_], rounded: NDArray[np.bool_]) -> list[str]:
    """Report constant features that the test set changes, or rounding; refuse data in which no feature changes."""
    if scale.constant is not None and scale.constant.all():
        count = "its one training sample" if len(samples.x) == 1 else f"its {len(samples.x)} training samples"
        msg = f"{samples.name}: no feature changes in {count}, so there is no scale; use other samples, or data.scaling = 'none'"
        raise DataError(msg)
    reasons = {
        "constant in the training set, so nothing is learnt of it and it is 0 in the test set too": changed & ~rounded,
        f"changed in the training set by one rounding of {samples.x.dtype} alone, so taken as constant, and 0 in both sets; "
        "subtract what all samples share before it is stored": rounded,
    }
    return [
        f"{samples.name}: {why}: {quote_all(samples.feature(k) for k in np.flatnonzero(which).tolist())}"
        for why, which in reasons.items()
        if which.any()
    ]


def _far(samples: Samples, x_test: Features, settings: DataSettings) -> list[str]:
    """Report features of the test set that are far out of the training set's range; refuse them where they become infinite."""
    reach = np.maximum(x_test.max(axis=0), -x_test.min(axis=0))
    k = int(np.argmax(reach))
    name, unit = quote(samples.feature(k)), "standard deviations" if settings.scaling == "standard" else "ranges"
    if not np.isfinite(reach[k]):
        msg = f"{samples.name}: {name} of the test set cannot be scaled: it is more than 1e308 {unit} of the training set off"
        raise DataError(f"{msg}; are its units the same?")
    if reach[k] <= _FAR:
        return []
    return [f"{samples.name}: {name} of the test set is up to {reach[k]:.3g} {unit} of the training set off; data.clip limits it"]

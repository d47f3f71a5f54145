"""Data sets with real targets that have a name: diabetes of scikit-learn, and two that are computed."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from hwsim.files.raw import Samples
from hwsim.random.streams import stream
from hwsim.typing import Floats

_DIABETES = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")
"""Its features, in scikit-learn's words; the target is the disease's progression after a year.

Source: Efron, Hastie, Johnstone and Tibshirani 2004, Least angle regression."""

_FRIEDMAN_SAMPLES, _FRIEDMAN_FEATURES, _FRIEDMAN_NOISE = 500, 10, 1.0

LINEAR_MAP = (5, 3)
"""Inputs and outputs of the linear map."""

_LINEAR_SAMPLES = 200


def diabetes(features: Path | None, target: Path | None) -> Samples:
    """Read the diabetes data, as they were measured, from scikit-learn's files, or through the package where these are elsewhere."""
    if features is not None and target is not None:
        x, y = np.loadtxt(features), np.loadtxt(target)
    else:
        from sklearn.datasets import load_diabetes  # noqa: PLC0415 - takes a second to load

        bunch = load_diabetes(scaled=False)
        x, y = bunch.data, bunch.target
    return replace(Samples.with_targets("diabetes", x, y, names=("progression",)), columns=_DIABETES)


def friedman() -> Samples:
    """Compute Friedman's first problem: five features make the target, by a formula and noise of 1, and five do nothing.

    Source: Friedman 1991, Multivariate adaptive regression splines; the formula is that of scikit-learn's make_friedman1.
    """
    random = stream(0, "data/friedman")
    x = random.uniform(size=(_FRIEDMAN_SAMPLES, _FRIEDMAN_FEATURES))
    exact = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4]
    return Samples.with_targets("friedman", x, exact + _FRIEDMAN_NOISE * random.standard_normal(_FRIEDMAN_SAMPLES), names=("y",))


def stochastic_matrix() -> Floats:
    """Return the matrix of the linear map, (inputs, outputs): each output is a weighted mean of the inputs."""
    return stream(0, "data/linear-map/matrix").dirichlet(np.ones(LINEAR_MAP[0]), LINEAR_MAP[1]).T


def linear_map() -> Samples:
    """Compute samples of a linear map: voltages of −1 to 1 V, and what a fixed stochastic matrix makes of them [V].

    Source: the task of Stern, Hexner, Rocks and Liu 2021, Phys. Rev. X 11, 021045.
    """
    x = stream(0, "data/linear-map/inputs").uniform(-1.0, 1.0, (_LINEAR_SAMPLES, LINEAR_MAP[0]))
    return Samples.with_targets("linear-map", x, x @ stochastic_matrix(), names=tuple(f"v{k}" for k in range(1, LINEAR_MAP[1] + 1)))

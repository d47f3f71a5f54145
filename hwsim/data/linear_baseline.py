"""Linear baseline: the error of logistic regression, or of ridge regression, on an experiment's training and test set."""

import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from hwsim.data.loading import load_data
from hwsim.experiment.experiment import Experiment
from hwsim.learning.dataset import Dataset
from hwsim.settings.variation_settings import VariationSettings

STRENGTHS = tuple(float(f"{10**half:.3g}") for half in np.arange(-3.0, 3.5, 0.5))
"""Strengths of the regularisation that are tried, inverse ones C of classes, alpha of real targets: 1 is scikit-learn's default."""

INNER = 5
"""Folds of the training set on which one of them is chosen."""

LARGEST = 50_000
"""Numbers in a training set, samples times features; with more, as of images, choosing would take longer than training the circuit."""

_STEPS = 1000
"""Most steps of L-BFGS; scikit-learn's limit of 100 stops early where the regularisation is weak."""


def described(inner: Iterable[int], *, real: bool = False) -> str:
    """Describe the models that `linear_model` builds, for training sets with these numbers of inner folds; `real` are the targets."""
    counts = set(inner)
    some = " or ".join(map(str, sorted(counts - {0})))
    kind, strength, measure = ("ridge", "alpha", "squared error") if real else ("logistic", "C", "log loss")
    chosen = [f"{strength} of {STRENGTHS[0]:g} to {STRENGTHS[-1]:g} chosen on {some} inner folds by {measure}"] if some else []
    return f"{kind} regression on standardised features, {' or '.join([*chosen, *([f'{strength} = 1'] if 0 in counts else [])])}"


def linear_error(data: Dataset) -> float:
    """Fit the linear model to the training set, and return its share of wrong answers on the test set, or its RMSE [units]."""
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415 - takes a second to load

    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", ConvergenceWarning
        )  # where classes are separable, weak regularisation needs more steps than the limit
        wanted = data.labels_train if data.scale is None else data.targets("train")
        fitted = linear_model(data).fit(data.x_train, wanted)
    if data.scale is not None:
        errors = fitted.predict(data.x_test).reshape(len(data.x_test), -1) - data.targets("test")
        return float(np.sqrt((errors**2).mean()))
    return float(np.mean(fitted.predict(data.x_test) != data.labels_test))


def linear_model(data: Dataset) -> Any:
    """Build the linear model, an estimator of scikit-learn: everything that it learns, it learns from the samples that it is fitted to."""
    from sklearn.linear_model import LogisticRegression, Ridge  # noqa: PLC0415 - takes a second to load
    from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    if data.scale is not None:
        ridge = make_pipeline(StandardScaler(), Ridge())
        if not (inner := inner_folds(data)):
            return ridge
        folds = KFold(inner, shuffle=True, random_state=0)
        return GridSearchCV(ridge, {"ridge__alpha": STRENGTHS}, scoring="neg_mean_squared_error", cv=folds)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=_STEPS))
    if not (inner := inner_folds(data)):
        return model
    folds = StratifiedKFold(inner, shuffle=True, random_state=0)
    return GridSearchCV(model, {"logisticregression__C": STRENGTHS}, scoring="neg_log_loss", cv=folds)


def inner_folds(data: Dataset) -> int:
    """Count the inner folds that choose the strength; 0 where the training set is too large, or a class in it too small, and it is 1."""
    if data.x_train.size > LARGEST:
        return 0
    count = min(INNER, int(np.bincount(data.labels_train, minlength=data.classes).min()))
    return count if count > 1 else 0


def unscaled(experiment: Experiment) -> Dataset:
    """Read the experiment's training and test set without scaling, clipping and the converters of the circuit's inputs.

    Raises
    ------
    DataError, ExperimentError
        As `load_data`.

    """
    plain = {"scaling": "none", "clip": None, "shift": 0, "flip": False, "input_dropout": 0.0, "denoise": 0.0}
    data = experiment.data.model_copy(update=plain)
    return load_data(experiment.model_copy(update={"data": data, "variation": VariationSettings()}))

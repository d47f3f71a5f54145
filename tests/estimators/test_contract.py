"""scikit-learn's own checks of its contract, on both estimators."""

from functools import partial
from typing import Any

import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

import hwsim as hw

NGSPICE = {"training.engine": "ngspice", "solver.ngspice_workers": 1}
"""For samples of a shape that one check alone has: to start ngspice takes less time than to compile."""

SINGLE = {
    "check_dont_overwrite_parameters",
    "check_dtype_object",
    "check_estimators_nan_inf",
    "check_estimators_overwrite_params",
    "check_estimators_partial_fit_n_features",
    "check_fit_score_takes_y",
    "check_n_features_in_after_fitting",
    "check_positive_only_tag_during_fit",
    "check_regressor_multioutput",
}
"""Checks of such samples."""


@pytest.mark.filterwarnings("ignore::hwsim.models.fit.FitWarning")  # fewer samples than an update has
@parametrize_with_checks([kind(hidden=(), epochs=10, random_state=0) for kind in (hw.CrossbarClassifier, hw.CrossbarRegressor)])
def test_it_is_an_estimator(estimator: Any, check: partial[None]) -> None:
    """No check is expected to fail; the one that is skipped is about arrays of other libraries, which need SciPy set up for them."""
    copied = clone(estimator)  # all checks are given one
    if check.func.__name__ in SINGLE:
        copied.set_params(settings=NGSPICE)
    check(copied)

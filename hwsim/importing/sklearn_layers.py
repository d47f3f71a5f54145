"""scikit-learn's perceptrons, fitted: their layers are their `coefs_` and `intercepts_`."""

from typing import Any

from hwsim.importing.files import activation
from hwsim.importing.layers import Elementwise, Entry, ImportingError, dense


def layers_of_estimator(estimator: Any) -> list[Entry]:
    """List the layers of a fitted `MLPClassifier` or `MLPRegressor`.

    Raises
    ------
    ImportingError
        When it is another estimator, or not fitted.

    """
    if not all(hasattr(estimator, name) for name in ("coefs_", "intercepts_", "activation")):
        msg = f"{type(estimator).__name__} is no fitted perceptron; pass an MLPClassifier or MLPRegressor after fit"
        raise ImportingError(msg)
    entries: list[Entry] = []
    for k, (w, b) in enumerate(zip(estimator.coefs_, estimator.intercepts_, strict=True)):
        if k:
            kind = estimator.activation
            entries.append(Elementwise(f"activation {k}", None if kind == "identity" else activation(kind)))
        entries.append(dense(f"coefs_[{k}]", w, b))
    return entries

"""The estimators do in the tools of scikit-learn what a fit does."""

import pickle
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import hwsim as hw

SMALL: dict[str, Any] = {"hidden": (4,), "epochs": 12, "rate": 4e-6, "random_state": 0}


X, Y = hw.dataset("iris")


def test_partial_fits_make_a_training() -> None:
    """Each learns an epoch more, with the scale of the first; a batch need not have all classes, and a new one is refused."""
    circuit = hw.CrossbarClassifier(**SMALL).partial_fit(X, Y, classes=np.unique(Y))
    before = circuit.model_.g["w1"].copy()
    circuit.partial_fit(X[:50], Y[:50])
    assert circuit.n_iter_ == 2
    assert not np.array_equal(circuit.model_.g["w1"], before)
    assert np.array_equal(circuit.model_.session.data.feature_scale.centre, X.mean(axis=0))
    for _ in range(4):
        circuit.partial_fit(X, Y)
    assert circuit.score(X, Y) > 0.8
    with pytest.raises(ValueError, match="'rose' is none of the classes"):
        circuit.partial_fit(X[:1], ["rose"])
    with pytest.raises(ValueError, match="must name all classes"):
        hw.CrossbarClassifier().partial_fit(X, Y)


def test_a_warm_start_resumes_and_a_cold_one_does_not() -> None:
    """Without it, a second fit is the first; with it, epochs add up, until the circuit is another."""
    cold = hw.CrossbarClassifier(hidden=(4,), epochs=2, random_state=0).fit(X, Y)
    first = cold.model_.g["w1"].copy()
    assert np.array_equal(cold.fit(X, Y).model_.g["w1"], first)
    warm = clone(cold).set_params(warm_start=True).fit(X, Y)
    assert np.array_equal(warm.model_.g["w1"], first)
    assert warm.fit(X, Y).n_iter_ == 4
    assert not np.array_equal(warm.model_.g["w1"], first)
    assert warm.set_params(hidden=(5,)).fit(X, Y).n_iter_ == 2


def test_it_works_in_the_tools_of_scikit_learn() -> None:
    """In a pipeline, in cross-validation and in a search, and what is pickled predicts the same."""
    search = GridSearchCV(make_pipeline(StandardScaler(), hw.CrossbarClassifier(**SMALL)), {"crossbarclassifier__epochs": [1, 12]}, cv=2)
    search.fit(X, Y)
    assert search.best_score_ > 0.85
    assert np.array_equal(pickle.loads(pickle.dumps(search)).predict(X), search.predict(X))  # noqa: S301 - written here
    assert cross_val_score(search.best_estimator_, X, Y, cv=2).mean() == pytest.approx(search.best_score_)


def test_the_second_of_two_classes_is_decided_by_its_sign() -> None:
    """One number for each sample, as scikit-learn has it."""
    chosen = Y != "setosa"
    circuit = hw.CrossbarClassifier(**SMALL).fit(X[chosen], Y[chosen])
    decision = circuit.decision_function(X[chosen])
    assert np.array_equal(circuit.predict(X[chosen]) == "virginica", decision > 0)
    assert np.array_equal(circuit.predict_proba(X[chosen])[:, 1] > 0.5, decision > 0)

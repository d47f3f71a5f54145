"""CrossbarClassifier and CrossbarRegressor: circuits in pipelines, cross-validation and grid searches of scikit-learn."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from circuits.network import Amplifier, Layer, Network
from circuits.quoting import quote_all, quoted
from hwsim.files.raw import Samples
from hwsim.learning.dataset import Dataset
from hwsim.models import defaults
from hwsim.models.array_data import experiment_of, samples_of
from hwsim.models.fit import session_of, trained
from hwsim.models.model import Model
from hwsim.session import Session
from hwsim.settings.sections import TaskName
from hwsim.typing import Floats


class _Crossbar(BaseEstimator):  # type: ignore[misc] # scikit-learn ships no types
    """What both estimators share; `CrossbarClassifier` describes the parameters."""

    _task: TaskName

    def __init__(  # noqa: PLR0913 - scikit-learn's estimators take every setting by name
        self,
        hidden: Sequence[int] = (32,),
        *,
        epochs: int | None = None,
        batch: int | None = None,
        rate: float | None = None,
        device: str | None = None,
        settings: Mapping[str, Any] | None = None,
        warm_start: bool = False,
        random_state: Any = None,
    ) -> None:
        self.hidden, self.epochs, self.batch, self.rate = hidden, epochs, batch, rate
        self.device, self.settings, self.warm_start, self.random_state = device, settings, warm_start, random_state

    def _session(self, samples: Samples, outputs: int) -> Session:
        """Return what a fit trains."""
        network = Network(
            inputs=samples.x.shape[1], layers=tuple(Layer(size, amplifier=Amplifier()) for size in self.hidden), outputs=outputs
        )
        keys = {"training.epochs": self.epochs, "training.batch": self.batch, "training.rate": self.rate, "device.preset": self.device}
        set_keys: dict[str, Any] = {key: value for key, value in keys.items() if value is not None}
        set_keys["training.seed"] = int(check_random_state(self.random_state).randint(2**31))
        return session_of(experiment_of(network, samples, self._task, set_keys | dict(self.settings or {})), samples)

    def _fit(self, samples: Samples, outputs: int) -> Self:
        """Train from the beginning, or, with a warm start, from where the last fit ended."""
        session, last = self._session(samples, outputs), getattr(self, "model_", None)
        before = last if self.warm_start and last is not None and last.experiment.circuit == session.experiment.circuit else None
        return self._fitted(trained(session, samples, before, progress=False))

    def _continue(self, samples: Samples, outputs: int) -> Self:
        """Train an epoch more; features and targets are scaled as those of the first call were."""
        before: Model | None = getattr(self, "model_", None)
        if before is None:
            session = self._session(samples, outputs).changed("training", epochs=1)
        else:
            seed = before.experiment.training.seed + 1  # another order of the samples
            data = _scaled_alike(before, samples)
            session = replace(
                before.session.changed("training", seed=seed, epochs=1), source=Session.of(before.experiment, data=data).source
            )
        return self._fitted(trained(session, samples, before, progress=False))

    def _fitted(self, model: Model) -> Self:
        self.model_ = model
        self.loss_curve_ = model.history["loss"].tolist()
        self.n_iter_ = len(self.loss_curve_)
        return self

    def _checked(self, x: Any) -> NDArray[Any]:
        """Return features as those that were fitted; refuse others."""
        check_is_fitted(self)
        return np.asarray(validate_data(self, x, reset=False))


def _scaled_alike(model: Model, samples: Samples) -> Dataset:
    """Return samples with the scales of a model's data, as its training set and its test set."""
    x, labels, y = model.scaled(samples.x), samples.labels, samples.y
    return replace(model.session.data, x_train=x, x_test=x, labels_train=labels, labels_test=labels, y_train=y, y_test=y)


class CrossbarClassifier(ClassifierMixin, _Crossbar):  # type: ignore[misc] # as above
    """A circuit of memristor crossbars that recognises classes.

    Features are scaled to zero mean and unit variance, and cut off at three standard deviations.

    Parameters
    ----------
    hidden
        Columns of each hidden layer, from the inputs on: diode pairs, and an amplifier each.
    epochs, batch, rate
        As of `hwsim.fit`; None: its defaults.
    device
        A kind of memristor, by its name (`hwsim.device_presets`) or file; None: conductances become what is computed.
    settings
        Any other keys of an experiment file, such as `{"variation.stuck": 0.01}`.
    warm_start
        Whether `fit` resumes from the last fit's conductances.
    random_state
        Seed, or a generator of NumPy that one is drawn from; None: a seed by chance.

    Attributes
    ----------
    classes_
        The classes, (classes,).
    model_
        The trained circuit, a `hwsim.Model`.
    n_iter_, loss_curve_
        Number of epochs, and the mean loss of each [V²].

    Examples
    --------
    >>> import hwsim as hw
    >>> x, y = hw.dataset("iris")
    >>> hw.CrossbarClassifier(hidden=(6,), epochs=3, random_state=0).fit(x, y).score(x, y) > 0.9
    True

    """

    _task = "classification"

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803 - scikit-learn's name
        """Train on samples X (n, I) with a class for each, y (n,).

        Raises
        ------
        ValueError
            When the samples cannot be used, or a parameter is wrong.

        """
        x, labels = self._validated(X, y, reset=True)
        classes = np.unique(labels)
        if not np.array_equal(classes, getattr(self, "classes_", [])):
            self.__dict__.pop("model_", None)
        self.classes_ = classes
        samples = samples_of((x, np.searchsorted(classes, labels)), None, "classification")
        return self._fit(samples, len(classes))

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Self:  # noqa: N803 - scikit-learn's name
        """Train an epoch on samples X (n, I) with a class for each, y (n,); the first call names all `classes`, and sets the scale.

        Raises
        ------
        ValueError
            As `fit`; and when the first call names no classes, or a label is none of them.

        """
        first = not hasattr(self, "model_")
        if first and classes is None:
            msg = "partial_fit: the first call must name all classes: pass classes=numpy.unique(y) of the whole data"
            raise ValueError(msg)
        x, labels = self._validated(X, y, reset=first)
        self.classes_ = np.unique(classes) if first else self.classes_
        if len(odd := np.setdiff1d(labels, self.classes_)):
            msg = f"partial_fit: label {quoted(str(odd[0]))} is none of the classes, {quote_all(self.classes_)}; name all in the first call"
            raise ValueError(msg)
        numbers = np.searchsorted(self.classes_, labels)
        names = tuple(map(str, range(len(self.classes_))))
        samples = Samples(name=defaults.NAME, x=x, labels=numbers, x_test=x, labels_test=numbers, class_names=names)
        return self._continue(samples, len(names))

    def _validated(self, x: Any, y: Any, *, reset: bool) -> tuple[NDArray[Any], NDArray[Any]]:
        x, y = validate_data(self, x, y, reset=reset)
        check_classification_targets(y)
        return np.asarray(x), np.asarray(column_or_1d(y, warn=True))

    def decision_function(self, X: Any) -> Floats:  # noqa: N803 - scikit-learn's name
        """Return for samples X (n, I) how much the outputs are those of each class, (n, classes), or of the second of two, (n,) [V]."""
        x = self._checked(X)
        volts = self.model_.decision(x)
        return volts[:, 1] - volts[:, 0] if len(self.classes_) == 2 else volts  # noqa: PLR2004 - scikit-learn's convention

    def predict_proba(self, X: Any) -> Floats:  # noqa: N803 - scikit-learn's name
        """Return the share of each class, (n, classes): the softmax that the circuit was trained with."""
        x = self._checked(X)
        return self.model_.probabilities(x)

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: N803 - scikit-learn's name
        """Return the class of each sample of X (n, I), shape (n,)."""
        x = self._checked(X)
        return np.asarray(self.classes_[self.model_.decision(x).argmax(axis=1)])


class CrossbarRegressor(RegressorMixin, _Crossbar):  # type: ignore[misc] # as above
    """A circuit of memristor crossbars that predicts real targets, one or several.

    Targets are scaled to voltages of ±0.1 V, and predictions back to their units; for all else see `CrossbarClassifier`.

    Parameters
    ----------
    hidden, epochs, batch, rate, device, settings, warm_start, random_state
        As of `CrossbarClassifier`.

    Attributes
    ----------
    model_
        The trained circuit, a `hwsim.Model`.
    n_iter_, loss_curve_
        Number of epochs, and the mean loss of each [V²].

    Examples
    --------
    >>> import hwsim as hw
    >>> x, y = hw.dataset("linear-map")
    >>> hw.CrossbarRegressor(hidden=(), epochs=20, random_state=0).fit(x, y).score(x, y) > 0.9
    True

    """

    _task = "regression"

    def __sklearn_tags__(self) -> Any:
        """Several targets may be learned at once."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803 - scikit-learn's name
        """Train on samples X (n, I) with targets y, (n,) or (n, K).

        Raises
        ------
        ValueError
            When the samples cannot be used, or a parameter is wrong.

        """
        return self._fit(*self._samples(X, y, reset=True))

    def partial_fit(self, X: Any, y: Any) -> Self:  # noqa: N803 - scikit-learn's name
        """Train an epoch on samples X (n, I) with targets y, (n,) or (n, K); the first call sets the scales.

        Raises
        ------
        ValueError
            As `fit`.

        """
        return self._continue(*self._samples(X, y, reset=not hasattr(self, "model_")))

    def _samples(self, x: Any, y: Any, *, reset: bool) -> tuple[Samples, int]:
        x, y = validate_data(self, x, y, reset=reset, multi_output=True, y_numeric=True)
        samples = samples_of((np.asarray(x), np.asarray(y)), None, "regression")
        return samples, len(samples.target_names)

    def predict(self, X: Any) -> Floats:  # noqa: N803 - scikit-learn's name
        """Return the targets of samples X (n, I), (n,) of one and (n, K) of several."""
        x = self._checked(X)
        return self.model_.predict(x)

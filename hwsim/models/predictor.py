"""What a trained circuit answers for a user's arrays: outputs, classes or targets, and how many are right."""

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits.units import Volt
from hwsim.experiment.experiment import Experiment
from hwsim.files.raw import DataError, features
from hwsim.models.kept_solver import KeptSolver
from hwsim.session import Session
from hwsim.typing import Floats, Weights

_SHOWN = 5
"""Classes that a message names."""

_FEWEST = 16
"""Samples that are solved at once at least: fewer are filled up to a power of two, so that few programs are compiled."""


class Predictor:
    """Anything with a session, conductances [S] and the labels of its classes: features as they are in, answers in their own units out."""

    session: Session
    g: Weights
    labels: NDArray[Any] | None

    @property
    def experiment(self) -> Experiment:
        """All settings."""
        return self.session.experiment

    @cached_property
    def solver(self) -> KeptSolver:
        """What solves the circuit on its chip, in 64 bits, each equilibrium verified."""
        return KeptSolver(self.session.verified_solver)

    @property
    def classes(self) -> NDArray[Any]:
        """The classes in the order of the outputs, (classes,), as they were passed, or by their names."""
        return np.array(self.session.data.class_names) if self.labels is None else self.labels

    @property
    def has_classes(self) -> bool:
        """Whether it recognises classes; otherwise it predicts real targets."""
        return self.session.data.scale is None

    def outputs(self, x: Any) -> Floats:
        """Return the read-outs for samples x (n, I), shape (n, K) [V], in 64 bits, each equilibrium verified.

        Features are scaled as those of the training set were.

        Raises
        ------
        DataError
            When x is no table of finite numbers with the circuit's number of features.
        ConvergenceError
            When a sample has no equilibrium.

        """
        from hwsim.learning.evaluate import BATCH, noise_seed, read_outputs  # noqa: PLC0415 - needs what solves

        scaled = self.scaled(x)
        size = max(_FEWEST, 1 << (len(scaled) - 1).bit_length())
        filled = np.resize(scaled, (size, scaled.shape[1])) if size <= BATCH else scaled
        seed = noise_seed(self.experiment.training.seed, self.experiment.variation.chip)
        with self.solver.lent() as solver:
            return read_outputs(solver, self.g, filled, self.session.reading, seed).outputs[: len(scaled)]

    def scaled(self, x: Any) -> Floats:
        """Return features x (n, I) as the circuit takes them: scaled as those of the training set were.

        Raises
        ------
        DataError
            As `outputs`.

        """
        from hwsim.data.input_converters import converted  # noqa: PLC0415 - the data's scale loads only for those who need it

        array, data = features("predict", "x", x), self.session.data
        if array.shape[1] != data.features:
            msg = f"predict: x has {array.shape[1]} features, and the circuit was trained with {data.features}; pass (samples, features)"
            raise DataError(msg)
        scaled = data.feature_scale.apply(array) if data.feature_scale else array.astype(np.float64)
        return converted(scaled, self.session.circuit, self.experiment.variation)

    def decision(self, x: Any) -> Floats:
        """Return for samples x (n, I) how much their outputs are those of each class, (n, classes) [V]; the largest is predicted.

        Raises
        ------
        DataError, ConvergenceError
            As `outputs`, and where the targets are real.

        """
        targets = self.session.task.train
        if not self.has_classes or not hasattr(targets, "table"):
            msg = "the targets of this circuit are real numbers, so there are no classes to decide between; use predict"
            raise DataError(msg)
        return np.asarray((self.outputs(x) @ targets.table.T - 0.5 * (targets.table**2).sum(axis=1)) / self._span)

    @property
    def _span(self) -> Volt:
        training = self.experiment.training
        return training.target_high - training.target_low

    def probabilities(self, x: Any) -> Floats:
        """Return the softmax of `decision`, (n, classes): of the scale that the cross-entropy was trained with, else of a target's height.

        Raises
        ------
        DataError, ConvergenceError
            As `decision`.

        """
        loss = self.experiment.training.loss
        scaled = self.decision(x) / (loss.v_softmax if loss.kind == "cross-entropy" else self._span)
        shares = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))

    def predict(self, x: Any) -> NDArray[Any]:
        """Return the class of each sample of x (n, I), shape (n,), or its targets in their own units, (n,) of one and (n, K) of several.

        Raises
        ------
        DataError, ConvergenceError
            As `outputs`.

        """
        if self.has_classes:
            return np.asarray(self.classes[self.decision(x).argmax(axis=1)])
        scale = self.session.data.scale
        assert scale is not None  # noqa: S101 - has_classes
        predicted = np.asarray(scale.targets(self.outputs(x)))
        return predicted[:, 0] if predicted.shape[1] == 1 else predicted

    def score(self, x: Any, y: Any) -> float:
        """Return the share of right classes, or of real targets the share of their variance that is explained, R²: 1 at best.

        Raises
        ------
        DataError, ConvergenceError
            As `outputs`, when y has another number of rows than x, or a label that is no class of the model.

        """
        from hwsim.learning.target_scale import explained  # noqa: PLC0415 - as above

        predicted, true = self._compared(x, y)
        if self.has_classes:
            return float((predicted == true).mean())
        return explained(float(((predicted - true) ** 2).mean(axis=0).sum()), float(true.var(axis=0).sum()))

    def rmse(self, x: Any, y: Any) -> float:
        """Return the root mean square error of real targets, over samples and targets, in their units.

        Raises
        ------
        DataError, ConvergenceError
            As `score`.

        """
        predicted, true = self._compared(x, y)
        return float(np.sqrt(((predicted - true) ** 2).mean()))

    def _compared(self, x: Any, y: Any) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return predictions, and what is true of them, in rows of one shape."""
        predicted, true = self.predict(x), self._classes_of(y) if self.has_classes else np.asarray(y)
        predicted, true = predicted.reshape(len(predicted), -1), true.reshape(len(true), -1)
        if true.shape != predicted.shape:
            msg = f"y has shape {np.shape(y)}, and {len(predicted)} samples were predicted; pass a label or a row of targets for each"
            raise DataError(msg)
        return predicted, true

    def _classes_of(self, y: Any) -> NDArray[Any]:
        """Return classes as `predict` does: as texts where the model knows its classes by name, such as digits' 7 as "7"."""
        labels, classes = np.asarray(y), self.classes
        if classes.dtype.kind == "U" and labels.dtype.kind in "biuf":
            whole = labels.dtype.kind == "f" and bool((labels == np.floor(labels)).all())
            labels = (labels.astype(np.int64) if whole else labels).astype(str)
        unknown = [label for label in np.unique(labels).tolist() if label not in set(classes.tolist())]
        if unknown:
            some = ", ".join(map(repr, classes[:_SHOWN].tolist())) + (", …" if len(classes) > _SHOWN else "")
            msg = f"y has the label {unknown[0]!r}, which is none of the {len(classes)} classes: {some}"
            raise DataError(msg)
        return labels

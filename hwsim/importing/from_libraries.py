"""Perceptrons that PyTorch, ONNX files or scikit-learn have, as circuits, for samples that are arrays."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.files.raw import DataError, features
from hwsim.importing import files
from hwsim.importing.dense_perceptron import DensePerceptron
from hwsim.importing.imported import ImportedModel, imported
from hwsim.importing.layers import Entry, perceptron
from hwsim.importing.mapping import Hardware
from hwsim.importing.sklearn_layers import layers_of_estimator
from hwsim.importing.torch_layers import layers_of_module
from hwsim.models import defaults
from hwsim.models.array_data import Arrays, samples_of
from hwsim.settings.sections import TaskName


def from_torch(
    module: Any,
    x: Any,
    y: Any = None,
    *,
    test: Arrays | None = None,
    task: TaskName | None = None,
    settings: Mapping[str, Any] | None = None,
    **hardware: Any,
) -> ImportedModel:
    """Return the circuit of a trained perceptron of PyTorch.

    Parameters
    ----------
    module
        A `torch.nn.Sequential` of Linear, ReLU, ReLU6, Tanh, Sigmoid, Hardtanh, Flatten, Dropout, nested or not, or one Linear. A softmax
        or sigmoid at its end is left out: it changes no answer.
    x, y
        Samples as the perceptron sees them, (n, I), which gains are chosen for, and their classes or real targets, on which it is compared
        and fine-tuned; without y, the perceptron's own answers.
    test
        Features and targets of a test set.
    task
        `classification` or `regression`; absent: real numbers are targets, and all else are classes.
    settings
        Keys of an experiment file, but for those of its circuit.
    **hardware
        Fields of the circuit: `g_min`, `g_max` [S], `back` of the amplifiers, `swing`, `v_out` [V], and `ideal`, whether neurons are ideal
        clamps instead of diodes.

    Raises
    ------
    ImportingError
        Naming each layer that has no circuit.
    DataError, ExperimentError
        When the samples cannot be used or do not fit, or a setting is wrong.

    Examples
    --------
    >>> import hwsim as hw
    >>> net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 3))  # doctest: +SKIP
    >>> hw.from_torch(net, x, y).agreement().answers > 0.99  # doctest: +SKIP
    True
    >>> try:
    ...     hw.from_torch(object(), [[0.0]])
    ... except hw.ImportingError as error:
    ...     print(str(error)[:65])
    from_torch: no circuit for layer object (object, not of torch.nn)

    """
    return _of_arrays("from_torch", layers_of_module(module), x, y, test, task, settings, hardware)


def from_onnx(
    path: str | Path,
    x: Any,
    y: Any = None,
    *,
    test: Arrays | None = None,
    task: TaskName | None = None,
    settings: Mapping[str, Any] | None = None,
    **hardware: Any,
) -> ImportedModel:
    """Return the circuit of a trained perceptron in an ONNX file: a chain of Gemm, MatMul, Add, Relu, Tanh, Sigmoid, Clip, Flatten.

    Parameters
    ----------
    path
        The file, with all weights inside. Files of `torch.save` and `.npz` are read too, as `hwsim import` does.
    x, y, test, task, settings, **hardware
        As of `hwsim.from_torch`.

    Raises
    ------
    ImportingError, DataError, ExperimentError
        As `hwsim.from_torch`, and when the file cannot be read.
    OSError
        When it is missing or may not be read.

    Examples
    --------
    >>> import hwsim as hw
    >>> import numpy as np
    >>> np.savez("net.npz", w1=np.ones((2, 3)), w2=np.ones((3, 1)), activations="tanh")
    >>> model = hw.from_onnx("net.npz", [[1.0, 2.0], [-1.0, 0.5], [-2.0, 1.0]])
    >>> model.original.sizes, model.g["w1"].shape
    ((2, 3, 2), (6, 6))

    """
    return _of_arrays("from_onnx", files.read(path), x, y, test, task, settings, hardware)


def from_sklearn(
    estimator: Any,
    x: Any,
    y: Any = None,
    *,
    test: Arrays | None = None,
    task: TaskName | None = None,
    settings: Mapping[str, Any] | None = None,
    **hardware: Any,
) -> ImportedModel:
    """Return the circuit of a fitted `MLPClassifier` or `MLPRegressor` of scikit-learn.

    Parameters
    ----------
    estimator
        The perceptron; `identity` layers become one with the next.
    x, y, test, task, settings, **hardware
        As of `hwsim.from_torch`; the task is the estimator's.

    Raises
    ------
    ImportingError, DataError, ExperimentError
        As `hwsim.from_torch`, and when the estimator is none of these or not fitted.

    Examples
    --------
    >>> import hwsim as hw
    >>> from sklearn.neural_network import MLPClassifier
    >>> x, y = hw.dataset("iris")
    >>> x = (x - x.mean(axis=0)) / x.std(axis=0)
    >>> net = MLPClassifier((8,), activation="tanh", solver="lbfgs", alpha=1.0, random_state=0).fit(x, y)
    >>> model = hw.from_sklearn(net, x, y)
    >>> model.agreement().answers > 0.95
    True

    """
    classes = getattr(estimator, "classes_", None)
    kind: TaskName = "classification" if classes is not None else "regression"
    return _of_arrays("from_sklearn", layers_of_estimator(estimator), x, y, test, task or kind, settings, hardware, classes)


def _of_arrays(  # noqa: PLR0913, PLR0917 - what every way in passes on
    source: str,
    entries: list[Entry] | DensePerceptron,
    x: Any,
    y: Any,
    test: Arrays | None,
    task: TaskName | None,
    settings: Mapping[str, Any] | None,
    hardware: Mapping[str, Any],
    classes: NDArray[Any] | None = None,
) -> ImportedModel:
    network = entries if isinstance(entries, DensePerceptron) else perceptron(source, entries)
    array = features(source, "x", x)
    if array.shape[1] != network.sizes[0]:
        msg = f"{source}: x has {array.shape[1]} features, and the perceptron takes {network.sizes[0]}; pass samples as it sees them"
        raise DataError(msg)
    kind = task or ("classification" if y is None or np.asarray(y).dtype.kind != "f" else "regression")
    if y is None:
        y = _answers(network.outputs(array.astype(np.float64)), kind, classes)
    samples = samples_of((x, y), test, kind)
    model = imported(network, {"name": defaults.NAME, "task": kind}, samples, Hardware(**hardware), settings or {})
    return replace(model, labels=np.unique(np.asarray(y))) if kind == "classification" else model


def _answers(outputs: NDArray[Any], task: TaskName, classes: NDArray[Any] | None) -> NDArray[Any]:
    """Return what a perceptron answers, which stands in for targets."""
    if task != "classification":
        return outputs
    chosen = (outputs[:, 0] > 0).astype(int) if outputs.shape[1] == 1 else outputs.argmax(axis=1)
    return chosen if classes is None else classes[chosen]

"""Imported models: a trained perceptron as a circuit, with the arrays or the named data that it is tested and fine-tuned on."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits.network import Layer, Network
from circuits.quoting import quote_path
from hwsim.experiment.experiment import Experiment, make
from hwsim.experiment.experiment_errors import SizesError
from hwsim.experiment.overriding import override
from hwsim.files.raw import DataError, Samples, features
from hwsim.importing import files
from hwsim.importing.agreement import Agreement, agreement
from hwsim.importing.dense_perceptron import DensePerceptron
from hwsim.importing.layers import Entry, ImportingError, perceptron
from hwsim.importing.mapping import Hardware, Mapped, circuit_of
from hwsim.importing.sklearn_layers import layers_of_estimator
from hwsim.importing.torch_layers import layers_of_module
from hwsim.models import defaults
from hwsim.models.array_data import Arrays, samples_of
from hwsim.models.fit import session_of
from hwsim.models.model import Model
from hwsim.settings.sections import TaskName

_RATE = 5e-4
"""Step of Adam at first, relative to the range of the conductances: that of weights of 1 at scikit-learn's rate, 0.001."""

_EPOCHS, _BATCH = 3, 16

_NUDGE = 0.1
"""By how much outputs are nudged, relative to the largest."""

_PAIR = np.array([[-0.5, 0.5]])
"""The logit z of one output as those of two classes, whose softmax is 1/(1 + e^−z)."""


@dataclass(frozen=True, kw_only=True)
class ImportedModel(Model):
    """A perceptron as a circuit: a model like any other, which knows what it was made of.

    Parameters
    ----------
    original
        The perceptron, with outputs as the circuit reads them, for a logit of 1 or, of real targets, half of their range.
    mapped
        How it became a circuit: network, conductances, neurons, gains.

    Examples
    --------
    >>> import hwsim as hw
    >>> import numpy as np
    >>> np.savez("net.npz", w1=np.ones((2, 3)), w2=np.ones((3, 1)), activations="relu")
    >>> model = hw.from_onnx("net.npz", [[1.0, 2.0], [-1.0, 0.5], [-2.0, 1.0]])
    >>> [(one.units, one.activation, one.fit.neuron.kind) for one in model.mapped.layers]
    [(3, 'relu', 'rectifier')]

    """

    original: DensePerceptron
    mapped: Mapped

    def agreement(self, part: str = "test") -> Agreement:
        """Compare it with the perceptron on its own data: the `test` set (the training set where there is no other) or the `train` set.

        Raises
        ------
        ConvergenceError
            When a sample has no equilibrium.

        """
        return agreement(self.session, self.g, self.original, self.mapped.v_unit, part)


def imported(
    network: DensePerceptron, data: Mapping[str, Any], samples: Samples | None, hardware: Hardware, settings: Mapping[str, Any] | list[str]
) -> ImportedModel:
    """Map a perceptron on a circuit, for data that are named or samples, with keys of an experiment that change the usual ones.

    Raises
    ------
    ImportingError
        When it has no circuit.
    ExperimentError, DataError
        When a setting is wrong, or the data do not fit.

    """
    sizes = network.sizes
    try:
        task = override(_experiment(_plain(sizes, sizes[-1]), data, {}), settings).data.task
        single = task == "classification" and sizes[-1] == 1
        first = override(_experiment(_plain(sizes, 2 if single else sizes[-1]), data, {"target_low": -1.0, "target_high": 1.0}), settings)
        loaded = session_of(first, samples)
        scale = loaded.data.scale
    except SizesError as error:
        theirs = f"{error.features} features and {error.answers} classes or targets"
        msg = f"data {quote_path(data['name'])} have {theirs}, and the perceptron has {sizes[0]} inputs and {sizes[-1]} outputs"
        raise ImportingError(f"{msg}; name the data that it was trained on") from None
    if single:
        network = network.mapped(_PAIR, np.zeros(2))
    if scale is not None:
        if first.data.task == "reconstruction" or first.data.target_scaling == "none":
            msg = "a perceptron is imported for data.task 'classification' or 'regression', with data.target_scaling 'minmax' or 'standard'"
            raise ImportingError(msg)
        network = network.mapped(np.diag(scale.slope), scale.offset)
    mapped = circuit_of(network, loaded.data.x_train, hardware)
    experiment = override(_experiment(mapped.network, data, _training(task, mapped, hardware)), settings)
    if experiment.circuit != mapped.network:
        msg = "the circuit is what the perceptron becomes; omit settings of the section circuit (g_min and g_max are the import's own)"
        raise ImportingError(msg)
    session = session_of(experiment, samples)
    return ImportedModel(session, session.programmed(mapped.g), (), samples, None, None, original=network, mapped=mapped)


def _plain(sizes: tuple[int, ...], outputs: int) -> Network:
    """Return a network of these sizes, for reading the data before there is a circuit."""
    return Network(inputs=sizes[0], layers=tuple(map(Layer, sizes[1:-1])), outputs=outputs)


def _experiment(network: Network, data: Mapping[str, Any], training: Mapping[str, Any]) -> Experiment:
    return make({"name": "imported", "circuit": network, "data": dict(data), "training": dict(training)}, "import")


def _training(task: TaskName, mapped: Mapped, hardware: Hardware) -> dict[str, Any]:
    """Return how an imported circuit is fine-tuned: by the loss that the perceptron has, at outputs of its size."""
    training: dict[str, Any] = {
        "nudge": {"kind": "volts", "u": _NUDGE * hardware.v_out},
        "rate": _RATE * (hardware.g_max - hardware.g_min),
        "schedule": {"kind": "cosine"},
        "epochs": _EPOCHS,
        "batch": _BATCH,
    }
    if task == "classification":
        return training | {"loss": {"kind": "cross-entropy", "v_softmax": mapped.v_unit}, "target_high": hardware.v_out}
    return training | {"target_low": -mapped.v_unit, "target_high": mapped.v_unit}


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

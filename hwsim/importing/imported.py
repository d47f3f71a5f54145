"""ImportedModel: a trained perceptron as a circuit, with the arrays or the named data that it is tested and fine-tuned on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from circuits.network import Layer, Network
from circuits.quoting import quote_path
from hwsim.experiment.experiment import Experiment, make
from hwsim.experiment.experiment_errors import SizesError
from hwsim.experiment.overriding import override
from hwsim.files.raw import Samples
from hwsim.importing.agreement import Agreement, agreement
from hwsim.importing.dense_perceptron import DensePerceptron
from hwsim.importing.layers import ImportingError
from hwsim.importing.mapping import Hardware, Mapped, circuit_of
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

"""PCA baseline: samples repeated by principal components of the training set, as many as an autoencoder's narrowest layer has nodes."""

from typing import NamedTuple

import numpy as np

from circuits.units import Volt
from hwsim.experiment.experiment import Experiment
from hwsim.experiment.netlist_circuit import Netlist
from hwsim.learning.dataset import Dataset
from hwsim.typing import Floats


class Baseline(NamedTuple):
    """Root mean square error of samples repeated by principal components [V], and how many these are."""

    rank: int
    error: Volt


def of(experiment: Experiment, data: Dataset, x: Floats) -> Baseline | None:
    """Repeat features x (n, I) through as few numbers as the circuit's narrowest hidden layer has nodes.

    No linear map through so few repeats the training set with a smaller error. Source: Eckart & Young 1936, Psychometrika 1, 211.

    Returns
    -------
    Baseline or None
        None where samples are not reconstructed, or no layer is hidden.

    """
    if (rank := rank_of(experiment)) is None:
        return None
    (network,) = experiment.networks
    error = np.sqrt(((repeated(data.x_train, x, rank) - x) ** 2).mean())
    return Baseline(rank, float(abs(network.input_scale) * error))


def rank_of(experiment: Experiment) -> int | None:
    """Return how many nodes an autoencoder's narrowest layer has; None where samples are not reconstructed, or no layer is hidden."""
    circuit = experiment.circuit
    if experiment.data.task != "reconstruction" or circuit is None or isinstance(circuit, Netlist) or not circuit.layers:
        return None
    return min(one.size for one in circuit.maps[1:])


def repeated(x_train: Floats, x: Floats, rank: int) -> Floats:
    """Return samples x (n, I) projected on the first principal components of the training set (m, I)."""
    from sklearn.decomposition import PCA  # noqa: PLC0415 - takes a second to load

    components = PCA(min(rank, *x_train.shape), svd_solver="full").fit(x_train)
    again: Floats = components.inverse_transform(components.transform(x))
    return again

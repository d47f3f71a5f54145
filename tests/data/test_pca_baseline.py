"""The baseline of autoencoders: principal components, which no linear circuit of that rank beats on what both have learned."""

import numpy as np
import pytest

from hwsim.core.protocol import Drive
from hwsim.data import pca_baseline
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import override
from hwsim.session import Session

ROUGH = ["data.task=reconstruction", "circuit.outputs=4", "circuit.input_scale=0.1", "circuit.layers[0].size=2"]
LINEAR = override(load("iris"), [*ROUGH, "circuit.layers[0].neuron={kind='linear'}"])


def test_the_baseline_is_the_truncated_singular_value_decomposition() -> None:
    """Of centred features, the components beyond the rank are the error; the rank is that of the narrowest layer, the unit is volts."""
    data = Session.of(LINEAR).data
    baseline = pca_baseline.of(LINEAR, data, data.x_train)
    assert baseline is not None
    assert baseline.rank == 2
    beyond = np.linalg.svd(data.x_train - data.x_train.mean(axis=0), compute_uv=False)[2:]
    assert baseline.error == pytest.approx(0.1 * np.sqrt((beyond**2).sum() / data.x_train.size))


@pytest.mark.parametrize("seed", range(3))
def test_no_linear_circuit_beats_it_on_the_training_set(seed: int) -> None:
    """Whatever its conductances: two linear nodes make a map of rank two, and least squares has the best of these."""
    session = Session.of(LINEAR).seeded(seed)
    baseline = pca_baseline.of(LINEAR, session.data, session.data.x_train)
    targets = session.task.train.of(slice(None))
    with session.solver() as solver:
        outputs = np.asarray(solver.solve(session.begun(), Drive(session.data.x_train)).outputs(session.circuit))
    centred = [rows - rows.mean(axis=0) for rows in (outputs, targets)]
    assert np.linalg.matrix_rank(centred[0], tol=1e-9) == 2
    best = np.linalg.lstsq(centred[0], centred[1], rcond=None)[0]
    assert baseline is not None
    assert baseline.error <= np.sqrt(((centred[0] @ best - centred[1]) ** 2).mean()) <= np.sqrt(((outputs - targets) ** 2).mean())


def test_other_tasks_have_none() -> None:
    """Classes are not reconstructed, and without hidden layers nothing is narrow."""
    iris, wide = load("iris"), override(load("iris"), [*ROUGH[:-1], "circuit.layers=[]"])
    for experiment in (iris, wide):
        data = Session.of(experiment).data
        assert pca_baseline.of(experiment, data, data.x_test) is None

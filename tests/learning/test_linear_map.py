"""The linear map: a network of resistors learns a matrix of voltages by coupled learning, the same through either engine."""

import numpy as np

from hwsim.data.real_targets import stochastic_matrix
from hwsim.experiment.loading import load
from hwsim.session import Session


def learned(engine: str, epochs: int) -> tuple[np.ndarray, dict[str, float | int]]:
    """Return the conductances after some epochs, and the last record."""
    settings = [
        f"training.engine={engine}",
        f"training.epochs={epochs}",
        "data.train_limit=20",
        "data.test_limit=5",
        "solver.ngspice_workers=1",
    ]
    session = Session.of(load("linear-map", settings))
    with session.training_solver() as solver:
        trainer = session.trainer(solver)
        *_, last = trainer.run(trainer.begin())
    assert last.record is not None
    return trainer.g(last.state)["w1"], last.record


def test_both_engines_learn_the_same_conductances() -> None:
    """Trained through ngspice by itself, the circuit has the conductances that the numeric engine finds, to 1e-9."""
    numeric, ngspice = learned("numeric", 2), learned("ngspice", 2)
    np.testing.assert_allclose(ngspice[0], numeric[0], rtol=1e-9)
    np.testing.assert_allclose(ngspice[1]["test_error"], numeric[1]["test_error"], rtol=1e-7)


def test_conductances_become_the_matrix() -> None:
    """Each output's conductances, as shares of their sum, are the matrix's column: nothing else explains its targets."""
    g, record = learned("numeric", 400)
    np.testing.assert_allclose(g / g.sum(axis=0), stochastic_matrix(), atol=1e-3)
    assert record["test_r2"] > 0.9999

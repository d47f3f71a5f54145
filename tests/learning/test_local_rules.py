"""Local rules: the trainer takes what declares itself as the protocol states, whether it knows an error or not."""

from typing import TYPE_CHECKING

import numpy as np
import pytest

from circuits.chip import Chip
from hwsim.core.protocol import Drive
from hwsim.data.loading import load_data
from hwsim.experiment.loading import load
from hwsim.learning.losses import SquaredError
from hwsim.numeric.general.general_solver import GeneralEngine
from hwsim.settings.training_settings import TrainingSettings
from support.load_switch import LoadSwitch
from support.trainers import plain_trainer

if TYPE_CHECKING:
    from hwsim.learning.rules.estimator import LocalRule

IRIS = load("iris")
CIRCUIT = IRIS.circuit.compile("iris")
RNG = np.random.default_rng(4)
G = {element.name: RNG.uniform(1e-6, 2e-5, element.shape) for element in CIRCUIT.trainable}
X, Y = RNG.uniform(-1, 1, (3, 4)), np.zeros((3, 3))


@pytest.fixture(scope="module")
def solver():
    """Prepare iris once."""
    with GeneralEngine().prepare(CIRCUIT, Chip.nominal(CIRCUIT)) as prepared:
        yield prepared


def goodness(solver, g) -> float:
    """Return the mean of Σŷ² [V²]."""
    return float((solver.solve(g, Drive(X)).outputs(CIRCUIT) ** 2).sum(axis=1).mean())


def test_a_load_switch_measures_the_slope_of_the_goodness(solver) -> None:
    """It is off to first order in the load: a tenth of it, a tenth of the error, in both crossbars."""
    rules: list[LocalRule] = [LoadSwitch(1e-6), LoadSwitch(1e-7)]
    gradient = [rule.gradient(solver, G, X, Y, SquaredError()).g for rule in rules]
    for name, at in (("w1", (2, 3)), ("w2", (4, 1))):
        step = 1e-3 * G[name][at]
        up, down = ({**G, name: G[name] + sign * step * (at == np.indices(G[name].shape).T).all(-1).T} for sign in (1, -1))
        slope = (goodness(solver, up) - goodness(solver, down)) / (2 * step)
        wide, narrow = (abs(one[name][at] + slope) for one in gradient)
        assert narrow < 1e-2 * abs(slope)
        assert wide / narrow == pytest.approx(10, rel=0.1)


def test_a_trainer_takes_a_local_rule(solver) -> None:
    """By what it declares alone: outputs grow, and nothing is audited that has no nudge."""
    settings = TrainingSettings(epochs=1, batch=40, rate=1e-6)
    trainer = plain_trainer(settings, load_data(IRIS), solver)
    trainer.updater = trainer.updater._replace(rule=LoadSwitch(1e-6))
    state = trainer.begin()
    before = goodness(solver, trainer.g(state))
    *_, last = trainer.run(state)
    assert goodness(solver, trainer.g(last.state)) > before
    assert last.record is not None
    assert "gradient_error" not in last.record

"""From the words of an experiment file to what they name, with its numbers."""

import pytest

from circuits.network import Network
from hwsim.devices.programming import Ideal
from hwsim.imperfections import VariationSettings
from hwsim.learning import choose
from hwsim.learning.losses import CrossEntropy, SquaredError
from hwsim.learning.optimizers import Adam, Sgd
from hwsim.learning.rules import Adjoint, CoupledLearning, EquilibriumPropagation
from hwsim.settings import DeviceSettings, TrainingSettings

CIRCUIT = Network(inputs=2, layers=(), outputs=2, differential=False).compile("named")
SETTINGS = TrainingSettings(
    epochs=1,
    rate=1.0,
    momentum=0.7,
    adam_b1=0.8,
    adam_b2=0.95,
    loss="cross-entropy",
    v_softmax=0.03,
    target_low=-0.1,
    target_high=0.2,
    beta=3e-7,
    eta=0.2,
    g_init=((1e-6, 4e-6),),
)
LOSS = CrossEntropy(v_softmax=0.03, low=-0.1, high=0.2)


@pytest.mark.parametrize(("word", "wanted"), [("adam", Adam(0.8, 0.95)), ("momentum", Sgd(0.7)), ("sgd", Sgd(0.0))], ids=str)
def test_optimizers(word, wanted) -> None:
    """Plain descent remembers nothing, whatever momentum says."""
    assert choose.optimizer(SETTINGS.model_copy(update={"optimizer": word})) == wanted


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ("equilibrium-propagation", EquilibriumPropagation(LOSS, 3e-7, "negative")),
        ("adjoint", Adjoint(LOSS)),
        ("coupled-learning", CoupledLearning(LOSS, 0.2, 1e3 * 4e-6 * len(CIRCUIT["w1"].rows))),
    ],
    ids=str,
)
def test_rules(word, wanted) -> None:
    """A clamp is a thousand times as stiff as the stiffest output column can begin."""
    assert choose.rule(SETTINGS.model_copy(update={"rule": word, "nudge": "negative"}), CIRCUIT) == wanted


def test_losses_and_programming() -> None:
    """Squared error needs no numbers; without a preset conductances change as they should."""
    assert choose.loss(SETTINGS) == LOSS
    assert choose.loss(SETTINGS.model_copy(update={"loss": "squared-error"})) == SquaredError()
    assert isinstance(choose.programming(DeviceSettings(), VariationSettings(), CIRCUIT, "float64"), Ideal)

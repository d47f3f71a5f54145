"""From the words and numbers of an experiment file to what they name: each word builds something else, and each number reaches it."""

from collections.abc import Callable
from itertools import combinations
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

from circuits.network import Network
from hwsim.devices.programming.programming import Ideal
from hwsim.learning import factory
from hwsim.learning.optimizers import Sgd
from hwsim.settings.sections import DeviceSettings, TrainingSettings
from hwsim.settings.variation_settings import VariationSettings

CIRCUIT = Network(inputs=2, layers=(), outputs=2, differential=False).compile("named")
SETTINGS = TrainingSettings(epochs=1, rate=1.0, momentum=0.7, loss="cross-entropy", g_init=((1e-6, 4e-6),))

WORDS = {key: get_args(kind) for key, kind in get_type_hints(TrainingSettings).items() if get_origin(kind) is Literal}

BUILT: dict[str, Callable[[TrainingSettings], Any]] = {
    "loss": factory.loss,
    "rule": lambda settings: factory.rule(settings, CIRCUIT),
    "nudge": lambda settings: factory.rule(settings, CIRCUIT),
    "optimizer": factory.optimizer,
}
"""What the words of a key build."""

ELSEWHERE = {"engine", "init", "precision", "schedule"}
"""Keys of words that no object stands for: the engine's name, arrays and their type."""


def of(**changes: Any) -> TrainingSettings:
    """Return settings that were changed and checked."""
    return TrainingSettings.model_validate(SETTINGS.model_dump() | changes)


@pytest.mark.parametrize("key", BUILT)
def test_each_word_of_a_key_builds_something_of_its_own(key) -> None:
    """No word is forgotten, and none means what another means."""
    built = {word: BUILT[key](of(**{key: word})) for word in WORDS[key]}
    assert len(built) > 1
    for one, other in combinations(built, 2):
        assert built[one] != built[other], (one, other)


def test_every_key_of_words_is_built_or_known_not_to_be() -> None:
    """A key that comes to the settings comes here too."""
    assert set(WORDS) == set(BUILT) | ELSEWHERE


@pytest.mark.parametrize(
    ("words", "key", "number"),
    [
        ({"optimizer": "adam"}, "adam_b1", 0.8),
        ({"optimizer": "adam"}, "adam_b2", 0.95),
        ({"optimizer": "momentum"}, "momentum", 0.6),
        ({"loss": "cross-entropy"}, "v_softmax", 0.03),
        ({"loss": "cross-entropy"}, "target_low", -0.1),
        ({"loss": "cross-entropy"}, "target_high", 0.2),
        ({"rule": "equilibrium-propagation"}, "beta", 3e-7),
        ({"rule": "coupled-learning"}, "eta", 0.2),
        ({"rule": "coupled-learning"}, "g_init", ((1e-6, 8e-6),)),
    ],
)
def test_each_number_reaches_what_it_belongs_to(words, key, number) -> None:
    """Another number, another object; the same number, an equal one."""

    def everything(**more: Any) -> list[Any]:
        settings = of(**words, **more)
        return [build(settings) for build in BUILT.values()]

    assert everything(**{key: number}) != everything()
    assert everything(**{key: number}) == everything(**{key: number})


def test_a_clamp_is_as_stiff_as_the_columns_it_holds() -> None:
    """Twice the largest conductance that a column may begin with takes a clamp of twice the transconductance."""
    one, two = (factory.rule(of(rule="coupled-learning", g_init=((1e-6, most),)), CIRCUIT) for most in (4e-6, 8e-6))
    assert two.stiffness == pytest.approx(2 * one.stiffness)
    assert one.stiffness > 100 * 4e-6 * CIRCUIT.trainable[-1].shape[0]


def test_plain_descent_remembers_nothing() -> None:
    """Whatever momentum says."""
    assert factory.optimizer(of(optimizer="sgd", momentum=0.7)) == factory.optimizer(of(optimizer="sgd", momentum=0.1)) == Sgd(0.0)


def test_without_a_preset_conductances_change_as_they_should() -> None:
    """Devices are ideal then."""
    assert isinstance(factory.programming(DeviceSettings(), VariationSettings(), CIRCUIT, "float64"), Ideal)

"""From the kinds and numbers of an experiment file to what they name: each kind builds something else, and each number reaches it."""

from collections.abc import Callable
from itertools import combinations
from typing import Any, get_args, get_type_hints

import pytest

from circuits.network import Network
from hwsim.chains.propagation import propagated
from hwsim.devices.programming.programming import Ideal
from hwsim.learning import factory, rule_factory
from hwsim.learning.optimizers import Sgd
from hwsim.settings.device_settings import DeviceSettings
from hwsim.settings.training_settings import TrainingSettings
from hwsim.settings.variation_settings import VariationSettings

CIRCUIT = Network(inputs=2, layers=(), outputs=2, differential=False, capacitance=1e-12).compile("named")
SETTINGS = TrainingSettings(epochs=7, rate=1.0, g_init=((1e-6, 4e-6),))

TABLES = {
    key: get_args(get_args(kind)[0])
    for key, kind in get_type_hints(TrainingSettings, include_extras=True).items()
    if "discriminator" in str(kind)
}
KINDS = {key: [one.model_fields["kind"].default for one in kinds] for key, kinds in TABLES.items()}
"""The kinds of each table."""

BUILT: dict[str, Callable[[TrainingSettings], Any]] = {
    "loss": factory.loss,
    "rule": lambda settings: rule_factory.rule(settings, CIRCUIT),
    "nudge": lambda settings: rule_factory.rule(settings, CIRCUIT),
    "optimizer": rule_factory.optimizer,
    "propagation": lambda settings: propagated(settings, (), 3),
    "schedule": lambda settings: [rule_factory.schedule(settings, epoch) for epoch in range(7)],
}
"""What a table builds."""


def of(**changes: Any) -> TrainingSettings:
    """Return settings that were changed and checked."""
    return TrainingSettings.model_validate(SETTINGS.model_dump() | {"nudge": {"kind": "frozen"}} | changes)


@pytest.mark.parametrize("key", BUILT)
def test_each_kind_of_a_table_builds_something_of_its_own(key) -> None:
    """No kind is forgotten, and none means what another means."""
    built = {kind: BUILT[key](of(**{key: {"kind": kind}})) for kind in KINDS[key]}
    assert len(built) > 1
    for one, other in combinations(built, 2):
        assert built[one] != built[other], (one, other)


def test_every_table_of_kinds_is_built() -> None:
    """A table that comes to the settings comes here too."""
    assert set(KINDS) == set(BUILT)


NUMBERS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("optimizer", {"kind": "adam"}, {"b1": 0.8}),
    ("optimizer", {"kind": "adam"}, {"b2": 0.95}),
    ("optimizer", {"kind": "momentum"}, {"momentum": 0.6}),
    ("loss", {"kind": "cross-entropy"}, {"v_softmax": 0.03}),
    ("nudge", {"kind": "following"}, {"beta": 3e-7}),
    ("nudge", {"kind": "frozen"}, {"beta": 3e-7}),
    ("nudge", {"kind": "frozen"}, {"method": "positive"}),
    ("nudge", {"kind": "volts"}, {"u": 0.02}),
    ("rule", {"kind": "coupled-learning"}, {"eta": 0.2}),
    ("rule", {"kind": "holomorphic"}, {"points": 8}),
    ("rule", {"kind": "oscillating"}, {"frequency": 1e3}),
    ("rule", {"kind": "oscillating", "frequency": 1e3}, {"input_frequency": 2e3}),
    ("schedule", {"kind": "exponential"}, {"decay": 0.5}),
    ("propagation", {"kind": "forward-forward"}, {"sharpness": 2.0}),
    ("propagation", {"kind": "forward-forward"}, {"label": 2.0}),
    ("propagation", {"kind": "forward-forward"}, {"v_softmax": 0.01}),
    ("propagation", {"kind": "forward-forward"}, {"answers": "trials"}),
    ("propagation", {"kind": "signal-propagation"}, {"temperature": 0.3}),
    ("propagation", {"kind": "signal-propagation"}, {"label": 2.0}),
    ("propagation", {"kind": "signal-propagation"}, {"answers": "prototypes"}),
]


@pytest.mark.parametrize(("table", "kind", "number"), NUMBERS, ids=str)
def test_each_number_reaches_what_it_belongs_to(table, kind, number) -> None:
    """Another number, another object; the same number, an equal one."""
    build = BUILT[table]
    assert build(of(**{table: kind | number})) != build(of(**{table: kind}))
    assert build(of(**{table: kind | number})) == build(of(**{table: kind | number}))


def test_every_number_of_a_kind_is_tried() -> None:
    """But those that every nudge has, which are tried once."""
    tried = {(table, kind["kind"], key) for table, kind, number in NUMBERS for key in number}
    tried |= {("nudge", kind, "method") for kind in ("following", "volts")}
    each = [(table, one) for table, kinds in TABLES.items() for one in kinds]
    expected = {(table, one.model_fields["kind"].default, key) for table, one in each for key in one.model_fields if key != "kind"}
    assert tried == expected


def test_targets_reach_the_loss() -> None:
    """They are what its shares of classes lie between."""
    for target in ({"target_low": -0.1}, {"target_high": 0.2}):
        loss = {"loss": {"kind": "cross-entropy"}}
        assert factory.loss(of(**loss, **target)) != factory.loss(of(**loss))


def test_a_clamp_is_as_stiff_as_the_columns_it_holds() -> None:
    """Twice the largest conductance that a column may begin with takes a clamp of twice the transconductance."""
    one, two = (rule_factory.rule(of(rule={"kind": "coupled-learning"}, g_init=((1e-6, most),)), CIRCUIT) for most in (4e-6, 8e-6))
    assert two.stiffness == pytest.approx(2 * one.stiffness)
    assert one.stiffness > 100 * 4e-6 * CIRCUIT.trainable[-1].shape[0]


def test_plain_descent_remembers_nothing() -> None:
    """It has no momentum."""
    assert rule_factory.optimizer(of(optimizer={"kind": "sgd"})) == Sgd(0.0)


def test_without_a_preset_conductances_change_as_they_should() -> None:
    """Devices are ideal then."""
    assert isinstance(factory.programming(DeviceSettings(), VariationSettings(), CIRCUIT, "float64"), Ideal)

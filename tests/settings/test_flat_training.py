"""Flat keys of earlier versions: every file that has them loads as what it meant, and what is written has tables."""

import tomllib
from pathlib import Path

import pytest

from hwsim.experiment.experiment import Experiment, ExperimentError
from hwsim.experiment.loading import load, to_toml
from hwsim.experiment.overriding import override
from hwsim.settings.flat_training import PLACES, WORDS, canonical, tabled
from hwsim.settings.training_settings import TrainingSettings

COMPLETE = {
    "rule": "equilibrium-propagation",
    "nudge": "positive",
    "beta": 2e-6,
    "eta": 0.3,
    "loss": "cross-entropy",
    "v_softmax": 0.2,
    "optimizer": "momentum",
    "momentum": 0.8,
    "adam_b1": 0.7,
    "adam_b2": 0.6,
    "schedule": "exponential",
    "decay": 0.5,
}
"""As run folders of earlier versions have them: all keys, also those that meant nothing."""

MEANT = {
    "rule": {"kind": "equilibrium-propagation"},
    "nudge": {"kind": "frozen", "method": "positive", "beta": 2e-6},
    "loss": {"kind": "cross-entropy", "v_softmax": 0.2},
    "optimizer": {"kind": "momentum", "momentum": 0.8},
    "schedule": {"kind": "exponential", "decay": 0.5},
}

RUNS = [
    path.parent
    for path in sorted(Path(__file__).parents[2].glob("results/runs/*/experiment.toml"))
    if "beta" in tomllib.loads(path.read_text(encoding="utf-8"))["training"]
]
"""The kept runs of earlier versions."""


def test_flat_keys_mean_what_they_meant() -> None:
    """Each goes to its table, and what its kind does not have is dropped; a nudge is the loss's; tables stay as they are."""
    assert set(COMPLETE) == set(PLACES) | set(WORDS)
    assert tabled(COMPLETE) == MEANT
    assert tabled(MEANT) == MEANT
    read = TrainingSettings.model_validate(COMPLETE)
    assert TrainingSettings.model_validate(read.model_dump()) == read
    assert TrainingSettings(loss="squared-error", beta=1e-7).nudge.model_dump() == {"kind": "following", "method": "centred", "beta": 1e-7}
    assert TrainingSettings().nudge.kind == "following"


def test_the_runs_of_earlier_versions_load_and_are_written_in_tables() -> None:
    """Those that are kept in results; what is written back loads as equal, without a flat key."""
    assert len(RUNS) > 20
    for folder in RUNS[::8]:
        flat = tomllib.loads((folder / "experiment.toml").read_text(encoding="utf-8"))["training"]
        read = load(folder)
        assert read.training.nudge.beta == flat["beta"]
        written = tomllib.loads(to_toml(read))
        assert not set(written["training"]) & set(PLACES)
        assert Experiment.model_validate(written) == read


def test_a_value_that_is_given_twice_is_refused() -> None:
    """Whichever would win, the other would be ignored."""
    with pytest.raises(ValueError, match=r"beta and nudge\.beta are the same"):
        tabled({"beta": 1e-6, "nudge": {"beta": 1e-7}})


@pytest.mark.parametrize(
    ("settings", "table", "values"),
    [
        (["training.beta=1e-7"], "nudge", {"beta": 1e-7}),
        (["training.nudge=negative"], "nudge", {"kind": "following", "method": "negative"}),
        (["training.loss=cross-entropy"], "nudge", {"kind": "frozen", "beta": 1e-6}),
        (["training.nudge.beta=3e-6", "training.loss=cross-entropy"], "nudge", {"kind": "frozen", "beta": 3e-6}),
        (["training.eta=0.3", "training.rule=coupled-learning"], "rule", {"kind": "coupled-learning", "eta": 0.3}),
        (["training.adam_b1=0.5"], "optimizer", {"kind": "adam", "b1": 0.5}),
        (["training.optimizer.kind=momentum", "training.momentum=0.5"], "optimizer", {"kind": "momentum", "momentum": 0.5}),
        (["training.schedule=exponential", "training.decay=0.7"], "schedule", {"kind": "exponential", "decay": 0.7}),
        (["training.nudge={kind='frozen', beta=1e-8}"], "nudge", {"kind": "frozen", "beta": 1e-8}),
        (["training.loss={kind='cross-entropy'}"], "nudge", {"kind": "frozen"}),
        (["training.loss=cross-entropy", "training.loss="], "nudge", {"kind": "following"}),
        (["training.loss=cross-entropy", "training.loss=squared-error"], "loss", {"kind": "squared-error"}),
        (["training.eta=0.3", "training.rule={kind='coupled-learning'}"], "rule", {"kind": "coupled-learning", "eta": 0.3}),
        (["training.loss=cross-entropy", "training={beta=1e-7}"], "nudge", {"kind": "frozen", "beta": 1e-7}),
    ],
)
def test_short_keys_set_what_they_stand_for(settings: list[str], table: str, values: dict) -> None:
    """In any order: tables and kinds first, as another kind has other keys."""
    loaded = getattr(override(load("iris"), settings).training, table).model_dump()
    assert values.items() <= loaded.items()
    assert canonical("training.batch") == "training.batch"


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("training.eta=0.3", "training.rule.eta is no key of kind 'equilibrium-propagation', which has none"),
        ("training.momentum=0.3", "training.optimizer.momentum is no key of kind 'adam', which has b1, b2"),
        ("training.optimizer=sdg", "training.optimizer.kind = 'sdg': should be one of 'sgd', 'momentum', 'adam'"),
        ("training.beta=-1", "training.nudge.beta = -1: should be greater than 0"),
        ("training.nudge.bta=1", "did you mean training.nudge.beta"),
    ],
)
def test_what_a_kind_does_not_have_is_refused_with_what_it_has(setting: str, message: str) -> None:
    """In a line that names key, kind and remedy."""
    with pytest.raises(ExperimentError) as error:
        override(load("iris"), [setting])
    assert message in str(error.value)


@pytest.mark.parametrize(("table", "flat", "key"), [("nudge", "beta", "beta"), ("optimizer", "adam_b1", "b1")])
def test_a_flat_key_next_to_a_table_of_another_kind_is_refused(table: str, flat: str, key: str) -> None:
    """Such a file is no old one, whose flat keys may mean nothing; the key would be ignored."""
    kind = {"nudge": "volts", "optimizer": "sgd"}[table]
    with pytest.raises(ExperimentError, match=f"training.{table}.{key} is no key of kind '{kind}'"):
        override(load("iris"), [f"training={{{table}={{kind='{kind}'}}, {flat}=0.1}}"])


@pytest.mark.parametrize("reverse", [False, True])
def test_a_nudge_that_follows_is_refused_where_the_loss_is_another(*, reverse: bool) -> None:
    """It adds the squared error to the co-content; and which of two settings comes first does not matter."""
    settings = ["training.loss=cross-entropy", "training.nudge.kind=following"]
    with pytest.raises(ExperimentError, match=r"set nudge\.kind to 'frozen'"):
        override(load("iris"), settings[::-1] if reverse else settings)


def test_a_key_of_another_kind_is_named_where_the_kind_has_a_key_of_its_name() -> None:
    """The kind `momentum` has a key `momentum`."""
    with pytest.raises(ExperimentError, match=r"training\.optimizer\.b1 is no key of kind 'momentum', which has momentum"):
        override(load("iris"), ["training.optimizer=momentum", "training.adam_b1=0.5"])

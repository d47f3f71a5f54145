"""The list of keys is that of the settings: complete, typed, documented, and close at hand where a key is misspelt."""

import json
import re
from dataclasses import dataclass, field
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

from circuits.units import Siemens, Volt
from hwsim.experiment.experiment import Experiment
from hwsim.experiment.loading import load
from hwsim.settings.keys import Key, keys, known_keys, sections
from hwsim.settings.validation_errors import instead, near
from hwsim.sweep.sensitivity import value_of

KNOWN = known_keys(Experiment)
KEYS = {key.key: key for key in keys(Experiment)}


@dataclass(frozen=True)
class Round:
    """Rounds.

    Parameters
    ----------
    radius
        Of the coil [m]; of its middle.

    """

    kind: Literal["round"] = "round"
    radius: float = 1.0


@dataclass(frozen=True)
class Flat:
    """Flat ones."""

    kind: Literal["flat"] = "flat"
    radius: float = 2.0
    turns: int = 5


class Model(BaseModel):
    """A model.

    Parameters
    ----------
    share, low
        Between nothing and all.
    pair
        Two conductances, or such a pair for each [S].

    """

    share: Annotated[float, Field(ge=0, lt=1)] = 0.5
    low: Volt | None = None
    names: tuple[str, ...]
    pair: tuple[Siemens, Siemens] | tuple[tuple[Siemens, Siemens], ...] = (1e-6, 2.0)
    coils: tuple[Annotated[Round | Flat, Field(discriminator="kind")], ...] = ()
    core: Annotated[Round | Flat, Field(discriminator="kind")] = field(default_factory=Round)
    on: bool = True
    large: Annotated[int, Field(gt=0, le=10**11)] = 10**10


def test_choices_of_several_kinds_are_each_named_once():
    """Those that kinds of a table share are one list."""
    (answers,) = (key for key in keys(Experiment) if key.key == "training.propagation.answers")
    assert sorted(re.split(", | or ", answers.kind)) == ["head", "prototypes", "trials"]


def test_a_layer_without_a_kind_is_dense() -> None:
    """Its type has a kind for tables that name none, and what several layers have is listed once."""
    kind = KEYS["circuit.layers[0].kind"]
    assert (kind.kind, kind.default) == ("dense, convolution or pool", "dense")
    about = KEYS["circuit.layers[0].neuron.kind"].text.splitlines()
    assert len(about) == len(set(about))


def test_types_bounds_units_and_defaults_are_read_from_annotations() -> None:
    """Kinds of a table are choices of `kind`, and what they have apart is stated apart."""
    assert keys(Model) == (
        Key("share", "number, 0 ≤ x < 1", "", "0.5", "Between nothing and all."),
        Key("low", "number", "V", "absent", "Between nothing and all."),
        Key("names", "list of: text", "", "required", ""),
        Key("pair", "list of 2: number or list of: list of 2: number", "S", "[1e-06, 2]", "Two conductances, or such a pair for each [S]."),
        *(
            key
            for table, default in (("coils[0]", "required"), ("core", "round"))
            for key in (
                Key(f"{table}.kind", "round or flat", "", default, "round: Rounds.\nflat: Flat ones."),
                Key(f"{table}.radius", "number", "m", "round: 1; flat: 2", "Of the coil [m]; of its middle."),
                Key(f"{table}.turns", "whole number", "", "5", "", ("flat",)),
            )
        ),
        Key("on", "true or false", "", "true", ""),
        Key("large", "whole number, 0 < x ≤ 1e+11", "", "1e+10", ""),
    )
    assert keys(Model)[5].summary == "Of the coil [m]; of its middle"


def test_keys_of_a_table_are_those_of_all() -> None:
    """They are described alone as they are among the others."""
    for table in {key.rpartition(".")[0] for key in KEYS}:
        assert keys(Experiment, table) == tuple(key for name, key in KEYS.items() if name.rpartition(".")[0] == table)


def test_every_key_is_documented() -> None:
    """It has a sentence below Parameters of its class, a type and a default; a unit is that of its text, if that has one."""
    for key in KEYS.values():
        assert re.match(r"\S.{7,}", key.text), key.key
        assert key.kind
        assert key.default
        unit = re.search(r"\[([^\]]{1,12})\]", key.text)
        if unit and key.kind.startswith("number"):
            assert key.unit == unit.group(1)


def test_the_keys_of_an_experiment_are_listed() -> None:
    """All that a complete experiment file holds is among them, and defaults are those of an experiment that sets nothing."""
    experiment = load("iris")
    for section in sections(Experiment):
        table = experiment.model_dump().get(section)
        for name in table if isinstance(table, dict) else ():
            assert any(re.match(rf"{section}\.{name}(\.|\[|$)", key) for key in KNOWN)
    fresh = Experiment.model_validate({"data": {"name": "xor"}, "circuit": {"inputs": 2, "outputs": 2}})
    for key in KEYS.values():
        value = value_of(fresh, key.key)
        if value is not None and "circuit.inputs" not in key.key and key.default not in {"required", "''"} and ": " not in key.default:
            listed = [f"{one:g}" for one in (value if isinstance(value, tuple) else [value]) if isinstance(one, float)]
            typed = f"[{', '.join(listed)}]" if isinstance(value, tuple) else listed[0] if listed else value
            assert key.default == (str(typed).lower() if isinstance(value, bool) else str(typed))


@pytest.mark.parametrize(
    ("key", "alike"),
    [
        ("training.epoch", ["training.epochs"]),
        ("variation.temprature", ["variation.temperature"]),
        ("device.chip", ["variation.chip"]),
        ("circuit.layers[3].neuron.isat", ["circuit.layers[0].neuron.i_sat"]),
        ("solver.spread", ["device.spread"]),
        ("trainin", ["training"]),
        ("noise.xyzzy", []),
    ],
)
def test_unknown_keys_have_near_ones(key: str, alike: list[str]) -> None:
    """Those of the same section first, then those of the same name in another one."""
    assert near(key, KNOWN)[: max(len(alike), 1)] == alike
    assert instead(key, KNOWN, "hwsim keys").endswith(
        f"hwsim keys{' ' * ('.' in key)}{key.partition('.')[0] * ('.' in key)} lists what there is"
    )


def test_near_keys_of_a_section_come_before_those_of_others() -> None:
    """`g_mn` of variation is variation.g_min, though circuit has one too."""
    assert near("variation.g_mn", KNOWN)[0] == "variation.g_min"
    assert near("circuit.g_mn", KNOWN)[0] == "circuit.g_min"


def test_keys_are_printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """All sections, one of them, a table in it or a single key, in 80 columns; JSON has all that is known of each."""
    from cli.main import main  # noqa: PLC0415 - as the commands do

    monkeypatch.setenv("COLUMNS", "80")

    def printed(*words: str) -> str:
        assert main(["keys", *words]) == 0
        out = capsys.readouterr().out
        assert "--json" in words or max(map(len, out.splitlines())) <= 80
        return out

    assert all(f"\n{section}" in printed() for section in sections(Experiment))
    assert "training.nudge.beta: number, 0 < x; in S; default 1e-06" in printed("training")
    assert printed("training.beta") == printed("training.nudge.beta")
    assert printed("circuit.layers.0.size") == printed("circuit.layers[0].size")
    assert {line.partition(":")[0] for line in printed("circuit.layers").splitlines() if line[0] != " "} == {
        key for key in KEYS if key.startswith("circuit.layers")
    }
    entries = json.loads(printed("--json"))["keys"]
    assert {entry["key"]: entry["default"] for entry in entries} == {key.key: key.default for key in KEYS.values()}
    assert set(entries[0]) == {"key", "type", "unit", "default", "text", "kinds"}
    assert main(["keys", "trainig"]) == 2
    assert "trainig: no such section or key; did you mean training or pretraining? hwsim keys" in capsys.readouterr().err


def test_a_wrong_key_points_to_the_list() -> None:
    """In --set and in a file."""
    with pytest.raises(ValueError, match=r"did you mean training\.epochs\? hwsim keys training lists what there is$"):
        load("iris", ["training.epoch=3"])
    with pytest.raises(ValueError, match=r"there is no such key; hwsim keys noise lists what there is$"):
        load("iris", ["noise.xyzzy=3"])

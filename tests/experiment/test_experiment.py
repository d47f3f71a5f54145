"""Experiments: read, overridden, refused and written."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from circuits import zoo
from circuits.builder import Builder
from circuits.junction_neurons import DiodePair
from circuits.network import Amplifier, Layer, Network
from circuits.nodes import Nodes
from circuits.parts import has_known_parts
from hwsim.experiment.experiment import Experiment, ExperimentError
from hwsim.experiment.loading import load, to_toml
from hwsim.experiment.overriding import override
from hwsim.session import Session
from hwsim.settings.data_names import BUILT_IN
from hwsim.settings.sections import DataSettings, SolverSettings
from hwsim.settings.training_settings import TrainingSettings
from hwsim.settings.validation_errors import known_keys
from support.strategies import networks

positive = st.floats(1e-12, 1e12)
conductance = st.floats(1e-9, 1e-3)


def per_crossbar(entry: st.SearchStrategy[Any], crossbars: int) -> st.SearchStrategy[Any]:
    """Draw one entry, or one a crossbar."""
    return entry | st.tuples(*[entry] * crossbars)


@st.composite
def experiments(draw: st.DrawFn) -> Experiment:
    """Draw any experiment that passes its own checks."""
    network = draw(networks())
    if network.outputs == 1:
        network = replace(network, outputs=2)
    crossbars = len(network.layers) + 1
    low, high = sorted(draw(st.tuples(st.floats(-1, 1), st.floats(-1, 1)).filter(lambda pair: pair[0] != pair[1])))
    training = TrainingSettings(
        rule=draw(st.sampled_from(["equilibrium-propagation", "adjoint", "coupled-learning"])),
        loss=draw(st.sampled_from(["squared-error", "cross-entropy"])),
        beta=draw(positive),
        target_low=low,
        target_high=high,
        rate=draw(per_crossbar(positive, crossbars)),
        epochs=draw(st.integers(1, 10**6)),
        seed=draw(st.integers(0, 2**63 - 1)),
        g_init=draw(per_crossbar(st.tuples(conductance, conductance).map(lambda pair: tuple(sorted(pair))), crossbars)),
    )
    data = DataSettings(name=draw(st.text(min_size=1).filter(lambda name: name not in BUILT_IN)), clip=draw(st.none() | positive))
    solver = SolverSettings(tolerance=draw(st.none() | st.floats(1e-15, 0.5)), ngspice_workers=draw(st.none() | st.integers(1, 64)))
    about = draw(st.text())
    return Experiment(name="drawn", about=about, circuit=network, data=data, training=training, solver=solver)


@given(experiments())
def test_what_is_written_is_read_back_equal(tmp_path_factory: pytest.TempPathFactory, experiment: Experiment) -> None:
    """An experiment written as TOML loads back to an equal one, to the last digit."""
    file = tmp_path_factory.mktemp("toml") / "drawn.toml"
    file.write_text(to_toml(experiment), encoding="utf-8")
    assert load(file) == experiment


@pytest.mark.parametrize("name", zoo.names())
def test_the_zoo_loads_and_compiles(name: str) -> None:
    """Each file of the zoo bears its own name, names what it is and where it comes from, and compiles."""
    experiment = load(name)
    assert experiment.name == name
    assert experiment.about
    assert zoo.read(name).startswith("# ")
    assert re.search(r"\d{4}", zoo.read(name).split("\n\n")[0]), "a source has a year"
    circuit = Session.of(experiment).circuit
    assert circuit.input_count == (BUILT_IN[experiment.data.name][0] if experiment.reservoir is None else experiment.reservoir.features)


def test_every_setting_is_documented() -> None:
    """Each key of a section is explained in the section's docstring."""
    for section in (DataSettings, TrainingSettings, SolverSettings):
        for key in section.model_fields:
            assert re.search(rf"^\s*(\w+, )*{key}(, \w+)*$", str(section.__doc__), re.MULTILINE), f"{section.__name__}.{key}"


@pytest.mark.parametrize(
    ("setting", "key", "value"),
    [
        ("training.epochs=3", ("training", "epochs"), 3),
        ("training.beta=1e-7", ("training", "nudge", "beta"), 1e-7),
        ("training.beta=.5", ("training", "nudge", "beta"), 0.5),
        ("training.optimizer=sgd", ("training", "optimizer", "kind"), "sgd"),
        ('training.optimizer="sgd"', ("training", "optimizer", "kind"), "sgd"),
        ("training.rate=[1e-7, 2e-7]", ("training", "rate"), (1e-7, 2e-7)),
        ("solver.ngspice_full=true", ("solver", "ngspice_full"), True),
        ("data.train_limit=", ("data", "train_limit"), None),
        ("training.g_init=[[1e-7, 1e-6], [1e-7, 1e-5]]", ("training", "g_init"), ((1e-7, 1e-6), (1e-7, 1e-5))),
    ],
)
def test_a_key_is_overridden(setting: str, key: tuple[str, ...], value: object) -> None:
    """Values are written as in TOML, bare words are text, nothing is the default; no other key changes."""
    before = load("digits")
    after = override(before, [setting])
    changed, unchanged = after.model_dump(), before.model_dump()
    *tables, name = key
    for result in (changed, unchanged):
        inside = result
        for table in tables:
            inside = inside[table]
        if result is changed:
            assert inside[name] == value
        inside.pop(name)
    if name == "kind":  # another kind has other keys
        changed["training"].pop(key[1])
        unchanged["training"].pop(key[1])
    assert changed == unchanged


@pytest.mark.parametrize("index", [".0", "[0]"])
def test_layers_are_overridden_by_their_number(index: str) -> None:
    """Both ways to write an index reach the layer; a new kind of neuron starts from its own defaults."""
    changed = override(
        load("digits"), [f"circuit.layers{index}.size=5", f"circuit.layers{index}.neuron.kind=linear", f"circuit.layers{index}.amplifier="]
    )
    (layer,) = changed.circuit.layers
    assert (layer.size, layer.neuron.kind, layer.amplifier) == (5, "linear", None)
    again = override(changed, [f"circuit.layers{index}.amplifier.gain=3"])
    assert again.circuit.layers[0].amplifier is not None
    assert again.circuit.layers[0].amplifier.gain == 3.0


def test_overrides_hold_together() -> None:
    """A circuit and its data may change in one go, though either alone would not fit."""
    changed = override(load("iris"), ["data.name=wine", "circuit.inputs=13"])
    assert (changed.data.name, changed.circuit.inputs) == ("wine", 13)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("training.epoch=3", "training.epochs"),
        ("epochs=3", "training.epochs"),
        ("circuit.layer[0].size=3", "circuit.layers[0].size"),
        ("circuit.layers[0].sise=3", "circuit.layers[0].size"),
        ("nonsense=3", "circuit"),
        ("circuit.layers[7].size=3", "1 entry"),
        ("training.epochs", "KEY=VALUE"),
        ("training.epochs=0", "greater than"),
        ("training.epochs=2.5", "whole number"),
        ("training.epochs=many", "whole number"),
        ("training.beta=nan", "finite"),
        ("circuit.v_bias=inf", "finite"),
        ("training.beta=-1e-6", "greater than 0"),
        ("training.optimizer=adamm", "'adam'"),
        ("training.rate=[1, 2, 3]", "2 crossbars"),
        ("training.g_init=[1e-5, 1e-6]", "swap"),
        ("training.target_low=1", "target_high"),
        ("circuit.layers[0].neuron.kind=sigmoid", "'diode-pair'"),
        ("circuit.layers[0].size=0", "at least 1"),
        ("circuit.layers=7", "list"),
        ("circuit.inputs=", "missing"),
        ("circuit.inputs=3", "set it to 64"),
        ("circuit.outputs=3", "set it to 10"),
        ("data.name=iris", "set it to 4"),
        ("training.engine=ngspice training.rule=adjoint", "equilibrium-propagation"),
        ("training.engine=ngspice training.precision=float32", "float64"),
    ],
)
def test_a_wrong_override_is_explained(setting: str, message: str) -> None:
    """The one line names the key and what would be right."""
    with pytest.raises(ExperimentError) as caught:
        override(load("digits"), setting.split(" ") if setting.count("=") > 1 and ", " not in setting else [setting])
    report = str(caught.value)
    assert message in report
    assert "\n" not in report


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("circuit = ", "not valid TOML"),
        ("[circuit]\ninputs = 4\noutputs = 3", "data is missing; add [data], whose keys hwsim keys data lists"),
        ("[circuit]\ninputs = 4\n[data]\nname = 'iris'", "circuit.outputs is missing"),
        ("[circuit]\ninputs = 4\noutputs = 3\ngmin = 1\n[data]\nname = 'iris'", "did you mean circuit.g_min"),
        ("[circuit]\ninputs = 'four'\noutputs = 3\n[data]\nname = 'iris'", "circuit.inputs = 'four'"),
        ("[circuit]\ninputs = 4\noutputs = 3\ng_min = [1e-7, 1e-7]\n[data]\nname = 'iris'", "1 crossbars"),
        ("name = '../up'\n[circuit]\ninputs = 4\noutputs = 3\n[data]\nname = 'iris'", "name = '../up'"),
        ("[[circuit]]\ninputs = 4", "circuit"),
    ],
)
def test_a_wrong_file_is_explained(tmp_path: Path, text: str, message: str) -> None:
    """The one line names the file, the key and what would be right."""
    file = tmp_path / "mine.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ExperimentError) as caught:
        load(file)
    report = str(caught.value)
    assert report.startswith(str(file))
    assert message in report
    assert "\n" not in report


def test_a_file_names_the_experiment_unless_it_says_otherwise(tmp_path: Path) -> None:
    """A run is called after the file, as far as the file's name can be a folder's."""
    file = tmp_path / "my first (bold) try.toml"
    file.write_text("[circuit]\ninputs = 4\noutputs = 3\n[data]\nname = 'iris'", encoding="utf-8")
    assert load(file).name == "my-first-bold-try"


@pytest.mark.parametrize(
    ("what", "message"), [("digts", "digits"), ("deck.cir", "netlist"), ("none.toml", "no such file"), (".", "folder without")]
)
def test_what_is_not_there_is_explained(what: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that means nothing is answered with what could be meant."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ExperimentError, match=message):
        load(what)


def test_known_keys_are_those_of_the_file() -> None:
    """The keys that hints are chosen from are those that a complete experiment holds."""
    expected = set(known_keys(Experiment))
    assert {"training.epochs", "circuit.layers[0].neuron.kind", "circuit.layers[0].amplifier.gain", "reached.command"} <= expected
    assert not any("__" in key or "model_config" in key for key in expected)


DICTS = {"circuit", "data", "training", "solver"}
junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["kind", "size", "gain", "name", "x"]), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(known_keys(Experiment))) | st.text(max_size=20), st.text(max_size=20))
def test_any_override_holds_or_is_explained(key: str, value: str) -> None:
    """Whatever is typed after --set, the answer is an experiment or one line."""
    try:
        override(load("digits"), [f"{key}={value}"])
    except ExperimentError as error:
        assert "\n" not in str(error).replace(value, "").replace(key, "")  # noqa: PT017 - either way is right


@given(st.sampled_from(["circuit", "data", "training", "solver", "reached", "name", "strange"]), st.text(max_size=8), junk)
def test_any_file_holds_or_is_explained(tmp_path_factory: pytest.TempPathFactory, section: str, key: str, value: Any) -> None:
    """Whatever stands in a file, in place of a section or of a key in it, the answer is an experiment or an explanation."""
    table = load("digits").model_dump(exclude_none=True)
    whole, inside = table | {section: value}, table | {section: {**table[section], key: value}} if section in DICTS else {}
    file = tmp_path_factory.mktemp("toml") / "junk.toml"
    for junked in (whole, inside):
        try:
            file.write_text(tomli_w.dumps(junked), encoding="utf-8")
        except (TypeError, ValueError):
            continue  # TOML has no null
        try:
            load(file)
        except ExperimentError as error:
            assert str(error).startswith(str(file))  # noqa: PT017 - either way is right


def test_equal_networks_are_one_circuit() -> None:
    """What is kept of a circuit serves all experiments with its network and name; other numbers or names are other circuits."""
    circuit = Session.of(load("iris")).circuit
    assert Session.of(load("iris", ["training.epochs=3", "variation.gain=0.1"])).circuit is circuit
    assert Session.of(load("iris", ["circuit.g_max=2e-4"])).circuit != circuit
    assert Session.of(load("iris").model_copy(update={"name": "other"})).circuit.name == "other"


@given(network=networks())
def test_networks_of_files_are_described(network: Network) -> None:
    """All that an experiment file can hold is, wherever a class of the caller's own is not."""
    assert has_known_parts(network)


class OwnPair(DiodePair):
    """A neuron whose elements depend on more than its fields."""

    v_high_built: ClassVar[float] = 0.2

    def build(self, builder: Builder, name: str, columns: Nodes) -> Nodes:
        """Build a pair with other rails."""
        return DiodePair(v_low=-0.2, v_high=self.v_high_built).build(builder, name, columns)


class OwnAmplifier(Amplifier):
    """An amplifier of the caller's own."""


class OwnLayer(Layer):
    """A layer of the caller's own."""


class OwnNetwork(Network):
    """A network of the caller's own."""


@pytest.mark.parametrize(
    "network",
    [
        Network(inputs=2, layers=(Layer(3, neuron=OwnPair()),), outputs=2),
        Network(inputs=2, layers=(Layer(3, amplifier=OwnAmplifier()),), outputs=2),
        Network(inputs=2, layers=(OwnLayer(3),), outputs=2),
        Network(inputs=2, outputs=2, differential=False, output_neuron=OwnPair()),
        OwnNetwork(inputs=2, outputs=2),
    ],
)
def test_networks_with_parts_of_the_caller_s_own_are_not_described(network: Network) -> None:
    """Wherever they are: what they build may change without a change of their fields."""
    assert not has_known_parts(network)


def test_parts_of_the_caller_s_own_are_compiled_as_they_are_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a change of what their class builds, equal networks are other circuits."""
    network = Network(inputs=4, layers=(Layer(3, neuron=OwnPair()),), outputs=3)
    experiment = load("iris").model_copy(update={"circuit": network})
    for v_high in (0.2, 0.5):
        monkeypatch.setattr(OwnPair, "v_high_built", v_high)
        assert (Session.of(experiment).circuit["h1_v_high"].v == v_high).all()

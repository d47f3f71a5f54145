"""Structure: a deck that is layered, but not written by us, is solved as layers, to the same voltages as by its ports."""

import re

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from circuits.chip import Chip
from circuits.elements import Amplifiers, InputSources, VoltageSources
from circuits.junction_neurons import DeadZone, DiodePair, Rectifier
from circuits.network import Amplifier, Layer, Network
from circuits.neurons import Linear
from hwsim.core.protocol import Drive, Engine
from hwsim.experiment.loading import load
from hwsim.experiment.structured_deck import structured
from hwsim.numeric.general.general_solver import GeneralEngine, GeneralSolver
from hwsim.numeric.layered.layered_solver import LayeredSolver
from hwsim.numeric.layered.recognize import stages
from hwsim.numeric.numeric_engine import NumericEngine
from netlists.deck import Deck, rewrite
from support.reading import parse
from support.renamed_decks import disguised
from support.strategies import conductances, features, networks

ENGINES: dict[str, Engine] = {"xor": GeneralEngine(), "iris": NumericEngine(), "digits": GeneralEngine()}


def holds(deck: Deck, x: np.ndarray, engine: Engine = GeneralEngine()) -> None:  # noqa: B008 - it is frozen
    """Hold a deck that was read against what was recognized in it: layers, the same voltages, the same text with learned values."""
    result = structured(deck)
    assert stages(result.circuit)
    assert all(len(result.members[source.name]) == len(source) for source in result.circuit.of(VoltageSources, InputSources))
    with (
        GeneralEngine().prepare(deck.circuit, Chip.nominal(deck.circuit)) as ports,
        engine.prepare(result.circuit, Chip.nominal(result.circuit)) as layers,
    ):
        assert isinstance(layers, LayeredSolver) == isinstance(engine, NumericEngine)
        by_ports, by_layers = ports.solve(deck.g, Drive(x)), layers.solve(result.g, Drive(x))
        wanted = by_ports.at(deck.circuit, [deck.nodes[name] for name in result.nodes])
        scale = 1e-9 * max(1.0, float(np.abs(wanted).max()))
        np.testing.assert_allclose(by_layers.at(result.circuit, list(result.nodes.values())), wanted, rtol=0, atol=scale)
    again = parse(rewrite(result, {name: 1.5 * g for name, g in result.g.items()}))
    for name, values in deck.g.items():
        np.testing.assert_allclose(again.g[name], 1.5 * values, rtol=1e-12)


@pytest.mark.parametrize("name", ENGINES)
def test_circuits_of_the_zoo_are_known_again(name):
    """Shuffled, renamed and flattened, each is the chain of layers that it was."""
    experiment = load(name)
    circuit = experiment.circuit.compile(name)
    rng = np.random.default_rng(0)
    g = {e.name: np.exp(rng.uniform(np.log(1e-6), np.log(2e-5), e.shape)) for e in circuit.trainable}
    x = rng.uniform(-1, 1, (3, circuit.input_count))
    holds(parse(disguised(circuit, g, x[0], seed=1)), x, ENGINES[name])


GMIN = st.sampled_from(["", ".options gmin=1e-18", ".options gmin=1e-8"])
"""What ngspice puts across every junction, dead zones too: 1 pS where nothing is stated."""

DEEP = Network(
    inputs=2,
    layers=(
        Layer(size=3, neuron=DiodePair(v_low=-0.1, v_high=0.2, i_sat=1e-7), amplifier=Amplifier(gain=3.0, back=0.5, offset=0.02)),
        Layer(size=2, neuron=DeadZone()),
        Layer(size=4, neuron=Rectifier(v_low=-0.1, v_high=0.1), amplifier=Amplifier(gain=2.0, back=0.5)),
        Layer(size=2, neuron=Linear()),
    ),
    outputs=2,
    g_min=1e-7,
    g_max=1e-4,
)


@pytest.mark.parametrize("seed", range(3))
def test_all_kinds_of_neurons_are_known(seed):
    """With amplifiers and without, in one circuit, whatever the order of the lines."""
    circuit = DEEP.compile("deep")
    rng = np.random.default_rng(seed)
    g = {e.name: np.exp(rng.uniform(np.log(1e-6), np.log(1e-4), e.shape)) for e in circuit.trainable}
    x = rng.uniform(-1, 1, (3, 2))
    gmin, engine = ("", GeneralEngine()) if seed else (".options gmin=1e-7", NumericEngine())
    holds(parse(disguised(circuit, g, x[0], seed, gmin)), x, engine)


@settings(max_examples=4, phases=[Phase.explicit, Phase.generate])
@given(st.data())
def test_random_networks_are_known_again(data):
    """Whatever the layers; one column has no row of its own layer, so that layers may be seen otherwise, but solved alike."""
    circuit = data.draw(networks(ideal=False, max_layers=3)).compile()
    g, x = data.draw(conductances(circuit)), data.draw(features(circuit, batch=2))
    holds(parse(disguised(circuit, g, x[0], 0, data.draw(GMIN))), x)


@pytest.mark.parametrize("change", ["shortcut", "missing", "double", "diode"])
def test_what_is_no_chain_of_layers_keeps_its_ports(change):
    """A resistor past a layer, one that is missing, two side by side, a diode between two columns: nothing is lost, and nothing forced."""
    circuit = Network(inputs=2, layers=(Layer(size=3, amplifier=Amplifier()),), outputs=2).compile("small")
    rng = np.random.default_rng(0)
    g = {e.name: rng.uniform(1e-6, 1e-5, e.shape) for e in circuit.trainable}
    text = disguised(circuit, g, np.array([0.3, -0.4]), seed=3)
    resistors = re.findall(r"^R\d+ .*$", text, re.MULTILINE)
    outputs = re.findall(r"output (\S+)", text)
    extra = {
        "shortcut": f"R1000001 {re.findall('Vin[0-9]+ ([^ ]+)', text)[0]} {outputs[0]} 1meg",
        "missing": "",
        "double": resistors[0].replace("R", "R9"),
        "diode": f"D9 {outputs[0]} {outputs[1]} m0",
    }[change]
    changed = text.replace(resistors[0] + "\n", "") if change == "missing" else text.replace(".end\n", f"{extra}\n.end\n")
    deck = structured(parse(changed))
    assert deck.circuit.of(Amplifiers)
    with NumericEngine().prepare(deck.circuit, Chip.nominal(deck.circuit)) as solver:
        assert isinstance(solver, GeneralSolver)

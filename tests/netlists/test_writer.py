"""A deck states all that the circuit is, and the ngspice program runs it as it is."""

import os
import re
import subprocess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits.arrays import Crossbar, Memristors
from circuits.builder import Builder
from circuits.chip import Chip
from circuits.elements import Capacitors, CurrentSources, Diodes, InputSources, Nudges, Resistors, VoltageSources
from circuits.errors import CircuitError
from circuits.ideal_neurons import IdealPair
from circuits.network import Amplifier, Layer, Network
from circuits.nodes import GROUND
from hwsim.core.protocol import Drive, Push
from hwsim.ngspice.ngspice_engine import NgspiceEngine
from netlists.write.writer import write_deck
from support.strategies import conductances, features, networks

PUSHES = [Push(1e-6, np.array([0.1, -0.2]), 0.0), Push(0.0, 0.0, np.array([-1e-7, 3e-7]))]


def network(**changes):
    """Build a small network with all parts of a large one."""
    layer = Layer(size=3, amplifier=Amplifier(gain=4.0, back=0.25, offset=0.01))
    return Network(**({"inputs": 2, "layers": (layer,), "outputs": 2} | changes)).compile("small")


def uniform(circuit, seed=0):
    """Draw conductances between 0.1 and 10 microsiemens."""
    rng = np.random.default_rng(seed)
    return {element.name: rng.uniform(1e-7, 1e-5, element.shape) for element in circuit.trainable}


def deck(circuit, g=None, x=None, **more):
    """Write a circuit's nominal chip."""
    x = np.linspace(-1.0, 1.0, circuit.input_count) if x is None else x
    return write_deck(circuit, Chip.nominal(circuit), uniform(circuit) if g is None else g, x=x, **more)


@given(st.data())
def test_the_same_circuit_gives_the_same_bytes_and_all_of_its_conductances(data):
    """Every memristor stands in the deck once, between its row and its column, and its value is the conductance's inverse."""
    circuit = data.draw(networks()).compile()
    g, x = data.draw(conductances(circuit)), data.draw(features(circuit, batch=1))[0]
    text = deck(circuit, g, x)
    assert text == deck(circuit, {name: values.copy() for name, values in g.items()}, x.copy())
    names = circuit.node_names
    for w in circuit.of(Crossbar):
        cards = re.findall(rf"^R_{w.name}_(\d+)_(\d+) (\S+) (\S+) (\S+)$", text, re.MULTILINE)
        assert len(cards) == len(w)
        for i, j, row, column, ohm in cards:
            assert (row, column) == (names[w.rows[int(i)]], names[w.columns[int(j)]])
            assert float(ohm) == 1.0 / g[w.name][int(i), int(j)]


def test_a_crossbar_is_listed_by_column_the_last_first():
    """It solves several times faster so."""
    columns = re.findall(r"^R_w1_\d+_(\d+)", deck(network()), re.MULTILINE)
    assert columns == sorted(columns, reverse=True)


def test_the_header_says_what_is_in_it_and_how_to_run_it():
    """A person who finds the file needs nothing else."""
    head = deck(network(), notes=["Trained on something,", "seed 3"]).partition(".options")[0]
    assert head.startswith("* small: ")
    for message in ("* Trained on something,\n* seed 3\n", "ngspice -b", "h1_0 to h1_2", "Crossbar w1", "5 rows, 3 columns", "diode_pair"):
        assert message in head
    assert all(line.startswith("*") for line in head.splitlines())


def test_only_the_subcircuits_that_are_used_are_there():
    """One file is enough, and holds nothing that is not needed."""
    assert re.findall(r"^\.subckt (\S+)", deck(network()), re.MULTILINE) == ["amplifier", "nudge", "diode_pair"]
    assert re.findall(r"^\.subckt (\S+)", deck(network(layers=())), re.MULTILINE) == ["nudge"]


def test_a_chip_has_its_own_values_and_the_header_says_so():
    """Amplifiers and bias sources of one chip differ from one another."""
    circuit = network()
    chip = Chip(circuit, {"amp1": {"gain": np.array([3.0, 4.5, 5.0])}, "h1_v_high": {"v": np.array([0.1, 0.2, 0.3])}})
    text = write_deck(circuit, chip, uniform(circuit), x=np.zeros(2))
    assert re.findall(r"^X_amp1_\d .* gain=(\S+)", text, re.MULTILINE) == ["3.0", "4.5", "5.0"]
    assert re.findall(r"^X_h1_neuron_\d .* v_high=(\S+)", text, re.MULTILINE) == ["0.1", "0.2", "0.3"]
    assert "gain of amp1, v of h1_v_high" in text


def test_what_is_in_no_block_is_written_flat():
    """Each kind of element has its card; equal diodes share a model."""
    builder = Builder()
    x, h, low = builder.group("x", 2), builder.group("h", 3), builder.group("low")
    builder.add(InputSources(name="v_x", plus=x, feature=np.arange(2), scale=[2.0, -3.0]), Crossbar(name="w", rows=x, columns=h))
    builder.add(VoltageSources(name="v_low", plus=low, minus=GROUND, v=-0.5), Resistors(name="load", a=h, b=GROUND, r=[1e6, 2e6, 3e6]))
    builder.add(Diodes(name="d", anode=low, cathode=h, i_sat=[1e-9, 1e-9, 1e-12], n=1.5), Memristors(name="m", a=h[:1], b=h[1:2]))
    builder.add(CurrentSources(name="i", a=GROUND, b=h[2:], i=1e-7), Capacitors(name="c", a=h[:1], b=GROUND, c=1e-14))
    builder.add(Nudges(name="nudge", plus=h[:2], minus=GROUND))
    circuit = builder.circuit("flat")
    g = {"w": np.full((2, 3), 1e-6), "m": np.array([2e-6])}
    text = deck(circuit, g, np.array([0.25, 0.5]), pushes=PUSHES)
    for card in (
        ".param feature_0=0.25",
        "V_v_x_0 x_0 0 {2.0*feature_0}",
        "V_v_x_1 x_1 0 {-3.0*feature_1}",
        "V_v_low_0 low 0 -0.5",
        "R_load_2 h_2 0 3000000.0",
        "R_m_0 h_0 h_1 500000.0",
        "I_i_0 0 h_2 1e-07",
        "C_c_0 h_0 0 1e-14",
        "X_nudge_1 h_1 0 nudge_beta nudge_y_1 nudge_i_1 nudge",
    ):
        assert card in text.splitlines()
    diodes = re.findall(r"^D_d_\d low h_\d (\S+)$", text, re.MULTILINE)
    assert diodes[0] == diodes[1] != diodes[2]
    assert f".model {diodes[2]} D(is=1e-12 n=1.5)" in text.splitlines()


@pytest.mark.parametrize(
    ("circuit", "command"),
    [
        (network(), ["ngspice", "-b"]),
        (network(), ["ngspice"]),
        (network(differential=False, signed_inputs=False), ["ngspice", "-b"]),
        (network(layers=(Layer(size=4, neuron=IdealPair(v_low=-0.1, v_high=0.15)),)), ["ngspice", "-b"]),
    ],
    ids=["batch", "interactive", "single-ended", "ideal"],
)
def test_ngspice_prints_the_outputs_of_the_free_and_the_nudged_phases(circuit, command, tmp_path):
    """The deck runs as it is, and what it prints is what the engine finds."""
    g, x = uniform(circuit), np.array([0.9, -0.4])
    path = tmp_path / "deck.cir"
    path.write_text(deck(circuit, g, x, pushes=PUSHES), encoding="utf-8")
    home = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    run = subprocess.run([*command, path], check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=tmp_path, env=home)
    assert run.returncode == 0, run.stderr
    printed = np.array([float(value) for value in re.findall(r"^yhat_\d = (\S+)", run.stdout, re.MULTILINE)]).reshape(3, -1)
    drives = [Drive(x[None]), *(Drive(x[None], push) for push in PUSHES)]
    with NgspiceEngine(workers=1).prepare(circuit, Chip.nominal(circuit)) as solver:
        wanted = [solver.solve(g, drive).outputs(circuit)[0] for drive in drives]
    np.testing.assert_allclose(printed, wanted, rtol=0, atol=1e-9)
    assert "free phase" in run.stdout
    assert "nudged phase 2" in run.stdout


def test_bad_input_leaves_no_deck():
    """A wrong shape, or what is no number, is refused with the place that is wrong."""
    circuit = network()
    with pytest.raises(CircuitError, match=r"shape \(3,\); the circuit takes 2 features"):
        deck(circuit, x=np.zeros(3))
    with pytest.raises(ValueError, match=r"feature\[1\] = nan"):
        deck(circuit, x=np.array([0.0, np.nan]))
    with pytest.raises(ValueError, match="nudged phase 1: beta = inf"):
        deck(circuit, pushes=[(np.inf, 0.0, 0.0)])
    with pytest.raises(CircuitError, match="it has w1, w2"):
        deck(circuit, {"w1": np.ones((5, 3))})
    with pytest.raises(CircuitError, match=r"w2: conductance\[0, 0\] = 0 S"):
        deck(circuit, uniform(circuit) | {"w2": np.zeros((4, 4))})

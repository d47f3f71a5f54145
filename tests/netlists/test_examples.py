"""Every example runs in ngspice as it is, prints what its comment states one sees, and those with roles are read as ngspice reads them."""

import re
from pathlib import Path

import numpy as np
import pytest

import netlists
from circuits.chip import Chip
from circuits.passed import Passed
from hwsim.core.protocol import Drive, UnsupportedCircuitError
from hwsim.core.source_currents import source_currents
from hwsim.experiment.loading import load
from hwsim.ngspice.ngspice_engine import NgspiceEngine
from hwsim.numeric.general.general_solver import GeneralEngine
from hwsim.session import Session
from netlists.write import subcircuits
from support.decks import by_name, operating_point, run_ngspice
from support.reading import read_deck

FOLDER = Path(netlists.__file__).with_name("examples")
EXAMPLES = {path.stem: path for path in sorted(FOLDER.glob("*.cir"))}


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """Run examples by name, each once: all numbers that it prints by their names, several of one name in order, and its tables."""
    done = {}

    def run(name):
        if name not in done:
            out = run_ngspice(EXAMPLES[name].read_text(encoding="utf-8"), tmp_path_factory.mktemp(name))
            numbers = {}
            for what, value in re.findall(r"^(\S+) += +(\S+)$", out, re.MULTILINE):
                numbers.setdefault(what, []).append(float(value))
            done[name] = numbers, np.array([line.split() for line in out.splitlines() if re.match(r"\d+\t", line)], dtype=float)
        return done[name]

    return run


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_runs_and_says_what_one_sees(name, seen):
    """A title, a comment that names what to look at, and finite numbers."""
    title, *rest = EXAMPLES[name].read_text(encoding="utf-8").splitlines()
    assert title.startswith("* ")
    assert any(line.startswith("* What one sees: ") for line in rest)
    numbers, table = seen(name)
    assert numbers or len(table)
    assert all(np.isfinite(values).all() for values in numbers.values())


@pytest.mark.parametrize("name", [name for name, path in EXAMPLES.items() if "*hwsim: input" in path.read_text(encoding="utf-8")])
def test_examples_with_roles_are_read_as_ngspice_reads_them(name, tmp_path):
    """The operating point of what we read, by our engine (ngspice with MOSFETs), is ngspice's on the text itself.

    Voltages within 1e-7 V, and, where no part keeps its currents to itself, those of all sources within 1e-6 of each.
    """
    deck = read_deck(EXAMPLES[name])
    circuit, chip, drive = deck.circuit, Chip.nominal(deck.circuit), Drive(deck.x[None])
    engine = NgspiceEngine(workers=1) if circuit.of(Passed) else GeneralEngine()
    with engine.prepare(circuit, chip) as solver:
        equilibrium = solver.solve(deck.g, drive)
    v = equilibrium.at(circuit, np.arange(circuit.size + 1))[0]
    wanted, currents = operating_point(EXAMPLES[name].read_text(encoding="utf-8"), tmp_path)
    if not circuit.of(Passed):
        i = by_name(deck, source_currents(circuit, chip, deck.g, drive, equilibrium))
        both = i.keys() & currents.keys()
        assert len(both) == len(i)
        np.testing.assert_allclose([i[source] for source in both], [currents[source] for source in both], rtol=1e-6, atol=1e-14)
    shared = [node for node in wanted if node in deck.nodes]
    assert len(shared) >= 3
    np.testing.assert_allclose([v[deck.nodes[node]] for node in shared], [wanted[node] for node in shared], rtol=0, atol=1e-7)


def test_a_crossbar_weighs_its_rows(seen):
    """Columns are means of rows, weighted by conductance."""
    numbers, _ = seen("crossbar")
    assert (numbers["c_0"][0], numbers["c_1"][0]) == pytest.approx((numbers["mean_0"][0], numbers["mean_1"][0]))
    assert numbers["c_1"][0] == numbers["c_1"][1]


def test_neurons_have_the_curves_that_they_are_known_for(seen):
    """A soft clamp, a clamp on one side, a dead zone and a hard clamp."""
    pair, _ = seen("diode-pair")
    assert pair["v_up_1ua"][0] - 0.1 == pytest.approx(-0.2 - pair["v_down_1ua"][0], abs=1e-4)
    _, table = seen("rectifier")
    np.testing.assert_allclose(table[:, 2], -table[::-1, 3], atol=1e-6)
    assert (table[0, 2], table[-1, 2]) == pytest.approx((-0.116, 0.99), abs=1e-3)
    _, zone = seen("dead-zone")
    assert zone[10, 3] < 0.05
    assert zone[0, 3] > 0.8
    _, ideal = seen("ideal-clamp")
    assert np.abs(ideal[:, 3]).max() < 1e-4
    assert np.ptp(ideal[:, 2]) > 0.3


def test_an_amplifier_hands_current_back(seen):
    """Its gain is 4, the currents balance, and a nudge counts 16 times less before it than behind it."""
    numbers, _ = seen("amplifier")
    assert numbers["voltage_ratio"][0] == pytest.approx(4)
    assert numbers["balance"][0] == pytest.approx(0, abs=1e-15)
    assert numbers["ratio"][0] == pytest.approx(16, rel=1e-6)


def test_xor_is_solved(seen):
    """-0.1 V where the inputs are equal and 0.1 V where they differ; the nudge draws the last one up."""
    numbers, _ = seen("xor")
    assert numbers["output"] == pytest.approx([-0.1, 0.1, 0.1, -0.1], abs=2e-3)
    assert numbers["output"][-1] < numbers["nudged"][0] < 0.15


def test_a_network_of_mosfets_learns_through_ngspice_alone(seen):
    """Untrained it shows nothing; trained they distinguish equal inputs from different ones. Our engine names what it is missing."""
    before, _ = seen("mosfet-network")
    assert min(before["output"]) > 0.05
    experiment = load(str(EXAMPLES["mosfet-network"]), ["training.epochs=150"])
    circuit = experiment.circuit.compile(experiment.name)
    with NgspiceEngine(workers=1).prepare(circuit, Chip.nominal(circuit)) as solver:
        trainer = Session.of(experiment).trainer(solver)
        *_, last = trainer.run(trainer.begin())
        x = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])
        equal, different, other, both = solver.solve(trainer.g(last.state), Drive(x)).outputs(circuit)[:, 0]
    assert max(equal, both) < -0.002 < 0.002 < min(different, other)
    with pytest.raises(UnsupportedCircuitError, match="MOSFETs"):
        GeneralEngine().prepare(circuit, Chip.nominal(circuit))


def test_two_settled_states_give_the_gradient(seen):
    """The estimate from voltages alone is the slope of the loss."""
    numbers, _ = seen("gradient")
    for name in "abc":
        assert numbers[f"estimate_{name}"][0] == pytest.approx(numbers[f"slope_{name}"][0], rel=1e-5)


def test_pulses_follow_the_step_law(seen):
    """Ten up, a read that leaves the state alone, five down."""
    numbers, _ = seen("pulse")
    assert numbers["after_up"][0] == pytest.approx(numbers["wanted_up"][0], abs=1e-4)
    assert numbers["after_read"] == numbers["after_up"]
    assert numbers["after_down"][0] == pytest.approx(numbers["wanted_down"][0], abs=1e-4)
    assert numbers["g_read"][0] == pytest.approx(1e-6 + numbers["after_up"][0] * 99e-6, rel=1e-5)


def test_the_pulse_s_memristor_is_the_library_s():
    """The copy that makes the deck complete by itself."""
    assert subcircuits.text("memristor") in EXAMPLES["pulse"].read_text(encoding="utf-8")


def test_wires_cost_the_far_corner_most(seen):
    """All columns carry less than 300 µA, the furthest least, and the far corner has the smallest voltage."""
    numbers, _ = seen("wire-resistance")
    assert 300e-6 > numbers["column_0"][0] > numbers["column_1"][0] > numbers["column_2"][0]
    assert numbers["nearest"][0] > numbers["furthest"][0]


def test_voltages_settle_at_the_operating_point(seen):
    """After a microsecond they are there within 1 µV, having come to 1 % before 0.1 %."""
    numbers, _ = seen("settling")
    assert (numbers["first_end"][0], numbers["second_end"][0]) == pytest.approx((numbers["first"][0], numbers["second"][0]), abs=1e-6)
    assert numbers["first_1pc"][0] < numbers["second_1pc"][0] < numbers["second_01pc"][0]
    assert numbers["second_01pc"][0] - numbers["second_1pc"][0] == pytest.approx(np.log(10) * 66.7e-9, rel=0.05)


def test_parts_take_what_sources_deliver(seen):
    """Tellegen's theorem in one line."""
    numbers, _ = seen("power")
    assert numbers["left"][0] == pytest.approx(0, abs=1e-15)
    assert numbers["amplifier"][0] < 0 < numbers["crossbar"][0]

"""Currents of sources: what an ammeter would read, with ngspice's sign."""

import numpy as np
import pytest

from circuits.arrays import Memristors
from circuits.builder import Builder
from circuits.chip import Chip
from circuits.elements import IdealDiodes, InputSources, Nudges, Resistors, VoltageSources
from circuits.junction_neurons import DiodePair
from circuits.network import Amplifier, Layer, Network
from circuits.nodes import GROUND
from hwsim.core.dissipation import dissipated
from hwsim.core.kirchhoff import by_number
from hwsim.core.protocol import Drive, Equilibrium, UnsupportedCircuitError
from hwsim.core.source_currents import source_currents
from hwsim.numeric.general.general_solver import GeneralEngine
from netlists.write.writer import write_deck
from support.decks import HAND, hand, operating_point
from support.reading import parse

STIFF = (1e-6, 1e-8, 1e-10, 1e-14, 1e-20, 1e-30, 1e-100)
"""Resistances of wires [ohm]."""

CALLED = ("v_{}_{}", "x_{}_{}.e_forward")
"""What a deck calls sources, and those inside of amplifiers."""


def currents(circuit, chip, g, x) -> dict[str, np.ndarray]:
    """Solve, and give the currents of all sources."""
    with GeneralEngine().prepare(circuit, chip) as solver:
        equilibrium: Equilibrium = solver.solve(g, Drive(x))
    return source_currents(circuit, chip, g, Drive(x), equilibrium)


def test_rows_rails_and_amplifiers_carry_what_ngspice_says(tmp_path):
    """In a layered circuit on a chip whose amplifiers are no two alike, sample by sample."""
    layer = Layer(size=3, neuron=DiodePair(v_low=-0.1, v_high=0.2, i_sat=1e-7), amplifier=Amplifier(gain=3.0, back=0.5, offset=0.02))
    circuit = Network(inputs=2, layers=(layer,), outputs=2).compile("small")
    chip = Chip(circuit, {"amp1": {"gain": np.array([2.0, 3.0, 4.0]), "back": np.array([0.5, 0.3, 1.0])}})
    rng = np.random.default_rng(4)
    g = {element.name: rng.uniform(1e-6, 1e-4, element.shape) for element in circuit.trainable}
    x = rng.uniform(-1, 1, (2, 2))
    result = currents(circuit, chip, g, x)
    for k, sample in enumerate(x):
        message = operating_point(write_deck(circuit, chip, g, x=sample), tmp_path).i
        ours = {calls.format(name, j): i[k, j] for name, i in result.items() for calls in CALLED for j in range(i.shape[1])}
        shared = ours.keys() & message.keys()
        assert len(shared) == 2 * 2 + 1 + 3  # rows with their negatives, the bias, amplifiers
        np.testing.assert_allclose([ours[name] for name in shared], [message[name] for name in shared], rtol=1e-6, atol=1e-15)


@pytest.mark.parametrize("amplifier", [None, Amplifier(gain=3.0, back=0.5)])
def test_currents_and_heat_approach_those_of_ideal_wires(amplifier):
    """In proportion to the resistance of wires, down to the least, though roundings of their voltages hide what they carry."""
    layer, rng = Layer(size=3, neuron=DiodePair(v_low=-0.1, v_high=0.2), amplifier=amplifier), np.random.default_rng(4)
    shapes = [(r, Network(inputs=4, layers=(layer,), outputs=2, wire_r_row=r, wire_r_column=r).compile()) for r in (0.0, 1e-3, *STIFF)]
    g = {element.name: rng.uniform(1e-6, 1e-4, element.shape) for element in shapes[0][1].trainable}
    x, by_r = rng.uniform(-1, 1, (2, 4)), {}
    for r, circuit in shapes:
        chip, drive = Chip.nominal(circuit), Drive(x)
        laid_out = {name: values.reshape(circuit[name].shape) for name, values in g.items()}
        with GeneralEngine().prepare(circuit, chip) as solver:
            equilibrium = solver.solve(laid_out, drive)
        of_sources = source_currents(circuit, chip, laid_out, drive, equilibrium)
        heat = dissipated(circuit, chip, laid_out, by_number(circuit, equilibrium))
        by_r[r] = np.concatenate([*of_sources.values(), heat[:, None]], axis=1)
    per_ohm = (by_r[1e-3] - by_r[0.0]) / 1e-3
    for r in STIFF:
        np.testing.assert_allclose(by_r[r], by_r[0.0] + r * per_ohm, rtol=1e-10, atol=1e-12 * np.abs(by_r[0.0]).max())


def test_a_clamp_hands_its_surplus_to_its_rail():
    """An ideal diode holds a column at 0.1 V: what 1 kohm brings beyond what 1 kohm takes away goes into the rail's source."""
    builder = Builder()
    x, h, rail = builder.group("x"), builder.group("h"), builder.group("rail")
    builder.add(
        InputSources(name="v_x", plus=x, feature=[0]),
        Memristors(name="m", a=x, b=h),
        Resistors(name="load", a=h, b=GROUND, r=1e3),
        VoltageSources(name="v_rail", plus=rail, minus=GROUND, v=0.1),
        IdealDiodes(name="clamp", anode=h, cathode=rail),
        Nudges(name="nudge", plus=h, minus=GROUND),
    )
    circuit = builder.circuit("clamped")
    result = currents(circuit, Chip.nominal(circuit), {"m": np.array([1e-3])}, np.array([[1.0], [0.1]]))
    np.testing.assert_allclose(result["v_x"][:, 0], [-0.9e-3, -0.05e-3], rtol=1e-9)
    np.testing.assert_allclose(result["v_rail"][:, 0], [0.8e-3, 0.0], rtol=1e-9, atol=1e-15)


def test_what_only_ngspice_knows_is_not_guessed():
    """The currents into transistors are no one's here."""
    assert "mosfet" in HAND
    deck = parse(hand("mosfet"))
    nothing = Equilibrium({group.name: np.zeros((1, len(group))) for group in deck.circuit.groups}, *(np.zeros(1) for _ in range(3)))
    with pytest.raises(UnsupportedCircuitError, match="ngspice alone computes the currents of"):
        source_currents(deck.circuit, Chip.nominal(deck.circuit), deck.g, Drive(deck.x[None]), nothing)


@pytest.mark.parametrize("r", [1e-9, 1e-3, 1.0, 1e3])
def test_what_a_source_drives_through_resistors_is_known_however_well_they_conduct(r):
    """Next to memristors of a nanosiemens, a divider of kilohms is stiff, and still a loop whose current its voltages show."""
    builder = Builder()
    x, out = builder.group("x", 1), builder.group("out", 1)
    middle = builder.group("middle", 1)
    builder.add(
        InputSources(name="v_x", plus=x, feature=[0]),
        Resistors(name="divider", a=[x[0], middle[0]], b=[middle[0], 0], r=r),
        Memristors(name="m", a=[middle[0], out[0]], b=[out[0], 0], g_min=1e-10, g_max=1e-8),
        Nudges(name="nudge", plus=out, minus=GROUND),
    )
    circuit, g, drive = builder.circuit("divider"), {"m": np.full(2, 1e-9)}, Drive(np.array([[1.0], [-0.3], [0.0]]))
    chip = Chip.nominal(circuit)
    with GeneralEngine().prepare(circuit, chip) as solver:
        currents = source_currents(circuit, chip, g, drive, solver.solve(g, drive))
    lower = 1 / (1 / r + 0.5e-9)
    np.testing.assert_allclose(currents["v_x"], -drive.x / (r + lower), rtol=1e-9)

"""What the EXTERNAL sources of a deck state: each its own value, in whatever order ngspice asks for them, and in the reduced deck too."""

import ctypes
import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_info

from circuits.chip import Chip
from circuits.network import Amplifier, Layer, Network
from hwsim.core.protocol import Drive
from hwsim.ngspice.external_sources import SourceValues
from hwsim.ngspice.ngspice_engine import NgspiceEngine
from hwsim.ngspice.plan import Plan
from netlists.write.options import Tolerances

NAMES = [b"v_a", b"v_b", b"v_c", b"v_unknown"]


def answers(sources, order):
    """Ask for each source once, as ngspice does."""
    message = []
    for name in order:
        value = ctypes.c_double()
        assert sources.callback(ctypes.addressof(value), 0.0, name, 0, None) == 0
        message.append(value.value)
    return message


@given(st.permutations(NAMES), st.lists(st.lists(st.floats(-1, 1), min_size=3, max_size=3), min_size=1, max_size=4), st.integers(1, 3))
def test_each_source_says_its_value_in_every_round(order, points, rounds):
    """Whatever the order, from the first round on and after values change; a source without a value states NaN; rounds are counted."""
    sources = SourceValues(bytes)
    sources.expect({name: k for k, name in enumerate(NAMES[:3])})
    for values in points:
        sources.set_values(values)
        wanted = [values[NAMES.index(name)] if name in NAMES[:3] else math.nan for name in order]
        sources.rounds = 0
        for _ in range(rounds):
            np.testing.assert_array_equal(answers(sources, order), wanted)
        assert sources.rounds == rounds


def test_another_circuit_has_another_order():
    """After a load, names count again."""
    sources = SourceValues(bytes)
    for order in (NAMES[:3], NAMES[2::-1]):
        sources.expect({name: k for k, name in enumerate(NAMES[:3])})
        sources.set_values([1.0, 2.0, 3.0])
        for _ in range(2):
            assert answers(sources, order) == [float(NAMES.index(name) + 1) for name in order]


def network():
    """Build a circuit with rails at 0.1 V and ground, and amplifiers."""
    return Network(inputs=3, layers=(Layer(size=4, amplifier=Amplifier(gain=4.0, back=0.25)),), outputs=2).compile("small")


def cards(circuit, chip):
    """Write the deck for one conductance throughout; give its cards by their first letters."""
    g = {element.name: np.full(element.shape, 1e-6) for element in circuit.trainable}
    lines = Plan.of(circuit, chip, full=False).deck(g, Tolerances()).splitlines()
    return {letter: [line for line in lines if line.startswith(f"{letter}_")] for letter in "DEFIRV"}


def test_nodes_at_one_voltage_are_one_node_in_the_lean_deck():
    """All rails and the bias row need one source a voltage, or as many as a chip has; an amplifier with an offset needs two cards."""
    circuit = network()
    nominal = cards(circuit, Chip.nominal(circuit))
    constant = [line for line in nominal["V"] if not line.endswith(("external", " 0 0"))]
    assert sorted(float(line.split()[3]) for line in constant) == [-0.4, 0.4, 1.0]
    assert len(nominal["E"]) == len(nominal["F"]) == 0
    assert len(nominal["R"]) == 4 + 5 * 4 + 1
    spread = cards(circuit, Chip(circuit, {"h1_v_low": {"v": np.array([-0.1, -0.11, 0.0, -0.1])}, "amp1": {"offset": np.full(4, 0.01)}}))
    constant = [line for line in spread["V"] if not line.endswith(("external", " 0 0"))]
    assert sorted(float(line.split()[3]) for line in constant) == [-0.11, -0.1, -0.01, 0.1, 1.0]
    assert len(spread["E"]) == len(spread["F"]) == 4


def test_products_take_one_thread_while_workers_live():
    """And as many as before when the last solver is closed, whichever that is."""

    def threads():
        return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]

    circuit, before = network(), threads()
    g, drive = {element.name: np.full(element.shape, 1e-6) for element in circuit.trainable}, Drive(np.ones((1, 3)))
    one, other = (NgspiceEngine(workers=1).prepare(circuit, Chip.nominal(circuit)) for _ in range(2))
    one.solve(g, drive)
    other.solve(g, drive)
    one.close()
    assert threads() == [1] * len(before)
    other.close()
    assert threads() == before
    other.close()
    assert threads() == before

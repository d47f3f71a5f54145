"""Names in a netlist: what SPICE would misread is refused, what a deck adds clashes with nothing."""

import numpy as np
import pytest

from circuits.arrays import Crossbar, Memristors
from circuits.builder import Builder
from circuits.elements import InputSources, Nudges, Resistors
from circuits.errors import CircuitError
from circuits.nodes import GROUND
from netlists.write.names import check_names, free_stem


def circuit(*, group="h", extra=(), blocks=()):
    """Build the least circuit, with a group and elements of one's own choice."""
    builder = Builder()
    x, h = builder.group("x", 2), builder.group(group)
    builder.add(InputSources(name="v_x", plus=x, feature=np.arange(2)), Crossbar(name="w", rows=x, columns=h))
    builder.add(*(Resistors(name=name, a=h, b=GROUND, r=1e6) for name in extra))
    for name in blocks:
        builder.block(name, "load", Resistors(name=f"{name}_r", a=h, b=GROUND, r=1e6))
    builder.add(Nudges(name="nudge", plus=h, minus=GROUND))
    return builder.circuit("least")


def test_a_node_that_spice_takes_for_ground_is_refused():
    """In SPICE `gnd` is `0`."""
    check_names(circuit())
    with pytest.raises(CircuitError, match="'gnd'"):
        check_names(circuit(group="gnd"))


@pytest.mark.parametrize("name", ["w_1", "w_1_0"])
def test_parts_that_would_be_called_alike_are_refused(name):
    """R_w_1_0 would be a memristor of crossbar w, and a resistor of the array called w_1."""
    with pytest.raises(CircuitError, match=f"'w' and of '{name}'"):
        check_names(circuit(extra=[name]))


def test_numbers_in_names_are_fine_as_long_as_nothing_clashes():
    """Only what begins with the same letter in SPICE and the same name can clash."""
    check_names(circuit(extra=["load", "w1", "x_1", "load2_3"]))


def test_two_blocks_of_one_name_are_refused():
    """Their subcircuits would be called alike."""
    with pytest.raises(CircuitError, match="same names"):
        check_names(circuit(blocks=["load", "load_0"]))


def test_a_free_stem_begins_no_name_of_the_circuit():
    """What the deck adds is called as nothing in the circuit can be called."""
    assert free_stem(circuit(), "point") == "point"
    assert free_stem(circuit(group="point"), "point") == "point_"
    assert free_stem(circuit(extra=["point_beta"]), "point") == "point_"
    assert free_stem(circuit(extra=["point", "point__k"]), "point") == "point__"


def test_lone_memristors_share_their_letter_with_crossbars():
    """Both are resistors in SPICE."""
    builder = Builder()
    x, h = builder.group("x", 2), builder.group("h")
    builder.add(InputSources(name="v_x", plus=x, feature=np.arange(2)), Crossbar(name="w", rows=x, columns=h))
    builder.add(Memristors(name="w_0", a=h, b=GROUND), Nudges(name="nudge", plus=h, minus=GROUND))
    with pytest.raises(CircuitError, match="rename one"):
        check_names(builder.circuit("twins"))

"""Arrays of elements: what they accept, what they refuse and in which words."""

import re

import numpy as np
import pytest

from circuits.arrays import Crossbar, Memristors
from circuits.controlled import (
    CurrentControlledCurrentSources,
    CurrentControlledVoltageSources,
    VoltageControlledCurrentSources,
    VoltageControlledVoltageSources,
)
from circuits.elements import (
    Amplifiers,
    Capacitors,
    CurrentSources,
    Diodes,
    Elements,
    IdealDiodes,
    Inductors,
    InputSources,
    Nudges,
    Resistors,
    VoltageSources,
)
from circuits.errors import CircuitError
from circuits.passed import Passed

A, B = np.array([1, 2, 3]), np.array([4, 5, 6])
CONTROL = {"control_plus": B, "control_minus": A}
SENSED = {"source": "v", "place": np.array([2, 0, 1])}
ONE_OF_EACH: list[Elements] = [
    Crossbar(name="w1", rows=A, columns=B),
    Memristors(name="m", a=A, b=B),
    Resistors(name="r", a=A, b=B, r=1e3),
    Diodes(name="d", anode=A, cathode=B, i_sat=1e-9, n=1.0),
    IdealDiodes(name="d", anode=A, cathode=B),
    VoltageSources(name="v", plus=A, minus=B, v=1.0),
    InputSources(name="v_x", plus=A, feature=np.arange(3)),
    CurrentSources(name="i", a=A, b=B, i=1e-6),
    Amplifiers(name="amp", input=A, output=B, gain=4.0, back=0.25),
    Nudges(name="nudge", plus=A, minus=B),
    Capacitors(name="c", a=A, b=B, c=1e-12),
    Inductors(name="l", a=A, b=B, l=1e-6),
    VoltageControlledVoltageSources(name="e", plus=A, minus=B, gain=-2.0, **CONTROL),
    VoltageControlledCurrentSources(name="g", a=A, b=B, gm=-1e-3, **CONTROL),
]
SENSING = (
    CurrentControlledCurrentSources(name="f", a=A, b=B, gain=2.0, **SENSED),
    CurrentControlledVoltageSources(name="h", plus=A, minus=B, rm=1e3, **SENSED),
)

each_kind = pytest.mark.parametrize("element", ONE_OF_EACH, ids=lambda element: type(element).__name__)


@each_kind
def test_arrays_cannot_be_written(element: Elements) -> None:
    """What an element was made with stays: its arrays refuse to be written, its fields to be set."""
    for name in (*element.terminals, *element.parameters):
        with pytest.raises(ValueError, match="read-only"):
            getattr(element, name)[...] = 0
    with pytest.raises(AttributeError):
        element.name = "other"  # type: ignore[misc]  # frozen, which is the point


@each_kind
def test_terminals_are_numbers_of_nodes(element: Elements) -> None:
    """Terminals are arrays of integers, whatever they were given as."""
    for terminal in element.terminals:
        assert getattr(element, terminal).dtype == np.intp


@each_kind
def test_parameters_hold_a_value_an_element(element: Elements) -> None:
    """A single number spreads over all elements; a crossbar alone keeps its bounds as single numbers."""
    for parameter in element.parameters:
        assert getattr(element, parameter).shape == (() if isinstance(element, Crossbar) else (len(element),))


@each_kind
def test_elements_are_equal_when_all_their_arrays_are(element: Elements) -> None:
    """Equality goes by value, and equal elements have equal hashes."""
    fields = {name: np.array(getattr(element, name)) for name in (*element.terminals, *element.parameters)}
    twin = type(element)(name=element.name, **fields)
    assert element == twin
    assert hash(element) == hash(twin)
    first = element.terminals[0]
    assert element != type(element)(name=element.name, **fields | {first: fields[first] + 1})


def test_different_kinds_are_never_equal() -> None:
    """A diode is not an ideal diode, even between the same nodes."""
    assert ONE_OF_EACH[3] != ONE_OF_EACH[4]


@pytest.mark.parametrize("element", SENSING, ids=lambda element: type(element).__name__)
def test_what_senses_a_current_knows_in_which_source(element: Elements) -> None:
    """The places are an array of their own, as long as the terminals, and equality heeds them."""
    fields = {name: getattr(element, name) for name in (*element.terminals, *element.parameters)}
    assert element.place.tolist() == [2, 0, 1]
    assert element == type(element)(name=element.name, **fields, **SENSED)
    assert element != type(element)(name=element.name, **fields, source="v", place=0)
    assert element != type(element)(name=element.name, **fields, source="w", place=SENSED["place"])
    assert type(element)(name=element.name, **fields, source="v", place=1).place.tolist() == [1, 1, 1]
    with pytest.raises(ValueError, match="read-only"):
        element.place[0] = 1


def test_a_source_that_follows_its_own_voltage_is_a_conductance() -> None:
    """Only such current sources can hold up a node."""
    ours = VoltageControlledCurrentSources(name="g", a=[1, 2], b=[0, 0], control_plus=[1, 3], control_minus=[0, 0], gm=1e-3)
    assert [nodes.tolist() for nodes in ours.pairs[0]] == [[1], [0]]


def test_cards_that_are_passed_on_say_what_they_join() -> None:
    """By places among their nodes; a place without a node is refused."""
    passed = Passed(name="b", nodes=A, letter="b", cards=["b1", "b2"], joined=[(0, 2)])
    assert len(passed) == 2
    assert [nodes.tolist() for nodes in passed.pairs[0]] == [[1], [3]]
    assert passed == Passed(name="b", nodes=A, letter="b", cards=passed.cards, joined=((0, 2),))
    with pytest.raises(CircuitError, match="b: its cards join more nodes than the 3"):
        Passed(name="b", nodes=A, letter="b", cards=["b1"], joined=[(0, 3)])


def test_the_caller_keeps_the_right_to_write() -> None:
    """An element copies what it is given: the caller's array stays writable, and writing to it changes no element."""
    r = np.array([1.0, 2.0, 3.0])
    resistors = Resistors(name="r", a=A, b=B, r=r)
    r[0] = 7.0
    assert resistors.r.tolist() == [1.0, 2.0, 3.0]


def test_a_crossbar_has_a_memristor_between_every_row_and_column() -> None:
    """Two rows and three columns make six devices."""
    crossbar = Crossbar(name="w1", rows=A[:2], columns=B)
    assert crossbar.shape == (2, 3)
    assert len(crossbar) == 6


def test_conductances_may_do_without_a_ceiling() -> None:
    """An infinite g_max is no mistake: it stands for no bound."""
    assert Crossbar(name="w1", rows=A, columns=B, g_max=np.inf).g_max == np.inf


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Resistors(name="r", a=A, b=B, r=[1.0, 0.0, 3.0]), "r: r[1] = 0 must be positive"),
        (lambda: Resistors(name="r", a=A, b=B, r=-5.0), "r: r[0] = -5 must be positive"),
        (lambda: Resistors(name="r", a=A, b=B, r=np.inf), "r: r[0] = inf must be finite"),
        (lambda: Resistors(name="r", a=A, b=B, r=np.nan), "r: r[0] = nan must be a number"),
        (lambda: VoltageSources(name="v", plus=A, minus=B, v=[0, 1, np.nan]), "v: v[2] = nan must be a number"),
        (lambda: Diodes(name="d", anode=A, cathode=B, i_sat=0.0, n=1.0), "d: i_sat[0] = 0 must be positive"),
        (lambda: Diodes(name="d", anode=A, cathode=B, i_sat=1e-9, n=-1.0), "d: n[0] = -1 must be positive"),
        (lambda: Amplifiers(name="amp", input=A, output=B, gain=0.0, back=1.0), "amp: gain[0] = 0 must be positive"),
        (lambda: Amplifiers(name="amp", input=A, output=B, gain=1.0, back=-1.0), "amp: back[0] = -1 must be positive"),
        (lambda: Capacitors(name="c", a=A, b=B, c=0.0), "c: c[0] = 0 must be positive"),
        (lambda: Memristors(name="m", a=A, b=B, g_min=0.0), "m: g_min[0] = 0 must be positive"),
        (lambda: Memristors(name="m", a=A, b=B, g_min=1e-4, g_max=1e-5), "m: g_max[0] = 1e-05 must be above g_min"),
        (lambda: Crossbar(name="w1", rows=A, columns=B, g_min=0.0), "w1: g_min = 0 must be positive"),
        (lambda: Crossbar(name="w1", rows=A, columns=B, g_min=2e-4), "w1: g_max = 0.0001 must be above g_min"),
        (lambda: Crossbar(name="w1", rows=A, columns=B, g_max=np.diag([1.0, 1.0, 0.0]) + 1e-9), "w1: g_max[0, 1] = 1e-09 must be above"),
        (lambda: Crossbar(name="w1", rows=A, columns=B, g_max=[1.0, 1.0]), "w1: g_max has shape (2,); it must be one number or have shape"),
        (lambda: Crossbar(name="w1", rows=A, columns=B, g_max=np.nan), "w1: g_max = nan must be a number"),
        (lambda: VoltageSources(name="v", plus=A, minus=B, v=-np.inf), "v: v[0] = -inf must be finite"),
        (lambda: InputSources(name="v_x", plus=A, feature=B, scale=np.inf), "v_x: scale[0] = inf must be finite"),
        (lambda: Resistors(name="r", a=A, b=B[:2], r=1.0), "r: the lengths of its terminals and parameters differ"),
        (lambda: Resistors(name="r", a=A, b=B, r=[1.0, 2.0]), "r: the lengths of its terminals and parameters differ"),
    ],
)
def test_refusals_name_the_element_the_index_and_the_value(make, message) -> None:
    """A wrong value is refused when the element is made, in words that name it."""
    with pytest.raises(CircuitError, match=re.escape(message)):
        make()

"""What a circuit refuses when it is made, and what it knows about itself."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits.arrays import Crossbar, Memristors
from circuits.builder import Builder
from circuits.circuit import Circuit
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
    Inductors,
    InputSources,
    Nudges,
    Resistors,
    VoltageSources,
)
from circuits.errors import CircuitError
from circuits.network import Layer, Network
from circuits.nodes import GROUND
from circuits.topology import Block
from support.strategies import conductances, networks


def divider(*extra: Elements, groups: tuple[str, ...] = ()) -> Circuit:
    """Make a voltage divider: one input x, one memristor to the output y, one resistor from there to ground; and what a test adds."""
    builder = Builder()
    x, y = builder.group("x"), builder.group("y")
    for name in groups:
        builder.group(name)
    builder.add(
        InputSources(name="v_x", plus=x, feature=np.zeros(1)),
        Memristors(name="m", a=x, b=y),
        Resistors(name="r", a=y, b=GROUND, r=1e3),
        Nudges(name="nudge", plus=y, minus=GROUND),
        *extra,
    )
    return builder.circuit("divider")


X, Y, Z = np.array([1]), np.array([2]), np.array([3])


def without(*names: str) -> dict[str, object]:
    """Return the divider's parts, less some elements."""
    circuit = divider()
    return {"name": "divider", "groups": circuit.groups, "elements": tuple(e for e in circuit.elements if e.name not in names)}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: divider(groups=("x",)), "divider: 2 node groups are called 'x'; give each its own name"),
        (lambda: divider(groups=("X2",)), "divider: node group 'X2' must begin with a letter and hold only a-z, 0-9 and _"),
        (lambda: divider(groups=("a b",)), "divider: node group 'a b' must begin with a letter"),
        (lambda: divider(groups=("",)), "divider: node group '' must begin with a letter"),
        (lambda: divider(Resistors(name="m", a=Y, b=GROUND, r=1.0)), "divider: 2 elements are called 'm'; give each its own name"),
        (lambda: divider(Resistors(name="0", a=Y, b=GROUND, r=1.0)), "divider: element '0' must begin with a letter"),
        (lambda: divider(Resistors(name="q", a=Y, b=Z, r=1.0)), "q: b holds numbers from 3 to 3; nodes are 0 (ground) to 2"),
        (lambda: divider(Resistors(name="q", a=-X, b=Y, r=1.0)), "q: a holds numbers from -1 to -1; nodes are 0 (ground) to 2"),
        (lambda: divider(Crossbar(name="w", rows=X[:0], columns=Y)), "w: rows holds nothing; nodes are 0 (ground) to 2"),
        (lambda: divider(Nudges(name="more", plus=Y, minus=GROUND)), "divider has 2 arrays of outputs; put all pairs into one"),
        (
            lambda: divider(InputSources(name="v_z", plus=Z, feature=[2]), groups=("z",)),
            "divider: features [1] drive no source; number features from 0 without gaps",
        ),
        (
            lambda: Circuit(**without(), blocks=(Block("b", "diode_pair", ("d_1",)),)),
            "block b: there is no element 'd_1'; it has m, nudge, r, v_x",
        ),
    ],
)
def test_a_wrong_circuit_is_refused(make, message) -> None:
    """The error names the circuit or element, what is wrong with it and what would be right."""
    with pytest.raises(CircuitError, match=re.escape(message)):
        make()


ROLES = {"inputs": ("v_x", "input sources"), "outputs": ("nudge", "outputs (Nudges)"), "trainable": ("m", "trainable conductances")}


@pytest.mark.parametrize("role", ROLES)
def test_what_a_task_needs_is_refused_where_it_is_missing(role) -> None:
    """A circuit may do without inputs, outputs or trainable conductances; who requires what it has not is refused, who does not is not."""
    element, called = ROLES[role]
    loads = (VoltageSources(name="v", plus=X, minus=GROUND, v=1.0),) if role == "inputs" else ()
    circuit = Circuit(name="divider", groups=divider().groups, elements=(*without(element)["elements"], *loads))
    circuit.require(*(other for other in ROLES if other != role))
    with pytest.raises(CircuitError, match=re.escape(f"divider has no {called}; add some")):
        circuit.require(*ROLES)
    divider().require(*ROLES)


def test_circuits_without_inputs_or_outputs_know_it() -> None:
    """A circuit without inputs has no features; one without outputs refuses to name which they are."""
    groups, fixed = divider().groups, VoltageSources(name="v", plus=X, minus=GROUND, v=1.0)
    assert Circuit(name="divider", groups=groups, elements=(*without("v_x")["elements"], fixed)).input_count == 0
    with pytest.raises(CircuitError, match=re.escape("divider has no outputs (Nudges); add some")):
        _ = Circuit(**without("nudge")).outputs


@pytest.mark.parametrize(
    "element",
    [
        CurrentSources(name="i", a=Z, b=GROUND, i=1e-6),
        Capacitors(name="c", a=Z, b=GROUND, c=1e-12),
        Amplifiers(name="amp", input=Z, output=np.array([4]), gain=4.0, back=0.25),
        VoltageControlledCurrentSources(name="g", a=Z, b=GROUND, control_plus=Y, control_minus=GROUND, gm=1.0),
        CurrentControlledCurrentSources(name="f", a=Z, b=GROUND, source="v_x", place=0, gain=1.0),
    ],
    ids=lambda element: type(element).__name__,
)
def test_a_node_needs_a_conducting_path_to_ground(element: Elements) -> None:
    """A node that only a current source, a capacitor or an amplifier's input touches has no defined voltage."""
    with pytest.raises(CircuitError, match="divider: z has no conducting path to ground; connect it or remove it"):
        divider(element, groups=("z", "a") if isinstance(element, Amplifiers) else ("z",))


@pytest.mark.parametrize(
    "element",
    [
        CurrentControlledCurrentSources(name="f", a=Y, b=GROUND, source="v_x", place=1, gain=1.0),
        CurrentControlledVoltageSources(name="h", plus=Z, minus=GROUND, source="r", place=0, rm=1.0),
    ],
    ids=lambda element: type(element).__name__,
)
def test_a_current_is_sensed_in_a_source_that_is_there(element: Elements) -> None:
    """A source that is not there, or what is no source, is refused with those that are."""
    with pytest.raises(CircuitError, match=r"currents can be sensed in sources of voltage: v_x \(1 of them\)"):
        divider(element, groups=("z",))


def test_a_nudge_is_no_path_to_ground() -> None:
    """In the free phase a nudge does not conduct, so it cannot hold up a node."""
    builder = Builder()
    x, y = builder.group("x"), builder.group("y")
    builder.add(InputSources(name="v_x", plus=x, feature=[0]), Memristors(name="m", a=x, b=GROUND), Nudges(name="n", plus=y, minus=x))
    with pytest.raises(CircuitError, match="floats: y has no conducting path to ground"):
        builder.circuit("floats")


def test_floating_nodes_are_listed_but_not_all() -> None:
    """The message shows the first four floating nodes and how many more there are."""
    with pytest.raises(CircuitError, match="divider: n0, n1, n2, n3 and 2 more have no conducting path to ground"):
        divider(groups=tuple(f"n{k}" for k in range(6)))


@pytest.mark.parametrize(
    ("element", "message"),
    [
        (VoltageSources(name="v", plus=X, minus=GROUND, v=1.0), "v[0] closes a loop of voltage sources between x and 0"),
        (VoltageSources(name="v", plus=Y, minus=Y, v=1.0), "v[0] closes a loop of voltage sources between y and y"),
        (VoltageSources(name="v", plus=[2, 1], minus=[1, 2], v=1.0), "v[1] closes a loop of voltage sources between x and y"),
        (VoltageSources(name="v", plus=[2, 2], minus=[0, 1], v=1.0), "v[1] closes a loop of voltage sources between y and x"),
        (Amplifiers(name="amp", input=Y, output=X, gain=1.0, back=1.0), "amp[0] closes a loop of voltage sources between x and 0"),
        (Inductors(name="l", a=X, b=GROUND, l=1.0), "l[0] closes a loop of voltage sources between x and 0"),
        (
            VoltageControlledVoltageSources(name="e", plus=X, minus=GROUND, control_plus=Y, control_minus=GROUND, gain=1.0),
            "e[0] closes a loop of voltage sources between x and 0",
        ),
        (
            CurrentControlledVoltageSources(name="h", plus=X, minus=GROUND, source="v_x", place=0, rm=1.0),
            "h[0] closes a loop of voltage sources between x and 0",
        ),
    ],
)
def test_voltage_sources_form_no_loop(element: Elements, message: str) -> None:
    """Sources in a loop would carry an undefined current; the message names the one that closes it, and its ends."""
    with pytest.raises(CircuitError, match=re.escape(message) + "; put a resistor into the loop"):
        divider(element)


def test_a_chain_of_voltage_sources_is_no_loop() -> None:
    """Sources in series stand on each other without contradiction."""
    assert divider(VoltageSources(name="v", plus=Z, minus=X, v=1.0), groups=("z",)).size == 3


def test_a_group_cannot_take_the_name_of_a_node() -> None:
    """A lone node called h_1 would be mistaken for the second node of a row h."""
    builder = Builder()
    h, clash = builder.group("h", 2), builder.group("h_1")
    builder.add(
        InputSources(name="v_x", plus=clash, feature=[0]),
        Crossbar(name="w1", rows=clash, columns=h),
        Nudges(name="nudge", plus=h[:1], minus=h[1:]),
    )
    with pytest.raises(CircuitError, match="node group 'h_1' clashes with a node of group 'h'; rename one"):
        builder.circuit("names")


def test_elements_are_found_by_name() -> None:
    """A circuit gives its elements by name, by kind and by role; an unknown name lists the known ones."""
    circuit = divider(Diodes(name="d", anode=Y, cathode=GROUND, i_sat=1e-9, n=1.0))
    assert circuit["d"] is circuit.of(Diodes)[0]
    assert [e.name for e in circuit.trainable] == ["m"]
    assert circuit.outputs.name == "nudge"
    assert circuit.input_count == 1
    with pytest.raises(CircuitError, match="divider has no element 'e'; it has v_x, m, r, nudge, d"):
        circuit["e"]


@given(networks())
def test_every_node_has_an_owner(network: Network) -> None:
    """A node number leads to its group and its place there, and both lead back to its name; ground belongs to nobody."""
    circuit = network.compile()
    assert circuit.owner(0) == (None, 0)
    for node in range(1, circuit.size + 1):
        group, place = circuit.owner(node)
        assert group.nodes[place] == node
        assert group.names[place] == circuit.node_names[node]


@given(networks())
def test_names_of_nodes_differ(network: Network) -> None:
    """No two nodes of a compiled network share a name, nor two elements."""
    circuit = network.compile()
    assert len(set(circuit.node_names)) == circuit.size + 1
    assert len({e.name for e in circuit.elements}) == len(circuit.elements)


@given(st.data())
def test_conductances_within_bounds_are_accepted(data: st.DataObject) -> None:
    """What fits the circuit passes without a word."""
    circuit = data.draw(networks()).compile()
    circuit.check_conductances(data.draw(conductances(circuit)))


G = {"w1": np.full((7, 4), 1e-6), "w2": np.full((5, 2), 1e-6)}


def spoilt(value: float) -> dict[str, np.ndarray]:
    """Return good conductances but for one."""
    w1 = G["w1"].copy()
    w1[3, 2] = value
    return G | {"w1": w1}


@pytest.mark.parametrize(
    ("g", "message"),
    [
        (spoilt(-2e-6), "w1: conductance[3, 2] = -2e-06 S is not a positive number; g_min is 1e-08 S"),
        (spoilt(0.0), "w1: conductance[3, 2] = 0 S is not a positive number; g_min is 1e-08 S"),
        (spoilt(np.nan), "w1: conductance[3, 2] = nan S is not a positive number; g_min is 1e-08 S"),
        (spoilt(np.inf), "w1: conductance[3, 2] = inf S is not a positive number; g_min is 1e-08 S"),
        (G | {"w1": G["w1"].T}, "w1: conductances have shape (4, 7); the circuit's is (7, 4)"),
        ({"w1": G["w1"]}, "net: conductances are given for w1; it has w1, w2"),
        (G | {"w3": G["w1"]}, "net: conductances are given for w1, w2, w3; it has w1, w2"),
        ({}, "net: conductances are given for nothing; it has w1, w2"),
    ],
)
def test_wrong_conductances_are_refused(g: dict[str, np.ndarray], message: str) -> None:
    """The error names the crossbar, the index, the value and the remedy."""
    circuit = Network(inputs=3, layers=(Layer(size=4),), outputs=1).compile("net")
    with pytest.raises(CircuitError, match=re.escape(message)):
        circuit.check_conductances(g)


def test_circuits_cannot_be_changed() -> None:
    """A circuit is frozen; another one is made by replacing a part, and is checked again."""
    circuit = divider()
    with pytest.raises(AttributeError):
        circuit.name = "other"  # type: ignore[misc]  # frozen, which is the point
    with pytest.raises(CircuitError, match="y has no conducting path to ground"):
        replace(circuit, elements=tuple(e for e in circuit.elements if e.name not in {"m", "r"}))

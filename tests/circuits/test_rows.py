"""Rows and what holds them: which nodes sources of voltage fix, in one step or in several."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from circuits.builder import Builder
from circuits.circuit import Circuit
from circuits.elements import InputSources, Nudges, Resistors, VoltageSources
from circuits.nodes import GROUND
from circuits.rows import fixed_in_turn, fixed_nodes, free_groups, held_nodes

DROPS = {"a": ("0", 1.0), "b": ("a", 2.0), "c": ("b", 4.0), "d": ("0", 8.0)}
"""Voltages [V] of nodes against others; those that no source fixes are e and f."""

VOLTS = {"0": 0.0, "a": 1.0, "b": 3.0, "c": 7.0, "d": 8.0}


def chained(order: list[str], turned: set[str]) -> Circuit:
    """Build sources in an order, some with their ends exchanged, next to nodes that none fixes and one that an input does."""
    builder = Builder()
    node = {"0": 0, **{name: int(builder.group(name)[0]) for name in "abcdefx"}}
    ends = [(node[name], node[DROPS[name][0]], DROPS[name][1]) for name in order]
    ends = [(b, a, -volts) if name in turned else (a, b, volts) for name, (a, b, volts) in zip(order, ends, strict=True)]
    plus, minus, volts = zip(*ends, strict=True)
    builder.add(VoltageSources(name="v", plus=plus, minus=minus, v=np.array(volts)), InputSources(name="v_x", plus=node["x"], feature=[0]))
    builder.add(VoltageSources(name="apart", plus=node["e"], minus=node["f"], v=1.0))
    builder.add(Resistors(name="r", a=[node["e"]], b=GROUND, r=1.0), Nudges(name="nudge", plus=node["e"], minus=GROUND))
    return builder.circuit("chained")


@given(st.permutations(sorted(DROPS)), st.sets(st.sampled_from(sorted(DROPS))))
def test_sources_fix_what_they_state_whatever_their_order_and_direction(order: list[str], turned: set[str]) -> None:
    """Each node once, against what is fixed before; sources between nodes that none joins to ground fix nothing."""
    circuit = chained(order, turned)
    fixed = {0: 0.0}
    for turn in fixed_in_turn(circuit):
        before = dict(fixed)
        for one in turn:
            for node, base, place in zip(one.nodes.tolist(), one.bases.tolist(), one.places.tolist(), strict=True):
                assert node not in fixed
                stated = one.source.v[place] if isinstance(one.source, VoltageSources) else 16.0
                fixed[node] = before[base] + one.sign * stated
    assert {circuit.node_names[node]: volts for node, volts in fixed.items()} == VOLTS | {"x": 16.0}


@given(st.permutations(sorted(DROPS)), st.sets(st.sampled_from(sorted(DROPS))))
def test_the_first_turn_is_what_sources_fix_against_ground(order: list[str], turned: set[str]) -> None:
    """The fixed nodes are those of it; the held ones, those whose source states the voltage itself, and not its negative."""
    circuit = chained(order, turned)
    names = circuit.node_names
    assert {names[k] for k in np.flatnonzero(fixed_nodes(circuit))} == {"0", "a", "d", "x"}
    sources = held_nodes(circuit)
    assert {names[node] for node in sources} == {"a", "d", "x"} - turned
    assert all(source.ends[0][place] == node for node, (source, place) in sources.items())
    assert [group.name for group in free_groups(circuit)] == ["b", "c", "e", "f"]

"""The neuron kinds: each builds elements whose currents are the i(v) that it states."""

import pickle
from typing import get_args

import numpy as np
import pytest

from circuits.builder import Builder
from circuits.comparator import Comparator
from circuits.diode import diode_current
from circuits.elements import Diodes, IdealDiodes, VoltageSources
from circuits.errors import CircuitError
from circuits.ideal_neurons import IdealPair, IdealRectifier
from circuits.junction_neurons import DeadZone, DiodePair, Rectifier
from circuits.neurons import Linear, Neuron

ALL: list[Neuron] = [
    Linear(),
    DiodePair(v_low=-0.2, v_high=0.3),
    DiodePair(i_sat=1e-12, n=1.0),
    Rectifier(v_low=-0.1, v_high=0.2),
    IdealPair(v_low=-0.5, v_high=0.25),
    IdealRectifier(v_low=-0.1, v_high=0.2),
    DeadZone(),
    Comparator(levels=3, v_low=-0.2, v_high=0.1),
]
JUNCTIONS = [neuron for neuron in ALL if isinstance(neuron, DiodePair | Rectifier | DeadZone)]
V = np.linspace(-1.0, 1.0, 401)


def built(neuron: Neuron, size: int = 5) -> tuple[Builder, np.ndarray, np.ndarray]:
    """Build a neuron on fresh columns; give the builder, the columns and the nodes that lead on."""
    builder = Builder()
    columns = builder.group("h1", size)
    return builder, columns, neuron.build(builder, "h1", columns)


def current_of_elements(builder: Builder, column: int, v: np.ndarray, behind: int | None) -> np.ndarray:
    """Sum what the junctions carry away from a column at v; `behind` is the node behind a dead zone, held at 0 V."""
    rail = {int(node): float(u) for e in builder._elements if isinstance(e, VoltageSources) for node, u in zip(e.plus, e.v, strict=True)}
    if behind is not None:
        rail[behind] = 0.0
    total = np.zeros_like(v)
    for diodes in (e for e in builder._elements if isinstance(e, Diodes)):
        for anode, cathode, i_sat, n in zip(diodes.anode, diodes.cathode, diodes.i_sat, diodes.n, strict=True):
            if anode == column:
                total += diode_current(v - rail[int(cathode)], i_sat, n)[0]
            if cathode == column:
                total -= diode_current(rail[int(anode)] - v, i_sat, n)[0]
    return total


def test_every_kind_is_here() -> None:
    """What an experiment file may name is what the laws below are for."""
    kinds, _ = get_args(Neuron)
    assert {type(neuron) for neuron in ALL} == set(get_args(kinds))


@pytest.mark.parametrize("neuron", ALL, ids=repr)
def test_pickles_find_every_kind_where_it_was(neuron: Neuron) -> None:
    """A pickle names a class and its module, and all kinds that were in `circuits.neurons` are found there still."""
    assert pickle.loads(f"ccircuits.neurons\n{type(neuron).__name__}\n.".encode()) is type(neuron)  # noqa: S301 - written here
    assert pickle.loads(pickle.dumps(neuron)) == neuron  # noqa: S301 - as above


@pytest.mark.parametrize("neuron", ALL, ids=repr)
def test_current_rises_with_voltage(neuron: Neuron) -> None:
    """The stated i(v) never falls, so the network keeps one equilibrium."""
    i = neuron.current(V)
    assert (i[1:] >= i[:-1]).all()


@pytest.mark.parametrize("neuron", JUNCTIONS, ids=repr)
def test_stated_current_is_that_of_the_elements(neuron: Neuron) -> None:
    """What the built diodes draw from the first column at any voltage is the i(v) that the neuron states."""
    builder, columns, onward = built(neuron)
    behind = int(onward[0]) if isinstance(neuron, DeadZone) else None
    np.testing.assert_array_equal(current_of_elements(builder, int(columns[0]), V, behind), neuron.current(V))


def test_a_rectifiers_second_half_mirrors_the_first() -> None:
    """The last column of a layer carries −i(−v) of the first when its rail is the mirror image."""
    neuron = Rectifier(v_low=-0.1, v_high=0.1)
    builder, columns, _ = built(neuron)
    np.testing.assert_array_equal(current_of_elements(builder, int(columns[-1]), V, None), -neuron.current(-V))


@pytest.mark.parametrize("kind", [Rectifier, IdealRectifier])
@pytest.mark.parametrize(("size", "below"), [(1, 1), (2, 1), (5, 3), (6, 3)])
def test_rectifiers_clamp_the_first_half_from_below(kind: type[Rectifier], size: int, below: int) -> None:
    """Of five columns, three cannot fall below the low rail and two cannot rise above the high one."""
    builder, columns, _ = built(kind(v_low=-0.1, v_high=0.2), size)
    clamps = [e for e in builder._elements if isinstance(e, Diodes | IdealDiodes)]
    assert clamps[0].cathode.tolist() == columns[:below].tolist()
    assert [n for e in clamps[1:] for n in e.anode.tolist()] == columns[below:].tolist()


@pytest.mark.parametrize("neuron", ALL, ids=repr)
def test_dead_zones_and_comparators_stand_between_column_and_row(neuron: Neuron) -> None:
    """Every other neuron hangs on its column, which itself leads on to the next crossbar."""
    _, columns, onward = built(neuron)
    assert len(onward) == len(columns)
    assert (onward.tolist() == columns.tolist()) is not isinstance(neuron, DeadZone | Comparator)


@pytest.mark.parametrize("neuron", [IdealPair(v_low=-0.5, v_high=0.25), IdealRectifier(v_low=-0.5)], ids=repr)
def test_ideal_clamps_carry_nothing_or_anything(neuron: IdealPair | IdealRectifier) -> None:
    """Within the rails no current flows; beyond them any would."""
    assert neuron.current(np.array([-0.6, -0.5, 0.0])).tolist() == [-np.inf, 0.0, 0.0]


@pytest.mark.parametrize("kind", [DiodePair, IdealPair])
@pytest.mark.parametrize(("v_low", "v_high"), [(0.1, -0.1), (0.0, 0.0), (np.nan, 0.1)])
def test_crossed_rails_are_refused(kind: type[DiodePair | IdealPair], v_low: float, v_high: float) -> None:
    """A pair whose low rail is not below its high one would be a short circuit; the message names both."""
    with pytest.raises(CircuitError, match=r"-pair: v_low = .* V must be below v_high = .* V"):
        kind(v_low=v_low, v_high=v_high)


@pytest.mark.parametrize("neuron", ALL, ids=repr)
def test_a_neurons_kind_is_its_name_in_files(neuron: Neuron) -> None:
    """`kind` is the class's name with dashes: what an experiment file writes."""
    dashed = "".join(f"-{c.lower()}" if c.isupper() else c for c in type(neuron).__name__).strip("-")
    assert neuron.kind == dashed

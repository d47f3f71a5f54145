"""The laws that every array of trainable conductances obeys, and that its operators are those of its single devices."""

import inspect
from itertools import pairwise

import jax.numpy as jnp
import numpy as np
import pytest

from circuits import arrays
from circuits.arrays import Crossbar, Divisible, Memristors, Trainable
from circuits.convolution import Convolution
from circuits.paired import Paired
from circuits.shared_load import SharedLoad
from circuits.twins import Twins
from circuits.windows import Everywhere, Window
from support.tied_array import TiedColumns

pytestmark = pytest.mark.usefixtures("jax_64_bits")

NODES, BATCH = 40, 3
WINDOW, PADDED = Window(height=3, width=4, channels=2, size=2), Window(height=4, width=3, channels=1, size=3, stride=2, padding=1)
SMALL = Window(height=3, width=4, channels=1, size=3)
BIAS = Everywhere(rows=1, positions=6)
ARRAYS = (
    Crossbar(name="w", rows=[3, 1, 7, 4], columns=[2, 8, 5]),
    Crossbar(name="row", rows=[6], columns=[2, 8]),
    Memristors(name="m", a=[1, 3, 3, 0, 5], b=[2, 4, 2, 7, 3]),
    SharedLoad(name="load", a=[2, 8, 5], b=[0, 0, 0], devices=4.0),
    TiedColumns(name="c", rows=[3, 1, 7, 4, 6], columns=[2, 8, 5]),
    Convolution(name="tied", rows=np.arange(25, 0, -1), columns=np.arange(26, 38), windows=(WINDOW, BIAS), channels=2),
    Convolution(name="local", rows=np.arange(25, 0, -1), columns=np.arange(26, 38), windows=(WINDOW, BIAS), channels=2, tied=False),
    Convolution(name="padded", rows=np.arange(1, 25), columns=np.arange(26, 34), windows=(PADDED, PADDED), channels=2),
    Twins(
        name="twins",
        rows=[3, 1, 7, 4, 9, 6],
        columns=[2, 8, 5, 10],
        one=Crossbar(name="twins", rows=[3, 7, 9], columns=[2, 5]),
        row_pairs=(Paired(2, 1), Paired(1, 1)),
        column_pairs=Paired(2, 1),
    ),
    Twins(
        name="convolved",
        rows=np.arange(1, 25),
        columns=np.arange(26, 34),
        one=Convolution(name="convolved", rows=np.arange(1, 25, 2), columns=[26, 27, 30, 31], windows=(SMALL,), channels=2),
        row_pairs=(Paired(12, 1),),
        column_pairs=Paired(2, 2),
    ),
    Convolution(name="local_padded", rows=np.arange(1, 13), columns=np.arange(26, 30), windows=(PADDED,), channels=1, tied=False),
)

each_array = pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{type(array).__name__} {array.name}")


def drawn(array: Trainable, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw conductances, voltages of the rows and voltages of the columns."""
    rng = np.random.default_rng(seed)
    return rng.uniform(1.0, 2.0, array.shape), *(rng.normal(size=(BATCH, len(side))) for side in (array.rows, array.columns))


def test_every_kind_of_array_is_here() -> None:
    """Each class of the package is among those that the laws are looped over."""
    kinds = {
        kind for _, kind in inspect.getmembers(arrays, inspect.isclass) if issubclass(kind, Trainable) and not inspect.isabstract(kind)
    }
    assert kinds | {Convolution, Twins} <= {type(array) for array in ARRAYS}
    assert len(kinds) >= 2


@each_array
def test_backward_is_the_transpose_of_forward(array: Trainable) -> None:
    """⟨forward(g, v), u⟩ = ⟨v, backward(g, u)⟩."""
    g, v, u = drawn(array, 1)
    assert array.forward(g, v).shape == u.shape
    assert array.backward(g, u).shape == v.shape
    assert np.vdot(array.forward(g, v), u) == pytest.approx(np.vdot(v, array.backward(g, u)), rel=1e-12)


@each_array
def test_outer_is_the_derivative_of_forward(array: Trainable) -> None:
    """⟨u, forward(g + dg, v)⟩ − ⟨u, forward(g, v)⟩ = ⟨dg, outer(v, u)⟩, for every single conductance."""
    g, v, u = drawn(array, 2)
    derivative = np.array([np.vdot(u, array.forward(one.reshape(g.shape), v)) for one in np.eye(g.size)])
    np.testing.assert_allclose(array.outer(v, u), derivative.reshape(g.shape), rtol=0, atol=1e-13)


@each_array
def test_sums_are_the_currents_from_one_volt(array: Trainable) -> None:
    """Columns at 1 V draw the sums of the columns' conductances from them through open rows, and rows those of the rows.

    What ends at ground, beyond the maps that a window covers, draws nothing.
    """
    g, v, u = drawn(array, 3)
    devices = array.expand(g)
    grounded = devices.g * ((devices.a == 0) & (0 not in array.rows))
    at_ground = np.bincount(devices.b, grounded, NODES)[array.columns]
    np.testing.assert_allclose(array.forward(g, np.ones_like(v)), np.tile(array.column_sum(g) - at_ground, (BATCH, 1)), rtol=1e-13)
    np.testing.assert_allclose(array.backward(g, np.ones_like(u)), np.tile(array.row_sum(g), (BATCH, 1)), rtol=1e-13)


@each_array
def test_single_devices_draw_the_same_currents(array: Trainable) -> None:
    """What each node but ground draws is the sum over the devices that end there, whichever side it is on."""
    g, *_ = drawn(array, 4)
    v = np.random.default_rng(4).normal(size=(BATCH, NODES)) * (np.arange(NODES) > 0)
    devices = array.expand(g)
    i = (v[:, devices.a] - v[:, devices.b]) * devices.g
    by_devices, by_operators = np.zeros_like(v), np.zeros_like(v)
    np.add.at(by_devices.T, devices.a, i.T)
    np.add.at(by_devices.T, devices.b, -i.T)
    rows, columns = v[:, array.rows], v[:, array.columns]
    np.add.at(by_operators.T, array.rows, (rows * array.row_sum(g) - array.backward(g, columns)).T)
    np.add.at(by_operators.T, array.columns, (columns * array.column_sum(g) - array.forward(g, rows)).T)
    np.testing.assert_allclose(by_operators[:, 1:], by_devices[:, 1:], rtol=0, atol=1e-12)


@each_array
def test_drop_products_are_sums_over_single_devices(array: Trainable) -> None:
    """⟨g, drop_products(p, q)⟩ is the sum of g·Δp·Δq over all devices, for every single conductance."""
    _, *p = drawn(array, 5)
    g, *q = drawn(array, 6)
    of_node = [np.zeros((BATCH, NODES)) for _ in range(2)]
    for field, sides in zip(of_node, (p, q), strict=True):
        for nodes, values in zip((array.rows, array.columns), sides, strict=True):
            field[:, nodes] = values
    sides = [(field[:, array.rows], field[:, array.columns]) for field in of_node]  # nodes may be on both sides, or twice on one
    expected = []
    for one in np.eye(g.size):
        devices = array.expand(one.reshape(g.shape))
        p_drop, q_drop = (field[:, devices.a] - field[:, devices.b] for field in of_node)
        expected.append((devices.g * p_drop * q_drop).sum())
    np.testing.assert_allclose(array.drop_products(*sides), np.reshape(expected, g.shape), rtol=0, atol=1e-12)


@each_array
def test_jax_computes_the_same(array: Trainable) -> None:
    """Every operator takes arrays of JAX as it takes NumPy's."""
    (g, v, u), (_, p, q) = drawn(array, 7), drawn(array, 8)
    for operator in (
        lambda g, v, u, _p, _q: (array.forward(g, v), array.backward(g, u), array.row_sum(g), array.column_sum(g), array.expand(g).g),
        lambda _g, v, u, p, q: (array.outer(v, u), array.drop_products((v, u), (p, q))),
    ):
        of_numpy, of_jax = operator(g, v, u, p, q), operator(*map(jnp.asarray, (g, v, u, p, q)))
        for one, other in zip(of_numpy, of_jax, strict=True):
            np.testing.assert_allclose(other, one, rtol=0, atol=1e-12)


@each_array
def test_cards_are_numbered(array: Trainable) -> None:
    """Each device has a number of its own in netlists, and a place in their order."""
    count = len(array.ends[0])
    assert len(array) == count
    assert len({tuple(numbers) for numbers in array.numbers.tolist()}) == count
    assert sorted(array.order.tolist()) == list(range(count))


@pytest.mark.parametrize("array", [array for array in ARRAYS if array.grid], ids=lambda array: array.name)
def test_a_grid_joins_each_row_to_each_column(array: Trainable) -> None:
    """In the order of its conductances."""
    assert array.shape == (len(array.rows), len(array.columns))
    assert list(zip(*(end.tolist() for end in array.ends), strict=True)) == [(a, b) for a in array.rows for b in array.columns]


RUNS = {"w": (1,), "row": (), "tied": (24,), "local": (24,), "padded": (12,), "local_padded": (), "twins": (4, 5), "convolved": ()}


@pytest.mark.parametrize("array", [array for array in ARRAYS if isinstance(array, Divisible)], ids=lambda array: array.name)
def test_parts_add_up_to_the_whole(array: Trainable) -> None:
    """Runs of the rows are arrays of their own, whose conductances are runs of the first axis; their matrices are forward's."""
    g, v, u = drawn(array, 9)
    cuts = [0, *RUNS[array.name], len(array.rows)]
    runs = [slice(*cut) for cut in pairwise(cuts)]
    parts, parts_of_g = [array.part(run) for run in runs], [g[array.of_g(run)] for run in runs]
    each = list(zip(parts, parts_of_g, runs, strict=True))
    np.testing.assert_allclose(sum(part.forward(one, v[:, run]) for part, one, run in each), array.forward(g, v), rtol=0, atol=1e-12)
    np.testing.assert_allclose(np.hstack([part.backward(one, u) for part, one, _ in each]), array.backward(g, u), rtol=1e-12)
    np.testing.assert_allclose(np.hstack([part.row_sum(one) for part, one, _ in each]), array.row_sum(g), rtol=1e-12)
    np.testing.assert_allclose(sum(part.column_sum(one) for part, one, _ in each), array.column_sum(g), rtol=1e-12)
    products = np.zeros_like(g)
    for part, _, run in each:
        products[array.of_g(run)] += part.outer(v[:, run], u)
    np.testing.assert_allclose(products, array.outer(v, u), rtol=0, atol=1e-12)
    np.testing.assert_allclose(v @ array.matrix(g), array.forward(g, v), rtol=0, atol=1e-12)
    scaled = array.times_rows(g, np.full(len(array.rows), 3.0))
    np.testing.assert_allclose(array.forward(scaled, v), array.forward(g, 3.0 * v), rtol=0, atol=1e-12)

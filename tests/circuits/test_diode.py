"""The junction's law: its limits, its smoothness, and the same numbers from NumPy and JAX."""

import math

import jax
import numpy as np
import pytest

from circuits.constants import GMIN, V_T
from circuits.diode import diode_current

JUNCTIONS = [(4.352e-9, 1.906), (1e-6, 1.0), (1e-14, 1.0), (1e-9, 1e-3)]
of_each_junction = pytest.mark.parametrize(("i_sat", "n"), JUNCTIONS)


def voltages(n: float) -> np.ndarray:
    """Spread voltages over blocking, the tail's beginning, zero and conducting."""
    return np.concatenate([np.linspace(-300, 25, 1301), [-3.0, 0.0]]) * n * V_T


@of_each_junction
def test_no_voltage_no_current(i_sat: float, n: float) -> None:
    """At 0 V nothing flows, exactly."""
    i, _ = diode_current(np.zeros(1), i_sat, n)
    assert i[0] == 0.0


@of_each_junction
def test_current_rises_with_voltage(i_sat: float, n: float) -> None:
    """The law is monotone: its derivative is positive everywhere, also deep in the tail."""
    v = np.sort(voltages(n))
    i, g = diode_current(v, i_sat, n)
    assert (np.diff(i) >= 0).all()
    assert (g > 0).all()


@of_each_junction
def test_forward_current_is_shockleys(i_sat: float, n: float) -> None:
    """One n·v_t·ln(10) of voltage multiplies the current plus i_sat by ten."""
    decade = n * V_T * math.log(10.0)
    i, _ = diode_current(np.array([0.1, 0.1 + 1.0]) * decade, i_sat, n)
    assert i[1] + i_sat == pytest.approx(10 * (i[0] + i_sat), rel=1e-12)


@of_each_junction
def test_a_blocking_junction_saturates(i_sat: float, n: float) -> None:
    """Far in reverse hardly more than i_sat flows, backwards, next to what gmin carries."""
    v = np.array([-1e4]) * n * V_T
    i, g = diode_current(v, i_sat, n)
    assert i[0] - GMIN * v[0] == pytest.approx(-i_sat, rel=1e-9)
    assert g[0] == pytest.approx(GMIN, abs=1e-9 * i_sat / (n * V_T))


@of_each_junction
def test_law_and_slope_have_no_step_where_the_tail_begins(i_sat: float, n: float) -> None:
    """At −3·n·v_t, where the cubic takes over from the exponential, both give the same current and the same slope."""
    at = -3.0 * n * V_T
    (left, right), (slope_left, slope_right) = diode_current(np.array([np.nextafter(at, -np.inf), at]), i_sat, n)
    assert left == pytest.approx(right, rel=1e-12)
    assert slope_left == pytest.approx(slope_right, rel=1e-9)


@of_each_junction
def test_conductance_is_the_derivative(i_sat: float, n: float) -> None:
    """The second result is di/dv: it equals the central difference on either side of the tail's beginning."""
    h = 1e-5 * n * V_T
    v = voltages(n)
    v = v[np.abs(v + 3.0 * n * V_T) > 2 * h]
    difference = (diode_current(v + h, i_sat, n)[0] - diode_current(v - h, i_sat, n)[0]) / (2 * h)
    np.testing.assert_allclose(diode_current(v, i_sat, n)[1], difference, rtol=1e-6, atol=1e-9 * i_sat / (n * V_T))


@of_each_junction
def test_jax_and_numpy_compute_the_same(i_sat: float, n: float) -> None:
    """Both libraries give the same current and conductance, to rounding."""
    v = voltages(n)
    i, g = diode_current(v, i_sat, n)
    with jax.enable_x64(True):  # noqa: FBT003 - JAX's own signature
        jax_i, jax_g = diode_current(jax.numpy.asarray(v), i_sat, n)
        np.testing.assert_allclose(jax_i, i, rtol=1e-13, atol=1e-13 * i_sat)
        np.testing.assert_allclose(jax_g, g, rtol=1e-13)


def test_jax_differentiates_the_law() -> None:
    """Automatic differentiation gives the stated conductance and no NaN from the branch not taken."""
    with jax.enable_x64(True):  # noqa: FBT003 - JAX's own signature
        v = jax.numpy.asarray([-20.0, -0.2, -0.05, 0.0, 0.3, 0.6])
        slope = jax.vmap(jax.grad(lambda u: diode_current(u, 4.352e-9, 1.906)[0]))(v)
        np.testing.assert_allclose(slope, diode_current(v, 4.352e-9, 1.906)[1], rtol=1e-12)


def test_parameters_broadcast() -> None:
    """Each junction has its own i_sat and n; a batch of voltages meets them column by column."""
    v = np.array([[0.1, 0.2], [0.3, -0.4]])
    i_sat, n = np.array([1e-9, 1e-6]), np.array([1.0, 1.9])
    i, g = diode_current(v, i_sat, n)
    for row in range(2):
        for column in range(2):
            alone = diode_current(v[row, column : column + 1], i_sat[column], n[column])
            assert (i[row, column], g[row, column]) == (alone[0][0], alone[1][0])


def test_no_saturation_current_is_no_diode() -> None:
    """With i_sat = 0 only gmin conducts."""
    v = np.array([-2.0, 0.5])
    i, g = diode_current(v, 0.0, 1.0)
    np.testing.assert_array_equal(i, GMIN * v)
    np.testing.assert_array_equal(g, GMIN)

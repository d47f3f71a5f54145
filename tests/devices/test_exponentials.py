"""Exponentials and logarithms: exact to rounding in both precisions, however small or large what they are taken of."""

import jax
import numpy as np
import pytest

from hwsim.devices.kinds.exponentials import log1p, lost, scaled_exp

pytestmark = pytest.mark.usefixtures("jax_64_bits")

SIZES = np.logspace(-14, 2, 5000)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_what_is_lost_is_exact_to_rounding(kind: type[np.floating]) -> None:
    """1 − exp(e) is that of longer numbers to three units in the last place, compiled or not, of falls and of growth up to its limit."""
    e = np.concatenate([-SIZES, SIZES[SIZES < 14.9], [0.0]]).astype(kind)
    exact = -np.expm1(e.astype(np.longdouble))
    for result in (lost(e), jax.jit(lost)(e)):
        assert result.dtype == kind
        np.testing.assert_allclose(np.asarray(result, np.longdouble), exact, rtol=3 * np.finfo(kind).eps, atol=0)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_logarithms_are_exact_to_rounding(kind: type[np.floating]) -> None:
    """ln(1 + x) is that of longer numbers to three units in the last place, compiled or not, down to where nothing is left of 1."""
    x = np.concatenate([SIZES, 1e8 * SIZES, -SIZES[SIZES < 0.9], np.logspace(-5, -0.1, 999) - 1, [0.0]]).astype(kind)
    exact = np.log1p(x.astype(np.longdouble))
    for result in (log1p(x), jax.jit(log1p)(x)):
        assert result.dtype == kind
        np.testing.assert_allclose(np.asarray(result, np.longdouble), exact, rtol=3 * np.finfo(kind).eps, atol=0)


def test_growth_has_a_limit() -> None:
    """What would overflow is taken for exp(15)."""
    np.testing.assert_allclose(lost(np.array([16.0, 1e9])), 1 - np.exp(15.0), rtol=1e-15)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_what_grows_is_cut_by_its_size_and_not_by_its_exponent(kind: type[np.floating]) -> None:
    """a·exp(e) with a small a is followed as far as with a large one, and no farther."""
    a, e = (each.ravel().astype(kind) for each in np.meshgrid([1e-30, -1e-8, 0.5, -40.0], np.linspace(-10, 75, 200)))
    exact = np.clip(a * np.exp(e.astype(np.longdouble)), -1e9, 1e9)
    for result in (scaled_exp(a, e, 1e9), jax.jit(scaled_exp, static_argnums=2)(a, e, 1e9)):
        np.testing.assert_allclose(np.asarray(result, np.longdouble), exact, rtol=8 * np.finfo(kind).eps, atol=np.finfo(kind).eps * 40)
    np.testing.assert_array_equal(scaled_exp(np.array([1e-20, -1.0, 0.0], kind), np.full(3, 1e9, kind), 1e9), [1e9, -1e9, 0.0])

"""A crossbar with wires: both engines, a deck of its own, a published example and Kirchhoff's laws agree."""

import numpy as np
import pytest

from circuits.wires import Wires
from hwsim.inspection.ir_drop import ReadCrossbar, rms
from hwsim.ngspice.ngspice_engine import NgspiceEngine
from hwsim.numeric.general.general_solver import GeneralEngine

R = np.array([[345, 903, 755, 257, 646], [652, 401, 508, 166, 454], [442, 874, 190, 244, 635]], dtype=float)
"""Ohms, as in the example that badcrossbar's authors publish (Joksas and Mehonic 2020, doi 10.1016/j.softx.2020.100617)."""

PUBLISHED = 0.009856197822795886
"""A; its current through the memristor of row 0 and column 3 at 2.6, 1.1 and 3.3 V, with 0.5 ohms a piece of wire."""


def example(ohms=0.5, v=(2.6, 1.1, 3.3)):
    """Return the published crossbar."""
    return ReadCrossbar(g=1 / R, v=np.array(v), wires=Wires(row=ohms, column=ohms))


@pytest.mark.parametrize("engine", [GeneralEngine(), NgspiceEngine(workers=1)], ids=["numeric", "ngspice"])
def test_the_published_example(engine):
    """Another program's published current is computed by either engine."""
    result = example().solve(engine)
    assert result.across[0, 3] / R[0, 3] == pytest.approx(PUBLISHED, rel=1e-12)


@pytest.mark.parametrize("wires", [Wires(row=2, column=2), Wires(row=3), Wires(column=0.7), Wires()], ids=["both", "row", "column", "none"])
def test_engines_agree(wires):
    """Both engines find the same voltages within 1e-9 V, whatever wires have resistance."""
    g = np.random.default_rng(0).uniform(1e-6, 1e-4, (12, 9))
    crossbar = ReadCrossbar(g=g, v=np.linspace(-1, 1, 12), wires=wires)
    ours, theirs = crossbar.solve(GeneralEngine()), crossbar.solve(NgspiceEngine(workers=1))
    assert np.abs(ours.across - theirs.across).max() < 1e-9
    assert np.abs(ours.currents - theirs.currents).max() < 1e-13


def test_currents_are_the_memristors():
    """What a column delivers is what its memristors carry, and the sources deliver what memristors and wires turn into heat."""
    result = example().solve(GeneralEngine())
    carried = result.across / R
    assert result.currents == pytest.approx(carried.sum(axis=0), rel=1e-12)
    along_rows = np.cumsum(carried[:, ::-1], axis=1)[:, ::-1]
    along_columns = np.cumsum(carried, axis=0)
    heat = (carried**2 * R).sum() + 0.5 * ((along_rows**2).sum() + (along_columns**2).sum())
    assert result.power == pytest.approx(heat, rel=1e-12)


def test_ideal_wires_lose_nothing():
    """Without resistance there is no error, and less resistance makes a smaller one."""
    errors = [rms(example(ohms).solve(GeneralEngine()).errors) for ohms in (0, 1e-3, 1e-2, 1e-1)]
    assert errors[0] < 1e-14
    assert errors == sorted(errors)


@pytest.mark.parametrize("wires", [(1, 0), (0, 1), (1, 1)])
def test_errors_are_in_proportion_to_the_resistance_of_wires(wires):
    """Down to the least."""
    row, column = wires
    g, v = 1 / R, np.array([2.6, 1.1, 3.3])

    def currents(r):
        return ReadCrossbar(g=g, v=v, wires=Wires(row=r * row, column=r * column)).solve(GeneralEngine()).currents

    per_ohm = (currents(1e-5) - v @ g) / 1e-5
    for r in (1e-6, 1e-8, 1e-10, 1e-12, 1e-30, 1e-100):
        np.testing.assert_allclose(currents(r), v @ g + r * per_ohm, rtol=1e-12)


def test_the_farthest_memristor_loses_most():
    """Of equal memristors, that of the first row and the last column has the longest way."""
    result = ReadCrossbar(g=np.full((5, 7), 1e-4), v=np.ones(5), wires=Wires(row=2, column=2)).solve(GeneralEngine())
    assert result.worst == (0, 6)
    assert rms(result.uneven) < rms(result.errors)

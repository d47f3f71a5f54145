"""Steps of Newton's method: solved by sweeps over the batch where groups of ports see little of each other, else by matrices."""

import numpy as np
import pytest

from hwsim.numeric.general.tangents import Couplings, Matrices, Sweeps, jacobian

SAMPLES, GROUPS, FLAT = 3, 6, 2


def drawn(coupling: float) -> tuple[np.ndarray, np.ndarray]:
    """Draw Q, not symmetric, and slopes; the last two groups have no slope, and see as much of the others as they like."""
    rng = np.random.default_rng(0)
    q = coupling * rng.uniform(-1, 1, (GROUPS, GROUPS)) / GROUPS
    q[np.arange(GROUPS), np.arange(GROUPS)] = rng.uniform(1, 2, GROUPS)
    slopes = 10.0 ** rng.uniform(-3, 5, (SAMPLES, GROUPS))
    q[-FLAT:] *= 100.0
    slopes[:, -FLAT:] = 0.0
    return q, slopes


def test_sweeps_leave_a_thousandth_of_a_step_to_the_next() -> None:
    """However steep the groups are: steps that are repeated with what is left end at the solution of (I + Q·s)·δ = r."""
    q, slopes = drawn(0.2)
    solver, right = Couplings.of(q).tangents(slopes), np.random.default_rng(1).normal(size=(SAMPLES, GROUPS))
    assert isinstance(solver, Sweeps)
    wanted = np.linalg.solve(jacobian(q, slopes), right[:, :, None])[:, :, 0]
    for repeated in (1, 2, 3):
        step = np.zeros_like(wanted)
        for _ in range(repeated):
            left = right - step - (slopes * step) @ q.T
            solver.solve(left)
            step += left
        off = np.abs(slopes * (step - wanted)).max() / np.abs(slopes * wanted).max()
        assert off <= 10.0 ** (-3 * repeated) or off <= 1e-12


@pytest.mark.parametrize("coupling", [0.2, 5.0])
def test_batches_behind_one_another_have_the_tangents_of_the_first(coupling: float) -> None:
    """Inverted or not, each phase takes the steps that it takes alone; only strong couplings are solved by matrices."""
    q, slopes = drawn(coupling)
    assert isinstance(Couplings.of(q).tangents(slopes), Sweeps if coupling < 1 else Matrices)
    right = np.random.default_rng(2).normal(size=(2, SAMPLES, GROUPS))
    together = right.reshape(-1, GROUPS).copy()
    Couplings.of(q).tangents(slopes).inverse().repeated(2).solve(together)
    for phase, whole in zip(right, together.reshape(right.shape), strict=True):
        alone = phase.copy()
        Couplings.of(q).tangents(slopes).solve(alone)
        np.testing.assert_allclose(whole, alone, rtol=1e-9)


def test_strong_couplings_and_slopes_that_are_not_finite_are_left_to_matrices() -> None:
    """Sweeps would not end at the solution."""
    q, slopes = drawn(5.0)
    right = np.random.default_rng(3).normal(size=(SAMPLES, GROUPS))
    wanted = np.linalg.solve(jacobian(q, slopes), right[:, :, None])[:, :, 0]
    Couplings.of(q).tangents(slopes).solve(right)
    np.testing.assert_allclose(right, wanted, rtol=1e-9)
    q, slopes = drawn(0.2)
    for not_swept in (np.nan, 1e14):  # the second is an ideal diode's
        slopes[1, 2] = not_swept
        assert isinstance(Couplings.of(q).tangents(slopes), Matrices)

"""Where port voltages settle: by Newton's method from anywhere, by tangents nearby from near, and in complex numbers."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwsim.numeric.general.port_newton import CHUNK, Problem
from hwsim.typing import Floats

_GMIN_STEPS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12, 0.0)
"""S; gmin stepping, for samples that Newton's method alone does not settle: conductances across the diodes, each from the last state."""

_COMPLEX, _FEW = 1e-15, 60
"""Share of the largest voltage that complex steps end at, and most of them: from the free state, a nudge takes 5."""

_NEAR, _CLOSER = 12, 0.1
"""Most steps by tangents nearby, and by what share of the last step the next one must be smaller."""

_ROUNDING = 1e-9
"""Share of the largest voltage: steps below it that no longer shrink are rounding. Kirchhoff's law, summed up afterwards, decides."""

_LOOSE = 1e-8
"""A tolerance above which the tangents of the last step are too far off to take the currents from: a step of their own finds these."""


class SettledPorts(NamedTuple):
    """Port voltages and currents of all samples, both (B, P) [V, A], and the steps of each, (B,)."""

    p: Floats
    i: Floats
    steps: NDArray[np.intp]


def settle(problem: Problem, begin: Floats, tolerance: float, max_steps: int) -> SettledPorts:
    """Find the port voltages of all samples.

    Parameters
    ----------
    problem
        The batch.
    begin
        Where to search from, (B, P) [V].
    tolerance
        A sample has settled when no port voltage changes any more by this share of the largest (at least 1 mV).
    max_steps
        Most steps, and most of each gmin step.

    """
    p, i, _ = done = SettledPorts(begin.copy(), np.zeros_like(begin), np.zeros(len(begin), dtype=np.intp))
    at_once = max(CHUNK // max(p.shape[1] ** 2, 1), 1)
    for first in range(0, len(p), at_once):
        samples = np.arange(first, min(first + at_once, len(p)))
        samples = samples[np.isfinite(problem.p0[samples]).all(axis=1)]  # no step makes the others finite
        walk = _Walk(problem, done, tolerance, max_steps)
        left = walk(samples, 0.0)
        if len(left):
            p[left] = 0.0
            for gmin in _GMIN_STEPS:
                walk(left, gmin)
            i[left] = problem.at(left).currents(p[left])
    if problem.ports.ideal.any() or tolerance > _LOOSE:  # ideal ones are so stiff that the last step's rounding counts
        i[:] = problem.currents(p)
    return done


def settle_near(problem: Problem, begin: Floats, tolerance: float) -> SettledPorts | None:
    """Find the port voltages of all samples as `settle` does, by tangents nearby alone; None where these are too far off.

    What is left after such a step is a share of it, not its square: a loose tolerance would end too far off.
    """
    p, before, going = begin.copy(), np.full(len(begin), np.inf), np.isfinite(problem.p0).all(axis=1)  # no step makes the others finite
    steps, tolerance = np.zeros(len(begin), dtype=np.intp), min(tolerance, _ROUNDING)
    scale = np.maximum(np.abs(problem.p0).max(axis=1, initial=0.0), 1e-3)
    for _ in range(_NEAR):
        i, slope = problem.law(p, 0.0)
        change = problem.moved(p, i, slope)
        moved = np.abs(change).max(axis=1, initial=0.0) / scale
        p[going] += change[going]
        steps += going
        going &= ~((moved <= tolerance) | ((moved <= _ROUNDING) & (moved >= before)))
        if not going.any():
            return SettledPorts(p, i + slope * change, steps)
        if (going & ~(moved <= _ROUNDING) & ~((moved <= _CLOSER * before) & np.isfinite(moved))).any():
            break
        before = moved
    return None


class _Walk(NamedTuple):
    """Walks from where samples are, `at`, which it changes."""

    problem: Problem
    at: SettledPorts
    tolerance: float
    max_steps: int

    def __call__(self, samples: NDArray[np.intp], gmin: float) -> NDArray[np.intp]:
        """Take steps until the samples stand still; give those that do not."""
        (p, i, steps), before = self.at, np.full(len(samples), np.inf)
        scale = np.maximum(np.abs(self.problem.p0[samples]).max(axis=1, initial=0.0), 1e-3)
        for _ in range(self.max_steps):
            if not len(samples) or not p.shape[1]:
                return samples[:0]
            some = samples if len(samples) < len(p) else slice(None)  # no copies while all are on their way
            try:
                old = p[some]
                new, i[some] = self.problem.at(some).step(old, gmin)
            except np.linalg.LinAlgError:
                return samples
            steps[some] += 1
            moved = np.abs(new - old).max(axis=1) / scale
            p[some] = np.where(np.isfinite(new), new, old)
            going = ~((moved <= self.tolerance) | ((moved <= _ROUNDING) & (moved >= before)))
            samples, before, scale = samples[going], moved[going], scale[going]
        return samples


def settle_complex(problem: Problem, free: Floats, max_steps: int) -> tuple[NDArray[np.complex128], int, NDArray[np.bool_]]:
    """Find the complex port voltages of a batch by Newton's method from the free ones (B, P), the steps, and which samples settled."""
    p = free.astype(np.complex128)
    scale = np.maximum(np.abs(free).max(axis=1), 1e-3)
    moved = np.full(len(p), np.inf)
    for step in range(1, max_steps + 1):
        with np.errstate(all="ignore"):
            change = problem.moved(p, *problem.law(p, 0.0))
        before, moved = moved, np.abs(change).max(axis=1, initial=0.0) / scale
        p = np.where(np.isfinite(change), p + change, p)
        over = (moved <= _COMPLEX) | ((moved <= _ROUNDING) & (moved >= before)) | ~np.isfinite(moved)
        if over.all() or step >= _FEW:
            break
    return p, step, moved <= _ROUNDING

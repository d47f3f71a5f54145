"""The edge of stability: the gain of the lines at which small differences between states neither fade nor grow, along given inputs."""

from dataclasses import replace

import numpy as np

from hwsim.core.protocol import ConvergenceError
from hwsim.core.signal import Signal
from hwsim.reservoir.reservoir import Reservoir
from hwsim.typing import Floats

_CLOSE = 1e-3
"""Per row; so near to the exponent that is asked for is near enough."""

_FAR, _FLAT = 1.0, 0.05
"""Farthest that the logarithm of a radius goes in a round, and the least slope of an exponent over it that is believed."""

_STEPS = 4
"""Explicit steps of a row to begin with, in continuous reservoirs."""


def row_exponent(reservoir: Reservoir, x: Floats) -> float:
    """Return the largest Lyapunov exponent of a reservoir along sequences x (n, T, I), by row, of the sequence where it is largest.

    Raises
    ------
    CircuitError, ConvergenceError
        As `clock_exponents` and `lyapunov_exponents`.

    """
    signal, of = Signal.hold(x, reservoir.drawn.period), (reservoir.circuit, reservoir.chip, reservoir.g)
    if reservoir.settings.dynamics == "clocked":
        from hwsim.numeric.transient.clocked_forgetting import clock_exponents  # noqa: PLC0415 - JAX loads only for those who need it

        return float(clock_exponents(*of, signal).max())
    from hwsim.numeric.transient.forgetting import lyapunov_exponents  # noqa: PLC0415 - as above

    return float(lyapunov_exponents(*of, signal, _STEPS).max()) * reservoir.drawn.period


def edge_of_stability(reservoir: Reservoir, x: Floats, exponent: float = -0.01, rounds: int = 30) -> Reservoir:
    """Return the reservoir with the spectral radius at which its exponent along sequences x (n, T, I) is the one that is asked for, by row.

    The logarithm of the radius follows the slope of the last round. With phase transition adaptation (Gallicchio, Micheli &
    Silvestri 2021, arXiv 2104.10132) it shares the aim alone: the exponent is the whole circuit's, and no rule of single nodes is claimed.

    Raises
    ------
    ConvergenceError
        When no radius has that exponent after so many rounds.
    CircuitError
        As `row_exponent`.

    """
    now, slope = row_exponent(reservoir, x), 1.0
    for _ in range(rounds):
        if abs(now - exponent) <= _CLOSE:
            return reservoir
        moved, before = float(np.clip((exponent - now) / slope, -_FAR, _FAR)), now
        radius = reservoir.settings.spectral_radius * float(np.exp(moved))
        reservoir = replace(reservoir, settings=reservoir.settings.model_copy(update={"spectral_radius": radius}))
        now = row_exponent(reservoir, x)
        slope = float(np.clip((now - before) / moved, _FLAT, 1.0))
    msg = f"edge of stability: the exponent is {now:.3g} a row after {rounds} rounds, not {exponent:g}; allow more, or ask for another"
    raise ConvergenceError(msg)

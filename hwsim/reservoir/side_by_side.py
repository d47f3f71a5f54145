"""Chips of one reservoir side by side: clocked ones, which differ in their numbers alone, are one mapped program."""

from collections.abc import Sequence

import numpy as np

from hwsim.reservoir.reservoir import Reservoir
from hwsim.typing import Floats

_MOST = 20_000_000
"""Most states that are computed as one, all chips together."""


def states_of(reservoirs: Sequence[Reservoir], x: Floats) -> list[Floats]:
    """Return the states (n, T, N) [V] that sequences x (n, T, I) make in each of several chips of one reservoir, from 0 V on.

    Clocked chips run side by side in the numeric engine; continuous ones, whose steps each chip chooses for itself, one after the other.

    Raises
    ------
    CircuitError, UnsupportedCircuitError, ConvergenceError
        As `Reservoir.run`.

    """
    first = reservoirs[0]
    if len(reservoirs) == 1 or first.settings.dynamics != "clocked" or first.engine != "numeric":
        return [one.run(x).states for one in reservoirs]
    from hwsim.core.signal import Signal  # noqa: PLC0415 - JAX loads only for those who need it
    from hwsim.numeric.transient.clocked_chips import integrate_chips  # noqa: PLC0415 - as above

    signal = Signal.hold(first.driven(np.asarray(x, dtype=np.float64)), first.drawn.period)
    width = max(1, _MOST // max(1, x.shape[0] * x.shape[1] * first.settings.nodes))
    states: list[Floats] = []
    for begin in range(0, len(reservoirs), width):
        some = reservoirs[begin : begin + width]
        states += integrate_chips(first.circuit, [(one.chip, one.g) for one in some], signal, first.drawn.groups)
    return states

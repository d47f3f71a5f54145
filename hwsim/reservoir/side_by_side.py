"""Chips of one reservoir side by side: they differ in their numbers alone, and are one mapped program."""

from collections.abc import Sequence

import numpy as np

from hwsim.reservoir.reservoir import Reservoir
from hwsim.typing import Floats

_MOST = 20_000_000
"""Most states that are computed as one, all chips together."""


def states_of(reservoirs: Sequence[Reservoir], x: Floats) -> list[Floats]:
    """Return the states (n, T, N) [V] that sequences x (n, T, I) make in each of several chips of one reservoir, from 0 V on.

    They run side by side in the numeric engine, continuous ones by steps that are short enough for all; in ngspice one after the other.

    Raises
    ------
    CircuitError, UnsupportedCircuitError, ConvergenceError
        As `Reservoir.run`.

    """
    first = reservoirs[0]
    if len(reservoirs) == 1 or first.drawn.engine(first.engine) != "numeric":
        return [one.run(x).states for one in reservoirs]
    from hwsim.core.signal import Signal  # noqa: PLC0415 - JAX loads only for those who need it
    from hwsim.numeric.transient.clocked_chips import integrate_chips  # noqa: PLC0415 - as above
    from hwsim.numeric.transient.continuous_chips import integrate_continuous_chips  # noqa: PLC0415 - as above

    integrate = integrate_chips if first.settings.dynamics == "clocked" else integrate_continuous_chips
    signal = Signal.hold(first.driven(np.asarray(x, dtype=np.float64)), first.drawn.period)
    width = max(1, _MOST // max(1, x.shape[0] * x.shape[1] * first.settings.nodes))
    states: list[Floats] = []
    for begin in range(0, len(reservoirs), width):
        some = reservoirs[begin : begin + width]
        states += integrate(first.circuit, [(one.chip, one.g) for one in some], signal, first.drawn.groups)
    return states

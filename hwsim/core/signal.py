"""Signal: what is applied to circuits in time, interval by interval.

B is the batch, T the intervals, I the inputs, K the outputs.
"""

from typing import Any, NamedTuple, Self

import numpy as np

from circuits.circuit import Circuit
from circuits.errors import CircuitError
from circuits.units import Second
from hwsim.core.protocol import FREE, Push
from hwsim.typing import Array, Floats

RISE = 0.01
"""Share of an interval in which inputs go to their new values: short next to it, and no jump, which no source makes."""


class Signal(NamedTuple):
    """What is applied over time: in each interval inputs go linearly to new values, and then stay there.

    Parameters
    ----------
    x
        Inputs from the end of each rise on, shape (B, T, I) [units of the features].
    times
        Ends of the intervals, which begin at 0 s, shape (T,) [s].
    rise
        Share of each interval in which inputs go to their new values; 1: they go linearly from end to end.
    begin
        Inputs at 0 s, shape (B, I); None: those of the first interval.
    push
        What the nudges do at the outputs all the time; its `beta` is one number.

    Examples
    --------
    >>> import numpy as np
    >>> import hwsim as hw
    >>> circuit = hw.Network(inputs=2, outputs=1, capacitance=1e-12).compile()
    >>> signal = hw.Signal.hold(np.array([[[0.1, 0.2], [0.3, 0.4]]]), period=1e-6)  # one sequence of two intervals
    >>> with hw.NumericEngine().prepare(circuit, hw.Chip.nominal(circuit)) as solver:
    ...     trajectory = solver.integrate({"w1": np.full((5, 2), 1e-5)}, signal)
    >>> trajectory.outputs.shape, trajectory.times.tolist()
    ((1, 2, 1), [1e-06, 2e-06])

    """

    x: Array
    times: Floats
    rise: float = RISE
    begin: Array | None = None
    push: Push = FREE

    @classmethod
    def hold(cls, x: Any, period: Second, *, rise: float = RISE, begin: Any = None, push: Push = FREE) -> Self:
        """Hold each row of sequences x (B, T, I) for a period [s]."""
        x = np.asarray(x, dtype=np.float64)
        return cls(x, period * np.arange(1, x.shape[1] + 1) if x.ndim == 3 else np.zeros(0), rise, begin, push)  # noqa: PLR2004 - (B, T, I)

    def checked(self, circuit: Circuit) -> "Signal":
        """Return it as arrays of 64 bits, with `begin` and pushes of one a sequence.

        Raises
        ------
        CircuitError
            When a shape does not fit the circuit, a number is not finite, or times do not rise.

        """
        x, times, inputs = np.asarray(self.x, dtype=np.float64), np.asarray(self.times, dtype=np.float64), circuit.input_count
        if x.ndim != 3 or x.shape[2] != inputs or 0 in x.shape[:2]:  # noqa: PLR2004 - (B, T, I)
            msg = f"{circuit.name}: x has shape {x.shape}; sequences have (sequences, intervals, {inputs}), at least one of each"
            raise CircuitError(msg)
        if times.shape != x.shape[1:2]:
            msg = f"{circuit.name}: {times.size} times for {x.shape[1]} intervals; give the end of each"
            raise CircuitError(msg)
        if not (np.isfinite(times).all() and (np.diff(times, prepend=0.0) > 0).all()):
            msg = f"{circuit.name}: the ends of the intervals must be finite and rise from 0 s; the first are {times[:3].tolist()} s"
            raise CircuitError(msg)
        if not 0 < self.rise <= 1:
            msg = f"{circuit.name}: rise = {self.rise:g} must be above 0 and at most 1, the share of an interval"
            raise CircuitError(msg)
        if not np.isfinite(x).all():
            b, t, k = np.argwhere(~np.isfinite(x))[0].tolist()
            msg = f"{circuit.name}: x[{b}, {t}, {k}] is {x[b, t, k]}; inputs must be finite"
            raise CircuitError(msg)
        begin = x[:, 0] if self.begin is None else np.asarray(self.begin, dtype=np.float64)
        if begin.shape != x[:, 0].shape or not np.isfinite(begin).all():
            msg = f"{circuit.name}: begin has shape {begin.shape}; it must be finite numbers of shape {x[:, 0].shape}"
            raise CircuitError(msg)
        return Signal(x, times, float(self.rise), begin, self._pushes(circuit, len(x)))

    def _pushes(self, circuit: Circuit, batch: int) -> Push:
        beta, shape = np.asarray(self.push.beta, dtype=np.float64), (batch, len(circuit.outputs))
        if beta.size != 1:
            msg = f"{circuit.name}: beta has shape {beta.shape}; in time it is one number for all sequences"
            raise CircuitError(msg)
        try:
            target, current = (np.broadcast_to(np.asarray(part, dtype=np.float64), shape) for part in self.push[1:])
        except ValueError:
            shapes = ", ".join(str(np.shape(part)) for part in self.push[1:])
            msg = f"{circuit.name}: target and current of the push have shapes {shapes}; the batch takes {shape}"
            raise CircuitError(msg) from None
        return Push(float(beta.reshape(())), target, current)

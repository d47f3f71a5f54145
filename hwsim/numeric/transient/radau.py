"""The oracle of trajectories: SciPy's Radau, an adaptive implicit method of order 5, on one sequence after the other."""

import numpy as np

from circuits.diode import diode_current
from hwsim.core.signal import Signal
from hwsim.numeric.transient.state_form import StateForm
from hwsim.typing import Floats

_RELATIVE, _ABSOLUTE = 1e-9, 1e-12
"""Tolerances; the absolute one is in volts."""


def radau(form: StateForm, signal: Signal) -> Floats:
    """Return the read-outs at the ends of a checked signal's intervals, from 0 V on, shape (B, T, K) [V]."""
    beta, target, current = signal.push
    pushed = beta * np.asarray(target) + np.asarray(current)
    return np.array([_sequence(form, signal, b, pushed[b]) for b in range(len(signal.x))])


def _sequence(form: StateForm, signal: Signal, b: int, q: Floats) -> list[Floats]:
    """Integrate from corner to corner of the inputs."""
    from scipy.integrate import solve_ivp  # noqa: PLC0415 - half a second, only for those who ask for the oracle

    v, before, outputs = np.zeros(len(form.nodes)), np.asarray(signal.begin)[b], []
    for length, after in zip(np.diff(signal.times, prepend=0.0), signal.x[b], strict=True):
        change = after - before

        def flow(share: float, state: Floats, start: Floats = before, change: Floats = change, length: float = length) -> Floats:
            x = start + min(share / signal.rise, 1.0) * change
            i, _ = diode_current(form.ports(state, x, q), form.i_sat, form.n)
            flowing: Floats = length * (form.charging(state, x, q) - form.drawn @ i) / form.c
            return flowing

        for first, last in ((0.0, signal.rise), (signal.rise, 1.0)):
            if first < last:
                v = solve_ivp(flow, (first, last), v, method="Radau", rtol=_RELATIVE, atol=_ABSOLUTE).y[:, -1]
        outputs.append(form.outputs(v, after, q))
        before = after
    return outputs

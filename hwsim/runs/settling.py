"""Settling: how long a circuit takes to come near to its equilibria, and the energy that turns into heat on the way."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from circuits.capacitors import CAPACITANCE, with_capacitors
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.elements import Resistors
from circuits.quoting import quote_all
from circuits.units import Farad, Joule, Second, Volt
from hwsim.core.dissipation import dissipated
from hwsim.core.protocol import FREE, ConvergenceError, Drive, Equilibrium, Push
from hwsim.core.signal import Signal
from hwsim.core.transient import Trajectory
from hwsim.numeric.numeric_engine import NumericEngine
from hwsim.numeric.transient.state_form import StateForm
from hwsim.typing import Array, Conductances, Floats

SHARES = (0.01, 0.001)
"""Of the way, that may be left when it counts as settled."""

_TIME_CONSTANTS = 20
"""Of the slowest mode at the equilibrium, to begin with; e⁻²⁰ of the way is then left of it."""

_DECADES, _PER_DECADE = 6, 60
"""How finely voltages are looked at: distances are interpolated as exponentials in between."""

_LONGER, _TRIES = 4, 6
"""Times longer that is waited where that was too short, and how often."""

_FAR = 1e3
"""Times better than memristors conduct resistors that make some modes far faster than others."""


class OutputSettling(NamedTuple):
    """From when on no output is further away than `step` [V] from where it settles [s], and the heat until then [J]."""

    step: Volt
    seconds: Second
    energy: Joule


class SettlingTime(NamedTuple):
    """How one phase settled, from 0 V to the free equilibrium or from there to a nudged one.

    Parameters
    ----------
    phase
        `free`, `nudged_1`, `nudged_2` and so on.
    seconds
        From when on no node is further away than 1 % and than 0.1 % of the longest way that any has to go [s].
    energy
        What memristors, resistors and diodes turn into heat until then, for both [J].
    way
        The longest way [V].
    error
        Of the integration [V].
    slowest
        Node that is last further away than 0.1 % of the longest way.
    outputs
        How the outputs settle to within a step in volts; None: no step was asked for.

    """

    phase: str
    seconds: tuple[float, float]
    energy: tuple[float, float]
    way: float
    error: float
    slowest: str
    outputs: OutputSettling | None = None


def settling(  # noqa: PLR0913 - what settles, and to where
    circuit: Circuit,
    chip: Chip,
    g: Conductances,
    x: Array,
    pushes: Sequence[Push] = (),
    capacitance: Farad = CAPACITANCE,
    *,
    step: Volt | None = None,
) -> list[SettlingTime]:
    """Measure the settling of one sample, free and then nudged.

    Parameters
    ----------
    circuit, chip, g
        The circuit; nodes that move and have no capacitor get one of `capacitance` [F].
    x
        Inputs, shape (I,).
    pushes
        Of the nudged phases, each from the free equilibrium on.
    step
        Also measure when the outputs are this near to where they settle [V], as to a converter's step.

    Raises
    ------
    ConvergenceError
        When an equilibrium is not found, or voltages do not come near to it.
    UnsupportedCircuitError
        When the numeric engine does not integrate the circuit.

    """
    charged = with_capacitors(circuit, capacitance)
    on_chip, drive = chip.of(charged), Drive(np.asarray(x, dtype=np.float64)[None])
    with NumericEngine().prepare(charged, on_chip) as solver:
        free = solver.solve(g, drive)
        phases: list[tuple[str, Push, Mapping[str, Array] | None, Equilibrium]] = [("free", FREE, None, free)]
        phases += [
            (f"nudged_{k}", push, free.v, solver.solve(g, drive._replace(push=push), start=free)) for k, push in enumerate(pushes, start=1)
        ]
        one = _Settling(charged, on_chip, g, drive.x, step)
        return [one(*phase) for phase in phases]


class _Settling(NamedTuple):
    """A sample on a circuit with capacitors."""

    circuit: Circuit
    chip: Chip
    g: Conductances
    x: Floats
    step: Volt | None

    def __call__(self, phase: str, push: Push, begin: Mapping[str, Array] | None, end: Equilibrium) -> SettlingTime:
        """Follow the voltages from where they begin to the equilibrium of a push."""
        push = push._replace(beta=float(np.asarray(push.beta).reshape(())))
        form = StateForm.of(self.circuit, self.chip, self.g, push.beta)
        pushed = np.broadcast_to(push.beta * np.asarray(push.target) + np.asarray(push.current), (1, len(self.circuit.outputs)))
        target = np.asarray(end.at(self.circuit, form.nodes), dtype=np.float64)
        rate = form.slowest(target, self.x, pushed)
        if rate < 0:
            msg = f"{self.circuit.name}: {phase}: the equilibrium is not stable in time: a disturbance grows at {-rate:.2g}/s"
            raise ConvergenceError(msg)
        if rate == 0:
            msg = f"{self.circuit.name}: {phase}: its slowest mode is less than a rounding of its fastest{self._stiff}"
            raise ConvergenceError(msg)
        last = _TIME_CONSTANTS / rate
        for _ in range(_TRIES):
            trajectory = self._follow(push, begin, last)
            v = _states(self.circuit, trajectory, form)
            v = np.concatenate([np.zeros_like(v[:1]) if begin is None else np.asarray(_at(begin, self.circuit, form)), v])
            each = np.abs(v - target)
            away = each.max(axis=1)
            if away[-1] <= min(SHARES) * away[0]:
                break
            last *= _LONGER
        else:
            msg = f"{self.circuit.name}: {phase}: voltages are {away[-1]:.2g} V from their equilibrium after {last:.2g} s; it is not stable"
            raise ConvergenceError(msg)
        times = np.concatenate([[0.0], trajectory.times])
        volts = form.everywhere(v, np.repeat(self.x, len(v), axis=0), np.repeat(pushed, len(v), axis=0))
        power = dissipated(self.circuit, self.chip, self.g, volts)
        seconds = tuple(_last_crossing(times, away, share * away[0]) for share in SHARES)
        energy = tuple(_until(times, power, end_of) for end_of in seconds)
        last_away = np.flatnonzero(away > SHARES[1] * away[0]).max(initial=0)
        slowest = self.circuit.node_names[int(form.nodes[each[last_away].argmax()])]
        ends = (seconds[0], seconds[1]), (energy[0], energy[1])
        return SettlingTime(phase, *ends, float(away[0]), trajectory.error, slowest, self._outputs(times, volts, power))

    def _outputs(self, times: Floats, volts: Floats, power: Floats) -> OutputSettling | None:
        """Find when the outputs are within a step of their last values."""
        if self.step is None:
            return None
        out = self.circuit.outputs
        read = volts[:, out.plus] - volts[:, out.minus]
        seconds = _last_crossing(times, np.abs(read - read[-1]).max(axis=1), self.step)
        return OutputSettling(self.step, seconds, _until(times, power, seconds))

    def _follow(self, push: Push, begin: Mapping[str, Array] | None, last: float) -> Trajectory:
        times = np.geomspace(last * 10.0**-_DECADES, last, _DECADES * _PER_DECADE + 1)
        x = np.repeat(self.x[:, None], len(times), axis=1)
        with NumericEngine().prepare(self.circuit, self.chip) as solver:
            try:
                return solver.integrate(self.g, Signal(x, times, rise=1.0, push=push), begin)
            except ConvergenceError as error:
                raise ConvergenceError(f"{error}{self._stiff}") from None

    @property
    def _stiff(self) -> str:
        """What makes some modes far faster than others, and what to do, behind an error; empty where no resistor does."""
        least = 1.0 / (_FAR * max(float(np.max(values)) for values in self.g.values()))
        names = [e.name for e in self.circuit.of(Resistors) if float(np.min(self.chip(e.name, "r"))) < least]
        why = "charge capacitors far faster than memristors do: make them 0, so that they join nodes, or larger"
        return f"; {quote_all(names)} {why}" if names else ""


def _at(v: Mapping[str, Array], circuit: Circuit, form: StateForm) -> Floats:
    """Lay out one sample's voltages by group as states, (1, n) [V]."""
    every = np.zeros((1, circuit.size + 1))
    for group in circuit.groups:
        if group.name in v:
            every[:, group.nodes] = np.asarray(v[group.name], dtype=np.float64)
    return every[:, form.nodes]


def _states(circuit: Circuit, trajectory: Trajectory, form: StateForm) -> Floats:
    """Lay out a trajectory as states, (T, n) [V]."""
    every = np.zeros((len(trajectory.times), circuit.size + 1))
    for group in circuit.groups:
        if group.name in trajectory.v:
            every[:, group.nodes] = trajectory.v[group.name][0]
    return every[:, form.nodes]


def _last_crossing(times: Floats, away: Floats, limit: float) -> float:
    """Return when a distance last falls to a limit [s]; between two times it is an exponential."""
    outside = np.flatnonzero(away > limit)
    if not len(outside):
        return 0.0
    k = int(outside[-1])
    share = np.log(away[k] / limit) / np.log(away[k] / max(away[k + 1], np.finfo(float).tiny))
    return float(times[k] + share * (times[k + 1] - times[k]))


def _until(times: Floats, power: Floats, end: float) -> float:
    """Integrate power up to a time [J]."""
    inside = times < end
    at = np.append(times[inside], end)
    return float(np.trapezoid(np.append(power[inside], np.interp(end, times, power)), at))

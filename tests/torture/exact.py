"""An independent check of voltages: how far a state is from the equilibrium, by Newton's method on all nodes with 64 bits of mantissa.

It knows the elements and nothing of how the engines solve them.
"""

import math
from typing import NamedTuple

import numpy as np

from circuits.arrays import Crossbar
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.constants import GMIN, V_T
from circuits.elements import Amplifiers, Diodes, IdealDiodes, InputSources, VoltageSources

LONG = np.longdouble
STEPS = 200
"""Most Newton steps; a state that is right needs one or two."""


class Verdict(NamedTuple):
    """How far off a state is in any node [V], whether that is certain, and whether the equilibrium would come back after a disturbance.

    Amplifiers of one gain and one back keep it the only one, and stable; those far apart can feed back more than the circuit takes up, and
    then there may be several.
    """

    off: float
    certain: bool
    stable: bool


def _lifts(jacobian: np.ndarray) -> bool:
    """Whether currents into the nodes lift all voltages: where nothing off the diagonal is positive, only stable states do that."""
    lifted = np.linalg.solve(jacobian / np.abs(jacobian).sum(1)[:, None], np.ones(len(jacobian)))
    return bool(lifted.min(initial=0.0) >= -1e-6 * np.abs(lifted).max(initial=0.0))


class Exact:
    """The equations of a circuit on a chip, with conductances g [S]: currents out of the free nodes, all in extended precision.

    A voltage everywhere is T·u + t with u those of the free nodes; the current that an amplifier delivers is drawn `back` times from its
    input. Ideal diodes are taken as they stand in the state that is checked, whose rounding is `eps`: conducting at their threshold, open
    below.
    """

    def __init__(self, circuit: Circuit, chip: Chip, g: dict[str, np.ndarray], eps: float = 2.2e-16) -> None:
        self.circuit, self.chip, self.g, self.eps = circuit, chip, g, eps
        size = circuit.size + 1
        self.y = np.zeros((size, size), LONG)
        for crossbar in circuit.of(Crossbar):
            values = np.asarray(g[crossbar.name], LONG)
            rows, columns = crossbar.rows, crossbar.columns
            self.y[np.ix_(rows, columns)] -= values
            self.y[np.ix_(columns, rows)] -= values.T
            self.y[rows, rows] += values.sum(1)
            self.y[columns, columns] += values.sum(0)

    def check(self, v: np.ndarray, x: np.ndarray, beta: float, target: np.ndarray) -> Verdict:
        """Check the voltages v (N + 1,) of one sample x (I,), nudged by beta [S] towards target (K,) [V]."""
        fixed = self._fixed(x)
        clamped = self._clamped(v, fixed)
        if clamped is None:
            return Verdict(np.inf, certain=True, stable=True)
        take, give, at = self._maps(v, fixed | clamped)
        nudge = self._nudge(beta, target)
        u, begin = np.asarray(v, LONG)[take.free], np.asarray(v, LONG)[take.free]
        size, jacobian = np.inf, np.zeros((0, 0))
        for _ in range(STEPS):
            voltages = take.matrix @ u + at
            i, slope = self._diodes(voltages)
            surplus = give @ (self.y @ voltages + i + nudge[0] @ voltages - nudge[1])
            jacobian = np.asarray(give @ (self.y + slope + nudge[0]) @ take.matrix, float)
            scale = np.abs(jacobian).sum(1)
            if not np.isfinite(scale).all() or not scale.all():
                return Verdict(np.inf, certain=False, stable=True)
            try:
                step = np.linalg.solve(jacobian / scale[:, None], np.asarray(surplus / scale, float))
            except np.linalg.LinAlgError:
                return Verdict(np.inf, certain=False, stable=True)
            before, size = size, float(np.abs(step).max(initial=0.0))
            u = u - step * min(1.0, self._leap / max(size, 1e-300))
            if size <= 1e-14 * max(1.0, float(np.abs(u).max(initial=0.0))) or size >= before < 1e-9:
                break
        report = size <= 1e-9 * max(1.0, float(np.abs(u).max(initial=0.0)))
        stable = _lifts(jacobian) if beta >= 0 else bool((np.linalg.eigvals(jacobian / np.abs(jacobian).sum(1)[:, None]).real > 0).all())
        return Verdict(float(np.abs(u - begin).max(initial=0.0)), report, stable)

    @property
    def _leap(self) -> float:
        """V; the longest step, within what exponentials bear."""
        return max((5 * V_T * float(np.min(self.chip(diodes.name, "n"))) for diodes in self.circuit.of(Diodes)), default=np.inf)

    def _fixed(self, x: np.ndarray) -> dict[int, LONG]:
        """Return what sources hold, by node [V]."""
        fixed = {0: LONG(0)}
        for source in self.circuit.of(VoltageSources, InputSources):
            if isinstance(source, InputSources):
                values = np.asarray(x, LONG)[source.feature] * self.chip(source.name, "scale")
            else:
                values = np.asarray(self.chip(source.name, "v"), LONG)
            fixed |= dict(zip(source.plus.tolist(), values, strict=True))
        return fixed

    def _clamped(self, v: np.ndarray, fixed: dict[int, LONG]) -> dict[int, LONG] | None:
        """Return the nodes that ideal diodes hold; None where one is beyond its threshold."""
        kept: dict[int, LONG] = {}
        for diodes in self.circuit.of(IdealDiodes):
            for a, b in zip(diodes.anode.tolist(), diodes.cathode.tolist(), strict=True):
                node, rail = (a, b) if b in fixed else (b, a)
                drop, rounding = float(v[a] - v[b]), 4 * self.eps * abs(float(fixed[rail]))
                if drop > rounding:
                    return None
                if drop >= -rounding:
                    kept[node] = fixed[rail]
        return kept

    class _Take(NamedTuple):
        free: np.ndarray
        matrix: np.ndarray

    def _maps(self, v: np.ndarray, fixed: dict[int, LONG]) -> tuple[_Take, np.ndarray, np.ndarray]:
        """Return T with the free nodes, the sums of currents over what a free node answers for, and t."""
        driven = {int(node) for amplifiers in self.circuit.of(Amplifiers) for node in amplifiers.output}
        free = np.array([node for node in range(len(v)) if node not in fixed and node not in driven], int)
        matrix, at = np.zeros((len(v), len(free)), LONG), np.zeros(len(v), LONG)
        matrix[free, np.arange(len(free))] = 1
        for node, value in fixed.items():
            at[node] = value
        give = matrix.T.copy()
        for amplifiers in self.circuit.of(Amplifiers):
            gain, back, offset = (np.asarray(self.chip(amplifiers.name, name), LONG) for name in ("gain", "back", "offset"))
            for k, (a, b) in enumerate(zip(amplifiers.input, amplifiers.output, strict=True)):
                matrix[b] = gain[k] * matrix[a]
                at[b] = gain[k] * (at[a] + offset[k])
                place = np.flatnonzero(free == a)
                give[place, b] = back[k]
        return self._Take(free, matrix), give, at

    def _nudge(self, beta: float, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the nudges as a conductance matrix and as currents into the nodes."""
        outputs, size = self.circuit.outputs, self.circuit.size + 1
        y, into = np.zeros((size, size), LONG), np.zeros(size, LONG)
        for plus, minus, wanted in zip(outputs.plus, outputs.minus, target, strict=True):
            for a, b in ((plus, minus), (minus, plus)):
                y[a, a] += beta
                y[a, b] -= beta
            into[plus] += beta * wanted
            into[minus] -= beta * wanted
        return y, into

    def _diodes(self, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the currents that diodes draw out of the nodes, and their slopes as a conductance matrix."""
        i, y = np.zeros(len(v), LONG), np.zeros((len(v), len(v)), LONG)
        for diodes in self.circuit.of(Diodes):
            i_sat, n = (np.asarray(self.chip(diodes.name, name), LONG) for name in ("i_sat", "n"))
            drop, heat = v[diodes.anode] - v[diodes.cathode], n * V_T
            forward = drop >= -3 * heat
            with np.errstate(all="ignore"):
                e = np.exp(np.where(forward, drop, 0) / heat)
                tail = (3 * heat / (math.e * np.where(forward, 1, drop))) ** 3
                current = np.where(forward, i_sat * (e - 1), -i_sat * (1 + tail)) + GMIN * drop
                slope = np.where(forward, i_sat * e / heat, 3 * i_sat * tail / np.where(forward, 1, drop)) + GMIN
            for a, b, through, g in zip(diodes.anode, diodes.cathode, current, slope, strict=True):
                i[a] += through
                i[b] -= through
                y[a, a] += g
                y[b, b] += g
                y[a, b] -= g
                y[b, a] -= g
        return i, y

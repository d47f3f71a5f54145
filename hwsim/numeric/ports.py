"""Any connected circuit: its linear part is eliminated exactly, and Newton's method finds the voltages across what is not linear.

    p = p₀ − Q·i(p)

`p₀` are the port voltages that sources alone would cause, `Q` how they answer currents; both dense and small. All other voltages are a
linear map of sources and port currents. Ports are the diodes, and the outputs, whose nudges differ from phase to phase.
"""

from dataclasses import dataclass
from functools import cache
from types import TracebackType
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.constants import V_T
from circuits.diode import diode_current
from circuits.elements import Diodes, IdealDiodes
from circuits.nodes import Nodes
from circuits.passed import Passed
from hwsim.energy import balance
from hwsim.engine import Array, Conductances, Drive, Equilibrium, Nudge, Result, UnsupportedCircuitError
from hwsim.held import HOLDING
from hwsim.numeric.linear import Linear, sources

Floats = NDArray[np.float64]

RESIDUAL = 1e-9
"""Share of the largest branch current that the currents into a node may sum up to; as for ngspice."""

FLOOR = 1e-15
"""A; a sum that is always allowed."""

_HARD = 1e14
"""An ideal diode conducts so many times better than what it sees of the circuit."""

_LADDER = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12, 0.0)
"""S; helping conductances across the diodes of samples that Newton's method alone does not settle, each step from where the last ended."""

_CHUNK = 2**23
"""Numbers of a batch's Newton matrices that are held at once; more samples wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PortsEngine:
    """Settings of the general solver.

    Parameters
    ----------
    tolerance
        Newton's method ends when no port voltage changes any more by this share of the largest (at least 1 mV).
    max_steps
        Most steps of Newton's method, and of each helping conductance.

    """

    name: ClassVar[str] = "numeric"
    tolerance: float = 1e-13
    max_steps: int = 200

    def prepare(self, circuit: Circuit, chip: Chip) -> "PortsSolver":
        """Find the circuit's ports.

        Raises
        ------
        UnsupportedCircuitError
            When it holds what only ngspice solves.

        """
        passed = [element for element in circuit.elements if isinstance(element, Passed)]
        if passed:
            kinds = {"b": "behavioural sources", "d": "diodes beyond the junction's law", "j": "JFETs", "m": "MOSFETs", "q": "transistors"}
            msg = (
                f"{circuit.name}: {passed[0].name} holds {kinds[passed[0].letter]}, which the numeric engine has not; use --engine ngspice"
            )
            raise UnsupportedCircuitError(msg)
        return PortsSolver(circuit, chip, self)


class Ports(NamedTuple):
    """What is not linear: its nodes, the law's parameters, and which ports are what.

    Parameters
    ----------
    a, b
        Nodes; currents flow from `a` to `b`.
    i_sat, n_v_t
        Of the diodes [A, V]; 1 elsewhere.
    ideal
        Which are ideal diodes.
    outputs
        Where the outputs begin; they are the last.

    """

    a: Nodes
    b: Nodes
    i_sat: Floats
    n_v_t: Floats
    ideal: NDArray[np.bool_]
    outputs: int

    @classmethod
    def of(cls, circuit: Circuit, chip: Chip) -> Self:
        """Collect the diodes, then the outputs."""
        diodes, outputs = circuit.of(Diodes, IdealDiodes), circuit.outputs
        soft = [None if isinstance(e, IdealDiodes) else (chip(e.name, "i_sat"), chip(e.name, "n") * V_T) for e in diodes]
        laws = [(np.ones(len(e)), np.ones(len(e))) if law is None else law for e, law in zip(diodes, soft, strict=True)]
        none = np.zeros(0)
        return cls(
            np.concatenate([*(e.anode for e in diodes), outputs.plus]),
            np.concatenate([*(e.cathode for e in diodes), outputs.minus]),
            np.concatenate([none, *(law[0] for law in laws)]),
            np.concatenate([none, *(law[1] for law in laws)]),
            np.concatenate([none, *(np.full(len(e), isinstance(e, IdealDiodes)) for e in diodes)]).astype(bool),
            sum(len(e) for e in diodes),
        )


class _Problem(NamedTuple):
    """One batch: p₀ (B, P) [V], Q (P, P) [ohm], conductance that Q holds already (P,) [S], and what pushes the outputs (B, K)."""

    ports: Ports
    p0: Floats
    across: Floats
    shunt: Floats
    hard: Floats
    beta: Floats
    pushed: Floats

    def at(self, samples: Any) -> "_Problem":
        """Take some samples."""
        return self._replace(p0=self.p0[samples], beta=self.beta[samples], pushed=self.pushed[samples])

    def law(self, p: Floats, help_: float) -> tuple[Floats, Floats]:
        """Give the currents through the ports and their slopes, both (B, P), less what Q holds already."""
        ports, count = self.ports, self.ports.outputs
        v = p[:, :count]
        i, slope = np.empty_like(p), np.empty_like(p)
        with np.errstate(over="ignore", invalid="ignore"):
            i[:, :count], slope[:, :count] = diode_current(v, ports.i_sat, ports.n_v_t / V_T)
        on = v > 0
        i[:, :count] = np.where(ports.ideal, np.where(on, self.hard * v, 0.0), i[:, :count])
        slope[:, :count] = np.where(ports.ideal, np.where(on, self.hard, 0.0), slope[:, :count])
        i[:, :count] += help_ * v
        slope[:, :count] += help_
        i[:, count:] = self.beta * p[:, count:] - self.pushed  # flows from plus to minus: against the push
        slope[:, count:] = self.beta
        return i - self.shunt * p, slope - self.shunt

    def step(self, p: Floats, help_: float) -> Floats:
        """Give where one step of Newton's method leads, with the voltages across diodes kept from overshooting."""
        i, slope = self.law(p, help_)
        jacobian = np.eye(p.shape[1]) + self.across * slope[:, None, :]
        off = p - self.p0 + i @ self.across.T
        with np.errstate(all="ignore"):
            new = p - np.linalg.solve(jacobian, off[:, :, None])[:, :, 0]
        count = self.ports.outputs
        new[:, :count] = _limited(new[:, :count], p[:, :count], self.ports)
        return new

    def unstable(self, p: Floats) -> NDArray[np.bool_]:
        """Tell of each sample, (B,), whether its outputs fall away from a negative nudge: I + beta·Q of the outputs is no longer positive.

        `Q` is then what the outputs see with all diodes in the place of their tangents.
        """
        count = self.ports.outputs
        found = np.zeros(len(p), dtype=bool)
        for k in np.flatnonzero((self.beta < 0).any(axis=1)):
            _, slope = self.at([k]).law(p[[k]], 0.0)
            slope[:, count:] = 0.0
            seen = np.linalg.solve(np.eye(p.shape[1]) + self.across * slope, self.across)[count:, count:]
            found[k] = bool((np.linalg.eigvals(np.eye(len(seen)) + self.beta[k] * seen).real <= 0).any())
        return found


def _limited(new: Floats, old: Floats, ports: Ports) -> Floats:
    """Keep steps into the exponential to where its tangent's current is: a step of many n·v_t forward becomes its logarithm."""
    n_v_t = ports.n_v_t
    critical = n_v_t * np.log(n_v_t / (np.sqrt(2.0) * ports.i_sat))
    with np.errstate(all="ignore"):
        rise = (new - old) / n_v_t
        above = np.where(old > 0, old + n_v_t * np.log1p(np.maximum(rise, 0.0)), n_v_t * np.log(np.maximum(new / n_v_t, 1.0)))
    limited = (new > critical) & (np.abs(rise) > 2.0) & (rise > 0) & ~ports.ideal  # noqa: PLR2004 - steps of 2·n·v_t are harmless
    return np.where(limited, above, new)


@cache
def _threads() -> Any:
    import scipy.sparse.linalg  # noqa: F401, PLC0415 - brings a BLAS of its own, which is to be found
    from threadpoolctl import ThreadpoolController  # noqa: PLC0415 - looks through all libraries that are loaded by then

    return ThreadpoolController()


class PortsSolver:
    """A circuit of any form, ready to be solved."""

    def __init__(self, circuit: Circuit, chip: Chip, engine: PortsEngine) -> None:
        self.circuit, self.chip, self.engine = circuit, chip, engine
        self._ports = Ports.of(circuit, chip)
        self._g: dict[str, Floats] = {}
        self._linear: Linear | None = None
        self._shunt = np.zeros(0)

    def _factorized(self, g: Conductances) -> Linear:
        """Factorize, unless these conductances are those of the last call."""
        values = {name: np.asarray(array, dtype=np.float64) for name, array in g.items()}
        self.circuit.check_conductances(values)
        if self._linear is None or any(not np.array_equal(values[name], self._g[name]) for name in values):
            typical = float(np.exp(np.mean([np.log(array).mean() for array in values.values()])))
            self._shunt = np.full(len(self._ports.a), typical)
            self._shunt[self._ports.outputs :] = 0.0
            self._linear = Linear.of(self.circuit, self.chip, values, (self._ports.a, self._ports.b), self._shunt)
            self._g = {name: array.copy() for name, array in values.items()}
        return self._linear

    def solve(self, g: Conductances, drive: Drive, *, start: Equilibrium | None = None, throw: bool = True) -> Equilibrium:
        """Find the equilibria of a batch, x (B, I); `start` is where to search from.

        Raises
        ------
        ConvergenceError
            When a sample has none and `throw` is set.
        ValueError
            When shapes do not fit the circuit.

        """
        drive = drive._replace(x=self._rows(drive.x, self.circuit.input_count, "x"))
        with _threads().limit(limits=1, user_api="blas"):  # its many small products would wait for each other's threads
            found = self._equilibrium(g, drive, *self._found(g, drive, start))
        return found.check(self.circuit) if throw else found

    def _found(self, g: Conductances, drive: Drive, start: Equilibrium | None) -> tuple[Floats, NDArray[np.intp], NDArray[np.bool_]]:
        """Give the voltages of all nodes and the held currents, (rows, B), the steps of each sample, and which a nudge makes unstable."""
        try:
            linear = self._factorized(g)
        except RuntimeError:  # SuperLU: exactly singular
            size = self.circuit.size + sum(len(element) for element in self.circuit.of(*HOLDING))
            return np.full((size, len(drive.x)), np.nan), np.zeros(len(drive.x), dtype=np.intp), np.zeros(len(drive.x), dtype=bool)
        driven = linear.solve(sources(self.circuit, self.chip, drive.x))
        problem = self._problem(linear, driven, drive)
        p, steps = self._settled(problem, np.zeros_like(problem.p0) if start is None else self._across(start))
        i, _ = problem.law(p, 0.0)
        return driven - linear.solve(linear.ports @ i.T), steps, problem.unstable(p)

    def phases(self, g: Conductances, x: Array, y: Array, nudge: Nudge, *, throw: bool = True) -> tuple[Equilibrium, ...]:
        """Find the free equilibria of a batch, x (B, I), then each nudged one from there towards y (B, K).

        Raises
        ------
        ConvergenceError
            When a sample does not settle in some phase and `throw` is set.
        ValueError
            When shapes do not fit the circuit.

        """
        y = self._rows(y, len(self.circuit.outputs), "y")
        free = self.solve(g, Drive(x), throw=throw)
        pushes = nudge.pushes(free.outputs(self.circuit), y)
        return free, *(self.solve(g, Drive(x, push), start=free, throw=throw) for push in pushes)

    def _rows(self, rows: Array, count: int, what: str) -> Floats:
        values: Floats = np.asarray(rows, dtype=np.float64)
        if values.ndim != 2 or values.shape[1] != count:  # noqa: PLR2004 - (B, count)
            msg = f"{what} has shape {values.shape}; {self.circuit.name} takes (samples, {count})"
            raise ValueError(msg)
        return values

    def _problem(self, linear: Linear, driven: Floats, drive: Drive) -> _Problem:
        p0 = np.asarray((linear.ports.T @ driven).T)
        one_each = (len(p0), len(self.circuit.outputs))
        beta, target, current = (np.asarray(part, dtype=np.float64) for part in drive.push)
        beta = np.broadcast_to(beta, one_each)
        count = self._ports.outputs
        sees = np.maximum(np.abs(np.diagonal(linear.across))[:count], 1e-12)
        return _Problem(self._ports, p0, linear.across, self._shunt, _HARD / sees, beta, beta * target + np.broadcast_to(current, one_each))

    def _across(self, start: Equilibrium) -> Floats:
        at = start.at(self.circuit, self._ports.a) - start.at(self.circuit, self._ports.b)
        voltages: Floats = np.nan_to_num(np.asarray(at, dtype=np.float64))
        return voltages

    def _settled(self, problem: _Problem, begin: Floats) -> tuple[Floats, NDArray[np.intp]]:
        """Find the port voltages of all samples, (B, P) [V], and the steps of each."""
        p, steps = begin.copy(), np.zeros(len(begin), dtype=np.intp)
        at_once = max(_CHUNK // max(p.shape[1] ** 2, 1), 1)
        for first in range(0, len(p), at_once):
            samples = np.arange(first, min(first + at_once, len(p)))
            left = self._newton(problem, p, steps, samples, 0.0)
            if len(left):
                p[left] = 0.0
                for help_ in _LADDER:
                    self._newton(problem, p, steps, left, help_)
        return p, steps

    def _newton(self, problem: _Problem, p: Floats, steps: NDArray[np.intp], samples: NDArray[np.intp], help_: float) -> NDArray[np.intp]:
        """Take steps until the samples stand still; give those that do not."""
        for _ in range(self.engine.max_steps):
            if not len(samples) or not p.shape[1]:
                return samples[:0]
            try:
                new = problem.at(samples).step(p[samples], help_)
            except np.linalg.LinAlgError:
                return samples
            steps[samples] += 1
            scale = np.maximum(np.abs(problem.p0[samples]).max(axis=1), 1e-3)
            moved = np.abs(new - p[samples]).max(axis=1)
            p[samples] = np.where(np.isfinite(new), new, p[samples])
            samples = samples[~(moved <= self.engine.tolerance * scale)]
        return samples

    def _equilibrium(self, g: Conductances, drive: Drive, u: Floats, steps: NDArray[np.intp], unstable: NDArray[np.bool_]) -> Equilibrium:
        """Lay out voltages by group, and let Kirchhoff's law say which samples have settled."""
        v = {group.name: np.ascontiguousarray(u[group.start - 1 : group.start - 1 + len(group)].T) for group in self.circuit.groups}
        result = np.full(len(steps), int(Result.CONVERGED))
        found = Equilibrium(v, np.zeros(len(steps)), steps, result)
        with np.errstate(all="ignore"):
            held = balance(self.circuit, self.chip, g, drive, found)
        result[~(held.residual <= RESIDUAL * held.largest + FLOOR)] = int(Result.MAX_STEPS)
        result[unstable] = int(Result.NOT_CONVEX)
        result[~np.isfinite(u).all(axis=0)] = int(Result.NOT_FINITE)
        return found._replace(residual=held.residual, result=result)

    def close(self) -> None:
        """Nothing is held."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

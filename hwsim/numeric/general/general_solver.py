"""Any connected circuit: its linear part is eliminated exactly, and Newton's method finds the voltages across what is not linear.

    p = p₀ − Q·i(p)

`p₀` are the port voltages that sources alone would cause, `Q` how they answer currents; both dense and small. All other voltages are a
linear map of sources and port currents. Ports are the diodes, and the outputs, whose nudges differ from phase to phase.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.elements import IdealDiodes
from hwsim.core.protocol import (
    FREE,
    Capability,
    Closing,
    Drive,
    Equilibrium,
    Nudge,
    Nudging,
    Push,
    Result,
    UnsupportedCircuitError,
)
from hwsim.numeric.general.port_batch import PortBatch
from hwsim.numeric.general.port_circuit import PortCircuit
from hwsim.numeric.general.port_search import PortSearch, joined
from hwsim.numeric.general.port_settling import settle, settle_complex, settle_near
from hwsim.numeric.general.thread_pool import one_thread
from hwsim.numeric.general.unknown_parts import refuse_unknown
from hwsim.numeric.transient.integrating import Integrating
from hwsim.typing import Array, Conductances, Floats

TOLERANCE = 1e-13
"""Share of the largest port voltage, unless something else is asked for."""

_NOISE_FLOOR = 8 * float(np.finfo(np.float64).eps)
"""A tolerance below a few roundings would never be met."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneralEngine:
    """Settings of the general solver.

    Parameters
    ----------
    tolerance
        Newton's method ends when no port voltage changes any more by this share of the largest (at least 1 mV).
    max_steps
        Most steps of Newton's method, and of each gmin step.

    """

    name: ClassVar[str] = "numeric"
    tolerance: float = TOLERANCE
    max_steps: int = 200

    def prepare(self, circuit: Circuit, chip: Chip) -> "GeneralSolver":
        """Find the circuit's ports.

        Raises
        ------
        UnsupportedCircuitError
            When it holds what only ngspice solves.

        """
        circuit.require("inputs", "outputs")
        refuse_unknown(circuit)
        return GeneralSolver(circuit, chip, self)


class GeneralSolver(Integrating, Nudging, Closing):
    """A circuit of any form, ready to be solved."""

    capabilities = frozenset(
        {
            Capability.ADJOINT,
            Capability.SMALL_SIGNAL,
            Capability.HOLOMORPHIC,
            Capability.TRANSIENT,
            Capability.VERIFIED,
        }
    )

    def __init__(self, circuit: Circuit, chip: Chip, engine: GeneralEngine) -> None:
        self.circuit, self.chip, self.engine = circuit, chip, engine
        self._port_circuit = PortCircuit(circuit, chip)

    @property
    def tolerance(self) -> float | None:
        """The tolerance that was set, as a share of the largest voltage."""
        return self.engine.tolerance

    def solve(self, g: Conductances, drive: Drive, *, start: Equilibrium | None = None, throw: bool = True) -> Equilibrium:
        """Find the equilibria of a batch, x (B, I); `start` is where to search from.

        Raises
        ------
        ConvergenceError
            When a sample has none and `throw` is set.
        ValueError
            When shapes do not fit the circuit.

        """
        with one_thread(), np.errstate(all="ignore"):  # many small products would wait for threads; what overflows has a result of its own
            batch = self._port_circuit.batch(g, drive.x)._replace(noise=drive.noise)
            begin = None if start is None else self._port_circuit.across(start)
            equilibrium = self._verified(batch, self._search(batch, drive.push, begin))
        return equilibrium.check(self.circuit) if throw else equilibrium

    def phases(
        self,
        g: Conductances,
        x: Array,
        y: Array,
        nudge: Nudge,
        *,
        throw: bool = True,
        noise: Sequence[Mapping[str, Any]] | None = None,
    ) -> tuple[Equilibrium, ...]:
        """Find the free equilibria of a batch, x (B, I), then each nudged one from there towards y (B, K).

        Raises
        ------
        ConvergenceError
            When a sample does not settle in some phase and `throw` is set.
        ValueError
            When shapes do not fit the circuit.

        """
        y = self._port_circuit.rows_of(y, len(self.circuit.outputs), "y")
        with one_thread(), np.errstate(all="ignore"):
            batch = self._port_circuit.batch(g, x)
            equilibria = self._phases(batch, y, nudge, noise)
        return tuple(phase.check(self.circuit) for phase in equilibria) if throw else equilibria

    def _phases(self, batch: PortBatch, y: Floats, nudge: Nudge, noise: Sequence[Mapping[str, Any]] | None) -> tuple[Equilibrium, ...]:
        """Search for the free equilibria and all nudged ones at the ports; then find and verify all voltages of all phases at once.

        Nudged ones are near: their searches share the tangents of the free ones.
        """
        free = self._search(batch._replace(noise=None if noise is None else noise[0]), FREE, None)
        pushes = nudge.pushes(free.p[:, self._port_circuit.ports.outputs :], y)
        currents: Sequence[Any] = [None] * (1 + len(pushes)) if noise is None else noise
        if not pushes:
            return (self._verified(batch._replace(noise=currents[0]), free),)
        begin = np.tile(free.p, (len(pushes), 1))
        nudged = self._search(batch.repeated(currents[1:]), joined(pushes, y.shape), begin, phases=len(pushes))
        whole = self._verified(batch.repeated(currents), free.followed_by(nudged))
        each = (slice(k * len(y), (k + 1) * len(y)) for k in range(1 + len(pushes)))
        return tuple(map(whole.some, each))

    def adjoint(self, g: Conductances, free: Equilibrium, error: Array, *, throw: bool = True) -> Equilibrium:
        """Solve the adjoint circuit of an equilibrium for an error dC/dŷ (B, K) [V]: the voltages λ by group, each (B, n).

        Its matrix is that of the circuit transposed, with the diodes' slopes in their place: (Aᵀ + C·s·Cᵀ)·λ = C·e, so that
        q = Cᵀ·λ follows from (I + Qᵀ·s)·q = Qᵀ·e (Director & Rohrer 1969).

        Raises
        ------
        ConvergenceError
            When a sample has none and `throw` is set.

        """
        solved = self._response(g, free, np.asarray(error, dtype=np.float64), adjoint=True)
        return solved.check(self.circuit) if throw else solved

    def small_signal(self, g: Conductances, free: Equilibrium, current: Array, *, throw: bool = True) -> Equilibrium:
        """Solve the circuit linearised at an equilibrium, driven by currents (B, K) [A] into the outputs alone: its voltages by group.

        Raises
        ------
        ConvergenceError
            When a sample has none and `throw` is set.

        """
        gain = self.chip(self.circuit.outputs.name, "gain")
        solved = self._response(g, free, gain * np.asarray(current, dtype=np.float64), adjoint=False)
        return solved.check(self.circuit) if throw else solved

    def _response(self, g: Conductances, free: Equilibrium, into: Floats, *, adjoint: bool) -> Equilibrium:
        """Solve (A + C·s·Cᵀ)·u = C·i, or its adjoint, for currents `into` the outputs (B, K) [A]."""
        pushed = np.zeros((len(into), len(self._port_circuit.ports.a)))
        pushed[:, self._port_circuit.ports.outputs :] = into
        with one_thread(), np.errstate(all="ignore"):
            batch = self._port_circuit.batch(g, np.zeros((len(into), self.circuit.input_count)))
            if batch.linear is None:
                return batch.unsolved()
            across = batch.linear.across.T if adjoint else batch.linear.across
            _, slope = self._port_circuit.problem(batch, FREE).law(self._port_circuit.across(free), 0.0)
            jacobian = np.eye(len(across)) + across * slope[:, None, :]
            try:
                q = np.linalg.solve(jacobian, (pushed @ across.T)[:, :, None])[:, :, 0]
            except np.linalg.LinAlgError:
                return batch.unsolved()
            return batch.laid_out(pushed - slope * q, sources=False, adjoint=adjoint)

    def holomorphic(self, g: Conductances, x: Array, pushes: Sequence[Push], *, throw: bool = True) -> tuple[Equilibrium, ...]:
        """Find the free equilibria, then those under pushes of complex numbers, by Newton's method from there.

        Raises
        ------
        UnsupportedCircuitError
            When a part has no law in complex numbers.
        ConvergenceError
            When a sample does not settle and `throw` is set.

        """
        if ideal := self.circuit.of(IdealDiodes):
            msg = f"{self.circuit.name}: {ideal[0].name}: ideal diodes have no complex law; use rule richardson"
            raise UnsupportedCircuitError(msg)
        with one_thread(), np.errstate(all="ignore"):
            batch = self._port_circuit.batch(g, x)
            free = self._search(batch, FREE, None)
            solved = self._verified(batch, free), *(self._complex(batch, push, free.p) for push in pushes)
        return tuple(phase.check(self.circuit) for phase in solved) if throw else solved

    def _complex(self, batch: PortBatch, push: Push, free: Floats) -> Equilibrium:
        if batch.linear is None:
            return batch.unsolved()
        problem, beta = self._port_circuit.problem(batch, FREE), np.asarray(push.beta)
        shape, gain = problem.beta.shape, self.chip(self.circuit.outputs.name, "gain")
        problem = problem._replace(
            beta=np.broadcast_to(gain * beta, shape), pushed=np.broadcast_to(gain * (beta * push.target + push.current), shape)
        )
        p, steps, settled = settle_complex(problem, free, self.engine.max_steps)
        i = -problem.law(p, 0.0)[0]
        real, imaginary = batch.laid_out(i.real), batch.laid_out(i.imag, sources=False)
        v = {name: values + 1j * imaginary.v[name] for name, values in real.v.items()}
        result = np.where(settled, real.result, int(Result.MAX_STEPS))
        return Equilibrium(v, np.zeros(len(p)), np.full(len(p), steps), result)

    def _search(self, batch: PortBatch, push: Push, begin: Floats | None, phases: int = 0) -> PortSearch:
        """Search for the port voltages under a push, from some on: those of so many nudged `phases` that begin at one free one, if any."""
        ports, outputs = len(self._port_circuit.ports.a), len(self.circuit.outputs)
        beta, target, current = (np.broadcast_to(np.asarray(part, dtype=np.float64), (len(batch.x), outputs)) for part in push)
        push = Push(beta, target, current)
        if batch.linear is None:
            return PortSearch(push, np.zeros((len(batch.x), ports)), np.zeros((len(batch.x), ports)), np.zeros(0, bool), np.zeros(0, int))
        problem = self._port_circuit.problem(batch, push)
        begin = np.zeros_like(problem.p0) if begin is None else begin
        tolerance = max(self.engine.tolerance, _NOISE_FLOOR)
        if phases and not beta.any():  # then the tangents are those of the free phase
            free = slice(0, len(begin) // phases)
            near = problem.at(free).tangents(begin[free])
            by_near = problem._replace(near=None if near is None else near.repeated(phases))
            if near is not None and (settled := settle_near(by_near, begin, tolerance)) is not None:
                return PortSearch(push, settled.p, settled.i, problem.unstable(settled.p), settled.steps)
        settled = settle(problem, begin, tolerance, self.engine.max_steps)
        return PortSearch(push, settled.p, settled.i, problem.unstable(settled.p), settled.steps)

    def _verified(self, batch: PortBatch, search: PortSearch) -> Equilibrium:
        """Return all voltages that port voltages and sources lead to, with the verdict of Kirchhoff's law."""
        if batch.linear is None:
            return batch.unsolved()
        v = batch.voltages(-search.i)
        equilibrium = batch.by_group(v)._replace(steps=search.steps)
        equilibrium.result[search.unstable] = int(Result.NOT_CONVEX)
        return batch.balanced(search.push, equilibrium, v)

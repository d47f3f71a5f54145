"""A solver around another one: it forwards everything, except what a subclass does otherwise."""

from collections.abc import Mapping, Sequence
from typing import Any

from circuits.circuit import Circuit
from circuits.units import Hertz
from hwsim.core.lock_in import LockedIn
from hwsim.core.protocol import Capability, Closing, Drive, Equilibrium, Nudge, Push
from hwsim.core.signal import Signal
from hwsim.core.transient import Trajectory
from hwsim.typing import Array, Conductances


class SolverWrapper(Closing):
    """Forwards to a solver, or to a traced one; keywords are those that it takes.

    What it wraps is the solver of one chip: that many of them solve as one is lost.
    """

    def __init__(self, solver: Any) -> None:
        self.solver = solver

    @property
    def circuit(self) -> Circuit:
        """The circuit that is solved."""
        circuit: Circuit = self.solver.circuit
        return circuit

    @property
    def chip(self) -> Any:
        """The chip that it is on."""
        return self.solver.chip

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What the solver declares, but for many chips."""
        return frozenset(self.solver.capabilities - {Capability.MANY_CHIPS})

    @property
    def share(self) -> float:
        """The tolerance as a share of the largest voltage."""
        return float(self.solver.share)

    @property
    def tolerance(self) -> float | None:
        """The tolerance that was set, as a share of the largest voltage; None: none was."""
        tolerance: float | None = self.solver.tolerance
        return tolerance

    def solve(self, g: Conductances, drive: Drive, **how: Any) -> Equilibrium:
        """Find the equilibria of a batch."""
        equilibrium: Equilibrium = self.solver.solve(g, drive, **how)
        return equilibrium

    def phases(self, g: Conductances, x: Array, y: Array, nudge: Nudge, **how: Any) -> tuple[Equilibrium, ...]:
        """Find the free equilibria, then each nudged one."""
        phases: tuple[Equilibrium, ...] = self.solver.phases(g, x, y, nudge, **how)
        return phases

    def nudged(self, g: Conductances, x: Array, free: Equilibrium, pushes: Sequence[Push], **how: Any) -> tuple[Equilibrium, ...]:
        """Return free equilibria, and from there the nudged ones."""
        phases: tuple[Equilibrium, ...] = self.solver.nudged(g, x, free, pushes, **how)
        return phases

    def displaced(self, g: Conductances, x: Array, free: Equilibrium, pushes: Sequence[Push], **how: Any) -> tuple[Equilibrium, ...]:
        """Return free equilibria, and how far nudges displace each node from there."""
        phases: tuple[Equilibrium, ...] = self.solver.displaced(g, x, free, pushes, **how)
        return phases

    def holomorphic(self, g: Conductances, x: Array, pushes: Sequence[Push], **how: Any) -> tuple[Equilibrium, ...]:
        """Return free equilibria, and those under complex nudges."""
        phases: tuple[Equilibrium, ...] = self.solver.holomorphic(g, x, pushes, **how)
        return phases

    def small_signal(self, g: Conductances, free: Equilibrium, current: Array, **how: Any) -> Equilibrium:
        """Solve the circuit linearised at an equilibrium."""
        equilibrium: Equilibrium = self.solver.small_signal(g, free, current, **how)
        return equilibrium

    def adjoint(self, g: Conductances, free: Equilibrium, error: Array, **how: Any) -> Equilibrium:
        """Solve the adjoint circuit of an equilibrium."""
        equilibrium: Equilibrium = self.solver.adjoint(g, free, error, **how)
        return equilibrium

    def integrate(self, g: Conductances, signal: Signal, v0: Mapping[str, Array] | None = None, **how: Any) -> Trajectory:
        """Integrate a batch of sequences."""
        trajectory: Trajectory = self.solver.integrate(g, signal, v0, **how)
        return trajectory

    def oscillating(self, g: Conductances, x: Array, free: Equilibrium, current: Array, *frequencies: Hertz) -> LockedIn:
        """Push sines of current into the outputs, and lock in, with inputs of a frequency of their own where there are two."""
        locked: LockedIn = self.solver.oscillating(g, x, free, current, *frequencies)
        return locked

    def needs_newton(self, g: Conductances, beta: float = 0.0) -> bool:
        """Whether a circuit of these conductances needs the slower program."""
        return bool(self.solver.needs_newton(g, beta))

    def traced(self, **settings: Any) -> Any:
        """Return the solver for use inside of compiled functions."""
        return self.solver.traced(**settings)

    def pause(self) -> None:
        """Release what the solver needs only at work."""
        self.solver.pause()

    def close(self) -> None:
        """Release what the solver holds."""
        self.solver.close()

"""The method that solvers of the numeric engine integrate by: a circuit in time is the same ODE whatever finds its equilibria."""

from collections.abc import Mapping
from typing import Any

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.clocked import is_clocked
from circuits.units import Hertz
from hwsim.core.lock_in import LockedIn, lock_in
from hwsim.core.protocol import Equilibrium
from hwsim.core.signal import Signal
from hwsim.core.transient import Trajectory
from hwsim.typing import Array, Conductances


class Integrating:
    """Integrates its circuit on its chip."""

    circuit: Circuit
    chip: Chip

    def integrate(self, g: Conductances, signal: Signal, v0: Mapping[str, Array] | None = None, **how: Any) -> Trajectory:
        """Integrate a batch of sequences, with the parameters of `Transient.integrate`, in 64 bits.

        Raises
        ------
        CircuitError, UnsupportedCircuitError, ConvergenceError
            As there.

        """
        if is_clocked(self.circuit):
            from hwsim.numeric.transient.clocked import integrate_clocked as integrate  # noqa: PLC0415 - JAX loads only for those who need it
        else:
            from hwsim.numeric.transient.integrate import integrate  # noqa: PLC0415 - as above
        return integrate(self.circuit, self.chip, g, signal, v0, **how)

    def oscillating(self, g: Conductances, x: Array, free: Equilibrium, current: Array, *frequencies: Hertz) -> LockedIn:
        """Push sines of current, of amplitudes (B, K) [A], into the outputs of circuits at equilibrium, and lock in.

        Frequencies are those of the sines and, where inputs are sines too, of these [Hz].

        Raises
        ------
        CircuitError, UnsupportedCircuitError, ConvergenceError
            As `lock_in`.

        """
        from hwsim.numeric.transient.integrate import integrate  # noqa: PLC0415 - JAX loads only for those who need it

        return lock_in(integrate, self.circuit, self.chip, g, x, free, current, *frequencies)

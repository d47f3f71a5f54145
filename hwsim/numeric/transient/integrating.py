"""The method that solvers of the numeric engine integrate by: a circuit in time is the same ODE whatever finds its equilibria."""

from collections.abc import Mapping
from typing import Any

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.clocked import is_clocked
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

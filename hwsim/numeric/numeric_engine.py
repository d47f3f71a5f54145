"""The numeric engine: layered circuits, batched and compiled, in 64 bit or, for training, in 32; any others by their ports, in 64."""

from dataclasses import dataclass
from typing import ClassVar

from circuits.chip import Chip
from circuits.circuit import Circuit
from hwsim.core.protocol import UnsupportedCircuitError
from hwsim.numeric.general.general_solver import TOLERANCE, GeneralEngine, GeneralSolver
from hwsim.numeric.layered.layered_solver import LayeredOptions, LayeredSolver


@dataclass(frozen=True, slots=True, kw_only=True)
class NumericEngine(LayeredOptions):
    """The numeric engine; its settings are those of the layered solver.

    Examples
    --------
    >>> import numpy as np
    >>> import hwsim as hw
    >>> circuit = hw.Network(inputs=1, outputs=1, differential=False, signed_inputs=False).compile()
    >>> with hw.NumericEngine().prepare(circuit, hw.Chip.nominal(circuit)) as solver:
    ...     equilibrium = solver.solve({"w1": np.array([[3e-5], [1e-5]])}, hw.Drive(np.array([[0.0]])))
    >>> equilibrium.outputs(circuit).round(9).tolist()  # a quarter of the bias of 1 V
    [[0.25]]

    """

    name: ClassVar[str] = "numeric"

    def prepare(self, circuit: Circuit, chip: Chip) -> "LayeredSolver | GeneralSolver":
        """Find the circuit's layers, or, where it has none, its ports.

        Raises
        ------
        UnsupportedCircuitError
            When it holds what only ngspice solves, or is not layered and settings ask for what only layers have.

        """
        circuit.require("inputs", "outputs")
        try:
            return LayeredSolver(circuit, chip, self)
        except UnsupportedCircuitError as error:
            return self._general(error).prepare(circuit, chip)

    def _general(self, why: UnsupportedCircuitError) -> GeneralEngine:
        """Return the general solver with these settings; `why` names what is not layered."""
        wrong = "solver.newton to true" if self.newton is False else "training.precision to float64" if self.precision != "float64" else ""
        if wrong:
            msg = f"{why}; circuits of any form are solved by Newton's method in 64 bits: set {wrong}"
            raise UnsupportedCircuitError(msg)
        return GeneralEngine(max_steps=self.max_steps, tolerance=TOLERANCE if self.tolerance is None else self.tolerance)

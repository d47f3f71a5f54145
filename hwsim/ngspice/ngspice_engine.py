"""NgspiceEngine: equilibria from libngspice, the reference for every other engine."""

from dataclasses import dataclass, field
from typing import ClassVar

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.errors import CircuitError
from hwsim.core.protocol import UnsupportedCircuitError
from hwsim.ngspice.installed import require_library
from hwsim.ngspice.limits import WorkerLimits
from hwsim.ngspice.solver import NgspiceSolver
from netlists.write.names import check_names
from netlists.write.options import Tolerances


@dataclass(frozen=True, slots=True, kw_only=True)
class NgspiceEngine:
    """Solves circuits with ngspice, the reference.

    Parameters
    ----------
    workers
        Processes, each with its own libngspice; None is one a core.
    full
        Whether ngspice gets the full netlist; otherwise inputs are folded into the first crossbar, which is exact too, and much faster.
    limits
        What each may use.
    tolerances
        When ngspice takes an iteration for the solution; None is what the circuit needs.

    Examples
    --------
    >>> import numpy as np
    >>> import hwsim as hw
    >>> circuit = hw.Network(inputs=1, outputs=1, differential=False, signed_inputs=False).compile()
    >>> with hw.NgspiceEngine(workers=1).prepare(circuit, hw.Chip.nominal(circuit)) as solver:
    ...     equilibrium = solver.solve({"w1": np.array([[3e-5], [1e-5]])}, hw.Drive(np.array([[0.0]])))
    >>> equilibrium.outputs(circuit).round(6).tolist()  # a quarter of the bias of 1 V
    [[0.25]]

    """

    name: ClassVar[str] = "ngspice"

    workers: int | None = None
    full: bool = False
    limits: WorkerLimits = field(default_factory=WorkerLimits)
    tolerances: Tolerances | None = None

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.workers is not None and self.workers < 1:
            msg = f"ngspice: workers = {self.workers} must be at least 1, or None for one a core"
            raise ValueError(msg)

    def prepare(self, circuit: Circuit, chip: Chip) -> NgspiceSolver:
        """Make a solver; processes start with the first batch.

        Raises
        ------
        NgspiceMissingError
            When there is no libngspice; the message describes how to install it.
        UnsupportedCircuitError
            When a netlist cannot hold the circuit.

        """
        circuit.require("inputs", "outputs")
        require_library()
        try:
            check_names(circuit)
        except CircuitError as error:
            msg = f"{error}; or use the numeric engine"
            raise UnsupportedCircuitError(msg) from None
        return NgspiceSolver(circuit, chip, full=self.full, workers=self.workers, limits=self.limits, tolerances=self.tolerances)

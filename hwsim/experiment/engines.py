"""Engines by name, made from an experiment's settings; each loads only when it is asked for."""

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.elements import Diodes, IdealDiodes
from hwsim.core.protocol import Engine, Solver
from hwsim.experiment.experiment import Experiment
from hwsim.settings.sections import EngineName, Precision, SolverSettings


def make_engine(name: EngineName, settings: SolverSettings, precision: Precision = "float64") -> Engine:
    """Make an engine.

    Raises
    ------
    ValueError
        When ngspice is asked for 32 bits, which it does not have.

    """
    if name == "ngspice":
        from hwsim.ngspice.limits import Limits  # noqa: PLC0415
        from hwsim.ngspice.ngspice_engine import NgspiceEngine  # noqa: PLC0415 - only those who use ngspice need it installed

        if precision != "float64":
            msg = f"ngspice computes in 64 bits, not in {precision}; set training.precision to float64"
            raise ValueError(msg)
        limits = Limits(silence=settings.ngspice_timeout, processor=settings.ngspice_processor, memory=settings.ngspice_memory)
        return NgspiceEngine(workers=settings.ngspice_workers, full=settings.ngspice_full, limits=limits)
    from hwsim.numeric.numeric_engine import NumericEngine  # noqa: PLC0415 - JAX takes a second to load

    return NumericEngine(tolerance=settings.tolerance, max_steps=settings.max_steps, precision=precision, newton=settings.newton)


_MANY = 400
"""Diodes; more of them are solved by layers sooner than by ports."""


def exact_engine(circuit: Circuit) -> Engine:
    """Return the numeric engine in 64 bits, as finely as it settles, for a few samples: without compiling, unless there are many diodes."""
    if sum(map(len, circuit.of(Diodes, IdealDiodes))) > _MANY:
        from hwsim.numeric.numeric_engine import NumericEngine  # noqa: PLC0415 - JAX takes a second to load

        return NumericEngine()
    from hwsim.numeric.general.general_solver import PortsEngine  # noqa: PLC0415 - only those who solve

    return PortsEngine()


def reporting(experiment: Experiment, chip: Chip) -> Solver:
    """Make the solver by which an experiment's numbers are told: in 64 bits, and each equilibrium held against Kirchhoff's law.

    The ngspice engine, and the numeric one for circuits without layers, do that anyway.
    """
    settings = experiment.solver
    solver = make_engine(experiment.training.engine, settings).prepare(chip.circuit, chip)
    if not hasattr(solver, "on"):
        return solver
    from hwsim.core.verified import CertifiedSolver  # noqa: PLC0415 - only for the numeric engine

    return CertifiedSolver(solver, settings.tolerance)

"""Engines by name, made from an experiment's settings; each loads only when it is asked for."""

from circuits.chip import Chip
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

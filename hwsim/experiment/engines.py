"""Engines by name, made from an experiment's settings; each loads only when it is asked for."""

from hwsim.core.protocol import Engine
from hwsim.settings.engine_names import EngineName
from hwsim.settings.sections import Precision, SolverSettings


def make_engine(name: EngineName, settings: SolverSettings, precision: Precision = "float64") -> Engine:
    """Make an engine.

    Raises
    ------
    ValueError
        When ngspice is asked for 32 bits, which it does not have.

    """
    if name == "ngspice":
        from hwsim.ngspice.limits import WorkerLimits  # noqa: PLC0415
        from hwsim.ngspice.ngspice_engine import NgspiceEngine  # noqa: PLC0415 - only those who use ngspice need it installed

        if precision != "float64":
            msg = f"ngspice computes in 64 bits, not in {precision}; set training.precision to float64"
            raise ValueError(msg)
        limits = WorkerLimits(silence=settings.ngspice_timeout, processor=settings.ngspice_processor, memory=settings.ngspice_memory)
        return NgspiceEngine(workers=settings.ngspice_workers, full=settings.ngspice_full, limits=limits)
    from hwsim.numeric.load_jax import load_jax  # noqa: PLC0415 - JAX takes a second to load

    load_jax()
    from hwsim.numeric.numeric_engine import NumericEngine  # noqa: PLC0415 - as above

    return NumericEngine(tolerance=settings.tolerance, max_steps=settings.max_steps, precision=precision, newton=settings.newton)

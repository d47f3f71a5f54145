"""Simulation in time: a circuit whose inputs are held for a period each, by either engine."""

from dataclasses import dataclass
from typing import Self, cast

import numpy as np

from circuits.capacitors import CAPACITANCE, with_capacitors
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.clocked import is_clocked
from circuits.errors import CircuitError
from circuits.units import Farad, Second, Volt
from hwsim.core.protocol import ConvergenceError, UnsupportedCircuitError
from hwsim.core.signal import RISE, Signal
from hwsim.core.transient import NoiseInTime, Trajectory, Transient
from hwsim.experiment.engines import make_engine
from hwsim.experiment.experiment import Experiment
from hwsim.numeric.transient.state_form import StateForm
from hwsim.random.streams import of_chip, stream
from hwsim.session import Session
from hwsim.typing import Conductances, Floats
from netlists.measure.transient import TransientMeasure

TIME_CONSTANTS = 20
"""Periods are so many of the circuit's slowest mode, unless another is asked for: it has settled at their ends then."""


CLOCK: Second = 1e-6
"""Period of a clocked circuit, unless another is asked for: switches of a kilohm charge picofarads in a hundredth of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeRun:
    """Inputs on a circuit with capacitors, before it is simulated.

    Parameters
    ----------
    circuit, chip
        With capacitors at all nodes that move.
    x
        Inputs, one row a period, shape (n, I).
    period
        How long each is held [s].

    """

    circuit: Circuit
    chip: Chip
    x: Floats
    period: Second

    @classmethod
    def of(cls, session: Session, g: Conductances, x: Floats, *, period: Second | None = None, capacitance: Farad = CAPACITANCE) -> Self:
        """Put capacitors [F] where there are none, and choose a period that lets the circuit settle, unless one is given [s].

        Raises
        ------
        ConvergenceError
            When the circuit alone does not settle, and no period is given.

        """
        circuit = with_capacitors(session.circuit, capacitance)
        chip = session.chip.of(circuit)
        if period is None and is_clocked(circuit):
            period = CLOCK
        elif period is None:
            try:
                rate = StateForm.of(circuit, chip, g).settling_rate
            except UnsupportedCircuitError:
                if session.experiment.training.engine != "ngspice":
                    raise
                msg = f"{circuit.name}: ngspice alone knows its parts, and how fast it settles is unknown; choose one (--period)"
                raise ConvergenceError(msg) from None
            if rate <= 0:
                msg = f"{circuit.name}: without its diodes the circuit does not settle, and sets no period; choose one (--period)"
                raise ConvergenceError(msg)
            period = TIME_CONSTANTS / rate
        return cls(circuit=circuit, chip=chip, x=np.asarray(x, dtype=np.float64), period=period)

    def signal(self, points: int = 1) -> Signal:
        """Return what is applied: the inputs begin at 0, and each period is looked at `points` times.

        Raises
        ------
        CircuitError
            When a clock is to be looked at more than once.

        """
        if points > 1 and is_clocked(self.circuit):
            msg = f"{self.circuit.name} is clocked: its states change once a clock; omit --points"
            raise CircuitError(msg)
        x = np.repeat(self.x, points, axis=0)[None]
        times = self.period / points * np.arange(1, x.shape[1] + 1)
        return Signal(x, times, min(1.0, RISE * points), np.zeros((1, self.x.shape[1])))

    def simulate(self, session: Session, g: Conductances, *, points: int = 1, accuracy: Volt | None = None) -> Trajectory:
        """Integrate from 0 V on by the session's engine, with the experiment's noise, looking at each period `points` times.

        Raises
        ------
        UnsupportedCircuitError, ConvergenceError, CircuitError
            As `Transient.integrate`.

        """
        settings = session.experiment
        with make_engine(settings.training.engine, settings.solver, "float64").prepare(self.circuit, self.chip) as solver:
            transient = cast("Transient", solver)  # of users' decks it refuses some
            return transient.integrate(g, self.signal(points), accuracy=accuracy, noise=_noise(settings))

    def measure(self) -> TransientMeasure:
        """Return what a deck measures that does the same by itself."""
        signal = self.signal()
        return TransientMeasure(x=self.x, times=signal.times, rise=signal.rise, begin=np.zeros(self.x.shape[1]))


def _noise(experiment: Experiment) -> NoiseInTime | None:
    """Return the noise of an experiment's circuit in time: another one on each chip."""
    if not experiment.noise.in_currents:
        return None
    seed = stream(experiment.training.seed, of_chip("noise in time", experiment.variation.chip)).integers(2**32)
    return NoiseInTime(int(seed), experiment.noise.thermal, experiment.noise.shot)

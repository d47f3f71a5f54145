"""ReservoirRegressor: a recurrent circuit in time, and a ridge read-out of its columns."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np

from circuits.capacitors import with_capacitors
from circuits.chip import Chip
from circuits.errors import CircuitError
from circuits.network import Network
from circuits.units import Second
from hwsim.core.signal import Signal
from hwsim.experiment.engines import make_engine
from hwsim.reservoir.ridge import RidgeReadout, nrmse
from hwsim.settings.engine_names import EngineName
from hwsim.settings.sections import SolverSettings
from hwsim.typing import Floats

if TYPE_CHECKING:
    from hwsim.core.transient import Transient


@dataclass(kw_only=True)
class ReservoirRegressor:
    """Learn targets of each time from the states of a circuit that is driven by the inputs.

    Parameters
    ----------
    network
        The circuit; its hidden layers are read, all of their columns. Its outputs are not used.
    period
        How long each row of inputs is held [s].
    washout
        Periods at the beginning of each sequence from which nothing is learnt, and that count for no score.
    g
        Conductances by array [S]; None: drawn evenly between `g_low` and `g_high`, by `seed`.
    g_low, g_high
        Between which conductances are drawn [S].
    seed
        Of that draw.
    noise
        Standard deviation of what is added to every state before the read-out [V]: √(kT/C) of its capacitor, for instance.
    engine
        `numeric` or `ngspice`.
    penalty
        Strength of the ridge regression; None: chosen on the last fifth of what it learns from.

    Examples
    --------
    >>> import numpy as np
    >>> import hwsim as hw
    >>> layer = hw.Layer(8, neuron=hw.DiodePair(v_low=-0.15, v_high=0.15), recurrence=hw.Recurrence(pattern="cycle", gain=1.9))
    >>> network = hw.Network(inputs=1, layers=[layer], outputs=1, capacitance=1e-11)
    >>> x = np.random.default_rng(0).uniform(-0.5, 0.5, (1, 60, 1))
    >>> y = np.roll(x, 1, axis=1)  # the input before
    >>> reservoir = hw.ReservoirRegressor(network=network, period=3e-7, washout=10).fit(x, y)
    >>> reservoir.predict(x).shape
    (1, 60, 1)

    """

    network: Network
    period: Second
    washout: int = 100
    g: dict[str, Any] | None = None
    g_low: float = 1e-7
    g_high: float = 1e-5
    seed: int = 0
    noise: float = 0.0
    engine: EngineName = "numeric"
    penalty: float | None = None
    readout: RidgeReadout | None = field(default=None, init=False)

    def conductances(self) -> dict[str, Floats]:
        """Return the conductances that the circuit has [S]."""
        if self.g is not None:
            return {name: np.asarray(values, dtype=np.float64) for name, values in self.g.items()}
        rng = np.random.default_rng(self.seed)
        return {array.name: rng.uniform(self.g_low, self.g_high, array.shape) for array in self.network.compile().trainable}

    def states(self, x: Any, draw: int = 1) -> Floats:
        """Return the voltages of all hidden columns at the end of each period, from 0 V on, (B, T, n) [V], for sequences x (B, T, I).

        The noise is another one for each `draw`: fit takes the first, and predictions the second, which no read-out has seen.

        Raises
        ------
        CircuitError, ConvergenceError
            As `Transient.integrate`, and when there is no hidden layer.

        """
        if not self.network.layers:
            msg = "reservoir: the network has no hidden layer to read; give it one with a recurrence"
            raise CircuitError(msg)
        circuit = with_capacitors(self.network.compile("reservoir"))
        groups = [f"h{k}" for k in range(1, len(self.network.layers) + 1)]
        with make_engine(self.engine, SolverSettings(), "float64").prepare(circuit, Chip.nominal(circuit)) as solver:
            signal = Signal.hold(x, self.period)
            trajectory = cast("Transient", solver).integrate(self.conductances(), signal, groups=groups)
        v = np.concatenate([np.asarray(trajectory.v[name]) for name in groups], axis=2)
        return v + self.noise * np.random.default_rng([self.seed, draw]).standard_normal(v.shape)

    def fit(self, x: Any, y: Any) -> Self:
        """Learn from sequences x (B, T, I) and targets y (B, T, K); targets of a period are read at its end.

        Raises
        ------
        CircuitError
            When shapes do not fit, or the washout leaves too little.

        """
        y = self._targets(x, y)
        states = self.states(x)[:, self.washout :]
        self.readout = RidgeReadout.fit(states.reshape(-1, states.shape[2]), y.reshape(-1, y.shape[2]), self.penalty)
        return self

    def predict(self, x: Any) -> Floats:
        """Return the read-out of sequences x (B, T, I), (B, T, K), the washout's too.

        Raises
        ------
        CircuitError
            When nothing was learnt yet.

        """
        if self.readout is None:
            msg = "reservoir: nothing is learnt yet; call fit first"
            raise CircuitError(msg)
        states = self.states(x, draw=2)
        return self.readout(states.reshape(-1, states.shape[2])).reshape(*states.shape[:2], -1)

    def nrmse(self, x: Any, y: Any) -> Floats:
        """Return the error behind the washout as a share of the targets' standard deviation, shape (K,)."""
        y, read = self._targets(x, y), self.predict(x)[:, self.washout :]
        return nrmse(read.reshape(-1, read.shape[2]), y.reshape(-1, y.shape[2]))

    def _targets(self, x: Any, y: Any) -> Floats:
        """Return the targets behind the washout."""
        targets = np.asarray(y, dtype=np.float64)
        if targets.ndim != 3 or targets.shape[:2] != np.shape(x)[:2] or not np.isfinite(targets).all():  # noqa: PLR2004 - (B, T, K)
            msg = f"reservoir: x has shape {np.shape(x)} and y {targets.shape}; y must be finite numbers (sequences, periods, targets)"
            raise CircuitError(msg)
        if not 0 <= self.washout < targets.shape[1]:
            msg = f"reservoir: a washout of {self.washout} periods leaves nothing of sequences of {targets.shape[1]}; make it shorter"
            raise CircuitError(msg)
        return targets[:, self.washout :]

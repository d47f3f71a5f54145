"""A circuit as a differentiable function ŷ = f(g, x): its chip, its bounds, and its gradients in NumPy."""

from typing import Any

import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.network import Network
from circuits.units import Volt
from hwsim.core import blocks
from hwsim.learning.initial import starting, within
from hwsim.learning.rules.adjoint import Adjoint
from hwsim.learning.rules.equilibrium_propagation import EquilibriumPropagation
from hwsim.learning.rules.estimator import Residuals
from hwsim.learning.rules.nudges import Volts
from hwsim.learning.rules.richardson import Richardson
from hwsim.learning.rules.small_signal import SmallSignal
from hwsim.numeric.numeric_engine import NumericEngine
from hwsim.settings.training_settings import TrainingSettings
from hwsim.typing import Array, Conductances, Floats

NUDGE = 1e-3
"""By how much a nudge moves the output of the largest error [V]: 1/26 of the thermal voltage, over which a diode's slope changes."""

_NUDGED = {"equilibrium-propagation": EquilibriumPropagation, "richardson": Richardson}
_EXACT = {"adjoint": Adjoint, "small-signal": SmallSignal}
RULES = (*_NUDGED, *_EXACT)
"""The rules that a layer's gradient may come from."""


class CircuitLayer:
    """A circuit on a chip, and the rule that its gradients come from.

    Parameters
    ----------
    circuit
        A network, a compiled circuit, or a chip, which is a circuit with the numbers of one manufactured instance.
    rule
        `equilibrium-propagation` compares two nudged equilibria, `richardson` four; `small-signal` and `adjoint` solve one linear circuit.
        The last is exact for mismatched amplifiers too.
    u
        By how much a nudge moves the output of a sample's largest error [V]; None: `NUDGE`.

    Raises
    ------
    ValueError
        When there is no such rule, or it has no nudge and `u` is set.
    CircuitError, UnsupportedCircuitError
        When the circuit is wrong, has nothing trainable, or the numeric engine does not solve it.

    """

    def __init__(self, circuit: Network | Circuit | Chip, *, rule: str = "equilibrium-propagation", u: Volt | None = None) -> None:
        self._made_of = circuit, rule, u
        self.chip = _chip(circuit)
        self.circuit = self.chip.circuit
        self.circuit.require("inputs", "outputs", "trainable")
        self.rule = _rule(rule, u)
        self.solver: Any = NumericEngine().prepare(self.circuit, self.chip)
        self.rule.require(self.solver)
        self.bounds = {e.name: (self.chip(e.name, "g_min"), self.chip(e.name, "g_max")) for e in self.circuit.trainable}

    def __reduce__(self) -> Any:
        """Copy and pickle what the layer is made of; compiled functions are made again."""
        circuit, rule, u = self._made_of
        return _again, (type(self), circuit, rule, u)

    @property
    def features(self) -> int:
        """Number of inputs I."""
        return self.circuit.input_count

    @property
    def outputs(self) -> int:
        """Number of outputs K."""
        return len(self.circuit.outputs)

    def initial(self, seed: int = 0) -> dict[str, Floats]:
        """Draw conductances to start from, by element array [S], as a training with this seed does."""
        return within(self.chip, starting(self.chip, TrainingSettings(seed=seed)))

    def forward(self, g: Conductances, x: Array) -> tuple[Floats, Residuals]:
        """Return the outputs (..., K) [V] at conductances g [S] and features x (..., I), and what `backward` needs.

        Raises
        ------
        CircuitError, ConvergenceError
            When conductances do not fit the circuit, or a sample does not settle.
        ValueError
            When x has another number of features.

        """
        x = np.asarray(x, np.float64)
        rows = self.rows(x)
        self.circuit.check_conductances(g)
        wide = {name: np.asarray(values, np.float64) for name, values in g.items()}
        outputs, residuals = self.rule.forward(self.solver, wide, rows)
        return outputs.reshape(*x.shape[:-1], self.outputs), residuals

    def backward(self, residuals: Residuals, cotangent: Array) -> tuple[dict[str, Floats], Floats]:
        """Return dC/dg summed over samples, by element array [per S], and dC/dx (..., I), from dC/dŷ (..., K) of the summed loss.

        Raises
        ------
        ConvergenceError
            When a sample does not settle.

        """
        cotangent = np.asarray(cotangent, np.float64)
        gradient = self.rule.backward(self.solver, residuals, cotangent.reshape(-1, self.outputs))
        dg = {name: np.asarray(values) for name, values in blocks.join(gradient.dg).items()}
        return dg, np.asarray(gradient.dx).reshape(*cotangent.shape[:-1], self.features)

    def rows(self, x: Array) -> Array:
        """Return features (..., I) as rows (B, I).

        Raises
        ------
        ValueError
            When there is another number of features.

        """
        if not x.ndim or x.shape[-1] != self.features:
            raise ValueError(f"x has shape {x.shape}; {self.circuit.name} takes (..., {self.features})")
        return x.reshape(-1, self.features)


def _again(kind: type[CircuitLayer], circuit: Any, rule: str, u: Volt | None) -> CircuitLayer:
    return kind(circuit, rule=rule, u=u)


def _chip(circuit: Network | Circuit | Chip) -> Chip:
    match circuit:
        case Chip():
            return circuit
        case Circuit():
            return Chip.nominal(circuit)
        case Network():
            return Chip.nominal(circuit.compile("layer"))
    msg = f"a layer is made of a Network, a Circuit or a Chip, not of {type(circuit).__name__}"
    raise TypeError(msg)


def _rule(name: str, u: Volt | None) -> Any:
    if name in _NUDGED:
        size = NUDGE if u is None else u
        if not 0 < size < float("inf"):
            raise ValueError(f"u = {size} must be a positive number of volts")
        return _NUDGED[name](Volts(size))
    if name not in _EXACT:
        raise ValueError(f"rule = {name!r} is none of a layer's: {', '.join(RULES)}")
    if u is not None:
        raise ValueError(f"u = {u} is the size of a nudge, and rule {name} has none; remove it")
    return _EXACT[name]()

"""Frequency propagation: a circuit with capacitors under a nudge that oscillates, and at each device a lock-in of its own voltage."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from circuits.units import Hertz
from hwsim.core.protocol import Capability, Phases
from hwsim.learning.gradient.drops import weighted_drop_products
from hwsim.learning.gradient.factors import energy_factors
from hwsim.learning.gradient.inputs import input_gradient
from hwsim.learning.losses import Loss
from hwsim.learning.rules.estimator import NO_DRAW, Backward, Draw, EstimatorRule, Gradient, Residuals
from hwsim.learning.rules.nudges import NudgeKind
from hwsim.typing import Array, Conductances


@dataclass(frozen=True, slots=True)
class FrequencyPropagation(EstimatorRule):
    """dC/dg = (c_l/c_L)·Δv·Δv_sine / beta under a current beta·sin(2π·frequency·t)·(−dC/dŷ) into the outputs.

    Δv is a device's mean voltage over a period, Δv_sine the amplitude that follows the nudge. The error falls as beta², and rises with the
    frequency, as what lags behind is not counted: by 1/(1 + (ωτ)²) where one time constant τ counts.

    With an input frequency, inputs are sines as well, and Δv has the amplitude that follows them added: each device multiplies what it
    reads at two frequencies. In a circuit without diodes, whose sines do not mix, that is the same product, whatever beta.

    Source: Anisetti, Kandala, Scellier & Schwarz 2024, "Frequency propagation", arXiv 2208.08862.

    Parameters
    ----------
    nudge
        What is pushed; one that does not follow the outputs.
    frequency
        Of the nudge [Hz].
    input_frequency
        Of the inputs [Hz], in a circuit without diodes; None: inputs are constant.

    """

    name: ClassVar[str] = "oscillating"
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.TRANSIENT})
    traceable: ClassVar[bool] = False
    nudge: NudgeKind
    frequency: Hertz
    input_frequency: Hertz | None = None

    def backward(self, solver: Phases, residuals: Residuals, cotangent: Array, target: Array | None = None) -> Backward:
        """Push, lock in, and multiply."""
        response, products = self._locked_in(solver, residuals, cotangent, target)
        factors = energy_factors(solver.circuit, solver.chip)
        dx = -input_gradient(solver.circuit, solver.chip, residuals.g, response, residuals.x, factors)
        return Backward(products, dx, (residuals.free,))

    def gradient(self, solver: Phases, g: Conductances, x: Array, y: Array, loss: Loss, draw: Draw = NO_DRAW) -> Gradient:
        """Return the gradient of the mean loss; that by the inputs, which not every circuit has, is left out."""
        outputs, residuals = self.forward(solver, g, x, draw)
        _, products = self._locked_in(solver, residuals, loss.error(outputs, y), loss.drawn_to(outputs, y))
        by_block = {block: product / len(x) for block, product in products.items()}
        return Gradient(by_block, loss.value(outputs, y), (residuals.free,), outputs)

    def _locked_in(
        self, solver: Any, residuals: Residuals, cotangent: Array, target: Array | None
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """Return the response to the error [V/S], and the gradient of the summed loss by block."""
        circuit, chip, g = solver.circuit, solver.chip, residuals.g
        nudge = self.nudge.at(circuit, g)
        current = nudge.push(1.0, cotangent, target).current
        beta = np.asarray(nudge.beta_of(cotangent, residuals.outputs))
        frequencies = [self.frequency] if self.input_frequency is None else [self.frequency, self.input_frequency]
        locked = solver.oscillating(g, residuals.x, residuals.free, current, *frequencies)
        response: dict[str, Array] = {name: swing / beta for name, swing in locked.in_phase.items()}
        counted, x = self.rounding(locked.activation, np.asarray(residuals.x), residuals.draw.seed)
        factors = energy_factors(circuit, chip)
        return response, weighted_drop_products(circuit, chip, response, counted, x, factors=factors, scale=1.0)

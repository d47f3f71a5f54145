"""Intrinsic plasticity: each node's gain a and bias b adapt until its state is spread as it should be, by what the node itself knows.

    h(t) = S(a ⊙ (W·h + W_x·x) + b)
    Δb = η·(f''/f' − (y − μ)·f'/σ²),     Δa = η/a + Δb·x

for any rising f and y = f(a·x + b), so that y comes near to a normal distribution of mean μ and standard deviation σ (the gradient of its
Kullback-Leibler divergence). For the hyperbolic tangent it is the rule of Schrauwen et al. 2008, Neurocomputing 71, 1159.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from circuits.errors import CircuitError
from circuits.junction_neurons import DiodePair
from circuits.units import Volt
from hwsim.learning.dataset import Labels
from hwsim.numeric.transient.clocked_form import ClockedForm
from hwsim.reservoir.drawn_layer import Adapted
from hwsim.reservoir.reservoir import Reservoir
from hwsim.settings.reservoir_settings import HEADROOM
from hwsim.typing import Floats

_STEP = 1e-5
"""V; of the differences that slopes of diodes are: small next to a thermal voltage, large next to rounding."""


def plasticity(y: Floats, slope: Floats, curvature: Floats, x: Floats, a: Floats, mean: float, std: float) -> tuple[Floats, Floats]:  # noqa: PLR0913, PLR0917 - the letters of the rule
    """Return Δa/η and Δb/η of nodes whose states are y = f(a·x + b), with f' and f'' there; all of shape (…, N), in one unit."""
    b = curvature / slope - (y - mean) * slope / std**2
    return 1.0 / a + b * x, b


@dataclass(frozen=True, slots=True, kw_only=True)
class IntrinsicPlasticity:
    """Adapts the nodes of a clocked reservoir to inputs, without any target, by the conductances that make their gains and biases.

    Pairs of devices keep their means, so that no column is loaded otherwise, and the differences of a column's pairs follow its gain, that
    of the bias its bias: up to `headroom` times what was drawn.

    Parameters
    ----------
    mean, std
        What the columns' voltages should have [V].
    rate
        η, of voltages in units of `std`.
    passes
        Over the inputs, each of which makes one step of all nodes.
    headroom
        The largest gain, and the largest weight of a bias.

    """

    mean: Volt = 0.0
    std: Volt = 0.05
    rate: float = 0.1
    passes: int = 50
    headroom: float = HEADROOM

    def __call__(self, reservoir: Reservoir, x: Floats, washout: int = 20, rows: Labels | None = None) -> Reservoir:
        """Return the reservoir with gains and biases that sequences x (n, T, I) led to; of `rows` (n,), each adapts to as many of its own.

        Raises
        ------
        CircuitError
            When it is not a clocked one of a single layer without converters, or the washout leaves nothing.

        """
        settings = reservoir.settings
        if settings.dynamics != "clocked" or settings.layers > 1 or settings.bits:
            msg = "intrinsic plasticity: it adapts clocked reservoirs of one layer without bits; set dynamics to 'clocked'"
            raise CircuitError(msg)
        if not 0 <= washout < x.shape[1] - 1:
            msg = f"intrinsic plasticity: a washout of {washout} rows leaves nothing of {x.shape[1]}; make it shorter"
            raise CircuitError(msg)
        counted = np.arange(1 + washout, x.shape[1]) < (np.full(len(x), x.shape[1]) if rows is None else rows)[:, None]
        if not counted.any():
            msg = f"intrinsic plasticity: sequences of {x.shape[1]} rows and less leave none to adapt to; give longer ones"
            raise CircuitError(msg)
        layer = reservoir.drawn.layers[0]
        adapted = layer.adapted or Adapted(np.ones(layer.size), layer.entering[-1], self.headroom)
        for _ in range(self.passes):
            reservoir = replace(reservoir, adapted=adapted)
            adapted = self._step(reservoir, adapted, x, counted)
        return replace(reservoir, adapted=adapted)

    def _step(self, reservoir: Reservoir, adapted: Adapted, x: Floats, counted: NDArray[np.bool_]) -> Adapted:
        """Adapt to the rows of x that are `counted` (n, rows), the last ones of each sequence."""
        settings = reservoir.settings
        states = reservoir.run(x).states
        p = (states[:, 1:] - (1.0 - settings.leak) * states[:, :-1])[:, -counted.shape[1] :][counted] / settings.leak
        total = -np.diagonal(ClockedForm.of(reservoir.circuit, reservoir.chip, reservoir.g).form.charging.of_v)
        current, slope, bend = _of_diodes(DiodePair(v_low=-settings.clamp, v_high=settings.clamp, i_sat=settings.i_sat), p)
        falls = 1.0 / (1.0 + slope / total)
        unit = self.std
        weight = settings.v_bias * (settings.g_high - settings.g_low) / total  # volts at the column of a bias of weight 1
        before = (p + current / total - adapted.b * weight) / adapted.a
        bent = -unit * bend / total * falls**3
        steps = plasticity(p / unit, falls, bent, before / unit, adapted.a, self.mean / unit, 1.0)
        a, b = (self.rate * step.mean(axis=0) for step in steps)
        return replace(
            adapted,
            a=np.clip(adapted.a + a, _LEAST, adapted.headroom),
            b=np.clip(adapted.b + b * unit / weight, -adapted.headroom, adapted.headroom),
        )


_LEAST = 0.01
"""Smallest gain of a node: the rule would never let it vanish, but long steps might."""


def _of_diodes(neuron: DiodePair, p: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the current of a neuron at voltages p, and its first and second derivative."""
    below, here, above = (neuron.current(p + shift) for shift in (-_STEP, 0.0, _STEP))
    return here, (above - below) / (2 * _STEP), (above - 2 * here + below) / _STEP**2

"""How far a circuit multiplies a change: whether sweeps that change nothing prove that an equilibrium is near."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

from hwsim.numeric.layered.layers import Layers, StageLinear
from hwsim.typing import Array

TRUST = 100.0
"""Sweeps that change nothing are proof enough on circuits that multiply a change by no more than this."""

_STEPS = 256
"""Most steps of the walk; a circuit in which it leads on for longer multiplies changes too far."""


class Spreading(NamedTuple):
    """How a change spreads in a circuit: its layers, the voltage in each that amplifiers make of 1 V, and what the least change counts."""

    layers: Layers
    unit: Sequence[Array]
    least: float

    @classmethod
    def of(cls, layers: Layers) -> Self:
        """Prepare the bounds of a circuit's conductances; `layers` hold arrays of NumPy."""
        unit = layers.units
        return cls(layers, unit, min(float(u * weight) for u, weight in zip(unit, layers.weights, strict=True)))

    def amplification(self, parts: Sequence[StageLinear]) -> float:
        """Bound how many times farther from equilibrium a state can be than the last sweep's `sweeps.change`; infinite: nothing bounds it.

        Neurons only pull towards equilibrium, so the bound of the circuit without them holds. What is off in a layer spreads as a walk from
        node to node that ends at the sources: with P the share of a node's conductance that leads to each neighbour, errors are at most
        (1 − P)⁻¹·change, and any z > 0 with P·z < z bounds that (Varga: M-matrices). Here z counts where the first steps of the walk lead,
        so many of them that half of it has ended. `parts` hold arrays of NumPy.
        """
        if any(stage.behind is not None for stage in self.layers.stages):
            return np.inf  # what is behind a dead zone may hang on its leakage alone
        walk = [np.full_like(part.a, one) for one, part in zip(self.unit, parts, strict=True)]
        visited = [np.zeros_like(ones) for ones in walk]
        bound = np.inf
        for _ in range(_STEPS):
            visited = [v + w for v, w in zip(visited, walk, strict=True)]
            walk = _walked(self.layers, parts, walk)
            left = 1.0 - max(float((w / u).max()) for w, u in zip(walk, self.unit, strict=True))
            most = max(float(v.max()) for v in visited) / self.least
            bound = min(bound, most / left if left > 0 else np.inf)
            if left >= 0.5 or most > 2 * TRUST or not np.isfinite(most):  # noqa: PLR2004 - half
                break
        return bound


def _walked(layers: Layers, parts: Sequence[StageLinear], walk: Sequence[Array]) -> list[Array]:
    """Spread what is off in each layer's columns (n,) to their neighbours."""
    spread = []
    for k, part in enumerate(parts):
        c = np.zeros_like(part.a)
        before, behind = layers.couplings[k - 1], layers.couplings[k]
        if part.w is not None:
            c += part.w.forward(part.rows(walk[k - 1] if before is None else before.gain * walk[k - 1], walk[k]))
        if k + 1 < len(parts):
            pushed = parts[k + 1].pulled(walk[k + 1])
            c += pushed if behind is None else behind.back * pushed
        spread.append(c / (part.a + part.a_behind))
    spread[-1] = np.maximum(spread[-1], spread[-1][layers.outputs.partners])  # a nudge between the two mixes them, to whatever shares
    return spread


def suffices(amplified: Array, beta: Array, least: Array, margin: float = 1.0) -> Array:
    """Whether sweeps are proof enough under nudges of at least `beta` [S], with `least` [S] the smallest conductance of an output column.

    A negative nudge adds to the walk at the outputs. With a `margin`, changes may be multiplied so many times less. For numbers, and for
    arrays of NumPy and JAX.
    """
    nudged = 2 * (-beta) / least * (beta < 0)
    return margin * amplified <= TRUST * (1 - nudged * amplified)

"""Noise currents into the nodes of a layered circuit, as parts of its stages' linear equations."""

from collections.abc import Mapping, Sequence

from circuits.circuit import Circuit
from hwsim.core.gathering import gather
from hwsim.numeric.layered.layers import Layers, StageLinear
from hwsim.typing import Array


def with_noise(
    circuit: Circuit, layers: Layers, parts: Sequence[StageLinear], noise: Mapping[str, Array] | None
) -> tuple[StageLinear, ...]:
    """Add currents into free nodes, by group, each (B, n) [A]; what flows into a row comes out of the amplifier before it, or lifts it."""
    if noise is None:
        return tuple(parts)
    noisy = list(parts)
    for k, stage in enumerate(layers.stages):
        part = noisy[k]._replace(fixed=noisy[k].fixed + gather(circuit, noise, stage.columns))
        if stage.behind is not None:
            part = part._replace(drawn=part.drawn - gather(circuit, noise, stage.behind))
        coupling = layers.couplings[k]
        if coupling is not None and stage.rows is not None:
            i, behind = gather(circuit, noise, stage.rows), noisy[k + 1]
            part = part._replace(drawn=part.drawn - coupling.back * (i if behind.kept is None else behind.kept * i))
            if behind.series is not None and behind.w is not None:
                lifted = behind.series * i
                noisy[k + 1] = behind._replace(lifted=lifted, fixed=behind.fixed + behind.w.forward(lifted))
        noisy[k] = part
    return tuple(noisy)

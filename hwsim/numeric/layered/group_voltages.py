"""Voltages by node group: what a state of the layers means for all nodes, amplified rows included."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import jax.numpy as jnp
import numpy as np

from circuits.circuit import Circuit
from circuits.nodes import Nodes
from hwsim.numeric.layered.layers import Layers, LayerState, StageLinear
from hwsim.typing import Array

if TYPE_CHECKING:
    from circuits.elements import Amplifiers


def by_group(
    circuit: Circuit, layers: Layers, parts: Sequence[StageLinear], state: LayerState, of_sources: Sequence[tuple[Nodes, Array]] = ()
) -> dict[str, Array]:
    """Return the voltages of all nodes by their groups, each (B, n) [V], from a state of the layers with these linear parts.

    `of_sources` are runs of nodes that sources hold, with their voltages (B, n) [V]; those that are not among them are at 0 V.
    """
    placed = list(of_sources)
    for k, (stage, numbers, columns, behind) in enumerate(zip(*layers[:2], state.columns, state.behind, strict=True)):
        placed.append((stage.columns, columns))
        drivers = columns if behind is None else behind
        if stage.behind is not None:
            placed.append((stage.behind, drivers))
        if numbers.coupling is not None:
            amplifier: Amplifiers = circuit[stage.amplifier or ""]
            driven = numbers.coupling.gain * (drivers + numbers.coupling.offset)
            behind_them = parts[k + 1]
            placed.append((amplifier.output, behind_them.lift(behind_them.rows(driven, state.columns[k + 1]))))
    batch = len(state.columns[-1])
    flat: dict[str, Array] = {}
    for group in circuit.groups:
        whole = next((values for nodes, values in placed if np.array_equal(nodes, group.nodes)), None)
        if whole is None:
            whole = jnp.zeros((batch, len(group)), state.columns[-1].dtype)
            for nodes, values in placed:
                inside = (nodes >= group.start) & (nodes < group.start + len(group))
                if inside.any():
                    whole = whole.at[:, nodes[inside] - group.start].set(values[:, inside])
        flat[group.name] = whole
    return flat

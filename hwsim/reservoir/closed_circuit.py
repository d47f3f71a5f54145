"""The circuit of a closed loop: its read-out is a crossbar, whose outputs drive the lines of the inputs; no source of data is left.

Each output has two columns, for weights of either sign, which nothing loads: with g the conductances at a column and S their sum, its
voltage is Σ g·s / S, and controlled sources of gains S₊ and −S₋ in series make the weighted sum of it. A clocked reservoir needs no more:
its states change in the second phase of a clock, and its columns are sampled in the first.
"""

from dataclasses import dataclass, replace

import numpy as np

from circuits.arrays import Crossbar
from circuits.builder import Appending
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.controlled import VoltageControlledVoltageSources
from circuits.elements import InputSources, Nudges, VoltageSources
from circuits.errors import CircuitError
from circuits.nodes import GROUND, Nodes
from hwsim.reservoir.deck_circuit import DeckCircuit
from hwsim.reservoir.loop_feedback import LoopFeedback
from hwsim.reservoir.reservoir import Reservoir
from hwsim.typing import Floats, Weights

_READ = "read"
"""Name of the crossbar that reads the states."""


@dataclass(frozen=True)
class ClosedCircuit:
    """A circuit that drives itself, the chip that it is on, and its conductances [S]."""

    circuit: Circuit
    chip: Chip
    g: Weights

    @classmethod
    def of(
        cls, reservoir: Reservoir, weights: Floats, bias: Floats, feedback: LoopFeedback, pairs: tuple[Floats, float] | None = None
    ) -> "ClosedCircuit":
        """Close the loop of a clocked reservoir by a read-out ŷ = states·weights + bias, (N, K) and (K,) [V].

        `pairs` are the conductances (N + 1, 2·K) of a read-out that is a crossbar already, and that of a weight of 1 [S].

        Raises
        ------
        CircuitError
            When the reservoir is continuous, whose inputs have to be held for a row, converters are in the loop, or all weights are 0.

        """
        if reservoir.settings.dynamics != "clocked":
            drawn = not isinstance(reservoir.drawn, DeckCircuit)
            way = "set reservoir.dynamics to 'clocked'" if drawn else "hwsim run --free simulates the loop"
            msg = f"nothing in a continuous reservoir's circuit holds its inputs for a row; {way}"
            raise CircuitError(msg)
        if reservoir.variation.adc_bits or reservoir.variation.dac_bits:
            msg = "converters round what a loop feeds back, and its circuit has none; omit variation.adc_bits and variation.dac_bits"
            raise CircuitError(msg)
        largest = float(np.abs(weights).max(initial=0.0))
        if not largest:
            msg = "all weights of the read-out are 0, and close no loop; train it"
            raise CircuitError(msg)
        circuit, chip = reservoir.circuit, reservoir.chip
        gone = {circuit.outputs.name, *(one.name for one in circuit.inputs), *(one.name for one in _dummies(circuit))}
        (*groups, last) = circuit.groups
        builder = Appending(circuit.size - len(last))
        fixed = circuit["v_bias"]
        rows = np.concatenate([*(circuit.nodes(name) for name in reservoir.drawn.groups), fixed.plus])
        if pairs is None:
            unit = (reservoir.settings.g_high - reservoir.settings.g_low) / max(largest, float(np.abs(bias).max()) / _volts(chip, fixed))
            signed = unit * np.concatenate([weights, bias[None] / _volts(chip, fixed)])
            g = reservoir.settings.g_low + np.concatenate([np.maximum(signed, 0.0), np.maximum(-signed, 0.0)], axis=1)
        else:
            g, unit = pairs
        columns = builder.group(_READ, g.shape[1])
        builder.add(Crossbar(name=_READ, rows=rows, columns=columns, g_min=0.1 * g.min(), g_max=10.0 * g.max()))
        outputs = _summed(builder, columns, g.sum(axis=0) / unit)
        builder.add(Nudges(name=circuit.outputs.name, plus=outputs, minus=GROUND))
        for one in circuit.of(InputSources):
            _driven(builder, one, chip, outputs, feedback)
        kept = [element for element in circuit.elements if element.name not in gone]
        closed = replace(
            circuit, name=f"{circuit.name}, closed", groups=(*groups, *builder.groups), elements=(*kept, *builder.elements), blocks=()
        )
        values = {name: of for name, of in chip.values.items() if name not in gone}
        kept_g = {name: of for name, of in reservoir.g.items() if name not in gone}
        return cls(closed, replace(chip, circuit=closed, values=values), kept_g | {_READ: g})

    def begin(self, states: Floats, reservoir: Reservoir) -> dict[str, Floats]:
        """Return states (N,) [V] by node group, (1, n) each, to begin with."""
        ends = np.cumsum([len(self.circuit.nodes(name)) for name in reservoir.drawn.groups])[:-1]
        return dict(zip(reservoir.drawn.groups, (part[None] for part in np.split(states, ends)), strict=True))


def _volts(chip: Chip, fixed: VoltageSources) -> float:
    return float(chip(fixed.name, "v")[0])


def _dummies(circuit: Circuit) -> list[Crossbar]:
    """List what leads to the outputs that nobody reads."""
    return [one for one in circuit.of(Crossbar) if np.isin(one.columns, circuit.outputs.plus).any()]


def _summed(builder: Appending, columns: Nodes, gains: Floats) -> Nodes:
    """Add sources of the differences of columns times their gains (2·K,), and return the outputs' nodes."""
    outputs = len(columns) // 2
    minus, total = builder.group("minus", outputs), builder.group("y", outputs)
    builder.add(
        VoltageControlledVoltageSources(
            name="minus", plus=minus, minus=GROUND, control_plus=GROUND, control_minus=columns[outputs:], gain=gains[outputs:]
        ),
        VoltageControlledVoltageSources(
            name="sum", plus=total, minus=minus, control_plus=columns[:outputs], control_minus=GROUND, gain=gains[:outputs]
        ),
    )
    return total


def _driven(builder: Appending, one: InputSources, chip: Chip, outputs: Nodes, feedback: LoopFeedback) -> None:
    """Let outputs drive the lines that a source of the data drove."""
    scale, offset = (np.broadcast_to(chip(one.name, what), (len(one),)) for what in ("scale", "offset"))
    slope, shift = (values[one.feature] for values in (feedback.slope, feedback.offset))
    moved = builder.group(f"{one.name}_moved", len(one))
    builder.add(
        VoltageSources(name=f"{one.name}_moved", plus=moved, minus=GROUND, v=scale * shift + offset),
        VoltageControlledVoltageSources(
            name=one.name, plus=one.plus, minus=moved, control_plus=outputs[one.feature], control_minus=GROUND, gain=scale * slope
        ),
    )

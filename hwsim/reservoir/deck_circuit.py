"""A user's deck as a reservoir: its circuit, the conductances that it has, and how long a row drives it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from circuits.circuit import Circuit
from circuits.elements import Capacitors, IdealDiodes, Inductors
from circuits.errors import CircuitError
from circuits.passed import Passed
from circuits.units import Second
from hwsim.core.transient import state_groups
from hwsim.experiment.reservoir_section import ReservoirSection
from hwsim.reservoir.drawn_circuit import DrawnCircuit
from hwsim.settings.engine_names import EngineName
from hwsim.typing import Weights


@dataclass(frozen=True)
class DeckCircuit(DrawnCircuit):
    """What a reservoir's deck is, for a number of inputs; nothing is drawn."""

    settings: ReservoirSection

    @cached_property
    def network(self) -> Any:
        """The deck."""
        return self.settings.deck

    @cached_property
    def layers(self) -> tuple[()]:
        """None is drawn."""
        return ()

    @cached_property
    def period(self) -> Second:
        """How long a row of inputs is held [s]."""
        assert self.settings.period is not None  # noqa: S101 - as decks have
        return self.settings.period

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """The node groups of the states."""
        return tuple(group.name for group in state_groups(self.compile(), between=True))

    @property
    def memristors(self) -> int:
        """How many it has."""
        return self.compile().memristors

    def compile(self, name: str = "reservoir") -> Circuit:
        """Read the circuit.

        Raises
        ------
        CircuitError
            When it has other inputs than the data.

        """
        circuit: Circuit = self.network.compile(name)
        if circuit.input_count != self.inputs:
            msg = f"reservoir.deck has {circuit.input_count} inputs, and a row of the data has {self.inputs} numbers; name others as inputs"
            raise CircuitError(msg)
        return circuit

    def conductances(self, circuit: Circuit) -> Weights:  # noqa: ARG002 - as what is drawn
        """Return the conductances that its cards have [S]."""
        g: Weights = self.network.deck.g
        return g

    def engine(self, asked: EngineName) -> EngineName:
        """Return what integrates it: what is asked for, unless ngspice alone knows all of its parts."""
        circuit = self.compile()
        between = any(bool(np.any((one.a != 0) & (one.b != 0))) for one in circuit.of(Capacitors))
        changing = circuit.text is not None and bool(circuit.text.changing)
        return "ngspice" if between or changing or circuit.of(Passed, Inductors, IdealDiodes) else asked

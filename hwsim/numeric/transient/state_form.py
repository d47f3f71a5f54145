"""The state form of a circuit: all that is linear in it eliminated exactly, so that only its capacitors' voltages are left.

    C·dv/dt = H·v + F·x + P·q + h − D·i(p),     p = E·v + F'·x + e,     ŷ = R·v + F''·x + r

`v` are the states, `x` the inputs, `q` what nudges push (beta·y + i), and `i` the currents of the diodes between port voltages `p`. All
of it follows from one sparse factorization of the circuit with sources in the places of its capacitors: what these carry charges them.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.clocked import SampleHolds
from circuits.controlled import CurrentControlledCurrentSources, CurrentControlledVoltageSources, VoltageControlledVoltageSources
from circuits.diode import diode_current
from circuits.elements import Amplifiers, Capacitors, Diodes, IdealDiodes, Inductors, InputCurrents, InputSources, VoltageSources
from circuits.errors import CircuitError
from circuits.nodes import Nodes
from circuits.passed import Passed
from circuits.quoting import quote_all
from hwsim.core.branch_currents import columns
from hwsim.core.protocol import UnsupportedCircuitError
from hwsim.core.stiff_resistors import StiffResistors
from hwsim.core.transient import state_nodes
from hwsim.numeric.general.linear_system import MNASystem, SourceTerms, conductance, given, learned
from hwsim.typing import Conductances, Floats

_ROUNDED = 1e-9
"""ohm; a port that answers its own current by more is held by no capacitor, and by less by rounding alone."""

_STATES, _PUSHED = "states_in_time_", "pushes_in_time_"
"""Names of the stand-ins."""


@dataclass(frozen=True, slots=True)
class AffineMap:
    """One linear map: constant + of_v·v + of_x·x + of_q·q, with shapes (m,), (m, n), (m, I) and (m, K)."""

    constant: Floats
    of_v: Floats
    of_x: Floats
    of_q: Floats

    @classmethod
    def of(cls, constant: Floats, by_feature: Floats, inputs: int, states: int) -> Self:
        """Cut what all features cause: inputs, then states, then pushes."""
        v, q = inputs, inputs + states
        return cls(constant, by_feature[:, v:q], by_feature[:, :v], by_feature[:, q:])

    def __call__(self, v: Floats, x: Floats, q: Floats) -> Floats:
        """Apply it to arrays whose last axis is the states, inputs and pushes; returns (…, m)."""
        mapped: Floats = self.constant + v @ self.of_v.T + x @ self.of_x.T + q @ self.of_q.T
        return mapped


@dataclass(frozen=True, slots=True)
class StateForm:
    """The ODE of a circuit on a chip with conductances, all in SI units.

    Parameters
    ----------
    size
        Of the circuit: its nodes, ground not counted.
    nodes
        The states' node numbers, shape (n,).
    c
        Their capacitances [F].
    charging
        What flows into the capacitors without diodes [A].
    ports
        Voltages across the diodes [V].
    outputs
        The read-outs [V].
    drawn
        D: how diodes' currents flow out of the capacitors, shape (n, P).
    i_sat, n
        Of the diodes: saturation current [A] and emission coefficient, shape (P,).
    system
        The factorized circuit that all of it came from.
    branch
        Where in its unknowns the states' currents begin.

    """

    size: int
    nodes: Nodes
    c: Floats
    charging: AffineMap
    ports: AffineMap
    outputs: AffineMap
    drawn: Floats
    i_sat: Floats
    n: Floats
    system: MNASystem
    branch: int

    @classmethod
    def of(cls, circuit: Circuit, chip: Chip, g: Conductances, beta: float = 0.0) -> Self:
        """Eliminate all but the states, under nudges of `beta` [S].

        Raises
        ------
        UnsupportedCircuitError
            When the circuit holds what has no such form.
        CircuitError
            When a node between diodes has no capacitor, or nothing fixes a node.

        """
        refuse_unknown(circuit)
        nodes = state_nodes(circuit)
        _refuse_loaded(circuit, chip, nodes)
        charged, on_chip = _charged(circuit, chip, nodes)
        diodes = charged.of(Diodes)
        ends = _nodes([e.anode for e in diodes]), _nodes([e.cathode for e in diodes])
        values = {name: np.asarray(array, dtype=np.float64) for name, array in g.items()}
        circuit.check_conductances(values)
        out = circuit.outputs
        nudged = conductance(out.plus, np.broadcast_to(out.minus, out.plus.shape), beta * chip(out.name, "gain"))
        stiff = StiffResistors.of(charged, on_chip, values)
        parts = [*given(charged, on_chip, stiff), *(part for e in charged.trainable for part in learned(e, values)), *nudged]
        try:
            system = MNASystem.of(parts, ends, SourceTerms.of(charged, on_chip, stiff))
        except (RuntimeError, np.linalg.LinAlgError):
            msg = f"{circuit.name}: nothing fixes the voltage of some node in time; put a capacitor to ground at each node that moves"
            raise CircuitError(msg) from None
        size = len(system.sources.fixed)
        first = charged.size + columns(charged, on_chip).first[_STATES]
        charging, drawn = _rows(system, np.eye(size, len(nodes), -first))
        read = np.zeros((size + 1, len(out)))
        read[out.plus, np.arange(len(out))] += 1.0
        read[out.minus, np.arange(len(out))] -= 1.0
        outputs, leaked = _rows(system, read[1:])
        loose = np.abs(system.across).max(axis=1, initial=0.0)
        if (loose > _ROUNDED).any() or (np.abs(leaked) > _ROUNDED).any():
            where = "an output"
            if (loose > _ROUNDED).any():
                k = int(np.argmax(loose > _ROUNDED))
                where = f"the diode between {' and '.join(circuit.node_names[int(end[k])] for end in ends)}"
            msg = f"{circuit.name}: a node of {where} has no capacitor; set circuit.capacitance, or add one from it to ground"
            raise CircuitError(msg)
        inputs, states = circuit.input_count, len(nodes)
        return cls(
            circuit.size,
            nodes,
            _capacitances(circuit, chip, nodes),
            AffineMap.of(*charging, inputs, states),
            AffineMap.of(system.open_fixed, system.open_by_feature, inputs, states),
            AffineMap.of(*outputs, inputs, states),
            -drawn,
            _of_diodes(diodes, chip, "i_sat"),
            _of_diodes(diodes, chip, "n"),
            system,
            first,
        )

    def everywhere(self, v: Floats, x: Floats, q: Floats) -> Floats:
        """Return the voltages of all nodes by number, (B, N + 1) [V], ground first, at states (B, n), inputs (B, I) and pushes (B, K)."""
        i, _ = diode_current(self.ports(v, x, q), self.i_sat, self.n)
        u = self.system.voltages(-i, np.concatenate([x, v, q], axis=1))
        return np.concatenate([np.zeros((len(v), 1)), u[: self.size].T], axis=1)

    @property
    def settling_rate(self) -> float:
        """Rate of the slowest mode without diodes [1/s]; of a circuit that only diodes keep bounded, it is negative; or 0, as `slowest`."""
        return _slowest(self.rates())

    def slowest(self, v: Floats, x: Floats, q: Floats) -> float:
        """Return the rate of the slowest mode at a state (1, n) [1/s]: how fast what is left of a disturbance fades; negative: it grows.

        0 where it is less than a rounding of the fastest.
        """
        _, slope = diode_current(self.ports(v, x, q), self.i_sat, self.n)
        return _slowest(self.rates(slope[0]))

    def rates(self, slope: Floats | float = 0.0) -> Floats:
        """Return the matrix of the linearised ODE, shape (n, n) [1/s], where diodes have these slopes (P,) [S]."""
        return (self.charging.of_v - (self.drawn * slope) @ self.ports.of_v) / self.c[:, None]


def _slowest(rates: Floats) -> float:
    modes = np.linalg.eigvals(rates)
    rate = float(-modes.real.max())
    return rate if abs(rate) > len(modes) * np.finfo(np.float64).eps * np.abs(modes).max() else 0.0


def _nodes(of: list[Nodes]) -> Nodes:
    return np.concatenate([np.zeros(0, dtype=np.intp), *of])


def _of_diodes(diodes: list[Diodes], chip: Chip, parameter: str) -> Floats:
    return np.concatenate([np.zeros(0), *(np.broadcast_to(chip(e.name, parameter), (len(e),)) for e in diodes)])


def refuse_unknown(circuit: Circuit) -> None:
    """Refuse elements that have no state form.

    Raises
    ------
    UnsupportedCircuitError
        Naming one, and what integrates it.

    """
    for kind, why in (
        (Passed, "is a part that only ngspice knows; the numeric engine does not integrate it: use --engine ngspice"),
        (Inductors, "has a current that takes time; the numeric engine does not integrate it: use --engine ngspice"),
        (IdealDiodes, "switches without a rate; use a neuron of real diodes, such as diode-pair, or --engine ngspice"),
        (SampleHolds, "is clocked, and has no rate; it takes a recurrence without a hold"),
    ):
        if elements := circuit.of(kind):
            names = quote_all([element.name for element in elements])
            msg = f"{circuit.name}: {names} {why}"
            raise UnsupportedCircuitError(msg)
    if circuit.text is not None and circuit.text.changing:
        why = "changes in time by itself, and the numeric engine would hold it: use --engine ngspice"
        raise UnsupportedCircuitError(f"{circuit.name}: {circuit.text.changing[0]} {why}")


def _refuse_loaded(circuit: Circuit, chip: Chip, nodes: Nodes) -> None:
    """Refuse capacitors whose current would count although their voltage is held, and sources between two states.

    Raises
    ------
    UnsupportedCircuitError
        Naming one.

    """
    charged = np.unique(np.concatenate([np.maximum(e.a, e.b) for e in circuit.of(Capacitors)]))
    fixed = np.setdiff1d(charged, nodes)
    counted = [np.concatenate([e.output[chip(e.name, "back") != 0] for e in circuit.of(Amplifiers)] or [fixed[:0]])]
    counted += [fixed for _ in circuit.of(CurrentControlledCurrentSources, CurrentControlledVoltageSources)]
    loaded = np.intersect1d(fixed, np.concatenate(counted))
    if len(loaded):
        node = circuit.node_names[int(loaded[0])]
        msg = f"{circuit.name}: what holds {node} passes on the current of its capacitor, which takes no time; remove it, or use ngspice"
        raise UnsupportedCircuitError(msg)
    for source in circuit.of(VoltageSources, VoltageControlledVoltageSources):
        both = np.isin(source.plus, nodes) & np.isin(source.minus, nodes)
        if both.any():
            ends = (circuit.node_names[int(end[np.argmax(both)])] for end in (source.plus, source.minus))
            msg = f"{circuit.name}: {source.name} joins {' and '.join(ends)}, which both have capacitors; use --engine ngspice"
            raise UnsupportedCircuitError(msg)


def _charged(circuit: Circuit, chip: Chip, nodes: Nodes) -> tuple[Circuit, Chip]:
    """Return the circuit with sources in the places of its capacitors, whose voltages are features behind the inputs, and of its nudges."""
    inputs, out = circuit.input_count, circuit.outputs
    states = InputSources(name=_STATES, plus=nodes, feature=inputs + np.arange(len(nodes)))
    pushed = InputCurrents(
        name=_PUSHED, a=out.minus, b=out.plus, feature=inputs + len(nodes) + np.arange(len(out)), scale=chip(out.name, "gain")
    )
    kept = [element for element in circuit.elements if not isinstance(element, Capacitors)]
    charged = replace(circuit, elements=(*kept, states, pushed), blocks=(), text=None)
    gone = {element.name for element in circuit.of(Capacitors)}
    return charged, replace(chip, circuit=charged, values={name: values for name, values in chip.values.items() if name not in gone})


def _capacitances(circuit: Circuit, chip: Chip, nodes: Nodes) -> Floats:
    """Return the sum of the capacitances at each state [F]."""
    total = np.zeros(circuit.size + 1)
    for capacitors in circuit.of(Capacitors):
        np.add.at(total, np.maximum(capacitors.a, capacitors.b), chip(capacitors.name, "c"))
    return total[nodes]


def _rows(system: MNASystem, wanted: Floats) -> tuple[tuple[Floats, Floats], Floats]:
    """Return what some sums of the unknowns, `wanted` (rows, m), are: constant and by feature, and how ports' currents change them."""
    constant, by_feature, by_port = [], [], []
    for some in system.runs(wanted.shape[1]):
        answer = system.solve(wanted[:, some], transposed=True)
        constant.append(system.sources.fixed @ answer)
        by_feature.append(np.asarray(system.sources.by_feature.T @ answer).T)
        by_port.append(np.asarray(system.ports.T @ answer).T)
    return (np.concatenate(constant), np.concatenate(by_feature)), -np.concatenate(by_port)

"""What an engine promises of circuits in time: Transient, and the Trajectory that it takes.

B is the batch, T the intervals, I the inputs, K the outputs. A state is the voltage of a node with a capacitor to ground.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from circuits.capacitors import moving_nodes
from circuits.circuit import Circuit
from circuits.clocked import clocked_nodes, is_clocked
from circuits.elements import Capacitors
from circuits.errors import CircuitError
from circuits.nodes import NodeGroup
from circuits.quoting import quote_all, quoted
from circuits.units import Volt
from hwsim.core.protocol import Capability, UnsupportedCircuitError
from hwsim.core.signal import Signal
from hwsim.typing import Array, Conductances, Floats

ACCURACY: Volt = 1e-6
"""V; steps are halved until that changes no voltage by more."""


Feeds = Callable[[Any, Array, Any], Array]
"""Makes the inputs of an interval of what a Reduction has summed up."""


class NoiseInTime(NamedTuple):
    """Noise of the circuit itself while it runs: white, another one in each sequence, at the chip's temperature.

    Parameters
    ----------
    seed
        Of the draw; runs of the same steps have the same noise.
    thermal
        Whether memristors and resistors have thermal noise, currents of the density 4·k·T·g: alone, it leaves √(k·T/C) on a capacitor C. Of
        clocked circuits, whether each clock leaves that of the switches on the states.
    shot
        Whether diodes have shot noise, currents of the density 2·q·(i + 2·i_sat): of what flows either way.

    """

    seed: int = 0
    thermal: bool = True
    shot: bool = True


class Reduction(NamedTuple):
    """What is summed up over a run instead of stored, such as the products that a read-out needs, and what of it is fed back.

    Parameters
    ----------
    initial
        The sum before the first interval: an array, or a tree of them.
    step
        Takes the sum, the states by group at the end of an interval, each (B, n) [V], and the interval's number; returns the next sum.
        The numeric engine compiles it, so that it must be a function of JAX.
    feeds
        Closes a loop: takes the sum so far, the signal's inputs of an interval (B, I) and its number, and returns the inputs that are
        applied instead. A function of JAX, which only the numeric engine has; None: the signal's inputs.

    """

    initial: Any
    step: Callable[[Any, Mapping[str, Array], Any], Any]
    feeds: Feeds | None = None


class Trajectory(NamedTuple):
    """Where the states go.

    Parameters
    ----------
    times
        Ends of the intervals, shape (T,) [s].
    v
        States at these times by node group, each (B, T, n) [V]; only the groups that were asked for.
    outputs
        Read-outs ŷ at these times, shape (B, T, K) [V].
    end
        The last states by node group, each (B, n) [V]: where a next run continues.
    error
        The largest change of any voltage by the last halving of the steps [V]; of `steps` without an accuracy, by half as long ones on the
        first intervals.
    steps
        Of each interval, by the run that is returned; of ngspice, which chooses its own, the mean.
    method
        Name of what integrated.
    folded
        The sum that a Reduction led to; None without one.

    """

    times: Floats
    v: Mapping[str, Array]
    outputs: Array
    end: Mapping[str, Array]
    error: Volt
    steps: float
    method: str
    folded: Any = None


class Transient(Protocol):
    """A circuit with capacitors on a chip, ready to be integrated for any conductances and signals. Solvers declare it as a capability."""

    @property
    def circuit(self) -> Circuit:
        """The circuit that is integrated."""
        ...

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What it does besides."""
        ...

    def integrate(  # noqa: PLR0913 - what a run depends on
        self,
        g: Conductances,
        signal: Signal,
        v0: Mapping[str, Array] | None = None,
        *,
        groups: Sequence[str] | None = None,
        fold: Reduction | None = None,
        accuracy: Volt | None = None,
        steps: int | None = None,
        noise: NoiseInTime | None = None,
    ) -> Trajectory:
        """Integrate a batch of sequences.

        Parameters
        ----------
        g
            Conductances [S].
        signal
            What is applied.
        v0
            States at 0 s by node group, each (B, n) [V]; groups that are not there, or None: 0 V.
        groups
            Node groups whose voltages are stored, which need no states unless they are folded up; None: all that have states.
        fold
            What is summed up along the way.
        accuracy
            Steps are halved until that changes no voltage by more [V]; None: ACCURACY, and of ngspice, whose steps follow tolerances of
            their own, whatever one halving changes.
        steps
            Of each interval to begin with; without an accuracy, the numeric engine takes just these, and looks at their error on the first
            intervals alone.
        noise
            Of the circuit while it runs; None: none. Steps are chosen without it, and `error` is that of the run without it.

        Raises
        ------
        CircuitError
            When something does not fit the circuit.
        UnsupportedCircuitError
            When it holds what the engine does not integrate, or noise is asked of an engine that has none.
        ConvergenceError
            When voltages grow without bound, or steps are too long.

        """
        ...


def state_groups(circuit: Circuit, *, between: bool = False) -> tuple[NodeGroup, ...]:
    """Return the node groups all of whose nodes have a capacitor to ground, or with `between` one to anywhere.

    Raises
    ------
    CircuitError
        When the circuit has no capacitors.

    """
    states = state_nodes(circuit, between=between)
    return tuple(group for group in circuit.groups if np.isin(group.nodes, states).all())


def stored_groups(circuit: Circuit, groups: Sequence[str] | None, *, folded: bool, between: bool = False) -> tuple[NodeGroup, ...]:
    """Return the node groups that are asked for, or those that have states, as `state_groups`; what is folded up must have them.

    Raises
    ------
    CircuitError
        When a group that is asked for is not there.

    """
    full = state_groups(circuit, between=between)
    if groups is None:
        return full
    among, what = (full, "nodes with capacitors") if folded else (circuit.groups, "nodes")
    names = [group.name for group in among]
    for name in groups:
        if name not in names:
            msg = f"{circuit.name}: {quoted(name)} is no group of {what}; these are {quote_all(names, 'none')}"
            raise CircuitError(msg)
    return tuple(group for group in among if group.name in groups)


def state_nodes(circuit: Circuit, *, between: bool = False) -> Array:
    """Return the numbers of the nodes whose capacitors make them states, in order; of a clocked circuit, the nodes of its clocked states.

    Raises
    ------
    CircuitError
        When there is none.
    UnsupportedCircuitError
        When a capacitor lies `between` two nodes where these are not taken.

    """
    if is_clocked(circuit):
        if capacitors := circuit.of(Capacitors):
            named = quote_all([one.name for one in capacitors])
            msg = f"{circuit.name} is clocked, and its columns settle within a phase: remove its capacitors, {named}"
            raise CircuitError(msg)
        return np.sort(clocked_nodes(circuit))
    nodes = [np.zeros(0, dtype=np.intp)]
    for capacitors in circuit.of(Capacitors):
        floating = (capacitors.a != 0) & (capacitors.b != 0)
        if floating.any() and not between:
            k = int(np.argmax(floating))
            a, b = (circuit.node_names[int(end[k])] for end in (capacitors.a, capacitors.b))
            msg = (
                f"{circuit.name}: {capacitors.name}[{k}] lies between {a} and {b}; the numeric engine's go to ground; use --engine ngspice"
            )
            raise UnsupportedCircuitError(msg)
        nodes += [capacitors.a, capacitors.b]
    states = np.intersect1d(np.concatenate(nodes), moving_nodes(circuit))
    if not len(states):
        msg = f"{circuit.name} has no capacitor at a node that moves; set circuit.capacitance, as in --set circuit.capacitance=1e-12"
        raise CircuitError(msg)
    return states


def initial_states(circuit: Circuit, v0: Mapping[str, Array] | None, batch: int) -> Floats:
    """Lay out initial states by node number, shape (B, N + 1) [V]; what is not given is 0 V.

    Raises
    ------
    CircuitError
        When a shape does not fit, or a number is not finite.

    """
    v = np.zeros((batch, circuit.size + 1))
    by_name = {group.name: group for group in circuit.groups}
    for name, given in (v0 or {}).items():
        if name not in by_name:
            msg = f"{circuit.name}: v0 names {quoted(name)}; the circuit has no such node group"
            raise CircuitError(msg)
        values, group = np.asarray(given, dtype=np.float64), by_name[name]
        if values.shape not in {(batch, len(group)), (1, len(group))} or not np.isfinite(values).all():
            msg = f"{circuit.name}: v0 of {name} has shape {values.shape}; it must be finite numbers of shape {(batch, len(group))}"
            raise CircuitError(msg)
        v[:, group.nodes] = values
    return v

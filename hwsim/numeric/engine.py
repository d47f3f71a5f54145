"""The numeric engine: layered circuits, batched and compiled, in 64 bit or, for training, in 32."""

from dataclasses import dataclass
from types import TracebackType
from typing import Any, ClassVar, Literal, Self

import jax
import jax.numpy as jnp
import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.elements import Amplifiers, InputSources, VoltageSources
from circuits.nodes import Nodes
from hwsim.engine import Array, Conductances, Drive, Equilibrium, Nudge, Push
from hwsim.numeric import layered, start_up
from hwsim.numeric.layered import Layers, Outputs, Settled, State
from hwsim.numeric.parameters import collect
from hwsim.numeric.structure import stages

start_up.configure()

Precision = Literal["float32", "float64"]

_NOISE_FLOOR = 32
"""Roundings; a tolerance below this many of them would never be met."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumericEngine:
    """Settings of the numeric engine.

    Parameters
    ----------
    tolerance
        A sample has settled when no voltage changed in a sweep by more than this share of the largest source voltage (at least 1 mV);
        None: 1e-13 in 64 bit, 1e-6 in 32 bit.
    max_steps
        Most sweeps over the layers.
    precision
        Of all arrays: "float64" for what is reported or compared, "float32" for training.

    """

    name: ClassVar[str] = "numeric"
    tolerance: float | None = None
    max_steps: int = 2000
    precision: Precision = "float64"

    def prepare(self, circuit: Circuit, chip: Chip) -> "LayeredSolver":
        """Find the circuit's layers.

        Raises
        ------
        UnsupportedCircuitError
            When the circuit is not layered.

        """
        return LayeredSolver(circuit, chip, self)


class LayeredSolver:
    """A layered circuit, ready to be solved. `trace` has the same methods for use inside of compiled functions."""

    def __init__(self, circuit: Circuit, chip: Chip, engine: NumericEngine) -> None:
        self.circuit, self.chip, self.engine = circuit, chip, engine
        self.dtype = jnp.dtype(engine.precision)
        self.stages = stages(circuit)
        last = self.stages[-1].columns
        plus, minus = circuit.outputs.plus, circuit.outputs.minus
        order = np.argsort(last)

        def place(nodes: Any) -> Any:
            return order[np.searchsorted(last, nodes, sorter=order)]

        outputs = Outputs(place(plus), place(minus) if minus.any() else None)
        self.trace = TracedSolver(self, Layers(self.stages, collect(self.stages, chip, self.dtype), outputs))
        self._solve = jax.jit(self.trace.solve)
        self._adjoint = jax.jit(self.trace.adjoint)
        self._phases = jax.jit(self.trace.phases, static_argnames="nudge")

    def tolerance(self, x: Array, layers: Layers) -> Array:
        """Give each sample's tolerance, shape (B,) [V]: a share of its voltage range, not below the rounding of this precision."""
        share = self.engine.tolerance
        if share is None:
            share = 1e-13 if self.dtype == jnp.float64 else 1e-6
        share = max(share, _NOISE_FLOOR * float(np.finfo(self.dtype).eps))
        fixed, scale = jnp.asarray(1e-3, self.dtype), jnp.asarray(0.0, self.dtype)
        for stage, numbers in zip(layers.stages, layers.parameters, strict=True):
            for junction in (numbers.neuron.high, numbers.neuron.low):
                if junction is not None:
                    fixed = jnp.maximum(fixed, jnp.max(jnp.where(jnp.isfinite(junction.rail), jnp.abs(junction.rail), 0.0)))
            for rows, values in zip(stage.fixed, numbers.sources, strict=True):
                largest = jnp.max(jnp.abs(values))
                fixed, scale = (fixed, jnp.maximum(scale, largest)) if rows.features is not None else (jnp.maximum(fixed, largest), scale)
        return share * jnp.maximum(fixed, scale * jnp.abs(x).max(1))

    def _arrays(self, g: Conductances) -> dict[str, Array]:
        self.circuit.check_conductances(g)
        return {name: jnp.asarray(values, self.dtype) for name, values in g.items()}

    def _rows(self, rows: Array, count: int, what: str) -> Array:
        rows = jnp.asarray(rows, self.dtype)
        if rows.ndim != 2 or rows.shape[1] != count:  # noqa: PLR2004 - (B, count)
            raise ValueError(f"{what} has shape {rows.shape}; {self.circuit.name} takes (samples, {count})")
        return rows

    def solve(self, g: Conductances, drive: Drive, *, start: Equilibrium | None = None, throw: bool = True) -> Equilibrium:
        """Find the equilibria of a batch, x (B, I).

        Raises
        ------
        ConvergenceError
            When a sample does not settle and `throw` is set.
        ValueError
            When shapes do not fit the circuit.

        """
        x = self._rows(drive.x, self.circuit.input_count, "x")
        push = Push(*(jnp.asarray(part, self.dtype) for part in drive.push))
        begin = None if start is None else jax.tree.map(jnp.asarray, self.state(start))
        return _delivered(self._solve(self._arrays(g), Drive(x, push), start=begin), self.circuit, throw=throw)

    def phases(self, g: Conductances, x: Array, y: Array, nudge: Nudge, *, throw: bool = True) -> tuple[Equilibrium, ...]:
        """Find the free equilibria of a batch, x (B, I), then each nudged one from there towards y (B, K).

        Raises
        ------
        ConvergenceError
            When a sample does not settle in some phase and `throw` is set.
        ValueError
            When shapes do not fit the circuit.

        """
        x = self._rows(x, self.circuit.input_count, "x")
        y = self._rows(y, len(self.circuit.outputs), "y")
        found = self._phases(self._arrays(g), x, y, nudge=nudge)
        return tuple(_delivered(equilibrium, self.circuit, throw=throw) for equilibrium in found)

    def adjoint(self, g: Conductances, free: Equilibrium, error: Array) -> dict[str, Array]:
        """Solve the adjoint circuit of an equilibrium for an error dC/dŷ (B, K) [V]: the voltages λ by group, each (B, n)."""
        found: dict[str, Array] = self._adjoint(self._arrays(g), free, jnp.asarray(error, self.dtype))
        return found

    def state(self, equilibrium: Equilibrium) -> State:
        """Take the free nodes' voltages out of an equilibrium."""
        columns = tuple(equilibrium.at(self.circuit, stage.columns) for stage in self.stages)
        drivers = tuple(equilibrium.at(self.circuit, stage.drivers) for stage in self.stages)
        return State(columns, drivers)

    def close(self) -> None:
        """Nothing is held."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _delivered(equilibrium: Equilibrium, circuit: Circuit, *, throw: bool) -> Equilibrium:
    """Bring results to NumPy, and check them."""
    host: Equilibrium = jax.tree.map(np.asarray, equilibrium)
    return host.check(circuit) if throw else host


class TracedSolver:
    """The solver inside of compiled functions: pure, no exceptions, arrays of JAX. Failure is in `Equilibrium.result`."""

    def __init__(self, solver: LayeredSolver, layers: Layers) -> None:
        self.circuit, self.chip, self._solver, self._layers = solver.circuit, solver.chip, solver, layers

    def solve(self, g: Conductances, drive: Drive, *, start: State | None = None) -> Equilibrium:
        """Find the equilibria of a batch."""
        parts = layered.linear_parts(self._layers, g, drive.x)
        return self._equilibrium(drive.x, self._settle(drive.x, parts, drive.push, start))

    def phases(self, g: Conductances, x: Array, y: Array, nudge: Nudge) -> tuple[Equilibrium, ...]:
        """Find the free equilibria, then each nudged one from there; the work on inputs and conductances is done once."""
        parts = layered.linear_parts(self._layers, g, x)
        free = self._settle(x, parts, Push(), None)
        found = self._equilibrium(x, free)
        pushes = nudge.pushes(found.outputs(self.circuit), y)
        return found, *(self._equilibrium(x, self._settle(x, parts, push, free.state)) for push in pushes)

    def adjoint(self, g: Conductances, free: Equilibrium, error: Array) -> dict[str, Array]:
        """Solve the adjoint circuit of an equilibrium for an error dC/dŷ (B, K): the voltages λ by group, each (B, n).

        Amplifiers stand in it with gain and back exchanged, neurons with their small-signal conductance (Director & Rohrer 1969).
        """
        solver = self._solver
        silent = jnp.zeros((len(error), self.circuit.input_count), solver.dtype)
        parts = layered.linear_parts(self._layers, g, silent)
        settled = layered.settle_adjoint(self._layers, parts, solver.state(free), error, max_steps=solver.engine.max_steps)
        return self._spread(settled, [], adjoint=True)

    def _settle(self, x: Array, parts: tuple[layered.Linear, ...], push: Push, start: State | None) -> Settled:
        solver = self._solver
        tolerance = solver.tolerance(x, self._layers)
        return layered.settle(self._layers, parts, push, start=start, tolerance=tolerance, max_steps=solver.engine.max_steps)

    def _equilibrium(self, x: Array, settled: Settled) -> Equilibrium:
        return Equilibrium(self._spread(settled.state, self._held(x)), settled.residual, settled.steps, settled.result)

    def _held(self, x: Array) -> list[tuple[Nodes, Array]]:
        """Give runs of nodes that sources hold, with their voltages (B, n)."""
        held: list[tuple[Nodes, Array]] = []
        for source in self.circuit.of(InputSources, VoltageSources):
            if isinstance(source, InputSources):
                values = x[:, source.feature] * jnp.asarray(self.chip(source.name, "scale"), x.dtype)
            else:
                values = jnp.broadcast_to(jnp.asarray(self.chip(source.name, "v"), x.dtype), (len(x), len(source)))
            held.append((source.plus, values))
        return held

    def _spread(self, state: State, held: list[tuple[Nodes, Array]], *, adjoint: bool = False) -> dict[str, Array]:
        """Lay out voltages by node group, amplified rows included."""
        known = list(held)
        for stage, numbers, columns, drivers in zip(*self._layers[:2], state.columns, state.drivers, strict=True):
            known.append((stage.columns, columns))
            if stage.behind is not None:
                known.append((stage.behind, drivers))
            if numbers.coupling is not None:
                amplifier: Amplifiers = self.circuit[stage.amplifier or ""]
                gain, back, offset = numbers.coupling
                known.append((amplifier.output, back * drivers if adjoint else gain * (drivers + offset)))
        batch = len(state.columns[-1])
        flat: dict[str, Array] = {}
        for group in self.circuit.groups:
            whole = next((values for nodes, values in known if np.array_equal(nodes, group.nodes)), None)
            if whole is None:
                whole = jnp.zeros((batch, len(group)), state.columns[-1].dtype)
                for nodes, values in known:
                    inside = (nodes >= group.start) & (nodes < group.start + len(group))
                    if inside.any():
                        whole = whole.at[:, nodes[inside] - group.start].set(values[:, inside])
            flat[group.name] = whole
        return flat

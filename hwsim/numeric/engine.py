"""The numeric engine: layered circuits, batched and compiled, in 64 bit or, for training, in 32."""

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, ClassVar, Literal, Self

import jax
import jax.numpy as jnp
import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from hwsim.engine import Array, Conductances, Drive, Equilibrium, Nudge, Push, Result
from hwsim.numeric import settle, start_up
from hwsim.numeric.layered import Layers, Outputs, State
from hwsim.numeric.parameters import collect
from hwsim.numeric.structure import stages
from hwsim.numeric.traced import TracedSolver

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
        A sample has settled when no voltage changes any more by this share of the largest (at least 1 mV), and none is off by more than a
        thousand times as much; None: 1e-13 in 64 bit, 1e-6 in 32 bit.
    max_steps
        Most sweeps over the layers, and steps of Newton's method on all nodes where sweeps are not enough.
    precision
        Of all arrays: "float64" for what is reported or compared, "float32" for training.
    newton
        Whether Newton's method on all nodes may take over from sweeps; None: where it is needed.

    """

    name: ClassVar[str] = "numeric"
    tolerance: float | None = None
    max_steps: int = 2000
    precision: Precision = "float64"
    newton: bool | None = None

    def prepare(self, circuit: Circuit, chip: Chip) -> "LayeredSolver":
        """Find the circuit's layers.

        Raises
        ------
        UnsupportedCircuitError
            When the circuit is not layered.

        """
        return LayeredSolver(circuit, chip, self)


class LayeredSolver:
    """A layered circuit, ready to be solved.

    Sweeps over the layers are tried first; what they leave unsettled is compiled and solved anew with Newton's method on all nodes.
    """

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
        layers = Layers(self.stages, collect(self.stages, chip, self.dtype), outputs)
        self._programs = tuple(_Programs(TracedSolver(self, layers, newton=newton)) for newton in (False, True))

    def traced(self, g: Conductances) -> TracedSolver:
        """Give the solver for use inside of compiled functions: with Newton's method when conductances like `g` may need it."""
        return self._programs[self._is_slow(self._arrays(g))].traced

    def _is_slow(self, g: Conductances) -> bool:
        """Whether sweeps alone are too slow for a circuit, or prove too little."""
        if self.engine.newton is not None:
            return self.engine.newton
        return not bool(self._programs[0].amplification(g) <= settle.TRUST / 2)

    def _found(self, g: Conductances, solve: Callable[["_Programs"], Equilibrium]) -> Equilibrium:
        """Solve by sweeps, or with Newton's method where these are too slow or do not settle a sample."""
        slow = self._is_slow(g)
        found = solve(self._programs[slow])
        unsettled = (np.asarray(found.result) == Result.MAX_STEPS).any()
        return solve(self._programs[True]) if unsettled and not slow and self.engine.newton is None else found

    def tolerance(self, x: Array, layers: Layers, guess: State) -> Array:
        """Give each sample's tolerance, shape (B,) [V]: a share of its largest voltage, not below the rounding of this precision."""
        share = self.engine.tolerance
        if share is None:
            share = 1e-13 if self.dtype == jnp.float64 else 1e-6
        share = max(share, _NOISE_FLOOR * float(np.finfo(self.dtype).eps))
        largest = jnp.full(len(x), 1e-3, self.dtype)
        for stage, numbers, columns in zip(layers.stages, layers.parameters, guess.columns, strict=True):
            largest = jnp.maximum(largest, jnp.abs(columns).max(1))
            for rows, values in zip(stage.fixed, numbers.sources, strict=True):
                held = jnp.abs(x).max(1) if rows.features is not None else 1.0
                largest = jnp.maximum(largest, held * jnp.max(jnp.abs(values)))
        return share * largest

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
        one_each = (len(x), len(self.circuit.outputs))  # whatever was given, so that one compiled function serves all phases
        beta, *volts_and_amperes = (jnp.asarray(part, self.dtype) for part in drive.push)
        push = Push(beta, *(jnp.broadcast_to(part, one_each) for part in volts_and_amperes))
        begin = None if start is None else jax.tree.map(jnp.asarray, self.state(start))
        conductances = self._arrays(g)
        found = self._found(conductances, lambda programs: programs.solve(conductances, Drive(x, push), start=begin))
        return _delivered(found, self.circuit, throw=throw)

    def phases(self, g: Conductances, x: Array, y: Array, nudge: Nudge, *, throw: bool = True) -> tuple[Equilibrium, ...]:
        """Find the free equilibria of a batch, x (B, I), then each nudged one from there towards y (B, K).

        Raises
        ------
        ConvergenceError
            When a sample does not settle in some phase and `throw` is set.
        ValueError
            When shapes do not fit the circuit.

        """
        y = self._rows(y, len(self.circuit.outputs), "y")
        free = self.solve(g, Drive(x), throw=throw)
        pushes = nudge.pushes(free.outputs(self.circuit), np.asarray(y))
        return free, *(self.solve(g, Drive(x, push), start=free, throw=throw) for push in pushes)

    def adjoint(self, g: Conductances, free: Equilibrium, error: Array) -> Equilibrium:
        """Solve the adjoint circuit of an equilibrium for an error dC/dŷ (B, K) [V]: the voltages λ by group, each (B, n).

        Raises
        ------
        ConvergenceError
            When a sample does not settle.

        """
        conductances, error = self._arrays(g), jnp.asarray(error, self.dtype)
        return _delivered(self._found(conductances, lambda programs: programs.adjoint(conductances, free, error)), self.circuit, throw=True)

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


class _Programs:
    """A traced solver's methods, compiled."""

    def __init__(self, traced: TracedSolver) -> None:
        self.traced = traced
        self.solve = jax.jit(traced.solve)
        self.adjoint = jax.jit(traced.adjoint)
        self.amplification = jax.jit(traced.amplification)


def _delivered(equilibrium: Equilibrium, circuit: Circuit, *, throw: bool) -> Equilibrium:
    """Bring results to NumPy, and check them."""
    host: Equilibrium = jax.tree.map(np.asarray, equilibrium)
    return host.check(circuit) if throw else host

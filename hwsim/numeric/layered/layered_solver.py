"""A layered circuit's solver: sweeps over the layers, and Newton's method on all nodes where these are not enough."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from hwsim.core import blocks
from hwsim.core.protocol import Capability, Closing, ConvergenceError, Drive, Equilibrium, Nudge, Nudging, Push, Result
from hwsim.numeric.general.general_solver import GeneralEngine, GeneralSolver
from hwsim.numeric.jax_scope import jax_scope
from hwsim.numeric.layered import error_bound
from hwsim.numeric.layered.error_bound import Spreading
from hwsim.numeric.layered.layers import OutputColumns, adjoint_layers
from hwsim.numeric.layered.linear_terms import resistive_parts
from hwsim.numeric.layered.problem import LayeredProblem
from hwsim.numeric.layered.programs import Programs, programs
from hwsim.numeric.layered.recognize import stages
from hwsim.numeric.layered.source_voltages import held_volts
from hwsim.numeric.layered.structure import divided
from hwsim.numeric.layered.traced import TracedSolver
from hwsim.numeric.transient.integrating import Integrating
from hwsim.typing import Array, Conductances

Precision = Literal["float32", "float64"]

MARGIN = 1.5
"""Sweeps must prove this many times more than they have to: conductances change while they are relied on."""

_NOISE_FLOOR = 8
"""Roundings; a tolerance below this many of them would never be met."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayeredOptions:
    """How a layered circuit is solved.

    Parameters
    ----------
    tolerance
        A sample has settled when no voltage changes any more by this share of the largest (at least 1 mV), and none is off by more than a
        thousand times as much; None: 1e-13 in 64 bit, 1e-6 in 32 bit.
    max_steps
        Most sweeps over the layers, and steps of Newton's method on all nodes where sweeps are not enough.
    precision
        Of all arrays: "float64" for what is reported or compared, "float32" for training layered circuits.
    newton
        Whether Newton's method on all nodes may take over from sweeps; None: where it is needed.

    """

    tolerance: float | None = None
    max_steps: int = 2000
    precision: Precision = "float64"
    newton: bool | None = None


Found = TypeVar("Found", Equilibrium, tuple[Equilibrium, ...])


class LayeredSolver(Integrating, Nudging, Closing):
    """A layered circuit, ready to be solved.

    Sweeps over the layers are tried first; what they leave unsettled is compiled and solved again by Newton's method on all nodes.
    """

    capabilities = frozenset(
        {
            Capability.TRACEABLE,
            Capability.ADJOINT,
            Capability.SMALL_SIGNAL,
            Capability.HOLOMORPHIC,
            Capability.MANY_CHIPS,
            Capability.TRANSIENT,
        }
    )

    def __init__(self, circuit: Circuit, chip: Chip, options: LayeredOptions) -> None:
        self.circuit, self.chip, self.options = circuit, chip, options
        self.dtype = jnp.dtype(options.precision)
        self.stages = tuple(stages(circuit))
        last = self.stages[-1].columns
        plus, minus = circuit.outputs.plus, circuit.outputs.minus
        order = np.argsort(last)

        def place(nodes: Any) -> Any:
            return order[np.searchsorted(last, nodes, sorter=order)]

        outputs = OutputColumns(place(plus), place(minus) if minus.any() else None, len(last))
        self.problem = LayeredProblem(circuit, self.stages, self.share, options.max_steps)
        self.structure, (self.numbers,) = divided(self.problem, outputs, [chip], options.precision, alone=True)
        self.on = self.structure.on(self.numbers)
        self._amplified: tuple[dict[str, Array], float] = {}, 0.0

    def _program(self, *, newton: bool) -> "Programs":
        """Return the compiled functions; asked for when they are used: chips that are solved side by side leave the cache to others."""
        return programs(self.traced(newton=newton).bare)

    def traced(self, *, newton: bool, largest_feature: Array | float | None = None) -> TracedSolver:
        """Return the solver for use inside of compiled functions: with Newton's method or without, which may need it: `needs_newton`.

        With the largest magnitude of any feature, tolerances are not looked up sample by sample.
        """
        return TracedSolver(self.structure, self.numbers, newton, self.structure.tolerance(self.numbers, largest_feature))

    @jax_scope()
    def needs_newton(self, g: Conductances, beta: float = 0.0) -> bool:
        """Whether sweeps alone are too slow for these conductances and nudges of at least `beta` [S], or prove too little; with a margin.

        Raises
        ------
        ConvergenceError
            When they do, and the engine is forbidden to use Newton's method.

        """
        enough = bool(error_bound.suffices(self.amplification(g), beta, self._least_output(g), MARGIN))
        if self.options.newton is False and not enough:
            msg = f"{self.circuit.name}: sweeps over the layers prove no equilibrium of these conductances; set solver.newton to true"
            raise ConvergenceError(msg)
        return not enough if self.options.newton is None else self.options.newton

    @jax_scope()
    def amplification(self, g: Conductances) -> float:
        """Bound how far the circuit, or its adjoint, multiplies a change; the last conductances' is kept, which every phase asks for."""
        arrays = {name: np.asarray(values) for name, values in g.items()}
        before, bound = self._amplified
        if before.keys() != arrays.keys() or any(not _alike(values, before[name]) for name, values in arrays.items()):
            parts = resistive_parts(self.on.layers, blocks.split(self.circuit, arrays))
            bound = max(spreading.amplification(parts) for spreading in self._both_ways)
            self._amplified = {name: values.copy() for name, values in arrays.items()}, bound
        return bound

    @cached_property
    def _both_ways(self) -> tuple[Spreading, Spreading]:
        return Spreading.of(self.on.layers), Spreading.of(adjoint_layers(self.on.layers))

    def _least_output(self, g: Conductances) -> float:
        last = self.stages[-1].crossbar
        return float(self.circuit[last].column_sum(np.asarray(g[last])).min())

    def _solved(self, g: Conductances, solve: Callable[["Programs", float], Found]) -> Found:
        """Solve by sweeps, or with Newton's method where these are too slow or do not settle a sample."""
        amplified, newton = self.amplification(g), self.options.newton
        slow = not MARGIN * amplified <= error_bound.TRUST if newton is None else newton
        solution = solve(self._program(newton=slow), amplified)
        phases = (solution,) if isinstance(solution, Equilibrium) else solution
        unsettled = any((np.asarray(phase.result) == Result.MAX_STEPS).any() for phase in phases)
        return solve(self._program(newton=True), amplified) if unsettled and not slow and newton is None else solution

    @property
    def tolerance(self) -> float | None:
        """The tolerance that was set, as a share of the largest voltage; None: none was."""
        return self.options.tolerance

    @property
    def share(self) -> float:
        """The tolerance as a share of the largest voltage, never below the rounding of this precision."""
        share = self.options.tolerance
        if share is None:
            share = 1e-13 if self.dtype == jnp.float64 else 1e-6
        return max(share, _NOISE_FLOOR * float(np.finfo(self.dtype).eps))

    def _arrays(self, g: Conductances) -> dict[str, Array]:
        self.circuit.check_conductances(g)
        return {name: np.asarray(values, self.dtype) for name, values in g.items()}

    def _rows(self, rows: Array, count: int, what: str) -> Array:
        rows = np.asarray(rows, self.dtype)
        if rows.ndim != 2 or rows.shape[1] != count:  # noqa: PLR2004 - (B, count)
            raise ValueError(f"{what} has shape {rows.shape}; {self.circuit.name} takes (samples, {count})")
        return rows

    @jax_scope()
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
        beta, *volts_and_amperes = (np.asarray(part, self.dtype) for part in drive.push)
        push = Push(beta, *(np.broadcast_to(part, one_each) for part in volts_and_amperes))
        begin = None if start is None else self.problem.state(start)
        conductances = self._arrays(g)
        given = self.numbers, conductances, Drive(x, push, drive.noise)
        equilibrium = self._solved(conductances, lambda compiled, bound: compiled.solve(*given, start=begin, amplified=bound))
        return self._delivered((equilibrium,), x, throw=throw)[0]

    @jax_scope()
    def phases(
        self,
        g: Conductances,
        x: Array,
        y: Array,
        nudge: Nudge,
        *,
        throw: bool = True,
        noise: Sequence[Mapping[str, Array]] | None = None,
    ) -> tuple[Equilibrium, ...]:
        """Find the free equilibria of a batch, x (B, I), then each nudged one from there towards y (B, K).

        Raises
        ------
        ConvergenceError
            When a sample does not settle in some phase and `throw` is set.
        ValueError
            When shapes do not fit the circuit.

        """
        x, y = self._rows(x, self.circuit.input_count, "x"), self._rows(y, len(self.circuit.outputs), "y")
        if len(x) != len(y):
            raise ValueError(f"x has {len(x)} samples and y has {len(y)}; {self.circuit.name} takes one target row a sample")
        conductances = self._arrays(g)
        given = self.numbers, conductances, (x, y), nudge
        equilibria = self._solved(conductances, lambda compiled, bound: compiled.phases(*given, amplified=bound, noise=noise))
        return self._delivered(equilibria, x, throw=throw)

    @jax_scope()
    def adjoint(self, g: Conductances, free: Equilibrium, error: Array, *, throw: bool = True) -> Equilibrium:
        """Solve the adjoint circuit of an equilibrium for an error dC/dŷ (B, K) [V]: the voltages λ by group, each (B, n).

        Raises
        ------
        ConvergenceError
            When a sample does not settle and `throw` is set.

        """
        conductances, error = self._arrays(g), np.asarray(error, self.dtype)
        given = self.numbers, conductances, free, error
        equilibrium = self._solved(conductances, lambda compiled, bound: compiled.adjoint(*given, amplified=bound))
        return self._delivered((equilibrium,), None, throw=throw)[0]

    @jax_scope()
    def small_signal(self, g: Conductances, free: Equilibrium, current: Array, *, throw: bool = True) -> Equilibrium:
        """Solve the circuit linearised at an equilibrium, driven by currents (B, K) [A] into the outputs alone: its voltages by group.

        Raises
        ------
        ConvergenceError
            When a sample does not settle and `throw` is set.

        """
        conductances, current = self._arrays(g), np.asarray(current, self.dtype)
        given = self.numbers, conductances, free, current
        equilibrium = self._solved(conductances, lambda compiled, bound: compiled.small_signal(*given, amplified=bound))
        return self._delivered((equilibrium,), None, throw=throw)[0]

    def holomorphic(self, g: Conductances, x: Array, pushes: Sequence[Push], *, throw: bool = True) -> tuple[Equilibrium, ...]:
        """Find the free equilibria and those under complex pushes, in 64 bits and by the general solver.

        Raises
        ------
        UnsupportedCircuitError, ConvergenceError
            As its.

        """
        return self._general.holomorphic(g, x, pushes, throw=throw)

    @cached_property
    def _general(self) -> GeneralSolver:
        return GeneralEngine().prepare(self.circuit, self.chip)

    def _delivered(self, arrays: Sequence[Equilibrium], x: Array | None, *, throw: bool = True) -> tuple[Equilibrium, ...]:
        """Bring the phases of one batch to NumPy, check them, and add what sources hold, which all phases share; x None: 0 V."""
        of_sources = held_volts(self.circuit, self.chip, x, len(arrays[0].steps), self.dtype)
        phases = []
        for phase in arrays:
            host: Equilibrium = jax.tree.map(np.asarray, phase)
            v = {**host.v, **of_sources}
            host = host._replace(v={group.name: v[group.name] for group in self.circuit.groups})
            phases.append(host.check(self.circuit) if throw else host)
        return tuple(phases)


def _alike(a: Array, b: Array) -> bool:
    """Whether two arrays of NumPy are the same, of the same kind."""
    return a.dtype == b.dtype and np.array_equal(a, b)

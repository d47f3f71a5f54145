"""The numeric solver inside of compiled functions: pure, without exceptions, in arrays of JAX."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import jax
import jax.numpy as jnp

from circuits.chip import AnyChip
from circuits.circuit import Circuit
from hwsim.core import blocks
from hwsim.core.protocol import FREE, Capability, Drive, Equilibrium, Nudge, Push, Whole, displacements
from hwsim.numeric.layered import linearized_start, settle
from hwsim.numeric.layered.batch_settler import BatchSettler, Noise
from hwsim.numeric.layered.displaced import Displaced
from hwsim.numeric.layered.gauss_seidel import Neurons, Slopes, System, enter, first_guess, largest
from hwsim.numeric.layered.group_voltages import by_group
from hwsim.numeric.layered.layers import Layers, LayerState, Settled, StageLinear, adjoint_layers, sourceless
from hwsim.numeric.layered.linear_terms import linear_parts, resistive_parts
from hwsim.numeric.layered.output_nudge import OutputNudge
from hwsim.numeric.layered.problem import LayeredProblem
from hwsim.numeric.layered.settle import SettleLimits
from hwsim.numeric.layered.source_voltages import fixed_voltages
from hwsim.numeric.layered.structure import Numbers, OnChip, Structure
from hwsim.typing import Array, Conductances

_UNLOOKED = 2
"""Sweeps of a free phase in training after which it is first asked whether anything still changes; the zoo's circuits need 3 and more."""


@dataclass(frozen=True)
class TracedSolver(Whole):
    """A layered circuit's solver without Newton's method on all nodes (`newton` False: quick to compile) or with it.

    Failure is in `Equilibrium.result`. Conductances come by element array or by block. Without Newton's method the caller sees to it that
    sweeps are proof enough (`LayeredSolver.needs_newton`).

    Parameters
    ----------
    structure
        What is compiled in.
    numbers
        The chip's numbers; in compiled functions, arguments.
    newton
        As described above.
    tolerance
        How far voltages of any sample may be from equilibrium [V]; None: a share of each sample's largest.

    """

    capabilities: ClassVar = frozenset({Capability.ADJOINT, Capability.SMALL_SIGNAL})

    structure: Structure
    numbers: Numbers
    newton: bool
    tolerance: Array | float | None = None

    @property
    def arguments(self) -> Any:
        """What a compiled function takes as arguments and hands to `holding`; all else is compiled in."""
        return self.numbers, self.tolerance

    def holding(self, arguments: Any) -> Self:
        """Return the solver with other arguments; with those of another chip, it is that chip's."""
        numbers, tolerance = arguments
        return replace(self, numbers=numbers, tolerance=tolerance)

    @property
    def bare(self) -> Self:
        """The solver without its numbers: a key of what is compiled, equal for all chips of one structure."""
        return replace(self, numbers=(), tolerance=None if self.tolerance is None else 0.0)

    @cached_property
    def _on(self) -> OnChip:
        return self.structure.on(self.numbers)

    @property
    def _problem(self) -> LayeredProblem:
        return self.structure.problem

    @property
    def _layers(self) -> Layers:
        return self._on.layers

    @property
    def circuit(self) -> Circuit:
        """The circuit that is solved."""
        return self._problem.circuit

    @property
    def chip(self) -> AnyChip:
        """The chip that it is on."""
        return self._on.chip

    def solve(self, g: Conductances, drive: Drive, *, start: LayerState | None = None, amplified: Array | None = None) -> Equilibrium:
        """Find the equilibria of a batch; `amplified` is what is known of how far the circuit multiplies a change."""
        settler = self._settler(g, drive.x, amplified)
        begin = None if start is None else enter(settler.free, start)
        return self._equilibrium(drive.x, settler, settler(drive.push, begin, drive.noise), drive.noise)

    def phases(
        self,
        g: Conductances,
        x: Array,
        y: Array,
        nudge: Nudge,
        *,
        amplified: Array | None = None,
        noise: Sequence[Mapping[str, Array]] | None = None,
    ) -> tuple[Equilibrium, ...]:
        """Find the free equilibria, then each nudged one from there; the work on inputs and conductances is done once."""
        settler = self._settler(g, x, amplified)
        of_free, *of_nudged = [None] if noise is None else noise
        free = settler(Push(), None, of_free)
        equilibrium = self._equilibrium(x, settler, free, of_free)
        return equilibrium, *self._nudged(x, settler, free.state, nudge.pushes(equilibrium.outputs(self.circuit), y), of_nudged)

    def nudged(
        self,
        g: Conductances,
        x: Array,
        free: Equilibrium,
        pushes: Sequence[Push],
        *,
        noise: Sequence[Mapping[str, Array]] | None = None,
    ) -> tuple[Equilibrium, ...]:
        """Return free equilibria, and from there the nudged ones."""
        return free, *self._nudged(x, self._settler(g, x), self._problem.state(free), pushes, noise or [])

    def _nudged(
        self, x: Array, settler: BatchSettler, free: LayerState, pushes: Sequence[Push], noise: Sequence[Noise]
    ) -> list[Equilibrium]:
        nudged = settler.nudged(free, pushes, noise)
        each = zip(nudged, noise or [None] * len(nudged), strict=True)
        return [self._equilibrium(x, settler, settled, currents) for settled, currents in each]

    def adjoint(self, g: Conductances, free: Equilibrium, error: Array, *, amplified: Array | None = None) -> Equilibrium:
        """Solve the adjoint circuit of an equilibrium for an error dC/dŷ (B, K): the voltages λ by group, each (B, n).

        Amplifiers stand in it with gain and back exchanged, neurons with their small-signal conductance (Director & Rohrer 1969).
        """
        return self._response(adjoint_layers(self._layers), g, free, OutputNudge.of(Push(current=error), self._layers.outputs), amplified)

    def small_signal(self, g: Conductances, free: Equilibrium, current: Array, *, amplified: Array | None = None) -> Equilibrium:
        """Solve the circuit linearised at an equilibrium, driven by currents (B, K) [A] into the outputs alone: its voltages by group."""
        return self._response(sourceless(self._layers), g, free, self._pushed(current), amplified, refine=True)

    def displaced(self, g: Conductances, x: Array, free: Equilibrium, pushes: Sequence[Push]) -> tuple[Equilibrium, ...]:
        """Return free equilibria, and the displacements from there under currents into the outputs, which keep their digits in 32 bits.

        Where ideal diodes clamp, they are differences of voltages.
        """
        if any(stage.kind == "ideal" for stage in self._layers.stages):
            return displacements(self.nudged(g, x, free, pushes))
        count, batch = len(pushes), len(x)
        once = self._problem.state(free)
        each = once, linearized_start.slopes(self._layers, once)
        state, at = jax.tree.map(lambda v: jnp.concatenate([v] * count), each)
        parts = self._sourceless_parts(g, count * batch)
        layers, pushed = sourceless(self._layers), self._pushed(jnp.concatenate([push.current for push in pushes]))
        system = System(layers, parts, pushed, Displaced.of(self._layers, state, at))
        settled = settle.settle_displaced(system, state, at, SettleLimits(None, 0.0, self._problem.max_steps, self.newton))
        v = by_group(self.circuit, layers, parts, settled.state)
        all_of_it = Equilibrium(v, settled.residual, settled.steps, settled.result)
        return free, *(jax.tree.map(lambda part, k=k: part[k * batch : (k + 1) * batch], all_of_it) for k in range(count))

    def _pushed(self, current: Array) -> OutputNudge:
        return OutputNudge.of(Push(current=current), self._layers.outputs, self._layers.parameters[-1].pushed)

    def _sourceless_parts(self, g: Conductances, batch: int) -> tuple[StageLinear, ...]:
        parts = resistive_parts(self._layers, blocks.split(self.circuit, g))
        nothing = [jnp.zeros((batch, len(part.a)), part.a.dtype) for part in parts]
        return tuple(part._replace(fixed=zeros, drawn=zeros[0]) for part, zeros in zip(parts, nothing, strict=True))

    def _response(
        self,
        layers: Layers,
        g: Conductances,
        free: Equilibrium,
        output_nudge: OutputNudge,
        amplified: Array | None,
        *,
        refine: bool = False,
    ) -> Equilibrium:
        """Solve layers with neurons in the place of their small-signal conductances at an equilibrium."""
        parts, slopes = self._sourceless_parts(g, len(free.steps)), linearized_start.slopes(self._layers, self._problem.state(free))
        limits = SettleLimits(amplified, 0.0, self._problem.max_steps, self.newton)
        system = System(layers, parts, output_nudge, Slopes(slopes))
        settled = settle.settle_linearised(system, limits)
        settled = settle.refined(system, settled) if refine else settled
        return Equilibrium(by_group(self.circuit, layers, parts, settled.state), settled.residual, settled.steps, settled.result)

    def _settler(self, g: Conductances, x: Array, amplified: Array | None = None) -> BatchSettler:
        """Work out what all phases share."""
        layers = self._layers
        parts = linear_parts(layers, blocks.split(self.circuit, g), x)
        free = System(layers, parts, OutputNudge.of(FREE, layers.outputs), Neurons(layers))
        guess = first_guess(free)
        unchecked_sweeps = None if self.tolerance is None or self.newton else _UNLOOKED
        limits = SettleLimits(amplified, self._tolerance(x, guess), self._problem.max_steps, self.newton, unchecked_sweeps)
        return BatchSettler(self.circuit, free, guess, limits)

    def _tolerance(self, x: Array, guess: LayerState) -> Array | float:
        """Return the tolerance, a share of the largest voltage: of a source, or of a node at the first guess; one number or (B,) [V]."""
        if self.tolerance is not None:
            return self.tolerance
        sources = self._on.largest(jnp.abs(x).max(1))
        return self._problem.share * largest([jnp.asarray(sources), *(jnp.abs(columns).max(1) for columns in guess.columns)])

    def _equilibrium(self, x: Array, settler: BatchSettler, settled: Settled, noise: Noise) -> Equilibrium:
        parts = settler.under(Push(), noise).parts
        of_sources = fixed_voltages(self.circuit, self.chip, jnp.asarray(x))
        v = by_group(self.circuit, self._layers, parts, settled.state, of_sources)
        return Equilibrium(v, settled.residual, settled.steps, settled.result)

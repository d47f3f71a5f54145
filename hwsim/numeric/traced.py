"""The numeric solver inside of compiled functions: pure, without exceptions, in arrays of JAX."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from circuits.elements import Amplifiers, InputSources, VoltageSources
from circuits.nodes import Nodes
from hwsim.engine import Array, Conductances, Drive, Equilibrium, Nudge, Push
from hwsim.numeric import layered, settle
from hwsim.numeric.layered import Layers, Settled, State
from hwsim.numeric.settle import Limits
from hwsim.numeric.sweeps import Neurons, System, first_guess

if TYPE_CHECKING:
    from hwsim.numeric.engine import LayeredSolver


class TracedSolver:
    """A layered circuit's solver without Newton's method on all nodes (`newton` False: quick to compile) or with it.

    Failure is in `Equilibrium.result`.
    """

    def __init__(self, solver: "LayeredSolver", layers: Layers, *, newton: bool) -> None:
        self.circuit, self.chip, self._solver, self._layers, self._newton = solver.circuit, solver.chip, solver, layers, newton

    def solve(self, g: Conductances, drive: Drive, *, start: State | None = None) -> Equilibrium:
        """Find the equilibria of a batch."""
        return self._equilibrium(drive.x, self._settler(g, drive.x)(drive.push, start))

    def phases(self, g: Conductances, x: Array, y: Array, nudge: Nudge) -> tuple[Equilibrium, ...]:
        """Find the free equilibria, then each nudged one from there; the work on inputs and conductances is done once."""
        settle_under = self._settler(g, x)
        free = settle_under(Push(), None)
        found = self._equilibrium(x, free)
        pushes = nudge.pushes(found.outputs(self.circuit), y)
        # one push after the other in one loop: what it does is compiled once
        together: Push = jax.tree.map(lambda *parts: jnp.stack([jnp.asarray(part, x.dtype) for part in parts]), *pushes)
        nudged = jax.lax.map(lambda push: settle_under(push, free.state), together)
        of_each = [jax.tree.map(lambda values, k=k: values[k], nudged) for k in range(len(pushes))]
        return found, *(self._equilibrium(x, settled) for settled in of_each)

    def adjoint(self, g: Conductances, free: Equilibrium, error: Array) -> Equilibrium:
        """Solve the adjoint circuit of an equilibrium for an error dC/dŷ (B, K): the voltages λ by group, each (B, n).

        Amplifiers stand in it with gain and back exchanged, neurons with their small-signal conductance (Director & Rohrer 1969).
        """
        solver = self._solver
        silent = jnp.zeros((len(error), self.circuit.input_count), solver.dtype)
        parts = layered.linear_parts(self._layers, g, silent)
        settled = settle.settle_adjoint(
            self._layers, parts, solver.state(free), error, max_steps=solver.engine.max_steps, newton=self._newton
        )
        return Equilibrium(self._spread(settled.state, [], adjoint=True), settled.residual, settled.steps, settled.result)

    def amplification(self, g: Conductances) -> Array:
        """Bound how many times farther from equilibrium a state can be than the last sweep changed it."""
        silent = jnp.zeros((1, self.circuit.input_count), self._solver.dtype)
        return settle.amplification(self._layers, layered.linear_parts(self._layers, g, silent))

    def _settler(self, g: Conductances, x: Array) -> Callable[[Push, State | None], Settled]:
        """Work out what all phases share; give what settles one phase, from a start or from nowhere."""
        layers, solver = self._layers, self._solver
        parts = layered.linear_parts(layers, g, x)
        free = System(layers, parts, Push(), Neurons(layers))
        guess = first_guess(free)
        limits = Limits(settle.amplification(layers, parts), solver.tolerance(x, layers, guess), solver.engine.max_steps, self._newton)

        def settle_under(push: Push, start: State | None) -> Settled:
            return settle.settle(free._replace(push=push), guess if start is None else start, limits)

        return settle_under

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

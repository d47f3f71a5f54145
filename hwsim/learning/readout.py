"""Instruments: what settles a circuit with its noise, and what its voltages are read with."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

import numpy as np

from circuits.constants import TEMPERATURE
from circuits.rows import held_nodes
from circuits.units import Kelvin, Volt
from hwsim.core.converters import quantised
from hwsim.core.protocol import Drive, Equilibrium, Nudge, Phases, Push
from hwsim.learning.noise_currents import Currents, currents
from hwsim.random.counter import Draws
from hwsim.settings.variation_settings import NoiseSettings, VariationSettings
from hwsim.typing import Array, Conductances


class ReadOut(Protocol):
    """What reads the outputs of a circuit, or of a chain of them."""

    def read(self, solver: Any, g: Conductances, x: Array, seed: Array | int) -> tuple[Array, Equilibrium]:
        """Return the read-outs (B, K) [V] of a batch, and the free equilibria."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruments:
    """Converters of the read-outs, and noise. By default they are exact, and nothing is noisy.

    Parameters
    ----------
    bits, full_scale
        Of the read-outs [V].
    noise
        What is noisy.
    temperature
        Of the chip [K].

    """

    bits: int | None = None
    full_scale: Volt = 1.0
    noise: NoiseSettings = field(default_factory=NoiseSettings)
    temperature: Kelvin = TEMPERATURE

    @classmethod
    def of(cls, variation: VariationSettings, noise: NoiseSettings) -> Self:
        """Return those of an experiment."""
        return cls(bits=variation.adc_bits, full_scale=variation.adc_full_scale or 1.0, noise=noise, temperature=variation.kelvin)

    def free(self, solver: Phases, g: Conductances, x: Array, seed: Array | int, phases: int) -> tuple[Equilibrium, list[Currents] | None]:
        """Find the free equilibria of a batch, with noise; return with them the noise of the other phases."""
        if not self.noise.in_currents:
            return solver.solve(g, Drive(x)), None
        noise = self._noise(solver, g, x, seed, phases)
        return solver.solve(g, Drive(x, noise=noise[0])), noise[1:]

    def read(self, solver: Phases, g: Conductances, x: Array, seed: Array | int) -> tuple[Array, Equilibrium]:
        """Return the read-outs (B, K) [V] of a batch, and the free equilibria."""
        equilibrium = self.free(solver, g, x, seed, 1)[0]
        return self.outputs(solver, equilibrium, seed), equilibrium

    def phases(self, solver: Phases, g: Conductances, x: Array, y: Array, nudge: Nudge, seed: Array) -> tuple[Equilibrium, ...]:
        """Find the free equilibria, then each nudged one, each with noise of its own."""
        read_nudge = (
            nudge if self._exact(solver) else _ReadNudge(nudge, self, _hashable(solver.chip(solver.circuit.outputs.name, "offset")))
        )
        if not self.noise.in_currents:
            return solver.phases(g, x, y, read_nudge)
        count = 1 + len(nudge.pushes(y, y))
        return solver.phases(g, x, y, read_nudge, noise=self._noise(solver, g, x, seed, count))

    def _noise(self, solver: Phases, g: Conductances, x: Array, seed: Array, phases: int) -> list[Currents]:
        quiet = solver.solve(g, Drive(x))
        keys: dict[str, Any] = {"settings": self.noise, "temperature": self.temperature}
        return currents(solver.circuit, solver.chip, g, quiet, seed=seed, phases=phases, **keys)

    def outputs(self, solver: Phases, equilibrium: Equilibrium, seed: Array) -> Array:
        """Return the read-outs, (B, K) [V]."""
        read, offset = equilibrium.outputs(solver.circuit), solver.chip(solver.circuit.outputs.name, "offset")
        read = self.noisy(read, seed)
        return read if self._exact(solver) else self.converted(read, offset)

    def noisy(self, read: Array, seed: Array) -> Array:
        """Return voltages of outputs (B, K) with the noise of their reading [V]."""
        if not self.noise.in_readings:
            return read
        factor, added = self._of_reading(Draws(seed, read), "output")
        return read * factor + added if self.noise.read_floor else read * factor

    def seen(self, solver: Phases, phases: Sequence[Equilibrium], seed: Array) -> list[Equilibrium]:
        """Return the phases as learning reads them: each free node once a phase, with the noise of that reading."""
        if not self.noise.in_readings:
            return list(phases)
        seen, fixed = [], held_nodes(solver.circuit).keys()
        groups = [group.name for group in solver.circuit.groups if not set(group.nodes.tolist()) <= fixed]
        whole = [phases[0].v[name] for name in groups]
        like = whole[0].__array_namespace__().concatenate(whole, axis=1)
        factors, added = self._of_reading(Draws(seed, like), "voltage", len(phases))
        ends = np.cumsum([0, *(v.shape[1] for v in whole)]).tolist()
        for n, phase in enumerate(phases):
            at = {name: (n, slice(None), slice(*ends[k : k + 2])) for k, name in enumerate(groups)}
            read = {name: phase.v[name] * factors[place] for name, place in at.items()}
            read = {name: v + added[at[name]] for name, v in read.items()} if self.noise.read_floor else read
            seen.append(phase._replace(v={**phase.v, **read}))
        return seen

    def _of_reading(self, draws: Draws, place: str, *leading: int) -> tuple[Array, Array]:
        """Return the factors of voltages that are read, and what adds to them [V], with leading axes on request."""
        return 1 + self.noise.read * draws.normal(place, *leading), self.noise.read_floor * draws.normal(f"{place}-floor", *leading)

    def converted(self, read: Array, offset: Any) -> Array:
        """Return what the converters make of read-outs (B, K) [V]."""
        shifted = read + read.__array_namespace__().asarray(offset, dtype=read.dtype)
        return shifted if self.bits is None else quantised(shifted, self.bits, self.full_scale)

    def reads_exactly(self, solver: Phases) -> bool:
        """Whether nothing comes between a circuit and its read-outs."""
        return self._exact(solver) and not self.noise.in_currents and not self.noise.in_readings

    def _exact(self, solver: Phases) -> bool:
        offset = solver.chip(solver.circuit.outputs.name, "offset")
        return self.bits is None and isinstance(offset, np.ndarray) and not offset.any()


EXACT = Instruments()


@dataclass(frozen=True, slots=True)
class _ReadNudge:
    """A nudge that knows the free phase by what the converters read of it."""

    nudge: Nudge
    instruments: Instruments
    offset: Any

    def pushes(self, outputs: Array, y: Array) -> tuple[Push, ...]:
        """Return a push a nudged phase."""
        return self.nudge.pushes(self.instruments.converted(outputs, self.offset), y)


def _hashable(values: Any) -> Any:
    """Return values as a compiled function's key may hold them; what JAX maps over stays as it is."""
    return tuple(values.tolist()) if isinstance(values, np.ndarray) else values

"""Reservoir: a drawn recurrent circuit on a chip, and the states that sequences of inputs make in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from hwsim.core.converters import quantised
from hwsim.core.signal import Signal
from hwsim.data.input_converters import converted
from hwsim.devices import manufacture
from hwsim.experiment.engines import make_engine
from hwsim.experiment.reservoir_section import ReservoirSection
from hwsim.random.streams import of_chip, stream
from hwsim.reservoir.deck_circuit import DeckCircuit
from hwsim.reservoir.drawn_circuit import DrawnCircuit
from hwsim.reservoir.drawn_layer import Adapted
from hwsim.settings.device_settings import DeviceSettings
from hwsim.settings.engine_names import EngineName
from hwsim.settings.reservoir_settings import ReservoirSettings
from hwsim.settings.sections import SolverSettings
from hwsim.settings.variation_settings import NoiseSettings, VariationSettings
from hwsim.typing import Array, Floats, Weights

if TYPE_CHECKING:
    from hwsim.core.transient import Reduction, Trajectory, Transient

_LEAST = 0.01
"""No conductance falls below this share of its nominal value, however wide its spread."""


class Followed(NamedTuple):
    """What came of n sequences of T rows: states (n, T, N) at their ends [V], and the last ones by node group, to continue from."""

    states: Floats
    end: Mapping[str, Array]


@dataclass(frozen=True)
class Reservoir:
    """A reservoir on the chip that `variation` names, for a number of inputs, integrated by an engine; its nodes may have adapted."""

    settings: ReservoirSettings
    inputs: int
    variation: VariationSettings = field(default_factory=VariationSettings)
    engine: EngineName = "numeric"
    solver: SolverSettings = field(default_factory=SolverSettings)
    adapted: Adapted | None = None

    @cached_property
    def drawn(self) -> DrawnCircuit:
        """What the settings draw, or the deck that they name."""
        if isinstance(self.settings, ReservoirSection) and self.settings.deck is not None:
            return DeckCircuit(self.settings, self.inputs)
        return DrawnCircuit(self.settings, self.inputs, self.adapted)

    @cached_property
    def circuit(self) -> Circuit:
        """The circuit."""
        return self.drawn.compile()

    @cached_property
    def chip(self) -> Chip:
        """The chip."""
        return manufacture.draw(self.circuit, self.variation)

    @cached_property
    def g(self) -> Weights:
        """Its conductances [S], each with what sets this chip's apart."""
        g, spread = self.drawn.conductances(self.circuit), self.settings.mismatch
        if not spread:
            return g
        apart = {name: stream(self.variation.chip, f"variation/reservoir/{name}").standard_normal(of.shape) for name, of in g.items()}
        return {name: of * np.maximum(1 + spread * apart[name], _LEAST) for name, of in g.items()}

    @property
    def alike(self) -> bool:
        """Whether all chips are one: no part, and no noise, depends on the chip's seed."""
        spread = self.settings.mismatch or self.settings.noise
        return not spread and manufacture.alike(self.circuit, self.variation, DeviceSettings(), NoiseSettings())

    def run(self, x: Floats, begin: Mapping[str, Array] | None = None, before: Floats | None = None) -> Followed:
        """Drive it by sequences x (n, T, I), from 0 V on, or from where another run of it ended whose last inputs were `before` (n, I).

        Raises
        ------
        CircuitError
            When the sequences do not fit.
        ConvergenceError
            When voltages grow without bound.

        """
        trajectory = self.follow(x, begin, before)
        states = [np.asarray(trajectory.v[name], dtype=np.float64) for name in self.drawn.groups]
        return Followed(np.concatenate(states, axis=2), trajectory.end)

    def follow(
        self,
        x: Floats,
        begin: Mapping[str, Array] | None = None,
        before: Floats | None = None,
        *,
        fold: "Reduction | None" = None,
        steps: int | None = None,
    ) -> "Trajectory":
        """Integrate it as `run` does, with what is folded up or fed back, and in so many steps a row, if they are given.

        Raises
        ------
        CircuitError, UnsupportedCircuitError, ConvergenceError
            As `Transient.integrate`.

        """
        with make_engine(self.drawn.engine(self.engine), self.solver, "float64").prepare(self.circuit, self.chip) as solver:
            begun = None if before is None else self.driven(before)
            signal = Signal.hold(self.driven(np.asarray(x, dtype=np.float64)), self.drawn.period, begin=begun)
            return cast("Transient", solver).integrate(self.g, signal, begin, groups=self.drawn.groups, fold=fold, steps=steps)

    def driven(self, x: Floats) -> Floats:
        """Return the inputs (…, I) that the converters of `variation` make."""
        rows = x.reshape(-1, x.shape[-1])
        return converted(rows, self.circuit, self.variation).reshape(x.shape) if x.ndim > 1 and x.shape[-1] == self.inputs else x

    def as_read(self, v: Floats, part: str) -> Floats:
        """Return states with their noise, rounded by the converters of `variation` [V]; each `part` has noise of its own."""
        return self.rounded(v + self.noise_of(v.shape, part) if self.settings.noise else v)

    def rounded(self, v: Floats) -> Floats:
        """Return what converters read of states [V]."""
        bits, full_scale = self.variation.adc_bits, self.variation.adc_full_scale
        return v if bits is None or full_scale is None else np.asarray(quantised(v, bits, full_scale))

    def noise_of(self, shape: tuple[int, ...], part: str) -> Floats:
        """Draw the noise of states of a shape [V]."""
        name = of_chip(f"reservoir/noise/{part}", self.variation.chip)
        noise: Floats = self.settings.noise * stream(self.settings.seed, name).standard_normal(shape)
        return noise

    def states(self, x: Floats, part: str) -> Floats:
        """Return the states that sequences x (n, T, I) make, from 0 V on, as they are read, (n, T, N) [V]."""
        return self.as_read(self.run(x).states, part)

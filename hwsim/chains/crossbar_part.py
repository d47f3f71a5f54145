"""A dense layer that is a crossbar: pairs of memristors from its inputs' lines to two columns an output, which amplifiers hold at 0 V."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from circuits.arrays import Crossbar
from circuits.builder import Builder
from circuits.circuit import Circuit
from circuits.elements import InputSources, Nudges, VoltageSources
from circuits.errors import CircuitError
from circuits.nodes import GROUND
from circuits.units import Siemens, Volt
from hwsim.chains.chain_part import ForwardContext, ForwardPass
from hwsim.chains.digital_part import DenseWeights, DigitalPart, PairConductances, ParameterArray
from hwsim.learning.readout import EXACT, Instruments
from hwsim.settings.block_settings import READ, CrossbarRange
from hwsim.typing import Array, Conductances, Floats

if TYPE_CHECKING:
    from hwsim.learning.rules.estimator import Backward


@dataclass(frozen=True)
class CrossbarPart(DigitalPart):
    """ŷ = Σ (g₊ − g₋)·v / unit, of voltages v of the inputs' lines and of a line at `v_bias`. Pure and hashable.

    Parameters
    ----------
    range
        What its devices may have, and the bias line's voltage.
    instruments
        What reads the outputs.
    offset
        What their converters add, shape (K,) [V]; none: nothing.

    """

    range: CrossbarRange
    instruments: Instruments = EXACT
    offset: tuple[Volt, ...] = ()

    @property
    def g(self) -> str:
        """The name of its conductances (n + 1, 2·K): first all g₊, then all g₋ [S]."""
        return f"{self.prefix}{READ}"

    @property
    def unit(self) -> str:
        """The name of the conductance that is a weight of 1, shape (1,) [S]: the gain of the amplifiers."""
        return f"{self.prefix}unit"

    @cached_property
    def circuit(self) -> Circuit:
        """The crossbar with its lines: what a chip's devices are drawn for. An output is the difference of two columns."""
        inputs, outputs = self._size
        builder = Builder(self.prefix)
        rows, bias = builder.group("row", inputs), builder.group("bias", 1)
        plus, minus = builder.group("plus", outputs), builder.group("minus", outputs)
        lines, columns = np.concatenate([rows, bias]), np.concatenate([plus, minus])
        builder.add(
            InputSources(name="drive", plus=rows, feature=np.arange(inputs)),
            VoltageSources(name="v_bias", plus=bias, minus=GROUND, v=self.range.v_bias),
            Crossbar(name=READ, rows=lines, columns=columns, g_min=self.range.g_min, g_max=self.range.g_max),
            Nudges(name="outputs", plus=plus, minus=minus),
        )
        return builder.circuit(f"{self.prefix}crossbar")

    @property
    def described(self) -> str:
        """Its size."""
        rows, columns = self.trainable[0].shape
        return f"crossbar: dense, {rows}×{columns} memristors"

    @property
    def _size(self) -> tuple[int, int]:
        (made,) = self.settings.makes(self.shape)
        return int(np.prod(self.shape)), made

    @cached_property
    def trainable(self) -> tuple[ParameterArray, ...]:
        """Its conductances, and the unit of weights."""
        inputs, outputs = self._size
        return ParameterArray(self.g, (inputs + 1, 2 * outputs)), ParameterArray(self.unit, (1,))

    def check(self, p: Mapping[str, Any]) -> None:
        """Refuse conductances that do not fit.

        Raises
        ------
        CircuitError
            Naming the array.

        """
        super().check(p)
        for array in self.trainable:
            if (low := np.asarray(p[array.name]) <= 0).any():
                at = ", ".join(map(str, np.argwhere(low)[0]))
                msg = f"conductances {array.name}[{at}] are not above 0 S; name what a crossbar of this size learned"
                raise CircuitError(msg)

    def laid_between(self, dense: DenseWeights, low: Siemens, high: Siemens, room: float = 1.0) -> dict[str, Floats]:
        """Return the conductances of a dense layer: of each pair one device is at `low`, and the largest weight is `high` − `low` [S].

        Where it is a bias, it is less by a factor of `room`, by which corrections may raise it.
        """
        rows = np.concatenate([dense.weights, dense.biases[None] / self.range.v_bias])
        largest = max(float(np.abs(dense.weights).max(initial=0.0)), room * float(np.abs(rows[-1]).max()))
        unit = (high - low) / (largest or 1.0)
        signed = unit * rows
        return {self.g: low + np.concatenate([np.maximum(signed, 0.0), np.maximum(-signed, 0.0)], axis=1), self.unit: np.array([unit])}

    def with_biases(self, p: Mapping[str, Any], biases: Floats, low: Siemens, high: Siemens) -> dict[str, Floats]:
        """Return conductances with other biases (K,) [V], as far as the bias line's pairs between `low` and `high` go [S]."""
        g = np.array(p[self.g], dtype=np.float64)
        signed = np.clip(np.asarray(p[self.unit]) * biases / self.range.v_bias, low - high, high - low)
        g[-1] = low + np.concatenate([np.maximum(signed, 0.0), np.maximum(-signed, 0.0)])
        return {self.g: g, self.unit: np.asarray(p[self.unit])}

    def dense(self, p: Mapping[str, Any]) -> DenseWeights:
        """Return the dense layer that its conductances are."""
        rows = self._weights({name: np.asarray(p[name], dtype=np.float64) for name in self.names})
        return DenseWeights(rows[:-1], rows[-1] * self.range.v_bias)

    def pairs(self, p: Mapping[str, Any]) -> PairConductances:
        """Return its devices."""
        return PairConductances(np.asarray(p[self.g], dtype=np.float64), float(np.asarray(p[self.unit])[0]))

    def _weights(self, p: Mapping[str, Array]) -> Array:
        """Return the weights of all lines, (n + 1, K)."""
        g, outputs = p[self.g], self._size[1]
        return (g[:, :outputs] - g[:, outputs:]) / p[self.unit]

    def forward(self, solver: Any, p: Conductances, x: Array, context: ForwardContext) -> ForwardPass:  # noqa: ARG002 - as circuits
        """Return the outputs as they are read (B, K) [V], and what the backward needs."""
        import jax.numpy as jnp  # noqa: PLC0415 - JAX loads only for those who compute

        weights = self._weights(p)
        v = jnp.concatenate([x.astype(weights.dtype), jnp.full((len(x), 1), self.range.v_bias, weights.dtype)], axis=1)
        read = self.instruments.noisy(v @ weights, context.draw.seed)
        offset = np.asarray(self.offset or 0.0, dtype=weights.dtype)
        return ForwardPass(self.instruments.converted(read, offset), (v, weights, p[self.unit]))

    def backward(self, solver: Any, kept: Any, cotangent: Array) -> "Backward":  # noqa: ARG002 - as circuits
        """Return the gradients of the summed loss by the conductances [V²/S], by their unit, and by the inputs."""
        import jax.numpy as jnp  # noqa: PLC0415 - as above

        from hwsim.learning.rules.estimator import Backward  # noqa: PLC0415 - learning loads only for those who learn

        v, weights, unit = kept
        by_weight = v.T @ cotangent
        by_g = jnp.concatenate([by_weight, -by_weight], axis=1) / unit
        return Backward({self.g: by_g, self.unit: -(by_weight * weights).sum()[None] / unit}, cotangent @ weights[:-1].T, ())

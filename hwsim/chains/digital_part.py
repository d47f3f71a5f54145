"""A digital block in a chain: its layers as one function of a batch, and its gradients by back-propagation."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from circuits.errors import CircuitError
from hwsim.chains.chain_part import ForwardContext, ForwardPass
from hwsim.random.streams import stream
from hwsim.settings.block_settings import DigitalBlock
from hwsim.settings.digital_layers import Shape
from hwsim.typing import Array, Conductances, Floats

if TYPE_CHECKING:
    from hwsim.chains.operations import LayerStack
    from hwsim.learning.rules.estimator import Backward, EstimatorRule


@dataclass(frozen=True, slots=True)
class ParameterArray:
    """A named array of digital parameters, where a circuit has element arrays."""

    name: str
    shape: tuple[int, ...]

    def __len__(self) -> int:
        return math.prod(self.shape)


class PairConductances(NamedTuple):
    """Conductances of pairs (n + 1, 2·K), first all g₊, then all g₋, the last row being that of the bias, and that of a weight of 1 [S]."""

    g: Floats
    unit: float


class DenseWeights(NamedTuple):
    """Weights (n, K) and biases (K,) [V]: ŷ = x·weights + biases."""

    weights: Floats
    biases: Floats


@dataclass(frozen=True)
class DigitalPart:
    """Digital layers for samples of one shape. Pure and hashable; parameters are by name, and begin with `prefix`."""

    settings: DigitalBlock
    shape: Shape
    prefix: str

    @cached_property
    def stack(self) -> "LayerStack":
        """The layers."""
        from hwsim.chains.digital_stack import stack  # noqa: PLC0415 - JAX and Equinox load only for those who compute

        return stack(self.settings.layers, self.shape)

    @cached_property
    def trainable(self) -> tuple[ParameterArray, ...]:
        """The parameters, those that are running averages too."""
        return tuple(ParameterArray(name, values.shape) for name, values in self.starting(0).items())

    @cached_property
    def running(self) -> frozenset[str]:
        """Names of those that are running averages."""
        return frozenset(f"{self.prefix}{name}" for name in self.stack.running)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all parameters."""
        return tuple(array.name for array in self.trainable)

    def starting(self, seed: int) -> dict[str, Floats]:
        """Draw the parameters to start from."""
        from hwsim.chains.digital_stack import begun  # noqa: PLC0415 - as above

        number = int(stream(seed, f"parameters/{self.prefix}").integers(2**31))
        return {f"{self.prefix}{name}": values for name, values in begun(self.stack, number).items()}

    def check(self, p: Mapping[str, Any]) -> None:
        """Refuse parameters that do not fit: a wrong shape, or a number that is not finite.

        Raises
        ------
        CircuitError
            Naming the parameter.

        """
        for array in self.trainable:
            values = np.asarray(p[array.name])
            if values.shape != array.shape:
                msg = f"parameters {array.name} have shape {values.shape}; the block's layers have {array.shape}"
                raise CircuitError(msg)
            if not np.isfinite(values).all():
                msg = f"parameters {array.name} hold a number that is not finite"
                raise CircuitError(msg)

    @property
    def described(self) -> str:
        """Its layers in words."""
        return self.settings.described

    def dense(self, p: Mapping[str, Any]) -> DenseWeights:
        """Return the weights and the biases of its one dense layer."""
        arrays = {np.ndim(p[name]): np.asarray(p[name], dtype=np.float64) for name in self.names}
        weights = arrays[2].T
        return DenseWeights(weights, arrays.get(1, np.zeros(weights.shape[1])))

    def pairs(self, p: Mapping[str, Any]) -> PairConductances | None:  # noqa: ARG002 - as crossbars
        """Return the devices that its weights are; None: none."""
        return None

    def laid_out(self, dense: DenseWeights) -> dict[str, Floats]:
        """Return the parameters that its one dense layer has then."""
        parameters = {2: dense.weights.T, 1: dense.biases}
        return {array.name: parameters[len(array.shape)].reshape(array.shape) for array in self.trainable}

    @property
    def rules(self) -> "tuple[EstimatorRule, ...]":
        """None: it learns by back-propagation."""
        return ()

    def by(self, changed: Any) -> Self:  # noqa: ARG002 - as circuits
        """Return the same."""
        return self

    def forward(self, solver: Any, p: Conductances, x: Array, context: ForwardContext) -> ForwardPass:  # noqa: ARG002 - as circuits
        """Return the outputs (B, n), the function that takes dC/dŷ back, and the running averages after the batch."""
        from hwsim.chains.digital_stack import propagated  # noqa: PLC0415 - as above

        parameters = {name.removeprefix(self.prefix): p[name] for name in self.names}
        precision = next(iter(p.values())).dtype  # samples that are tested come in 64 bits
        y, after, back = propagated(self.stack, self.shape, parameters, x.astype(precision), context.mode, context.good)
        return ForwardPass(y, back, averages=self._named(after))

    def backward(self, solver: Any, kept: Any, cotangent: Array) -> "Backward":  # noqa: ARG002 - as circuits
        """Return the gradients of the summed loss by the parameters that learn, and by the inputs."""
        from hwsim.learning.rules.estimator import Backward  # noqa: PLC0415 - learning loads only for those who learn

        dp, dx = kept(cotangent)
        return Backward({name: values for name, values in self._named(dp).items() if name not in self.running}, dx, ())

    def _named(self, by_layer: Mapping[str, Array]) -> dict[str, Array]:
        return {f"{self.prefix}{name}": values for name, values in by_layer.items()}

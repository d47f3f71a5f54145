"""What digital layers compute: Equinox's modules where it has them, with their parameters as named arrays apart from them.

Maps are (height, width, channels), as circuits have them: a row of numbers lists them row by row, pixel by pixel, channel by channel.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from hwsim.chains.batch_norm import BatchStatistics
from hwsim.settings import digital_layers as kinds
from hwsim.typing import Array, Floats

Parameters = Mapping[str, Array]

_NO_KEY = np.zeros(2, np.uint32)
"""In the place of a key where a module's shape alone is wanted."""


class Operation(Protocol):
    """A digital layer for samples of one shape. Pure and hashable; its parameters come by themselves."""

    @property
    def running(self) -> frozenset[str]:
        """Names of the parameters that are averages of what was seen, and have no gradient."""
        ...

    def begin(self, key: Array) -> dict[str, Floats]:
        """Draw the parameters to start from."""
        ...

    def __call__(self, p: Parameters, x: Array, batch: BatchStatistics) -> tuple[Array, dict[str, Array]]:
        """Return what becomes of a batch, and the averages after it."""
        ...


@dataclass(frozen=True)
class Plain:
    """What has no parameters: a function of each sample.

    Parameters
    ----------
    of
        The function, of a batch.

    """

    of: Any
    running: frozenset[str] = frozenset()

    def begin(self, key: Array) -> dict[str, Floats]:  # noqa: ARG002 - nothing to draw
        """Return no parameters."""
        return {}

    def __call__(self, p: Parameters, x: Array, batch: BatchStatistics) -> tuple[Array, dict[str, Array]]:  # noqa: ARG002 - as all operations
        """Return what becomes of a batch."""
        return self.of(x), {}


@dataclass(frozen=True)
class Scaled:
    """All numbers times a factor."""

    factor: float

    def __call__(self, x: Array) -> Array:
        """Return the products."""
        return self.factor * x


@dataclass(frozen=True)
class Pooled:
    """One number of each window on a map, by a pool of Equinox."""

    pool: Any
    size: int
    stride: int

    def __call__(self, x: Array) -> Array:
        """Return the pools of a batch."""
        return jnp.moveaxis(jax.vmap(self.pool(self.size, self.stride))(jnp.moveaxis(x, -1, 1)), 1, -1)


@dataclass(frozen=True)
class Module:
    """A module of Equinox, which is made for one sample, on a batch.

    Parameters
    ----------
    make
        Its class.
    settings
        What it is made with, but for the key.
    names
        Its parameters.
    drawn
        Whether they are drawn with a key.

    """

    make: Any
    settings: tuple[tuple[str, Any], ...]
    names: tuple[str, ...]
    drawn: bool = True
    running: frozenset[str] = frozenset()

    def begin(self, key: Array) -> dict[str, Floats]:
        """Draw the parameters as Equinox does, in 64 bits."""
        made = self._made(jnp.float64, key)
        return {name: np.asarray(getattr(made, name)) for name in self.names}

    def _made(self, dtype: Any, key: Array) -> Any:
        return self.make(**dict(self.settings), dtype=dtype, **({"key": key} if self.drawn else {}))

    def __call__(self, p: Parameters, x: Array, batch: BatchStatistics) -> tuple[Array, dict[str, Array]]:  # noqa: ARG002 - as all operations
        """Return what becomes of a batch."""
        shell = eqx.filter_eval_shape(self._made, x.dtype, _NO_KEY)
        module = eqx.tree_at(lambda one: [getattr(one, name) for name in self.names], shell, [p[name] for name in self.names])
        return jax.vmap(module)(x), {}


@dataclass(frozen=True)
class PatchConvolution:
    """Kernels over maps, as the product of a matrix with all patches.

    Parameters are those that Equinox draws, (channels out, channels in, size, size). Its own way, XLA's convolution, is several times
    slower on processors inside of compiled loops.

    Parameters
    ----------
    channels
        Of the maps that come in.
    settings
        Of the layer.

    """

    channels: int
    settings: kinds.DigitalConvolution
    running: frozenset[str] = frozenset()

    def begin(self, key: Array) -> dict[str, Floats]:
        """Draw kernels, and biases where there are some, in 64 bits."""
        layer = self.settings
        made = eqx.nn.Conv2d(self.channels, layer.channels, layer.size, use_bias=layer.bias, dtype=jnp.float64, key=key)
        return {"weight": np.asarray(made.weight)} | ({"bias": np.asarray(made.bias).reshape(-1)} if made.bias is not None else {})

    def __call__(self, p: Parameters, x: Array, batch: BatchStatistics) -> tuple[Array, dict[str, Array]]:  # noqa: ARG002 - as all operations
        """Return the maps that come out."""
        patches = self._patches(x)
        kernels = jnp.moveaxis(p["weight"], 0, -1).transpose(1, 2, 0, 3).reshape(-1, self.settings.channels)
        y = (patches.reshape(-1, patches.shape[-1]) @ kernels).reshape(*patches.shape[:-1], -1)
        return (y + p["bias"] if self.settings.bias else y), {}

    def _patches(self, x: Array) -> Array:
        """Return what each kernel sees at each place, (B, rows, columns, size·size·channels)."""
        size, stride, around = self.settings.size, self.settings.stride, (self.settings.padding,) * 2
        x = jnp.pad(x, ((0, 0), around, around, (0, 0)))
        rows, columns = (slice(0, extent - size + 1) for extent in x.shape[1:3])
        places = [(i, j) for i in range(size) for j in range(size)]
        return jnp.concatenate(
            [x[:, i + rows.start : i + rows.stop : stride, j + columns.start : j + columns.stop : stride] for i, j in places], axis=-1
        )


@dataclass(frozen=True)
class Residual:
    """What comes in, and what some layers make of it."""

    inside: "LayerStack"

    @property
    def running(self) -> frozenset[str]:
        """Those of the layers."""
        return self.inside.running

    def begin(self, key: Array) -> dict[str, Floats]:
        """Draw the parameters of the layers."""
        return self.inside.begin(key)

    def __call__(self, p: Parameters, x: Array, batch: BatchStatistics) -> tuple[Array, dict[str, Array]]:
        """Return the sum."""
        y, after = self.inside(p, x, batch)
        return x + y, after


@dataclass(frozen=True)
class LayerStack:
    """Layers in a row: parameters of the k-th are named `k.weight`."""

    operations: tuple[Any, ...]

    @property
    def running(self) -> frozenset[str]:
        """Names of the parameters that are averages of what was seen."""
        return frozenset(f"{k}.{name}" for k, one in enumerate(self.operations) for name in one.running)

    def begin(self, key: Array) -> dict[str, Floats]:
        """Draw the parameters of all layers."""
        each = [one.begin(jax.random.fold_in(key, k)) for k, one in enumerate(self.operations)]
        return {f"{k}.{name}": values for k, of_one in enumerate(each) for name, values in of_one.items()}

    def __call__(self, p: Parameters, x: Array, batch: BatchStatistics) -> tuple[Array, dict[str, Array]]:
        """Return what becomes of a batch, and the averages after it."""
        after: dict[str, Array] = {}
        for k, one in enumerate(self.operations):
            prefix = f"{k}."
            x, seen = one({name.removeprefix(prefix): values for name, values in p.items() if name.startswith(prefix)}, x, batch)
            after |= {f"{prefix}{name}": values for name, values in seen.items()}
        return x, after

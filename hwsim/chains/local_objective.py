"""What a local rule is: which labels a layer is shown, and the loss of its own outputs; a file each for the rules themselves."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import jax

from hwsim.typing import Array


class ShownLabels(NamedTuple):
    """A batch as labels are chosen for it: which of the classes each sample has, one-hot (B, C), the head's read-outs, and a seed."""

    classes: Array
    answers: Array
    seed: Any


class LocalObjective(Protocol):
    """A local rule. Pure and hashable. Samples pass without a label first, for the head; then come the passes that labels are shown in."""

    @property
    def unlabelled(self) -> bool:
        """Whether the layers learn from the first pass too."""
        ...

    def sample(self, x: Array, classes: int) -> Array:
        """Return samples x (B, I) without a label, as the first block takes them, (B, I + C)."""
        ...

    def others(self, x: Array, shown: ShownLabels) -> list[Array]:
        """Return what the passes with labels show, each (n, I + C)."""
        ...

    def loss(self, ends: Sequence[Array], shown: ShownLabels) -> Array:
        """Return the loss of each sample (B,), from a layer's outputs in each pass that it learns from, (n, K) [V]."""
        ...

    @property
    def asks_layers(self) -> bool:
        """Whether the layers are asked for the class, and not the head."""
        ...

    def trials(self, x: Array, classes: int) -> Array:
        """Return what layers are shown to be asked for the class, (n, I + C)."""
        ...

    def scores(self, ends: Array, batch: int, classes: int) -> Array:
        """Return the scores of each class, (B, C), by a layer's outputs in the trials, (n, K)."""
        ...


def labelled(x: Array, labels: Array) -> Array:
    """Return features (B, I) with labels (B, C) or (1, C) behind them."""
    xp = x.__array_namespace__()
    return xp.concatenate([x, xp.broadcast_to(labels, (len(x), labels.shape[1])).astype(x.dtype)], axis=1)


def differentiated(local: LocalObjective, ends: Sequence[Array], shown: ShownLabels) -> tuple[Array, tuple[Array, ...]]:
    """Return a layer's loss (B,), and the derivative of its sum by the outputs in each pass, (n, K)."""
    value, back = jax.vjp(lambda *ends: local.loss(ends, shown), *ends)
    return value, back(jax.numpy.ones_like(value))

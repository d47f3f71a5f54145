"""Signal propagation: a layer answers samples as it answers their class's label alone; its own response to each label is the prototype.

Source: Kohan, Rietman & Siegelmann 2022, "Signal propagation: a framework for learning and inference in a forward pass", arXiv 2204.01723;
there, every sample has a target of its own; here, samples of a class share one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import jax

from hwsim.chains.local_objective import ShownLabels, labelled
from hwsim.typing import Array

_LEAST = 1e-12
"""V²; what a length squared is at least, so that outputs of 0 V have a direction."""


@dataclass(frozen=True, slots=True)
class SignalPropagation:
    """The cross-entropy of the softmax of cosines over `temperature`, between a sample's outputs and the prototypes, less their means.

    Parameters
    ----------
    temperature
        Of cosines.
    strength
        Of a label [units of the features].
    asks_layers
        Whether the layers are asked for the nearest prototype, and not the head.

    """

    unlabelled: ClassVar[bool] = True
    temperature: float
    strength: float
    asks_layers: bool

    def sample(self, x: Array, classes: int) -> Array:
        """Return samples with 0 in the place of labels."""
        return labelled(x, x.__array_namespace__().zeros((1, classes)))

    def others(self, x: Array, shown: ShownLabels) -> list[Array]:
        """Return each class's label alone."""
        return [self._labels(x, shown.classes.shape[1])]

    def _labels(self, x: Array, classes: int) -> Array:
        xp = x.__array_namespace__()
        return labelled(0.0 * x[:1] + xp.zeros((classes, 1), x.dtype), self.strength * xp.eye(classes))

    def loss(self, ends: Sequence[Array], shown: ShownLabels) -> Array:
        """Return the cross-entropy of each sample, (B,)."""
        return -(shown.classes * jax.nn.log_softmax(_cosines(*ends) / self.temperature)).sum(axis=1)

    def trials(self, x: Array, classes: int) -> Array:
        """Return the samples without a label, then each label alone."""
        return x.__array_namespace__().concatenate([self.sample(x, classes), self._labels(x, classes)])

    def scores(self, ends: Array, batch: int, classes: int) -> Array:  # noqa: ARG002 - as other rules
        """Return the cosine with each prototype, (B, C)."""
        return _cosines(ends[:batch], ends[batch:])


def _cosines(of_samples: Array, prototypes: Array) -> Array:
    """Return the cosines of outputs (B, K) with prototypes (C, K), (B, C)."""
    a, b = (_direction(ends) for ends in (of_samples, prototypes))
    return a @ b.T


def _direction(ends: Array) -> Array:
    centred = ends - ends.mean(axis=1)[:, None]
    return centred / ((centred**2).sum(axis=1)[:, None] + _LEAST) ** 0.5

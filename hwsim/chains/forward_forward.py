"""Forward-forward: a layer distinguishes samples with their own label from the same samples with a wrong one, by its goodness G = Σŷ².

G is measured, and so is its gradient: a load switched on at the outputs changes each device's squared drop by it (`nudges.SwitchedLoad`).

Source: Hinton 2022, "The forward-forward algorithm: some preliminary investigations", arXiv 2212.13345; the loss of pairs: after Lee & Song
2023, "SymBa: symmetric backpropagation-free contrastive learning with forward-forward algorithm", arXiv 2303.08418.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import jax

from circuits.units import Volt
from hwsim.chains.local_objective import ShownLabels, labelled
from hwsim.random.counter import Draws
from hwsim.typing import Array

_NEVER = -1e30
"""In the place of a logarithm of 0."""


@dataclass(frozen=True, slots=True)
class ForwardForward:
    """Softplus(−sharpness·(G₊ − G₋)) of the goodnesses with the right label and with a wrong one.

    Parameters
    ----------
    sharpness
        Per V².
    strength
        Of a label [units of the features].
    v_softmax
        Scale of the head's read-outs, by whose softmax wrong labels are drawn [V].
    asks_layers
        Whether the layers are asked with every label, and not the head.

    """

    unlabelled: ClassVar[bool] = False
    sharpness: float
    strength: float
    v_softmax: Volt
    asks_layers: bool

    def sample(self, x: Array, classes: int) -> Array:
        """Return samples with an equal share of each label."""
        return labelled(x, x.__array_namespace__().full((1, classes), self.strength / classes))

    def others(self, x: Array, shown: ShownLabels) -> list[Array]:
        """Return samples with their label, and with a wrong one: the likelier the head finds it, the oftener."""
        right, xp = shown.classes, x.__array_namespace__()
        uniform = Draws(shown.seed, right).uniform("label").clip(1e-6, 1 - 1e-6)
        likely = shown.answers / self.v_softmax - xp.log(-xp.log(uniform))  # the largest is one of a softmax's draws (Gumbel)
        likely = xp.where(right > 0, _NEVER, likely)
        wrong = (xp.arange(right.shape[1])[None, :] == likely.argmax(axis=1)[:, None]).astype(right.dtype)
        return [labelled(x, self.strength * label) for label in (right, wrong)]

    def loss(self, ends: Sequence[Array], shown: ShownLabels) -> Array:  # noqa: ARG002 - the passes are in order
        """Return the loss of each pair, (B,)."""
        right, wrong = (goodness(end) for end in ends)
        return jax.nn.softplus(-self.sharpness * (right - wrong))

    def trials(self, x: Array, classes: int) -> Array:
        """Return all samples with each label, one label after the other."""
        xp = x.__array_namespace__()
        return xp.concatenate([labelled(x, self.strength * xp.eye(classes)[c : c + 1]) for c in range(classes)])

    def scores(self, ends: Array, batch: int, classes: int) -> Array:
        """Return the goodness with each label, (B, C) [V²]."""
        return goodness(ends).reshape(classes, batch).T


def goodness(ends: Array) -> Array:
    """Return Σŷ² of outputs (n, K), (n,) [V²]."""
    return (ends**2).sum(axis=1)

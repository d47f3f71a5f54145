"""DensePerceptron: weights, biases and activations of a trained network, whatever it was trained with."""

from dataclasses import dataclass, replace
from typing import Literal, Self

import numpy as np

from hwsim.typing import Floats

ActivationName = Literal["relu", "tanh", "hardtanh", "logistic"]


@dataclass(frozen=True, slots=True)
class Activation:
    """What a hidden unit does to its pre-activation z.

    Parameters
    ----------
    name
        `relu`, `tanh`, `logistic`, or `hardtanh`, which is z between its ends.
    low, high
        The ends of `hardtanh`.

    """

    name: ActivationName
    low: float = -1.0
    high: float = 1.0

    def __call__(self, z: Floats) -> Floats:
        """Return h(z)."""
        match self.name:
            case "relu":
                return np.maximum(z, 0.0)
            case "tanh":
                return np.tanh(z)
            case "hardtanh":
                return np.clip(z, self.low, self.high)
            case "logistic":
                return 0.5 + 0.5 * np.tanh(0.5 * z)


@dataclass(frozen=True, slots=True)
class DensePerceptron:
    """A chain of dense layers: h = activation(x·w + b) in each but the last, which has no activation.

    Parameters
    ----------
    weights, biases
        Of each layer, shapes (inputs, outputs) and (outputs,).
    activations
        Of each hidden layer, one fewer.

    """

    weights: tuple[Floats, ...]
    biases: tuple[Floats, ...]
    activations: tuple[Activation, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Inputs, hidden units of each layer, outputs."""
        return (len(self.weights[0]), *(w.shape[1] for w in self.weights))

    def pre_activations(self, x: Floats) -> list[Floats]:
        """Return z = h·w + b of each layer for samples x (n, I), shapes (n, units); the last are the outputs."""
        outputs_of_each: list[Floats] = []
        h = x
        for k, (w, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            outputs_of_each.append(h @ w + b)
            if k < len(self.activations):
                h = self.activations[k](outputs_of_each[-1])
        return outputs_of_each

    def outputs(self, x: Floats) -> Floats:
        """Return the outputs (n, K) for samples x (n, I)."""
        return self.pre_activations(x)[-1]

    def unbounded(self, x: Floats) -> Self:
        """Return the perceptron with a `relu` for each `hardtanh` from 0 whose upper end no sample of x (n, I) reaches."""
        pairs = zip(self.activations, self.pre_activations(x), strict=False)
        reached = [one.name == "hardtanh" and one.low == 0 and float(z.max()) <= one.high for one, z in pairs]
        changed = (Activation("relu") if high else one for one, high in zip(self.activations, reached, strict=True))
        return replace(self, activations=tuple(changed))

    def odd(self) -> Self:
        """Return the same function with activations that a pair of mirrored columns has: `relu`, `tanh`, and `hardtanh` from −1 to 1.

        1/(1 + e^−z) = ½ + ½·tanh(z/2), and an uneven `hardtanh` is an even one, shifted and stretched; weights and biases take up both.
        """
        w, b = [values.copy() for values in self.weights], [values.copy() for values in self.biases]
        activations = []
        for k, one in enumerate(self.activations):
            match one.name:
                case "logistic":
                    centre, stretch, shift, activation = 0.0, 2.0, 0.5, Activation("tanh")
                    scale = 0.5
                case "hardtanh":
                    centre = shift = 0.5 * (one.low + one.high)
                    stretch = scale = 0.5 * (one.high - one.low)
                    activation = Activation("hardtanh")
                case _:
                    centre, stretch, shift, scale, activation = 0.0, 1.0, 0.0, 1.0, one
            w[k], b[k] = w[k] / stretch, (b[k] - centre) / stretch
            w[k + 1], b[k + 1] = scale * w[k + 1], b[k + 1] + shift * w[k + 1].sum(axis=0)
            activations.append(activation)
        return replace(self, weights=tuple(w), biases=tuple(b), activations=tuple(activations))

    def mapped(self, slope: Floats, offset: Floats) -> Self:
        """Return the perceptron whose outputs are outputs·slope + offset, of shapes (K, K2) and (K2,)."""
        return replace(
            self, weights=(*self.weights[:-1], self.weights[-1] @ slope), biases=(*self.biases[:-1], self.biases[-1] @ slope + offset)
        )

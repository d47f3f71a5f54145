"""The learning rule of a chain whose layers each learn by a loss of their own outputs: no error passes from one to another.

Samples pass without a label, for the head, the last layer, which learns to classify; then labels are shown at inputs of their own.
"""

from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Self

import numpy as np

from hwsim.chains.chain_part import ForwardPass
from hwsim.chains.chain_rule import Boundary, ChainRule, moved, summed_up
from hwsim.chains.circuit_part import on_host
from hwsim.chains.digital_stack import TESTED_ERROR, TESTING, TRAINING, Mode
from hwsim.chains.local_objective import LocalObjective, ShownLabels, differentiated
from hwsim.core.protocol import Equilibrium
from hwsim.learning.losses import Loss
from hwsim.learning.rules.estimator import NO_DRAW, Draw, Gradient
from hwsim.numeric.jax_scope import jax_scope
from hwsim.random.counter import seed_of
from hwsim.settings.block_settings import prefix_of
from hwsim.typing import Array, Conductances


class _Passes(NamedTuple):
    """The passes of a batch: what each block makes in each, what comes in and out, the labels, and which samples settled in all."""

    passed: list[list[ForwardPass]]
    boundaries: list[list[tuple[Array, Array]]]
    shown: ShownLabels
    good: Array


@dataclass(frozen=True)
class LocalChainRule(ChainRule):
    """The gradients of the layers' own losses.

    Parameters
    ----------
    local
        The loss, and what is shown.
    classes
        How many there are.

    """

    local: LocalObjective = field(kw_only=True)
    classes: int = field(kw_only=True)

    @property
    def passes_back(self) -> bool:
        """Each layer has a loss of its own."""
        return False

    @jax_scope()
    def gradient(self, solver: Any, g: Conductances, x: Array, y: Array, loss: Loss, draw: Draw = NO_DRAW) -> Gradient:
        """Return the gradient of the mean losses of all layers, and the change of running averages; loss and read-outs are the head's."""
        passes = self._passes(solver, g, x, y, draw, TRAINING)
        by_block, phases = self._learned(solver, passes, y, loss)
        mean = {name: values / len(x) for name, values in by_block.items()}
        outputs, averages = passes.shown.answers, moved(g, passes.passed[0])
        gradient: Gradient = on_host(Gradient(mean | averages, loss.value(outputs, y), phases, outputs))
        return gradient

    @jax_scope()
    def by_parameter(self, solver: Any, g: Conductances, x: Array, y: Array, loss: Loss) -> dict[str, Array]:
        """Return the sum over samples of what `gradient` averages, by array."""
        return self._learned(solver, self._passes(solver, g, x, y, NO_DRAW, TRAINING), y, loss)[0]

    @jax_scope()
    def objectives(self, solver: Any, g: Conductances, x: Array, y: Array, loss: Loss, errors: Any = ()) -> list[float]:  # noqa: ARG002 - as of others
        """Return the sum over samples of each layer's loss, the head's last."""
        passes = self._passes(solver, g, x, y, NO_DRAW, TRAINING)
        each = [differentiated(self.local, self._ends(passes, layer), passes.shown)[0] for layer in self.layers[:-1]]
        return [float(np.asarray(values).sum()) for values in (*each, loss.value(on_host(passes.shown.answers), y))]

    @jax_scope()
    def read(self, solver: Any, g: Conductances, x: Array, seed: Any = 0, *, training: bool = False) -> tuple[Array, Equilibrium]:
        """Return the head's outputs (B, K), or the scores of each class over all layers (B, C), and a summary of the free equilibria."""
        if not self.local.asks_layers:
            return ChainRule.read(self, solver, g, self.local.sample(x, self.classes), seed, training=training)
        of_layers, free = self._asked(solver, g, x, Draw(seed=seed), TRAINING if training else TESTING)
        read: tuple[Array, Equilibrium] = on_host((sum(of_layers), free))
        return read

    def _asked(self, solver: Any, g: Conductances, x: Array, draw: Draw, mode: Mode) -> tuple[list[Array], Equilibrium]:
        """Return the scores of each class (B, C) by each layer but the head, and a summary of the free equilibria."""
        trials = self.local.trials(x, self.classes)
        _, passed, _ = self._hidden.forward(solver, g, trials, draw, mode)
        free = [(one.free,) for one in passed if one.free is not None]
        of_layers = [self.local.scores(passed[layer[-1]].outputs, len(x), self.classes) for layer in self.layers[:-1]]
        return of_layers, _of_samples(summed_up(free, trials)[0], len(x))

    @jax_scope()
    def by_layer(self, solver: Any, g: Conductances, x: Array, y: Array) -> dict[str, float]:
        """Return what each layer but the head makes of tested samples by itself.

        Its error, `alone_b1` for that of blocks[0], and the mean score of the right label and of the best wrong one, `right_b1` and
        `wrong_b1`: goodnesses [V²], or cosines.
        """
        shown, measured = np.asarray(y == y.max(axis=1)[:, None]), dict[str, float]()
        of_layers, _ = self._asked(solver, g, x, NO_DRAW, TESTING)
        for layer, scores in zip(self.layers, on_host(of_layers), strict=False):
            right, wrong = np.where(shown, scores, -np.inf).max(axis=1), np.where(shown, -np.inf, scores).max(axis=1)
            values = {"alone": (right <= wrong).mean(), "right": right.mean(), "wrong": wrong.mean()}
            measured |= {f"{what}_{prefix_of(layer[-1])[:-1]}": float(value) for what, value in values.items()}
        return measured

    def boundaries(self, solver: Any, g: Conductances, x: Array, seed: Any = 0) -> list[tuple[Array, Array]]:
        """Return what comes into each block, and what comes out of it, of tested samples x (n, I) without a label."""
        return ChainRule.boundaries(self, solver, g, self.local.sample(x, self.classes), seed)

    @jax_scope()
    def errors(self, solver: Any, g: Conductances, x: Array, y: Array, loss: Loss) -> list[Boundary]:
        """Return what comes into each block in the first pass that it learns from, what comes out, and the error at its outputs."""
        passes, boundaries, errors = self._passes(solver, g, x, y, NO_DRAW, TESTED_ERROR), [], []
        for layer in self.layers:
            (number, cotangent), *_ = self._cotangents(passes, layer, y, loss)
            boundaries += [passes.boundaries[number][k] for k in layer]
            of_layer: list[Array] = []
            self._through(layer, solver, passes.passed[number], cotangent, of_layer)
            errors += of_layer
        return [on_host(Boundary(*ends, error)) for ends, error in zip(boundaries, errors, strict=True)]

    @property
    def _hidden(self) -> Self:
        """The chain without its head."""
        return replace(self, parts=self.parts[: self.layers[-1].start])

    def _passes(self, solver: Any, g: Conductances, x: Array, y: Array, draw: Draw, mode: Mode) -> _Passes:
        """Let samples pass without a label, through all layers, and with labels, through all but the head."""
        boundaries: list[list[tuple[Array, Array]]] = [[]]
        outputs, passed, good = self.forward(solver, g, self.local.sample(x, self.classes), draw, mode, boundaries[0])
        shown, each = ShownLabels((y == y.max(axis=1)[:, None]).astype(y.dtype), on_host(outputs), draw.seed), [passed]
        for number, inputs in enumerate(self.local.others(x, shown), start=1):
            other = draw._replace(seed=seed_of(number * len(self.parts), draw.seed))
            boundaries.append([])
            _, passed, settled = self._hidden.forward(solver, g, inputs, other, mode, boundaries[-1])
            each.append(passed)
            good = good & (settled if len(settled) == len(good) else settled.all())
        return _Passes(each, boundaries, shown, good)

    def _learned(self, solver: Any, passes: _Passes, y: Array, loss: Loss) -> tuple[dict[str, Array], tuple[Equilibrium, Equilibrium]]:
        """Return the gradient of all layers' summed losses, by array, and all equilibria, summed up."""
        total: dict[str, Array] = {}
        phases: list[tuple[Equilibrium, ...]] = []
        for layer in self.layers:
            for number, cotangent in self._cotangents(passes, layer, y, loss):
                by_block, _, of_layer = self._through(layer, solver, passes.passed[number], cotangent)
                total |= {name: total[name] + values if name in total else values for name, values in by_block.items()}
                phases += [tuple(_of_samples(phase, len(y)) for phase in of_block) for of_block in of_layer]
        return total, summed_up(phases, y)

    def _cotangents(self, passes: _Passes, layer: range, y: Array, loss: Loss) -> list[tuple[int, Array]]:
        """Return the derivative of a layer's summed loss by its outputs, with the number of each pass that it learns from."""
        counts = passes.good[:, None].astype(y.dtype)
        if layer == self.layers[-1]:
            return [(0, loss.error(passes.shown.answers, y) * counts)]
        _, errors = differentiated(self.local, self._ends(passes, layer), passes.shown)
        first = 0 if self.local.unlabelled else 1
        return [
            (k, on_host(error) * counts if len(error) == len(counts) else on_host(error)) for k, error in enumerate(errors, start=first)
        ]

    def _ends(self, passes: _Passes, layer: range) -> list[Array]:
        """Return a layer's outputs in each pass that it learns from."""
        return [passed[layer[-1]].outputs for passed in passes.passed[0 if self.local.unlabelled else 1 :]]


def _of_samples(phase: Equilibrium, batch: int) -> Equilibrium:
    """Return the equilibria of a pass of n inputs as those of `batch` samples: what several inputs of one share, or what all share."""
    if len(phase.steps) == batch:
        return phase
    xp = phase.steps.__array_namespace__()
    if len(phase.steps) % batch == 0:
        residual, steps, result = (values.reshape(-1, batch) for values in (phase.residual, phase.steps, phase.result))
        return Equilibrium({}, residual.max(axis=0), steps.max(axis=0), result.max(axis=0))
    ones = xp.ones(batch, phase.steps.dtype)
    return Equilibrium({}, phase.residual.max() * ones, phase.steps.max() * ones, phase.result.max() * ones)

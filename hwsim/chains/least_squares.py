"""LeastSquaresTrainer: a dense layer that is solved for, by ridge regression at once or by recursive least squares sample after sample."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from hwsim.chains.crossbar_devices import CrossbarDevices
from hwsim.chains.digital_part import DenseWeights
from hwsim.learning.step import Batches, Carry
from hwsim.learning.targets import Targets
from hwsim.learning.trainer import Trainer
from hwsim.reservoir.ridge import RidgeReadout
from hwsim.reservoir.rls import rls
from hwsim.settings.block_settings import DigitalForce, DigitalRidge, DigitalRls
from hwsim.typing import Floats

if TYPE_CHECKING:
    from hwsim.reservoir.loop import ClosedLoop


class SolvedLayer(Protocol):
    """What is solved for: the parameters of a dense layer, or the devices of a crossbar."""

    def laid_out(self, dense: DenseWeights) -> dict[str, Floats]:
        """Return the arrays, by name, that weights and biases are to be."""
        ...


def dense_of(read: RidgeReadout) -> DenseWeights:
    """Return a read-out as the weights and the biases of a dense layer."""
    weights = read.weights / read.spread[:, None]
    return DenseWeights(weights, read.offset - read.mean @ weights)


class LeastSquaresTrainer(Trainer):
    """Trains the one dense layer of a chain on all samples, in one update.

    A series is taken in its order, and samples with classes in an order that training.seed draws. A penalty that is to be chosen is so by
    the errors of the layer as its devices have it, where it is a crossbar.
    """

    def __init__(self, how: DigitalRidge | DigitalRls | DigitalForce, layer: SolvedLayer, *args: Any, **others: Any) -> None:
        super().__init__(*args, **others)
        self.how, self.layer, self.steps = how, layer, 1
        self.batch = len(self.data.x_train)

    def plan(self, epoch: int) -> Batches:
        """Draw the order of the samples; that of a series is in time."""
        plan = super().plan(epoch)
        return plan if not self.data.ordered else plan._replace(order=np.arange(self.batch, dtype=np.int32)[None])

    def advance(
        self,
        carry: Carry,
        batches: Batches,
        first: int,
        last: int,
        *,
        newton: bool = False,  # noqa: ARG002 - as Trainer's
        targets: Targets | None = None,
    ) -> Carry:
        """Solve the layer, write it, and count what it makes of the samples that it was solved for."""
        if first == last:
            return carry
        order, wanted = batches.order[0], (targets or self.samples.targets)
        x, y = self.samples.x[order], np.asarray(wanted.of(order), dtype=np.float64)
        carry, made = self._written(carry, self._solved(x, y, lambda read: self._written(carry, read, batches)[1]), batches)
        answers = made(x)
        sums = carry.sums._replace(
            samples=np.int32(len(x)),
            loss=np.float64(0.5 * ((answers - y) ** 2).sum()),
            wrong=np.asarray(wanted.mistakes(wanted.answers(answers), order)).sum(),
        )
        return carry._replace(sums=sums)

    def _written(self, carry: Carry, read: RidgeReadout, batches: Batches) -> tuple[Carry, RidgeReadout]:
        """Return what there is after a read-out was written, and the read-out that the devices then are.

        Biases are written last, so that for the mean of the states the outputs are right whatever the weights have become.
        """
        wanted = self.layer.laid_out(dense_of(read))
        if not isinstance(self.layer, CrossbarDevices):
            return carry._replace(g=wanted), read
        carry = self._programmed(carry, wanted, batches.seeds[0])
        weights, _ = self.layer.part.dense(carry.g)
        biases = read(read.mean[None])[0] - read.mean @ weights
        carry = self._programmed(carry, self.layer.with_biases(carry.g, biases), batches.seeds[0] + 1)
        weights, biases = self.layer.part.dense(carry.g)
        return carry, RidgeReadout(np.zeros(len(weights)), np.ones(len(weights)), weights, biases, read.penalty)

    def _programmed(self, carry: Carry, wanted: dict[str, Floats], seed: Any) -> Carry:
        """Bring devices from where they are to what is wanted, as near as they come; what a memory wanted before is forgotten."""
        programming = self.updater.programming
        state = programming.begin(carry.g)[1] if any(name.endswith("shadow") for name in carry.programming) else carry.programming
        changes = {name: values - carry.g[name] for name, values in wanted.items()}
        done = programming.update(carry.g, changes, self.solver.chip, seed, state)
        sums = carry.sums._replace(pulses=carry.sums.pulses + done.pulses, energy=carry.sums.energy + done.energy)
        return carry._replace(g=done.g, programming=done.state, sums=sums)

    def _solved(self, x: Floats, y: Floats, made: Callable[[RidgeReadout], RidgeReadout]) -> RidgeReadout:
        if isinstance(self.how, DigitalRls):
            return rls(x, y, self.how.penalty, self.how.forgetting)
        return RidgeReadout.fit(x, y, self.how.penalty, made if isinstance(self.layer, CrossbarDevices) else None)


class ForceTrainer(LeastSquaresTrainer):
    """Trains a reservoir's read-out while what it makes of each row drives the reservoir at the next one."""

    def __init__(self, how: DigitalForce, layer: SolvedLayer, loop: "Callable[[], ClosedLoop] | None", *args: Any, **others: Any) -> None:
        super().__init__(how, layer, *args, **others)
        assert loop is not None  # noqa: S101 - sessions bring it along
        self.loop, self.force = loop, how

    def _solved(self, x: Floats, y: Floats, made: Callable[[RidgeReadout], RidgeReadout]) -> RidgeReadout:  # noqa: ARG002 - no penalty is chosen
        return self.loop().learn(y, RidgeReadout.fit(x, y, self.force.penalty), self.force)

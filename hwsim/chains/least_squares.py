"""LeastSquaresTrainer: a dense layer that is solved for, by ridge regression at once or by recursive least squares sample after sample."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hwsim.learning.step import Batches, Carry
from hwsim.learning.task import Targets
from hwsim.learning.trainer import Trainer
from hwsim.reservoir.ridge import RidgeReadout
from hwsim.reservoir.rls import rls
from hwsim.settings.block_settings import DigitalForce, DigitalRidge, DigitalRls
from hwsim.typing import Floats

if TYPE_CHECKING:
    from hwsim.reservoir.loop import ClosedLoop


def layer_of(read: RidgeReadout, like: Mapping[str, Any]) -> dict[str, Any]:
    """Return a read-out as the weights and the biases of a dense layer, by the names and of the shapes of `like`."""
    weights = (read.weights / read.spread[:, None]).T
    parameters = {2: weights, 1: read.offset - weights @ read.mean}
    return {name: parameters[np.ndim(values)].reshape(np.shape(values)) for name, values in like.items()}


class LeastSquaresTrainer(Trainer):
    """Trains the one dense layer of a chain on all samples, in one update.

    A series is taken in its order, and samples with classes in an order that training.seed draws.
    """

    def __init__(self, how: DigitalRidge | DigitalRls | DigitalForce, *args: Any, **others: Any) -> None:
        super().__init__(*args, **others)
        self.how, self.steps = how, 1
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
        """Solve the layer, and count what it makes of the samples that it was solved for."""
        if first == last:
            return carry
        order, wanted = batches.order[0], (targets or self.samples.targets)
        x, y = self.samples.x[order], np.asarray(wanted.of(order), dtype=np.float64)
        read = self._solved(x, y)
        g = layer_of(read, carry.g)
        answers = read(x)
        sums = carry.sums._replace(
            samples=np.int32(len(x)),
            loss=np.float64(0.5 * ((answers - y) ** 2).sum()),
            wrong=np.asarray(wanted.mistakes(wanted.answers(answers), order)).sum(),
        )
        return carry._replace(g=g, sums=sums)

    def _solved(self, x: Floats, y: Floats) -> RidgeReadout:
        if isinstance(self.how, DigitalRls):
            return rls(x, y, self.how.penalty, self.how.forgetting)
        return RidgeReadout.fit(x, y, self.how.penalty)


class ForceTrainer(LeastSquaresTrainer):
    """Trains a reservoir's read-out while what it makes of each row drives the reservoir at the next one."""

    def __init__(self, how: DigitalForce, loop: "Callable[[], ClosedLoop] | None", *args: Any, **others: Any) -> None:
        super().__init__(how, *args, **others)
        assert loop is not None  # noqa: S101 - sessions bring it along
        self.loop, self.forgetting = loop, how.forgetting

    def _solved(self, x: Floats, y: Floats) -> RidgeReadout:
        return self.loop().learn(y, RidgeReadout.fit(x, y, self.how.penalty), self.forgetting)

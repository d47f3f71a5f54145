"""The baseline of a reservoir: what the same read-out makes of the inputs alone."""

from hwsim.learning.dataset import Dataset
from hwsim.learning.evaluate import scored
from hwsim.learning.task import Task
from hwsim.random.streams import stream
from hwsim.reservoir.ridge import RidgeReadout


def inputs_alone_error(data: Dataset, task: Task, seed: int) -> float:
    """Return the error on the test set, by the task's measure, of ridge regression from inputs to targets, its strength chosen as ever.

    Samples that are no series are learnt in an order that `seed` draws.
    """
    count = len(data.x_train)
    order = slice(None) if data.ordered else stream(seed, "order/0").permutation(count)
    read = RidgeReadout.fit(data.x_train[order], task.train.of(order))
    outputs = read(data.x_test)
    return scored(task.test, outputs, outputs[:, 0] == outputs[:, 0])[1]["error"]

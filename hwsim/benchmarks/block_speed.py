"""Chains of blocks against their digital twins: whole epochs as `hwsim train` runs them, and as JAX and Optax do, in turn."""

from collections.abc import Callable

from hwsim.benchmarks.contestants import shuffled
from hwsim.benchmarks.device_cost import Cost, cost_of
from hwsim.benchmarks.epoch_runner import EpochRunner
from hwsim.benchmarks.turns import CLOCK, Clock, repetitions, take_turns
from hwsim.experiment.experiment import Experiment
from hwsim.experiment.overriding import override
from hwsim.learning.dataset import Dataset
from hwsim.session import Session

CHAINS = ("ff-digits", "ff-fashion")
"""Two small circuits with a normalisation between them, and a large one behind convolutions."""

SAMPLES = 6400
"""Most that an epoch is cut to."""

_MOST = 1000


def compare(
    experiment: Experiment,
    data: Dataset | None = None,
    *,
    rounds: int,
    seconds: float = 0.0,
    observe: Callable[[int], None] = lambda _: None,
    clock: Clock = CLOCK,
) -> Cost:
    """Time epochs of both in 32 bits, on the same samples in the same batches, as they are: without what may be set to corrupt them.

    Parameters
    ----------
    experiment
        A chain that learns classes; it keeps its optimizers, tolerance and rules.
    data
        Its data; None: the experiment's own, no more than SAMPLES of them.
    rounds
        Turns of each, after one that is not timed.
    seconds
        Approximate time of a turn [s], of as many epochs as it takes; at least one.
    observe, clock
        As for `take_turns`.

    Raises
    ------
    ExperimentError
        When it is no chain, or has a circuit that no dense layers stand for.

    """
    from hwsim.benchmarks.digital_twin import DigitalTwin, twin_layers  # noqa: PLC0415 - JAX takes a second to load

    twin_layers(experiment)
    plain = {"training.precision": "float32", "training.engine": "numeric", "data.denoise": 0.0, "data.input_dropout": 0.0}
    cut = [] if data is not None else [f"data.train_limit={SAMPLES}"]
    changes = [f"{key}={value}" for key, value in plain.items()]
    session = Session.of(override(experiment, [*changes, f"training.epochs={_MOST * (rounds + 2)}", *cut]), data)
    trainer = session.trainer(session.training_solver())
    chain, twin = EpochRunner(trainer), DigitalTwin(experiment, session.data)
    order = shuffled(len(session.data.x_train), trainer.batch)

    def run(epochs: int) -> None:
        for _ in range(epochs):
            chain.epoch()

    def learn(k: int, epochs: int) -> None:
        for epoch in range(epochs):
            twin.learn(order(k * epochs + epoch))

    for work in (run, lambda epochs: learn(0, epochs)):
        work(1)  # compiles
    count = repetitions(run, seconds, _MOST, clock)
    took = take_turns((lambda _: run(count), lambda k: learn(k, count)), rounds, clock, observe)
    name = f"{experiment.name}, batch {trainer.batch}"
    return cost_of(name, "its digital twin in JAX and Optax", "µs/sample", 1e6 * took / (count * trainer.steps * trainer.batch))

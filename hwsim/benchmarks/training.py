"""Training a circuit against training a perceptron of the same sizes: updates with the same images, in turn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

from circuits.units import Second
from hwsim.benchmarks.cases import experiment
from hwsim.benchmarks.learner import Learner, Settling
from hwsim.benchmarks.turns import CLOCK, Clock, Spread, repetitions, take_turns
from hwsim.learning.dataset import Dataset

TOLERANCE = 1e-6
"""Tolerance of the circuit's equilibria, as a share of the largest voltage."""

_RATE = 0.05
"""Step size of the perceptron in batches of 32."""

Case = tuple[tuple[int, ...], int]
"""Sizes of the hidden layers, and the batch."""

HIDDEN = ((100,), (1024,), (1024, 1024, 1024))
BATCHES = (1, 4, 32, 256)
SHORT_CASES: tuple[Case, ...] = tuple(product(((100,), (1024,)), (32, 256)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """A circuit and a perceptron trained on the same images.

    Parameters
    ----------
    layers
        Sizes of all layers, inputs and outputs too.
    images
        Images in a turn of each; where an epoch takes too long, it is a part of one.
    epoch
        Images of a whole epoch.
    circuit, perceptron
        Time of an image [µs].
    ratio
        Time of the circuit over that of the perceptron, round by round.
    memristors, weights
        Trainable parameters of each.
    circuit_error, perceptron_error
        Share of the last turn's images that were in the wrong class before their update: both do learn.
    settling
        Convergence of the circuit's equilibria.

    """

    layers: tuple[int, ...]
    batch: int
    images: int
    epoch: int
    data: str
    rounds: int
    precision: str
    tolerance: float
    circuit: Spread
    perceptron: Spread
    ratio: Spread
    memristors: int
    weights: int
    circuit_error: float
    perceptron_error: float
    settling: Settling

    @property
    def name(self) -> str:
        """Sizes and batch, in words."""
        return f"{'-'.join(map(str, self.layers))}, batch {self.batch}"


def race(
    case: Case,
    data: Dataset,
    *,
    rounds: int,
    seconds: Second,
    observe: Callable[[int], None] = lambda _: None,
    clock: Clock = CLOCK,
) -> Race:
    """Train both in turn: by equilibrium propagation and by back-propagation, both with plain gradient descent.

    Parameters
    ----------
    case
        Sizes of the hidden layers, and images an update.
    data
        The training data; each round takes the first updates of another epoch.
    rounds
        Turns of each, after one that is not timed.
    seconds
        Approximate time of a turn of the circuit; a whole epoch when that fits.
    observe
        Called after every round with the number of completed ones.
    clock
        Returns the time [s].

    """
    from hwsim.benchmarks.perceptron import Perceptron  # noqa: PLC0415 - JAX takes a second to load

    hidden, batch = case
    settings = experiment(hidden, batch, tolerance=TOLERANCE)
    learner = Learner(settings, data)
    perceptron = Perceptron(hidden, data, rate=_RATE * min(1.0, (batch / 32) ** 0.5))
    first = learner.trainer.plan(0)
    learner.learn(first, 1)  # compiles
    updates = repetitions(lambda count: learner.learn(first, count), seconds, len(first.order), clock)
    perceptron.learn(first.order[:updates])  # compiles
    plans = [learner.trainer.plan(k + 1) for k in range(rounds)]
    took = take_turns(
        (lambda k: learner.learn(plans[k], updates), lambda k: perceptron.learn(plans[k].order[:updates])), rounds, clock, observe
    )
    images = updates * batch
    return Race(
        layers=(data.features, *hidden, data.classes),
        batch=batch,
        images=images,
        epoch=len(data.x_train),
        data=data.name,
        rounds=rounds,
        precision=settings.training.precision,
        tolerance=TOLERANCE,
        circuit=Spread.of((1e6 * took[:, 0] / images).tolist()),
        perceptron=Spread.of((1e6 * took[:, 1] / images).tolist()),
        ratio=Spread.of((took[:, 0] / took[:, 1]).tolist()),
        memristors=learner.memristors,
        weights=perceptron.count,
        circuit_error=learner.error,
        perceptron_error=perceptron.error,
        settling=learner.settling(plans[-1].order.ravel()),
    )


def ratios(races: Sequence[Race]) -> dict[str, float]:
    """Return how many times as long the circuit takes, by sizes and batch."""
    return {race.name: race.ratio.median for race in races}

"""Training a circuit against training a perceptron of the same sizes: updates with the same images, in turn, each in its own process."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

from circuits.units import Second
from hwsim.benchmarks.cases import experiment
from hwsim.benchmarks.contestants import CircuitLearner, Load, PerceptronLearner
from hwsim.benchmarks.places import Contestant, OwnProcess, Place, together
from hwsim.benchmarks.turns import CLOCK, Clock, Spread, quicker, repetitions, take_turns

if TYPE_CHECKING:
    from hwsim.benchmarks.learner import Settling

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
    circuit, perceptron, floor
        Time of an image [µs]; the floor is the circuit's without any sweep, which no faster solver gets below.
    ratio, floor_ratio
        Time of the circuit, and of its floor, over that of the perceptron, round by round.
    memristors, weights
        Trainable parameters of each.
    threads, perceptron_threads
        Those that each computes with: the circuit with as many as `hwsim train` takes, the perceptron with one or with one a core,
        whichever is quicker.
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
    floor: Spread
    ratio: Spread
    floor_ratio: Spread
    memristors: int
    weights: int
    threads: int
    perceptron_threads: int
    circuit_error: float
    perceptron_error: float
    settling: "Settling"

    @property
    def name(self) -> str:
        """Sizes and batch, in words."""
        return f"{'-'.join(map(str, self.layers))}, batch {self.batch}"


def race(  # noqa: PLR0913 - what is trained, and how it is timed
    case: Case,
    load: Load,
    *,
    rounds: int,
    seconds: Second,
    place: Place = OwnProcess,
    observe: Callable[[int], None] = lambda _: None,
    clock: Clock = CLOCK,
) -> Race:
    """Train both in turn: by equilibrium propagation and by back-propagation, both with plain gradient descent.

    A third turn is the circuit's again, without any sweep, and a fourth the perceptron's again, with one thread: the quicker one counts.

    Parameters
    ----------
    case
        Sizes of the hidden layers, and images an update.
    load
        Loads the training data; each round takes the first updates of another epoch.
    rounds
        Turns of each, after one that is not timed.
    seconds
        Approximate time of a turn of the circuit; a whole epoch when that fits.
    place
        Where each works: in a process of its own, with the threads that it takes there.
    observe
        Called after every round with the number of completed ones.
    clock
        Returns the time [s].

    """
    hidden, batch = case
    settings = experiment(hidden, batch, tolerance=TOLERANCE)
    a_circuit, a_perceptron = (hidden, settings, load), (hidden, load, _RATE * min(1.0, (batch / 32) ** 0.5))
    with together(
        place,
        (CircuitLearner, *a_circuit),
        (partial(CircuitLearner, sweeps=False), *a_circuit),
        (PerceptronLearner, *a_perceptron),
        (partial(PerceptronLearner, alone=True), *a_perceptron),
    ) as contestants:
        circuit, floor, *perceptrons = contestants
        lesson = circuit("lesson")
        circuit("learn", 0, 1), floor("learn", 0, 1)  # compiles
        updates = repetitions(lambda count: circuit("learn", 0, count), seconds, lesson.updates, clock)
        orders = [order[:updates] for order in circuit("prepare", rounds)]
        floor("prepare", rounds)
        for perceptron in perceptrons:
            perceptron("prepare", orders), perceptron("learn", 0)  # compiles
        of_circuits = [partial(_learn, one, updates) for one in (circuit, floor)]
        took = take_turns([*of_circuits, *(partial(_learn, one) for one in perceptrons)], rounds, clock, observe)
        best = quicker(took, 2, 3)
        (circuit_error, settling), (perceptron_error, weights, threads) = circuit("ended"), contestants[best]("ended")
    images = updates * batch
    each = 1e6 * took / images
    return Race(
        layers=lesson.layers,
        batch=batch,
        images=images,
        epoch=lesson.images,
        data=lesson.data,
        rounds=rounds,
        precision=settings.training.precision,
        tolerance=TOLERANCE,
        circuit=Spread.of(each[:, 0].tolist()),
        perceptron=Spread.of(each[:, best].tolist()),
        floor=Spread.of(each[:, 1].tolist()),
        ratio=Spread.of((took[:, 0] / took[:, best]).tolist()),
        floor_ratio=Spread.of((took[:, 1] / took[:, best]).tolist()),
        memristors=lesson.memristors,
        threads=lesson.threads,
        perceptron_threads=threads,
        weights=weights,
        circuit_error=circuit_error,
        perceptron_error=perceptron_error,
        settling=settling,
    )


def _learn(contestant: Contestant, *rest: Any) -> None:
    """Make the updates of a round; called with what a contestant takes besides, and last of all the round."""
    *updates, k = rest
    contestant("learn", k + 1, *updates)


def ratios(races: Sequence[Race]) -> dict[str, float]:
    """Return how many times as long the circuit takes, by sizes and batch."""
    return {race.name: race.ratio.median for race in races}

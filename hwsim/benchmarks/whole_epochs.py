"""Epochs as a user runs them: a circuit of the zoo with its own optimizer, against perceptrons, and against itself without sweeps.

An epoch draws its plan, gathers its samples, updates chunk by chunk and verifies after each that all equilibria were found; tests and
audits at its end are left out, as perceptrons have none.
"""

from collections.abc import Callable, Sequence
from functools import partial

from hwsim.benchmarks.contestants import CircuitEpochs, Load, PerceptronEpochs
from hwsim.benchmarks.device_cost import Cost, cost_of
from hwsim.benchmarks.places import OwnProcess, Place, together
from hwsim.benchmarks.turns import CLOCK, Clock, quicker, take_turns
from hwsim.experiment.experiment import Experiment, ExperimentError
from hwsim.experiment.overriding import override

CIRCUIT, BATCH = "mnist-100", 32

_SGD, _ADAM = 0.05, 1e-3
"""Step sizes of the perceptrons: of plain gradient descent, and Adam's usual one."""

FLOOR, BY_SGD, BY_ADAM = "itself, no sweeps", "SGD perceptron", "Adam perceptron"
"""What an epoch is compared with."""


def measure(  # noqa: PLR0913 - what is trained, and how it is timed
    experiment: Experiment,
    batch: int,
    load: Load | None = None,
    *,
    rounds: int,
    place: Place = OwnProcess,
    observe: Callable[[int], None] = lambda _: None,
    clock: Clock = CLOCK,
) -> list[Cost]:
    """Time epochs of a circuit, of itself without sweeps, and of perceptrons of the same sizes by plain gradient descent and by Adam.

    Parameters
    ----------
    experiment
        One circuit of layers that learns classes; it keeps its optimizer, precision, tolerance and rule.
    batch
        Samples an update.
    load
        Loads its data; None: the experiment's own.
    rounds
        Epochs of each, in turn, after one that is not timed.
    place
        Where each works: in a process of its own, with the threads that it takes there.
    observe, clock
        As for `take_turns`.

    Raises
    ------
    ExperimentError
        When the circuit is no network of layers, or its targets are real.

    """
    _ = experiment.one_circuit
    hidden = _hidden(experiment)
    settings = override(experiment, [f"training.batch={batch}", f"training.epochs={rounds + 1}", "training.engine=numeric"])
    with together(
        place,
        (CircuitEpochs, settings, load),
        (partial(CircuitEpochs, sweeps=False), settings, load),
        *(
            (partial(PerceptronEpochs, adam=adam, alone=alone), hidden, settings, load, _ADAM if adam else _SGD)
            for adam in (False, True)
            for alone in (False, True)
        ),
    ) as contestants:
        turns = [partial(one, "epoch") for one in contestants]
        for turn in turns:
            turn(rounds)  # compiles
        took = take_turns(turns, rounds, clock, observe)
    name = f"{experiment.name}, batch {batch}"
    against = ((FLOOR, 1), (BY_SGD, quicker(took, 2, 3)), (BY_ADAM, quicker(took, 4, 5)))
    return [cost_of(name, baseline, "s/epoch", took[:, [0, column]]) for baseline, column in against]


def _hidden(experiment: Experiment) -> tuple[int, ...]:
    layers = getattr(experiment.circuit, "layers", None)
    if layers is None or any(getattr(layer, "kind", "dense") != "dense" for layer in layers) or experiment.data.task == "regression":
        msg = f"{experiment.name}: whole epochs are compared with a perceptron's; name a circuit of dense layers that learns classes"
        raise ExperimentError(msg)
    return tuple(layer.size for layer in layers)


def ratios(costs: Sequence[Cost]) -> dict[str, float]:
    """Return how many times as long an epoch takes as each that it is compared with."""
    return {f"{cost.name} / {cost.baseline}": cost.ratio.median for cost in costs}

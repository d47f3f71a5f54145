"""Programs are kept by structure: what has been compiled for one training, solver or ensemble serves the next one of its shapes."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np
import pytest

from hwsim.core.protocol import Capability, Drive
from hwsim.core.wrapper import SolverWrapper
from hwsim.ensemble.instances import Instance, outcomes
from hwsim.experiment.experiment import Experiment
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import override
from hwsim.learning import step
from hwsim.numeric.layered.programs import KEPT
from hwsim.session import Session

SPREAD = ["variation.diode_i_sat=0.3", "variation.gain=0.05", "variation.offset=0.005"]
IRIS = override(load("iris"), ["training.epochs=1", "training.batch=40"])
PULSED = override(IRIS, ["device.preset=reram-sb"])


@pytest.fixture
def traced() -> Iterator[Callable[[], int]]:
    """Count what JAX traced since the last call."""
    events: list[str] = []

    def listen(event: str, _: float, **__: object) -> None:
        if event == "/jax/core/compile/jaxpr_trace_duration":
            events.append(event)

    def count() -> int:
        number = len(events)
        events.clear()
        return number

    jax.monitoring.register_event_duration_secs_listener(listen)
    yield count
    jax.monitoring.unregister_event_duration_listener(listen)


def train(experiment: Experiment) -> None:
    """Train, evaluate and solve, with solvers and trainers that are made for it."""
    session = Session.of(experiment)
    with session.training_solver() as solver:
        trainer = session.trainer(solver)
        *_, last = trainer.run(trainer.begin())
        g = trainer.g(last.state)
    with session.solver() as solver:
        session.evaluate(solver, g, session.data.x_test, session.task.test)
        solver.solve(g, Drive(session.data.x_test[:3]))


@pytest.mark.parametrize("experiment", [IRIS, PULSED], ids=["ideal", "pulsed"])
def test_a_second_training_traces_nothing(experiment: Experiment, traced: Callable[[], int]) -> None:
    """Nor does one with another seed, which draws other data, or with another rate, or on another chip, whose devices differ."""
    train(experiment)
    assert traced() > 0 or step._loop.cache_info().hits  # an earlier test may have compiled the same
    for changes in ([], ["training.seed=3"], ["training.rate=3e-8"], ["variation.chip=2"]):
        train(override(experiment, changes))
        assert traced() == 0, changes


class Stepwise(SolverWrapper):
    """A solver that hides that it compiles into a step."""

    capabilities = frozenset({Capability.VERIFIED})


def test_training_step_by_step_traces_in_its_first_epoch_alone(traced: Callable[[], int]) -> None:
    """Each step draws another seed and another side of the nudge, and its phases are solved by the same program."""
    session = Session.of(override(IRIS, ["training.epochs=2"]))
    with session.solver() as solver:
        trainer = session.trainer(Stepwise(solver))
        steps = trainer.run(trainer.begin())
        while not next(steps).record:
            pass
        traced()
        assert len(list(steps)) > 0
        assert traced() == 0


def test_what_is_compiled_in_is_never_another_structures(traced: Callable[[], int]) -> None:
    """A spread circuit, another nudge, another tolerance and another size each train by a program of their own."""
    train(IRIS)
    for changes in (SPREAD, ["training.beta=3e-7"], ["solver.tolerance=1e-8"], ["circuit.layers.0.size=7"]):
        traced()
        train(override(IRIS, changes))
        assert traced() > 0, changes


def test_an_ensemble_traces_nothing_for_other_chips_seeds_and_spreads(traced: Callable[[], int]) -> None:
    """A sweep over any of them compiles once, whatever varies: circuit, temperature or devices."""
    spread = override(PULSED, [*SPREAD, "training.rate=1e-12"])  # a chip that learns may come to need Newton's method, a program of its own
    for number, changes in enumerate(([], ["variation.gain=0.02", "variation.diode_i_sat=0.1"], ["variation.step=0.5"])):
        first = 2 * number
        tested = list(outcomes(override(spread, changes), [Instance(first, number), Instance(first + 1, number)]))
        assert all(one.failed is None and np.isfinite(one.test_error) for one in tested)
        assert (traced() == 0) == (number > 0), changes


def test_testing_many_chips_traces_nothing_again(traced: Callable[[], int]) -> None:
    """However many chips there are, none of which is solved by itself, their own structures push no program out of the cache."""
    spread = override(load("xor"), SPREAD)
    assert KEPT <= 2 * 16
    for again in (False, True):
        traced()
        list(outcomes(spread, [Instance(chip, 0) for chip in range(16)], "evaluate"))
        assert (traced() == 0) == again


ONE = override(
    IRIS, ["circuit.layers=[]", "training.nudge.kind=frozen", "training.batch=4", "training.optimizer=sgd", "training.rate=1e-12"]
)
SETTINGS = (
    [],
    ["training.beta=3e-6"],
    ["training.optimizer=adam"],
    ["training.loss.kind=cross-entropy"],
    ["variation.adc_bits=5", "variation.adc_full_scale=0.5"],
    ["noise.read=0.1"],
    ["device.preset=reram-sb", "device.scheme=write-verify"],
)
"""Each may be compiled in, and each changes what is learned."""


def learned(settings: list[str]) -> dict[str, np.ndarray]:
    """Return the conductances after three updates in one compiled loop [S]."""
    session = Session.of(override(ONE, settings))
    with session.training_solver() as solver:
        trainer = session.trainer(solver)
        done = trainer.advance(trainer.begin().carry, trainer.plan(0), 0, 3)
    return {block: np.asarray(values) for block, values in done.g.items()}


def test_what_is_learned_does_not_depend_on_what_was_compiled_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a program that was kept for its settings it is to the last bit what it is by a new one, and settings that differ share none."""
    compile_loop, kept = step._loop.__wrapped__, dict[Any, Any]()

    def compiled_again(*key: Any) -> Any:
        program = compile_loop(*key)
        kept.setdefault(key, program)
        return program

    monkeypatch.setattr(step, "_loop", compiled_again)
    cleared = [learned(settings) for settings in SETTINGS]
    monkeypatch.setattr(step, "_loop", lambda *key: kept[key])
    warm = [learned(settings) for settings in SETTINGS]
    for k, (one, other) in enumerate(zip(warm, cleared, strict=True)):
        assert all(np.array_equal(one[block], other[block]) for block in one)
        assert not any(np.array_equal(one["w1[0:4]"], earlier["w1[0:4]"]) for earlier in warm[:k]), SETTINGS[k]

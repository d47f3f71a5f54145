"""What training plans and reports: rates, orders and records are what the solver and the settings state, worked out by hand."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from circuits.chip import Chip
from circuits.network import Network
from hwsim.core import blocks
from hwsim.core.protocol import Capability, ConvergenceError, Drive, Equilibrium, Result
from hwsim.ensemble import trainings
from hwsim.experiment.experiment import Experiment
from hwsim.learning import evaluate as evaluate_module
from hwsim.learning.dataset import Dataset
from hwsim.learning.evaluate import evaluate
from hwsim.learning.readout import EXACT
from hwsim.learning.targets import Classes
from hwsim.numeric.general.general_solver import GeneralEngine
from hwsim.numeric.numeric_engine import NumericEngine
from hwsim.session import Session
from hwsim.settings.sections import DataSettings
from hwsim.settings.training_settings import TrainingSettings
from support.trainers import plain_trainer

NETWORK = Network(inputs=2, layers=(), outputs=2, differential=False, bias=False)
CIRCUIT = NETWORK.compile("linear")
CHIP = Chip.nominal(CIRCUIT)
SETTINGS = TrainingSettings(epochs=1, batch=2, rate=1e-8, optimizer="sgd", seed=3)
X = np.array([[0.4, -0.1], [-0.2, 0.3], [0.1, 0.2], [0.5, 0.5], [-0.4, 0.1]])
DATA = Dataset(
    name="hand",
    x_train=X,
    labels_train=np.array([0, 1, 1, 0, 1]),
    x_test=X[:3] + 0.05,
    labels_test=np.array([1, 0, 1]),
    class_names=("a", "b"),
)


class StubSolver:
    """A solver whose residuals, steps and results are reported by the first feature, so that sums of them are known; voltages are true."""

    circuit, chip, tolerance = CIRCUIT, CHIP, None
    capabilities = frozenset({Capability.VERIFIED})

    def __init__(self, results: Mapping[float, Result] | None = None) -> None:
        self._solver, self._results = GeneralEngine().prepare(CIRCUIT, CHIP), dict(results or {})
        self.seen: list[np.ndarray] = []

    def _equilibrium(self, x: np.ndarray, equilibrium: Equilibrium, phase: int) -> Equilibrium:
        first = np.asarray(x)[:, 0]
        codes = np.array([self._results.get(float(value), Result.CONVERGED) for value in first])
        return equilibrium._replace(
            residual=np.abs(first) * 1e-9 * (phase + 1), steps=np.round(10 * first + 10).astype(int) + phase, result=codes
        )

    def wrapped(self, wrap: Any) -> Any:
        """Wrap all that settles: one circuit."""
        return wrap(self)

    def solve(self, g: Any, drive: Drive, **_: Any) -> Equilibrium:
        """Solve, and report."""
        self.seen.append(np.asarray(drive.x))
        return self._equilibrium(drive.x, self._solver.solve(g, drive), 0)

    def phases(self, g: Any, x: np.ndarray, y: np.ndarray, nudge: Any, **_: Any) -> tuple[Equilibrium, ...]:
        """Find all phases, and report."""
        self.seen.append(np.asarray(x))
        return tuple(self._equilibrium(x, result, phase) for phase, result in enumerate(self._solver.phases(g, x, y, nudge)))


def trained(settings: TrainingSettings = SETTINGS, solver: Any = None, data: Dataset = DATA) -> list[dict[str, Any]]:
    """Train, and give the records."""
    trainer = plain_trainer(settings, data, solver or StubSolver())
    return [progress.record for progress in trainer.run(trainer.begin()) if progress.record is not None]


def test_an_epochs_record_is_the_mean_over_its_samples() -> None:
    """Loss, errors and iterations a sample, counting those twice that fill the last batch up; the largest residual, free and tested."""
    trainer, solver = plain_trainer(SETTINGS, DATA, StubSolver()), GeneralEngine().prepare(CIRCUIT, CHIP)
    order, g = trainer.plan(0).order, dict(trainer.g(trainer.begin()))
    loss, wrong = [], []
    state = trainer.begin()
    for k, chosen in enumerate(order):
        read = solver.solve(g, Drive(X[chosen])).outputs(CIRCUIT)
        y = trainer.task.train.of(chosen)
        loss += (0.5 * ((read - y) ** 2).sum(axis=1)).tolist()
        wrong += (read.argmax(axis=1) != DATA.labels_train[chosen]).tolist()
        state = next(p.state for p in trainer.run(state)) if k + 1 < len(order) else state
        g = dict(trainer.g(state))
    (record,) = trained()
    first = X[order.ravel(), 0]
    assert len(first) == 6
    assert record["epoch"] == 1
    assert record["loss"] == pytest.approx(np.mean(loss), rel=1e-12)
    assert record["train_error"] == np.mean(wrong)
    assert record["steps"] == pytest.approx(np.mean(10 * first + 10))
    assert record["nudged_steps"] == sum(int((20 * X[chosen, 0] + 23).sum()) // 2 for chosen in order) / 6
    assert record["residual_A"] == record["certified_A"] == pytest.approx(0.5e-9)
    assert record["test_error"] == np.mean(solver.solve(_after(), Drive(DATA.x_test)).outputs(CIRCUIT).argmax(axis=1) != DATA.labels_test)


def _after() -> dict[str, np.ndarray]:
    trainer = plain_trainer(SETTINGS, DATA, StubSolver())
    *_, last = trainer.run(trainer.begin())
    return trainer.g(last.state)


def test_progress_counts_samples_and_epochs() -> None:
    """After each chunk: how many samples of how many, in which epoch of how many, and their mean loss."""
    trainer = plain_trainer(SETTINGS.model_copy(update={"epochs": 2}), DATA, StubSolver())
    steps = list(trainer.run(trainer.begin()))
    assert {(step.epochs, step.samples_total) for step in steps} == {(2, 6)}
    assert sorted({step.epoch for step in steps}) == [0, 1]
    ended = [step for step in steps if step.record is not None]
    assert [step.samples_done for step in ended] == [6, 6]
    assert steps[0].samples_done == 2
    assert [step.loss for step in ended] == [step.record["loss"] for step in ended if step.record]
    assert steps[-1].state.epoch == 2
    assert steps[-1].state.step == 0


@pytest.mark.parametrize(
    ("schedule", "factors"), [("constant", (1, 1, 1)), ("exponential", (1, 0.7, 0.49)), ("cosine", (1, 0.75, 0.25))], ids=str
)
def test_rates_follow_the_schedule(schedule, factors) -> None:
    """Each epoch's share of the rate: a power of decay, or half a cosine; orders, signs and seeds are drawn again."""
    decay = {"decay": 0.7} if schedule == "exponential" else {}
    given = {"schedule": {"kind": schedule} | decay, "epochs": 3}
    settings = TrainingSettings.model_validate(SETTINGS.model_dump() | given)
    trainer = plain_trainer(settings, DATA, StubSolver())
    plans = [trainer.plan(epoch) for epoch in range(3)]
    assert all(set(plan.rates) == set(blocks.names(CIRCUIT)) for plan in plans)
    for plan, factor in zip(plans, factors, strict=True):
        np.testing.assert_allclose(list(plan.rates.values()), 1e-8 * factor)
    assert len({plan.order.tobytes() for plan in plans}) == 3
    assert len({plan.seeds.tobytes() for plan in plans}) == 3
    assert set(np.concatenate([plan.signs for plan in plans]).tolist()) <= {-1.0, 1.0}
    for plan in plans:
        counts = np.bincount(plan.order.ravel(), minlength=5)
        assert sorted(counts.tolist()) == [1, 1, 1, 1, 2]
        assert counts[plan.order.ravel()[0]] == 2


@pytest.mark.parametrize(
    ("loss", "nudge", "beta"),
    [
        ("squared-error", "centred", -2e-7),
        ("squared-error", "negative", -2e-7),
        ("squared-error", "positive", 0.0),
        ("cross-entropy", "centred", 0.0),
    ],
)
def test_the_worst_nudge_decides_on_newtons_method(loss, nudge, beta) -> None:
    """A nudge that follows the outputs can be negative: proof must cover it; that of other losses is a fixed current."""
    asked = []

    class Traced(StubSolver):
        share = 1e-13
        capabilities = frozenset({Capability.TRACEABLE})

        def traced(self, **_: Any) -> None: ...

        def needs_newton(self, g: Any, beta: float) -> bool:
            asked.append(beta)
            return bool(g)

    settings = TrainingSettings.model_validate(
        SETTINGS.model_dump(exclude={"loss", "nudge"}) | {"loss": loss, "nudge": nudge, "beta": 2e-7}
    )
    assert plain_trainer(settings, DATA, Traced()).begin().newton
    assert asked == [beta]
    assert not plain_trainer(settings, DATA, StubSolver()).begin().newton


def test_equilibria_are_audited_after_each_doubling_every_tenth_epoch_and_the_last() -> None:
    """A training of 23 epochs reports what the audit left over after these epochs, and nothing after the others."""
    circuit = Network(inputs=2, layers=(), outputs=2, differential=False).compile("layered")
    trainer = plain_trainer(SETTINGS.model_copy(update={"epochs": 23}), DATA, NumericEngine().prepare(circuit, Chip.nominal(circuit)))
    records = [step.record for step in trainer.run(trainer.begin()) if step.record]
    assert [record["epoch"] for record in records if "certified_A" in record] == [1, 2, 4, 8, 10, 16, 20, 23]
    assert len(records) == 23


def test_evaluation_counts_every_sample_once(monkeypatch) -> None:
    """In parts of one size, the last filled up: mean iterations, the largest residual, and those that fail are wrong and counted."""
    monkeypatch.setattr(evaluate_module, "BATCH", 2)
    solver, g = StubSolver({0.5: Result.NOT_FINITE}), plain_trainer(SETTINGS, DATA, StubSolver())
    weights = g.g(g.begin())
    read = GeneralEngine().prepare(CIRCUIT, CHIP).solve(weights, Drive(X)).outputs(CIRCUIT)
    guess = read.argmax(axis=1)
    result = evaluate(solver, weights, X, Classes(guess, np.eye(2) * 0.1), EXACT, 0)
    assert [len(x) for x in solver.seen] == [2, 2, 2]
    assert result.steps == pytest.approx(np.mean(np.round(10 * X[:, 0] + 10)))
    assert result.residual == pytest.approx(0.5e-9)
    assert (result.failed, result.error) == (1, 0.2)
    np.testing.assert_array_equal(result.answers, [*guess[:3], -1, guess[4]])
    np.testing.assert_allclose(result.outputs, read)
    assert evaluate(StubSolver(), weights, X[:2], Classes(1 - guess[:2], np.eye(2) * 0.1), EXACT, 0).error == 1.0


@pytest.mark.parametrize("skip", [False, True])
def test_samples_that_fail_end_training_or_are_counted(skip) -> None:
    """The epoch, how many, and what to try are reported; a lenient training records those that failed, in each of three phases."""
    settings = SETTINGS.model_copy(update={"skip_failed": skip, "epochs": 2})
    solver = StubSolver({-0.2: Result.MAX_STEPS})
    if not skip:
        with pytest.raises(ConvergenceError, match=r"linear: epoch 1: 3 equilibria were not found: .*--skip-failed"):
            trained(settings, solver)
        return
    records = trained(settings, solver)
    plan = plain_trainer(settings, DATA, StubSolver())
    assert [row["failed"] for row in records] == [3 * int((plan.plan(epoch).order == 1).sum()) for epoch in range(2)]
    assert [row["failed_tests"] for row in records] == [0, 0]


def test_trainings_one_by_one_come_to_what_their_records_say() -> None:
    """Final conductances, the last error, the largest residual of all epochs; what fails reports why, and its numbers mean nothing."""
    settings = SETTINGS.model_copy(update={"epochs": 3})
    (learnt,) = trainings.learn([plain_trainer(settings, DATA, StubSolver())])
    records = trained(settings)
    trainer = plain_trainer(settings, DATA, StubSolver())
    *_, last = trainer.run(trainer.begin())
    assert (learnt.train_error, learnt.pulses, learnt.energy, learnt.failed) == (records[-1]["train_error"], 0.0, 0.0, None)
    assert learnt.residual == max(row["residual_A"] for row in records)
    for name, values in trainer.g(last.state).items():
        np.testing.assert_array_equal(learnt.g[name], values)
    (failed,) = trainings.learn([plain_trainer(settings, DATA, StubSolver({-0.2: Result.MAX_STEPS}))])
    assert "epoch 1" in (failed.failed or "")
    assert np.isnan([failed.train_error, failed.pulses, failed.energy, failed.residual]).all()
    for name, values in trainer.g(trainer.begin()).items():
        np.testing.assert_array_equal(failed.g[name], values)
    session = Session.of(Experiment(circuit=NETWORK, data=DataSettings(name="hand"), training=settings))
    targets = [Classes(DATA.labels_train, np.eye(2) * 0.1), Classes(np.array([0, 1]), np.eye(2) * 0.1)]
    tested = trainings.test([session] * 2, [StubSolver(), StubSolver()], [learnt.g, failed.g], [X, X[:2]], targets)
    assert [one.failed for one in tested] == [None, None]
    assert [one.residual for one in tested] == [pytest.approx(0.5e-9), pytest.approx(0.4e-9)]
    assert tested[0].error == evaluate(StubSolver(), learnt.g, X, targets[0], EXACT, 0).error

"""Tasks: classification is a regression towards the voltages of classes; what else is learned, and how errors are measured."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import r2_score

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.network import Amplifier, Layer, Network
from hwsim.core.protocol import Capability, Drive
from hwsim.core.wrapper import SolverWrapper
from hwsim.data.loading import load_data
from hwsim.ensemble import trainings
from hwsim.experiment.experiment import Experiment
from hwsim.experiment.loading import load
from hwsim.files.raw import DataError
from hwsim.learning.dataset import Dataset
from hwsim.learning.evaluate import scored
from hwsim.learning.state import State
from hwsim.learning.targets import Classes, Voltages
from hwsim.learning.task import Task, distillation, reconstruction, regression, table_of_classes
from hwsim.learning.trainer import Trainer
from hwsim.numeric.general.general_solver import GeneralEngine
from hwsim.numeric.numeric_engine import NumericEngine
from hwsim.session import Session
from hwsim.settings.learning_kinds import CrossEntropyLoss
from hwsim.settings.sections import DataSettings
from hwsim.settings.training_settings import TrainingSettings
from support.trainers import plain_trainer

MATRIX = np.array([[0.3, -0.2], [-0.1, 0.25], [0.2, 0.1]])
SETTINGS = TrainingSettings(epochs=20, batch=10, rate=1e-6, optimizer="adam")


class OneByOne(SolverWrapper):
    """A solver that hides that it can be compiled and mapped over chips."""

    capabilities = frozenset({Capability.VERIFIED})


def uniform(samples: int, features: int, *, tests: int = 20, shift: int = 0) -> Dataset:
    """Return features without classes."""
    x = np.random.default_rng(0).uniform(-1, 1, (samples + tests, features))
    labels = np.zeros(samples + tests, np.intp)
    return Dataset(
        name="uniform",
        x_train=x[:samples],
        labels_train=labels[:samples],
        x_test=x[samples:],
        labels_test=labels[samples:],
        class_names=("none", "neither"),
        shift=shift,
    )


DATA = uniform(60, 3)
LINEAR = Network(inputs=3, layers=(), outputs=2, bias=False)
CIRCUIT = LINEAR.compile("linear")


def of_matrix(matrix: np.ndarray) -> Task:
    return regression(DATA.x_train @ matrix, DATA.x_test @ matrix)


def trained(trainer: Trainer) -> tuple[dict[str, np.ndarray], list[dict[str, float | int]]]:
    """Return the last conductances and all records."""
    *_, last = steps = list(trainer.run(trainer.begin()))
    return trainer.g(last.state), [step.record for step in steps if step.record]


def solved(circuit: Circuit) -> NumericEngine:
    return NumericEngine().prepare(circuit, Chip.nominal(circuit))


@given(hnp.arrays(np.intp, st.integers(1, 20), elements=st.integers(0, 4)))
def test_targets_of_classes_are_one_hot(labels: np.ndarray) -> None:
    """The output of each sample's class is drawn to `high`, all others to `low`."""
    y = Classes(labels, table_of_classes(5, 5, -0.2, 0.7)).of(slice(None))
    assert np.array_equal(y.argmax(axis=1), labels)
    assert np.array_equal(np.sort(y, axis=1), np.tile([-0.2] * 4 + [0.7], (len(labels), 1)))


def test_two_classes_fit_on_one_output() -> None:
    """One output is drawn to `low` for the first class and to `high` for the second; three classes do not fit."""
    assert table_of_classes(2, 1, -0.2, 0.7).tolist() == [[-0.2], [0.7]]
    with pytest.raises(DataError, match="3 outputs"):
        table_of_classes(3, 1, 0.0, 1.0)


def test_a_class_is_the_mean_of_its_copies() -> None:
    """Two outputs of each of three classes, next to each other: the class whose outputs have the largest mean is the answer."""
    table = table_of_classes(3, 6, 0.0, 0.1, copies=2)
    assert table[1].tolist() == [0.0, 0.0, 0.1, 0.1, 0.0, 0.0]
    outputs = np.random.default_rng(0).normal(size=(50, 6))
    np.testing.assert_array_equal(Classes(np.zeros(50, np.intp), table).answers(outputs), outputs.reshape(50, 3, 2).mean(2).argmax(1))
    with pytest.raises(DataError, match="give the circuit 6 outputs"):
        table_of_classes(3, 3, 0.0, 0.1, copies=2)


def test_classes_are_the_nearest_targets() -> None:
    """One-hot targets give the largest output; a single output is cut halfway between its two targets."""
    labels = np.zeros(2, np.intp)
    np.testing.assert_array_equal(Classes(labels, 0.1 * np.eye(3)).answers(np.array([[0.2, 0.9, 0.4], [0.5, 0.1, 0.3]])), [1, 0])
    np.testing.assert_array_equal(Classes(labels, np.array([[0.0], [0.1]])).answers(np.array([[0.04], [0.06]])), [0, 1])
    np.testing.assert_array_equal(Classes(labels, 0.1 * np.eye(3)).meaning(np.array([2, 0])), [[0, 0, 0.1], [0.1, 0, 0]])


@pytest.mark.parametrize("tolerance", [0.0, 1e-12])
def test_classification_is_regression_towards_the_voltages_of_classes(tolerance: float) -> None:
    """Iris learns the same, whether its targets are looked up by class or written out: step by step bit for bit, compiled within 1e-12."""
    experiment = load("iris", ["training.epochs=1", "training.batch=32", "training.precision=float64"])
    data = load_data(experiment)
    by_class = Session.of(experiment, data)
    train, test = (part.of(slice(None)) for part in by_class.task)
    written = Session.of(experiment, data, task=regression(train, test))
    with by_class.training_solver() as solver:
        ours = solver if tolerance else OneByOne(solver)
        (g, rows), (other_g, other_rows) = (trained(session.trainer(ours)) for session in (by_class, written))
    assert [row["loss"] for row in rows] == pytest.approx([row["loss"] for row in other_rows], rel=tolerance, abs=0)
    for name, values in g.items():
        np.testing.assert_allclose(values, other_g[name], rtol=tolerance)


def test_a_linear_network_learns_a_matrix_of_voltages() -> None:
    """A resistor network maps inputs to outputs by a matrix: its error falls below 1 % of the targets' range, and R² is near 1."""
    _, rows = trained(plain_trainer(SETTINGS, DATA, solved(CIRCUIT), task=of_matrix(MATRIX)))
    last = rows[-1]
    assert last["test_error"] < 0.01 * np.ptp(DATA.x_test @ MATRIX) < rows[0]["test_error"]
    assert min(last["train_r2"], last["test_r2"]) > 0.999


def test_targets_of_reconstruction_are_the_inputs() -> None:
    """They are the voltages of the sources that carry the features; with images that are moved in training it is refused."""
    circuit = Network(inputs=3, layers=(), outputs=3, input_scale=0.5, differential=False, bias=False).compile()
    g = {element.name: np.full(element.shape, 1e-5) for element in circuit.trainable}
    solution = GeneralEngine().prepare(circuit, Chip.nominal(circuit)).solve(g, Drive(DATA.x_test))
    np.testing.assert_allclose(reconstruction(DATA, 0.5).test.of(slice(None)), solution.v["x"], atol=1e-12)
    with pytest.raises(DataError, match=r"data.shift = 2 .*set data.shift = 0"):
        reconstruction(uniform(5, 4, shift=2))


def test_distillation_brings_a_circuit_closer_to_another_one() -> None:
    """A smaller circuit with amplifiers learns the outputs of a larger one, which no class describes."""
    teacher, student = (Network(inputs=3, layers=(Layer(size=n, amplifier=Amplifier()),), outputs=2).compile() for n in (6, 4))
    random = np.random.default_rng(1)
    g = {element.name: random.uniform(1e-6, 3e-5, element.shape) for element in teacher.trainable}
    with solved(teacher) as solver:
        task = distillation(DATA, lambda x: np.asarray(solver.solve(g, Drive(x)).outputs(teacher)))
    _, rows = trained(plain_trainer(SETTINGS, DATA, solved(student), task=task))
    assert rows[-1]["test_error"] < 0.5 * rows[0]["test_error"]
    assert rows[-1]["loss"] < 0.1 * rows[0]["loss"]


@given(hnp.arrays(float, (7, 2), elements=st.floats(-1, 1)), hnp.arrays(float, (7, 2), elements=st.floats(-1, 1)))
def test_scores_are_the_root_mean_square_and_the_explained_variance(y: np.ndarray, outputs: np.ndarray) -> None:
    """They are as scikit-learn has them, with outputs weighted by variance, where targets vary; a perfect prediction has 0 V and 1."""
    good = np.ones(7, bool)
    assert scored(Voltages(y), y, good)[1] == {"error": 0.0, "r2": 1.0}
    scores = scored(Voltages(y), outputs, good)[1]
    assert scores["error"] == pytest.approx(np.sqrt(np.mean((outputs - y) ** 2)))
    if y.var(axis=0).min() > 1e-3:
        assert scores["r2"] == pytest.approx(r2_score(y, outputs, multioutput="variance_weighted"))


def test_targets_that_do_not_vary_are_explained_or_not() -> None:
    """No variance is explained by a constant: R² is 1 for a perfect prediction, else 0."""
    y, good = np.full((3, 2), 0.25), np.ones(3, bool)
    assert [scored(Voltages(y), outputs, good)[1]["r2"] for outputs in (y, y + 0.1)] == [1.0, 0.0]


def test_samples_without_an_equilibrium_count_as_wrong() -> None:
    """Whatever was read of them: their class is −1, their voltage 0 V."""
    outputs, good = np.array([[0.1, 0.0], [0.0, 0.3]]), np.array([True, False])
    answers, scores = scored(Classes(np.array([0, 1]), 0.1 * np.eye(2)), outputs, good)
    assert (answers.tolist(), scores) == ([0, -1], {"error": 0.5})
    answers, scores = scored(Voltages(outputs), outputs, good)
    assert (answers.tolist(), scores["error"]) == ([[0.1, 0.0], [0.0, 0.0]], pytest.approx(0.15))


def test_chips_that_learn_tasks_of_their_own_equal_one_by_one() -> None:
    """Side by side each learns its task and is tested by it, though the far ends of both tasks' ranges, for audits, are the same."""
    of = of_matrix(MATRIX)
    y, ends = of.train.of(slice(None)), of.train.wrong().of(slice(None))
    outwards = regression(np.where(ends == y.max(), y + y.min(), y + y.max()) / 2, 0.5 * of.test.of(slice(None)))
    np.testing.assert_array_equal(outwards.train.wrong().of(slice(None)), ends)
    tasks, pair = [of, outwards], _solvers()
    mapped, alone = (trainings.learn([plain_trainer(SETTINGS, DATA, solver, task=task) for task in tasks]) for solver in pair)
    for ours, theirs in zip(mapped, alone, strict=True):
        assert (ours.failed, theirs.failed) == (None, None)
        assert ours.train_error == pytest.approx(theirs.train_error, rel=1e-9)
        for name, values in theirs.g.items():
            np.testing.assert_allclose(ours.g[name], values, rtol=1e-9)
    sessions = [
        Session.of(Experiment(circuit=LINEAR, data=DataSettings(name="uniform"), training=SETTINGS), DATA, task=task) for task in tasks
    ]
    chips = [one.g for one in mapped], [DATA.x_test] * 2, [task.test for task in tasks]
    side_by_side, each = (trainings.test(sessions, [solver] * 2, *chips) for solver in pair)
    assert [one.error for one in side_by_side] == pytest.approx([one.error for one in each], rel=1e-9)
    assert side_by_side[0].error < 0.01 < side_by_side[1].error


def _solvers() -> tuple[NumericEngine, OneByOne]:
    solver = solved(CIRCUIT)
    return solver, OneByOne(solver)


def test_a_regression_that_was_saved_goes_on_bit_for_bit() -> None:
    """Squared errors are kept in a state as counts are: the epoch in which it was interrupted ends with the same record."""
    trainer = plain_trainer(SETTINGS.model_copy(update={"epochs": 1}), DATA, solved(CIRCUIT), task=of_matrix(MATRIX))
    _, (whole,) = trained(trainer)
    first = next(iter(trainer.run(trainer.begin())))
    assert first.record is None
    saved = State.from_arrays(first.state.arrays(), CIRCUIT)
    *_, last = trainer.run(saved)
    assert last.record == whole | {"seconds": last.record["seconds"]}


def test_a_session_keeps_the_task_that_it_was_handed() -> None:
    """On other chips and with other seeds, and on the data that it was made for."""
    task = of_matrix(MATRIX)
    session = Session.of(Experiment(circuit=LINEAR, data=DataSettings(name="uniform"), training=SETTINGS), DATA, task=task)
    for other in (session, session.on_chip(3), session.seeded(5), session.nominal):
        assert other.task is task
        assert other.data is DATA


@pytest.mark.parametrize("of", [MATRIX, -MATRIX, 0 * MATRIX + 0.1])
def test_wrong_targets_are_half_a_range_away(of: np.ndarray) -> None:
    """A gradient audit sees a mistake in every output of every sample."""
    y = (DATA.x_train @ of).astype(np.float32)
    wrong = Voltages(y).wrong()
    assert wrong.y.dtype == y.dtype
    assert np.abs(wrong.y - y).min() >= 0.49 * np.ptp(y)


def test_what_does_not_fit_is_refused_in_a_line() -> None:
    """Samples, outputs, numbers, and a loss on shares of classes."""
    solver = solved(CIRCUIT)
    for y, why in (
        (DATA.x_train, r"training set have shape \(60, 3\); 60 samples and 2 outputs need \(60, 2\)"),
        (DATA.x_train[:5] @ MATRIX, r"shape \(5, 2\)"),
    ):
        with pytest.raises(DataError, match=why):
            plain_trainer(SETTINGS, DATA, solver, task=regression(y, DATA.x_test @ MATRIX))
    for bad in (np.array([1.0, 2.0]), np.array([[np.nan]])):
        with pytest.raises(DataError, match="test set must be finite voltages"):
            regression([[0.0]], bad)
    with pytest.raises(DataError, match=r"cross-entropy.*squared-error"):
        plain_trainer(SETTINGS.model_copy(update={"loss": CrossEntropyLoss()}), DATA, solver, task=of_matrix(MATRIX))

"""The gradient audit: rounding in a gradient is measured, and training that would learn from it stops."""

import json
from pathlib import Path

import numpy as np
import pytest

from circuits.chip import Chip
from cli.main import main
from hwsim.checks.check_results import Bench
from hwsim.checks.gradients import own_gradient
from hwsim.core.protocol import ConvergenceError
from hwsim.data.loading import load_data
from hwsim.ensemble.instances import Instance, outcomes
from hwsim.experiment.experiment import Experiment
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import override
from hwsim.learning import factory, gradient_audit
from hwsim.numeric.general.general_solver import GeneralEngine
from hwsim.session import Session

IRIS = load("iris", ["training.epochs=1", "training.batch=40"])
CIRCUIT = IRIS.circuit.compile("iris")
CHIP = Chip.nominal(CIRCUIT)


def rows(experiment: Experiment) -> list[dict]:
    """Train through the general solver, in 64 bits and without compiling."""
    with GeneralEngine().prepare(CIRCUIT, CHIP) as solver:
        trainer = Session.of(experiment).trainer(solver)
        return [step.record for step in trainer.run(trainer.begin()) if step.record]


def error(*settings: str) -> float:
    return rows(override(IRIS, list(settings)))[-1]["gradient_error"]


def test_the_error_grows_as_the_nudge_shrinks() -> None:
    """From nothing at the zoo's nudge, through what deserves a warning, to a stop that names what to do: in 64 bits too."""
    errors = [error(f"training.beta={beta}") for beta in ("1e-6", "1e-14", "1e-16", "1e-18")]
    assert errors == sorted(errors)
    assert errors[0] < 1e-9
    assert gradient_audit.WARN < errors[-1] < gradient_audit.STOP
    with pytest.raises(ConvergenceError, match=r"epoch 1, .* % of the gradient in w\d is rounding.*1e-20 S.*larger training\.nudge\.beta"):
        error("training.beta=1e-20")


@pytest.mark.parametrize("nudge", ["positive", "negative", "random-sign"])
def test_one_sided_nudges_are_measured_too(nudge: str) -> None:
    """What a one-sided nudge is off by for its size is bias, which does not count as rounding."""
    assert error(f"training.nudge={nudge}") < 1e-9


def test_what_learns_from_no_difference_is_not_measured() -> None:
    """The adjoint has no nudge, and currents of noise move equilibria by more than rounding does; coupled learning has a difference."""
    assert "gradient_error" not in rows(override(IRIS, ["training.rule=adjoint"]))[-1]
    assert "gradient_error" not in rows(override(IRIS, ["noise.thermal=true"]))[-1]
    assert error("noise.read=0.5") < 1e-9
    assert error("training.rule=coupled-learning", "training.rate=1e-7") < 1e-9


def test_a_gradient_that_is_lost_is_off_by_one_and_a_right_one_by_nothing() -> None:
    """Where all phases read alike the gradient is 0; where voltages are off by so much, the error is as much larger."""
    with GeneralEngine().prepare(CIRCUIT, CHIP) as solver:
        trainer = Session.of(IRIS).trainer(solver)
        state = trainer.begin()
        (plan,), targets = gradient_audit.planned(trainer, 0), trainer.samples.targets.wrong()
        kept = trainer.advance(state.carry, plan, 0, 1, targets=targets).kept
        g = trainer.g(trainer.begin())

        def value(voltages: np.ndarray) -> float:
            measured = gradient_audit.gradient_error(trainer, g, [plan], [voltages])
            assert measured is not None
            return measured.value

        assert value(kept) < 1e-9
        assert value(np.stack([kept[0]] * 3)) == 1.0
        off = np.random.default_rng(0).standard_normal(kept[1].shape)
        small, large = (value(np.stack([kept[0], kept[1] + size * off, kept[2]])) for size in (1e-9, 1e-8))
        assert large == pytest.approx(10 * small, rel=1e-2)


def test_32_bits_are_enough_for_the_zoo_and_not_for_any_nudge() -> None:
    """Chips that train as one are audited at the end: the zoo's nudge passes, and one of 3e-12 S fails each of them, in words."""
    coarse = override(IRIS, ["training.precision=float32"])
    instances = [Instance(0, 0), Instance(0, 1)]
    assert [each.failed for each in outcomes(coarse, instances)] == [None, None]
    failed = [each.failed for each in outcomes(override(coarse, ["training.beta=3e-12"]), instances)]
    assert all("is rounding" in str(one) and "training.precision = 'float64'" in str(one) for one in failed)


def test_rounding_is_reported_at_the_end(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The summary reports how much of the gradient was rounding, and a line on stderr what to do; without rounding there is none."""
    monkeypatch.chdir(tmp_path)
    words = ["--set", "circuit.wire_r_row=1", "--set", "training.batch=40", "--epochs", "1", "--json"]
    for beta, warned in (("1e-6", False), ("3e-15", True)):
        assert main(["train", "iris", "--set", f"training.beta={beta}", *words]) == 0
        printed = capsys.readouterr()
        assert (json.loads(printed.out)["gradient_error"] > gradient_audit.WARN) == warned
        assert ("is rounding" in printed.err) == warned


def test_check_compares_the_training_sown_gradient() -> None:
    """At the experiment's own nudge it equals finite differences; a nudge that is lost, or far too strong, fails by name."""
    data = load_data(IRIS)
    g = {element.name: np.random.default_rng(1).uniform(1e-6, 2e-5, element.shape) for element in CIRCUIT.trainable}
    results = {}
    for beta in ("1e-6", "1e-20"):
        experiment = override(IRIS, [f"training.beta={beta}"])
        x, y = data.x_train[:8], factory.task(experiment.training, CIRCUIT, data).train.of(slice(8))
        bench = Bench(CIRCUIT, g, x, y, factory.loss(experiment.training))
        with GeneralEngine().prepare(CIRCUIT, CHIP) as exact:
            results[beta] = own_gradient(exact, exact, bench, experiment)
    assert results["1e-6"].holds
    assert 0 < results["1e-6"].value < 1e-2
    assert not results["1e-20"].holds
    assert "1e-20 S" in results["1e-20"].unit

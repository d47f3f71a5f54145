"""What a company reports of an epoch has all scores of each chip, as a run of its own has them."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from hwsim.company.company import Round
from hwsim.company.company_record import of_chip, row
from hwsim.company.memory import CompanyMemory
from hwsim.learning.targets import Voltages
from hwsim.learning.task import Task

RNG = np.random.default_rng(0)
TRAIN, TEST = RNG.normal(size=(30, 1)), 3 * RNG.normal(size=(10, 1))


def test_real_targets_are_scored_by_their_own_set():
    """Errors and R² of each chip: of its updates by the variance of the training set, of its test by that of the test set."""
    task = Task(*(Voltages(y, relative=True) for y in (TRAIN, TEST)))
    squares = np.array([3.0, 6.0])
    sums = {"samples": [30, 30], "loss": squares / 2, "wrong": squares, "residual": np.zeros(2)}
    outputs = np.stack([TEST + 0.1, TEST - 0.2])
    record = row(Round(cast("Any", SimpleNamespace(epoch=1)), CompanyMemory.empty(2, (1, 2, 0, 1)), sums, 4.0, outputs, 800.0), task)
    for k, (one,) in enumerate(of_chip([record], k) for k in range(2)):
        assert one["seconds"] == 2.0
        assert one["loss"] == squares[k] / 60
        assert one["train_r2"] == pytest.approx(1 - squares[k] / 30 / TRAIN.var())
        assert one["train_error"] == pytest.approx(np.sqrt(squares[k] / 30 / TRAIN.var()))
        assert one["test_error"] == pytest.approx((0.1, 0.2)[k] / TEST.std())
    assert record["train_error"] == pytest.approx(np.mean([record["train_error/0"], record["train_error/1"]]))

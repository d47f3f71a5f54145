"""Real targets in tables: RMSE and R² of each, and predictions next to the truth."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cli.tables import table
from hwsim.formatting import NRMSE

if TYPE_CHECKING:
    from hwsim.formatting import Measure
    from hwsim.learning.predictions import Predictions


def target_table(scores: Sequence[Mapping[str, Any]], measure: "Measure") -> str:
    """Tabulate the error, by the task's measure, and R² of each target."""
    errors = [math.sqrt(max(0.0, 1 - one["r2"])) if measure is NRMSE else one["rmse"] for one in scores]
    rows = [(one["target"], measure.number(error), f"{one['r2']:.4f}") for one, error in zip(scores, errors, strict=True)]
    return table(("target", measure.head(), "R²"), rows)


def prediction_table(answers: "Predictions", samples: Sequence[int]) -> str:
    """Tabulate each sample's true and predicted targets, a row a target."""
    rows = [
        (str(sample), name, f"{true:.6g}", f"{predicted:.6g}", f"{predicted - true:.4g}")
        for sample, of_true, of_predicted in zip(samples, answers.true.tolist(), answers.predicted.tolist(), strict=True)
        for name, true, predicted in zip(answers.names, of_true, of_predicted, strict=True)
    ]
    return table(("sample", "target", "true", "predicted", "error"), rows, keys=2)

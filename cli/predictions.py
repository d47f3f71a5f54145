"""Real targets in tables: RMSE and R² of each, and predictions next to the truth."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cli.tables import table

if TYPE_CHECKING:
    from hwsim.formatting import Measure
    from hwsim.learning.predictions import Predictions


def target_table(scores: Sequence[Mapping[str, Any]], measure: "Measure") -> str:
    """Tabulate RMSE and R² of each target."""
    rows = [(one["target"], measure.number(one["rmse"]), f"{one['r2']:.4f}") for one in scores]
    return table(("target", measure.head(), "R²"), rows)


def prediction_table(answers: "Predictions", samples: Sequence[int]) -> str:
    """Tabulate each sample's true and predicted targets, a row a target."""
    rows = [
        (str(sample), name, f"{true:.6g}", f"{predicted:.6g}", f"{predicted - true:.4g}")
        for sample, of_true, of_predicted in zip(samples, answers.true.tolist(), answers.predicted.tolist(), strict=True)
        for name, true, predicted in zip(answers.names, of_true, of_predicted, strict=True)
    ]
    return table(("sample", "target", "true", "predicted", "error"), rows, keys=2)

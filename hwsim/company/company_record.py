"""What a company reports of an epoch: errors of each chip and of all together, how much they agree, and what they sent."""

from typing import Any

import numpy as np

from hwsim.company.company import Round
from hwsim.files.records import Row
from hwsim.learning.evaluate import scored
from hwsim.learning.targets import Targets
from hwsim.learning.task import Task
from hwsim.typing import Floats


def agreement(answers: list[Any]) -> float:
    """Return the share of samples on which two chips answer the same class, mean over all pairs."""
    pairs = [(a, b) for k, a in enumerate(answers) for b in answers[:k]]
    return float(np.mean([np.mean(a == b) for a, b in pairs]))


def together(targets: Targets, outputs: Floats) -> float:
    """Return the error of the mean of all chips' outputs, (chips, n, K) [V]; of each sample those chips count that settled."""
    settled = np.isfinite(outputs)
    counts = settled.sum(axis=0)
    mean = np.where(settled, outputs, 0.0).sum(axis=0) / np.maximum(counts, 1)
    return error(targets, np.where(counts > 0, mean, np.nan))


def error(targets: Targets, outputs: Floats) -> float:
    """Return the error of outputs, (n, K) [V], by the task's own measure; a sample with NaN had no equilibrium."""
    return _scored(targets, outputs)[1]["error"]


def answers(targets: Targets, outputs: Floats) -> Any:
    """Return what outputs, (n, K) [V], mean."""
    return _scored(targets, outputs)[0]


def _scored(targets: Targets, outputs: Floats) -> tuple[Any, dict[str, float]]:
    settled = np.isfinite(outputs.sum(axis=1))
    return scored(targets, np.where(settled[:, None], outputs, 0.0), settled)


def row(one: Round, task: Task) -> Row:
    """Sum up an epoch of all chips, of a task that is one chip's: means, and each chip's own numbers; no residual, if none is known."""
    targets = task.test
    samples = np.asarray(one.sums["samples"], float)
    losses = np.asarray(one.sums["loss"], float) / samples
    trained = [task.train.scores(float(wrong), int(n)) for wrong, n in zip(one.sums["wrong"], samples, strict=True)]
    tested = [error(targets, outputs) for outputs in one.outputs]
    residuals = np.asarray(one.sums["residual"], float) if "residual" in one.sums else None
    record: Row = {
        "epoch": one.state.epoch,
        "loss": float(losses.mean()),
        "train_error": float(np.mean([scores["error"] for scores in trained])),
        "test_error": float(np.mean(tested)),
        "together_error": together(targets, one.outputs),
        "seconds": one.seconds,
        "sent_bytes": one.sent_bytes,
    }
    if residuals is not None:
        record["residual_A"] = float(residuals.max())
    if one.eliminated is not None:
        record["eliminated"] = one.eliminated
    if targets.of_classes and len(one.outputs) > 1:
        record["churn"] = 1.0 - agreement([answers(targets, outputs) for outputs in one.outputs])
    for k, (loss, scores, test_error) in enumerate(zip(losses, trained, tested, strict=True)):
        each = {"loss": loss, "test_error": test_error} | {f"train_{name}": of for name, of in scores.items()}
        each |= {} if residuals is None else {"residual_A": residuals[k]}
        record |= {f"{name}/{k}": float(value) for name, value in each.items()}
    return record


def of_chip(rows: list[Row], k: int) -> list[Row]:
    """Return the rows of one chip, as those of a run of its own; the time is its share."""
    chips = sum(name.startswith("loss/") for name in rows[0]) if rows else 1
    return [
        {"epoch": one["epoch"], "seconds": one["seconds"] / chips}
        | {name.removesuffix(f"/{k}"): value for name, value in one.items() if name.endswith(f"/{k}")}
        for one in rows
    ]

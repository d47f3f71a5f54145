"""The files of a company's folder besides a run's: its plot, the samples of each chip, and how often each two answer differently."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from hwsim.files.atomic import UnreadableError
from hwsim.files.records import parse
from hwsim.typing import Floats

PLOT, SHARDS, CHURN = "company.png", "shards.json", "churn.json"
"""Errors and churn over the epochs; how many samples of each class each chip has; and the churn of each two chips at the end."""


def chip_folder(path: Path, k: int) -> Path:
    """Return the folder of chip k in that of its company."""
    return path / f"chip-{k}"


def churn_text(answers: list[Any]) -> str:
    """Return the share of samples that each two chips answer differently, from each one's answers, as JSON: a row a chip."""
    rows = [[round(float(np.mean(one != other)), 6) for other in answers] for one in answers]
    return json.dumps({"churn": rows}) + "\n"


def churn_in(text: str, chips: int) -> Floats:
    """Read it back, (chips, chips).

    Raises
    ------
    UnreadableError
        When it is no such table.

    """
    rows = _of(text, "churn")
    try:
        table = np.array(rows, float)
    except (TypeError, ValueError):
        table = np.zeros(0)
    if table.shape != (chips, chips) or not ((table >= 0) & (table <= 1)).all():
        msg = f"is no table of shares of {chips} by {chips} chips"
        raise UnreadableError(msg)
    return table


def shards_text(class_names: tuple[str, ...], samples: list[list[int]]) -> str:
    """Return how many samples of each class each chip has, as JSON."""
    return json.dumps({"class_names": list(class_names), "samples": samples}) + "\n"


def shards_in(text: str, chips: int) -> tuple[list[list[int]], list[str]]:
    """Read them back: counts by chip and class, and the names of the classes, if there are any.

    Raises
    ------
    UnreadableError
        When they are no counts.

    """
    samples, names = _of(text, "samples"), _of(text, "class_names")
    rows = samples if isinstance(samples, list) else []
    whole = len(rows) == chips and all(isinstance(row, list) and len(row) == len(rows[0]) for row in rows)
    counted = whole and all(type(count) is int and count >= 0 for row in rows for count in row)
    named = isinstance(names, list) and all(isinstance(name, str) for name in names) and (not names or len(names) == len(rows[0]))
    if not (counted and named):
        msg = f"has no counts of samples of {chips} chips"
        raise UnreadableError(msg)
    return rows, names


def _of(text: str, key: str) -> Any:
    table = parse(text)
    if not isinstance(table, dict) or key not in table:
        msg = f"has no {key}"
        raise UnreadableError(msg)
    return table[key]

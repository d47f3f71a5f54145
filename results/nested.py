"""Nested estimate of chosen settings: `python results/nested.py INNER.db OUTER.db`, sweeps over the same settings, `data.fold` and seeds.

INNER has data.validation, and its errors choose; OUTER has not, and its errors are reported.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hwsim.sweep.database import read
from hwsim.sweep.folds import KEY, corrected

Errors = Mapping[str, Mapping[tuple[int, int], float]]
"""Errors by setting, and by seed and fold."""


def errors(path: Path) -> tuple[Errors, int]:
    """Read a sweep's errors, and the number of its folds."""
    recorded = read(path)
    points = {point.number: dict(point.settings) for point in recorded.points}
    table: dict[str, dict[tuple[int, int], float]] = defaultdict(dict)
    for result in recorded.results:
        settings = dict(points[result.point])
        fold = settings.pop(KEY)
        table[json.dumps(settings)][result.seed, fold] = result.test_error
    return table, recorded.definition.experiment.data.folds or 0


def nested(inner: Errors, outer: Errors) -> list[float]:
    """Return each fold's error with the setting that errs least on that fold's own validation set; settings that tie count equally."""
    values = []
    for fold in next(iter(outer.values())):
        least = min(table[fold] for table in inner.values())
        values.append(float(np.mean([outer[setting][fold] for setting, table in inner.items() if table[fold] == least])))
    return values


def main(inner_path: str, outer_path: str) -> None:
    """Print the error of each setting, the best on validation sets first, and the nested estimate."""
    (inner, folds), (outer, _) = errors(Path(inner_path)), errors(Path(outer_path))
    means = {setting: [100 * float(np.mean(list(table[setting].values()))) for table in (inner, outer)] for setting in inner}
    for setting, (validation, test) in sorted(means.items(), key=lambda item: item[1][0]):
        sys.stdout.write(f"validation {validation:.2f} %, test {test:.2f} %: {setting}\n")
    mean, (low, high) = corrected([100 * value for value in nested(inner, outer)], 1 / (folds - 1))
    sys.stdout.write(f"nested {mean:.2f} % ({low:.2f} to {high:.2f})\n")


if __name__ == "__main__":
    main(*sys.argv[1:])

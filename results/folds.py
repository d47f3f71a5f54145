"""Makes the cross-validations that results/folds/README.md lists, and that list: `python results/folds.py`, or with names of circuits."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent / "folds"

CIRCUITS = ("iris", "wine", "breast-cancer", "digits")
REGRESSIONS = ("diabetes", "friedman")
FOLDS, REPEATS = 5, 5

HEAD = """\
# Cross-validation

Test error over 5 repeats of 5 folds, with its 95 % interval, and that of a linear model on the same folds. A repeat has a seed,
0 to 4, which draws the folds and the initial conductances. The interval is corrected for the samples that folds share (Nadeau and
Bengio 2003). It is wide, since the sets are small: settings or circuits whose errors differ by less than it cannot be ranked.

| circuit | error, % | linear, % | difference, % | linear model | command |
|---|---|---|---|---|---|
"""

REAL = """
Of real targets, the share of their variance that is explained, R², and the root mean square error in their units:

| circuit | R² | linear | difference | RMSE | linear | linear model | command |
|---|---|---|---|---|---|---|---|
"""

FOOT = """
`python results/folds.py` makes all of them again; `NAME.json` holds each fold.

## How settings were chosen

"""


def command(name: str) -> str:
    """Write the command line of a cross-validation."""
    return f"hwsim train {name} --folds {FOLDS} --repeats {REPEATS}"


def make(name: str) -> None:
    """Cross-validate a circuit, and keep what the command prints."""
    hwsim = Path(sys.executable).parent / "hwsim"
    with tempfile.TemporaryDirectory() as folder:
        words = [str(hwsim), *command(name).split()[1:], "--json", "--out", "folds.db"]
        done = subprocess.run(words, cwd=folder, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - our own command
    validation = json.loads(done.stdout)
    del validation["database"]
    (HERE / f"{name}.json").write_text(json.dumps(validation, indent=1) + "\n", encoding="utf-8")


def row(name: str) -> str:
    """Write a circuit's line of the table."""
    validation = json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))
    if "r2" in validation:
        explained = validation["r2"]
        estimates = [_estimate(one, 1, 3) for one in (explained, explained["baseline"], explained["difference"])]
        estimates += [_estimate(one, 1, 2) for one in (validation, validation["baseline"])]
    else:
        estimates = [_estimate(one, 100, 2) for one in (validation, validation["baseline"], validation["difference"])]
    return f"| {' | '.join([name, *estimates, validation['baseline']['model'], f'`{command(name)}`'])} |"


def _estimate(validation: Mapping[str, Any], factor: float, digits: int) -> str:
    """Write a mean with its interval."""
    mean, low, high = (f"{factor * value:.{digits}f}" for value in (validation["mean"], *validation["interval"]))
    return f"{mean} ({low} to {high})"


def main(names: list[str]) -> None:
    """Cross-validate the named circuits, or all, and write the table."""
    for name in names or (*CIRCUITS, *REGRESSIONS):
        make(name)
    classes, real = ("".join(f"{row(name)}\n" for name in of if (HERE / f"{name}.json").exists()) for of in (CIRCUITS, REGRESSIONS))
    chosen = (HERE / "settings.md").read_text(encoding="utf-8")
    (HERE / "README.md").write_text(HEAD + classes + REAL + real + FOOT + chosen, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])

"""Makes the runs that results/README.md lists, and that list: `python results/reference.py`, or with names of circuits for some of them."""

import json
import shutil
import statistics
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from hwsim.data.loading import load_data
from hwsim.experiment.loading import load
from hwsim.sweep.folds import corrected

HERE = Path(__file__).parent
RUNS = HERE / "runs"

KEPT = ("experiment.toml", "environment.json", "metrics.jsonl", "summary.json")
"""What stays of a run; of the first seed also its plot, its weights and, when it is small, its netlist."""

SHOWN = ("loss-and-error.png", "weights.npz", "circuit.cir")
LARGEST = 400_000
"""Bytes; a larger file can be made again by the run's command."""


SPLIT_BY_SEED = ("iris", "wine", "breast-cancer", "digits")
"""Data without a test set of their own: each seed splits them in another way."""


class ReferenceRun(NamedTuple):
    """Some seeds of one experiment; `suffix` ends the names of its folders, before the seed."""

    name: str
    options: str = ""
    seeds: int = 5
    suffix: str = ""

    def folder(self, seed: int) -> Path:
        """Return the run's folder."""
        return RUNS / f"{self.name}{self.suffix}-{seed}"

    def command(self, seed: int | str) -> str:
        """Return the command line of a run."""
        return " ".join(f"hwsim train {self.name} {self.options} --seed {seed}".split())


STUDIES = (
    ReferenceRun("xor"),
    ReferenceRun("iris"),
    ReferenceRun("iris", "--engine ngspice", suffix="-ngspice"),
    ReferenceRun("wine"),
    ReferenceRun("breast-cancer"),
    ReferenceRun("digits"),
    ReferenceRun("mnist-kendall2020", seeds=3),
    ReferenceRun("mnist-scellier2024", seeds=3),
    ReferenceRun("mnist-100", seeds=3),
    ReferenceRun("mnist-100", "--set circuit.layers.0.size=32 --epochs 12", seeds=3, suffix="-32"),
    ReferenceRun("bottleneck-mnist", seeds=3),
    ReferenceRun("mnist-lowvoltage", seeds=3),
    ReferenceRun("mnist-lowvoltage-100", seeds=3),
    ReferenceRun("conv-mnist", seeds=3),
    ReferenceRun("local-mnist", seeds=1),
    ReferenceRun("mnist-1024", seeds=3),
    ReferenceRun("mnist-1024x2", seeds=3),
    ReferenceRun("fashion-1024", seeds=3),
    ReferenceRun("mnist-1024x3", seeds=3),
)


def make(study: ReferenceRun, seed: int) -> None:
    """Make one run and keep its small files."""
    folder = study.folder(seed)
    shutil.rmtree(folder, ignore_errors=True)
    hwsim = Path(sys.executable).parent / "hwsim"
    arguments = study.command(seed).split()[1:]
    subprocess.run([hwsim, *arguments, "--out", folder], check=True)  # noqa: S603 - our own command
    for file in folder.iterdir():
        if file.name not in KEPT and (seed or file.name not in SHOWN or file.stat().st_size > LARGEST):
            file.unlink()


def row(study: ReferenceRun) -> str:
    """Return the study's line of the table."""
    summaries = [json.loads((study.folder(seed) / "summary.json").read_text()) for seed in range(study.seeds)]
    errors = [100 * summary["test_error"] for summary in summaries]
    each = ", ".join(f"{error:.2f}" for error in errors)
    first = summaries[0]
    epoch = statistics.median(summary["seconds_per_epoch"] for summary in summaries)
    worst = max(summary["residual_A"] for summary in summaries)
    cells = (
        study.name,
        first["engine"],
        f"{statistics.mean(errors):.2f}{_interval(study, errors)} ({each})",
        str(first["epochs"]),
        f"{epoch:.2g}{_where(study)}" if epoch < 99.5 else f"{epoch:.0f}{_where(study)}",  # noqa: PLR2004 - two digits, or all whole ones
        f"{worst:.0e}",
        f"`{study.command('SEED')}`",
    )
    return f"| {' | '.join(cells)} |"


def _interval(study: ReferenceRun, errors: list[float]) -> str:
    """Write the 95 % interval of a mean over splits of one data set; nothing where the test set is always the same."""
    if study.name not in SPLIT_BY_SEED:
        return ""
    data = load_data(load(study.folder(0) / "experiment.toml"))
    low, high = corrected(errors, len(data.x_test) / len(data.x_train)).interval
    return f", 95 %: {max(low, 0.0):.2f} to {high:.2f}"


def _where(study: ReferenceRun) -> str:
    """Name the graphics card that a study's runs were made on, if they were made on one."""
    environments = [json.loads((study.folder(seed) / "environment.json").read_text()) for seed in range(study.seeds)]
    cards = {device for one in environments for device in one["jax_devices"] or () if device != "cpu"}
    return f" on an {' or '.join(sorted(cards))}" if cards else ""


def table() -> str:
    """Return the page."""
    made = [study for study in STUDIES if all((study.folder(seed) / "summary.json").exists() for seed in range(study.seeds))]
    return (
        "# Kept runs\n\n"
        "Test error: the mean over seeds 0, 1, … and each of them; a seed sets split, order and initial conductances. Of iris, wine,\n"
        "breast-cancer and digits a seed tests on a fifth of few samples, and five seeds may be lucky: their means have an interval, and\n"
        "[folds](folds/README.md) has the error over 25 folds, next to a linear model's, and how settings were chosen. Settings of\n"
        "xor and digits were chosen on other seeds (100 and up), those of MNIST and Fashion-MNIST on 10,000 of the training images, but\n"
        "those of mnist-kendall2020 and mnist-scellier2024 by a handful of looks at the test set, so they flatter a little. Times are\n"
        "medians on 2 shared cores, or on the device that is named; the residual is the worst sum of currents into a node that any\n"
        "equilibrium was left with.\n\n"
        "| circuit | engine | test error, % | epochs | s/epoch | residual, A | command, with SEED = 0, 1, … |\n"
        "|---|---|---|---|---|---|---|\n" + "\n".join(map(row, made)) + "\n\n"
        "`python results/reference.py` makes all of them again. A run's folder, `runs/CIRCUIT-SEED`, holds its experiment, environment,\n"
        "metrics and summary; seed 0 also its plot, weights and, when small, the trained netlist.\n"
    )


def main(names: list[str]) -> None:
    """Make the runs of the named circuits, or all, and the table."""
    for study in STUDIES:
        if not names or study.name in names:
            for seed in range(study.seeds):
                make(study, seed)
    (HERE / "README.md").write_text(table(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])

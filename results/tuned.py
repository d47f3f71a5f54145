"""Lets each kind of memristor learn the digits at a rate of its own: `python results/tuned.py`, or with --jobs N and some kinds' names.

The rate is the one of a few that errs least on a validation set, a share of the training images, in the mean of the seeds; the test images
are used once, at that rate. Sweeps resume where they were stopped.
"""

import argparse
import csv
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

RATES = (5e-8, 1.5e-7, 5e-7, 1.5e-6, 5e-6)
SEEDS, CHIPS = 3, 3
MEMRISTORS = 4788

PRESETS = (
    *("ideal", "idealized", "gokmen-vlasov", "ecram", "ecram-mo", "capacitor", "epiram", "fefet", "reram-sb", "reram-es", "pcm"),
    *("reram-array-om", "reram-array-hfo2", "taox-hfox", "ag-a-si", "alox-hfo2", "pcmo", "taox-tio2"),
)
IN_PAIRS = ("pcm", "ag-a-si", "pcmo")
REMEDIES = ("reram-es", "reram-array-om")

KINDS: dict[str, str] = {
    **{name: f"--set device.preset={name}" for name in PRESETS},
    **{f"{name}, pairs": f"--set device.preset={name} --set device.pairs=true" for name in IN_PAIRS},
    **{f"{name}, tiki-taka": f"--set device.preset={name} --set device.scheme=tiki-taka" for name in REMEDIES},
}


class TunedDevice(NamedTuple):
    """A kind of device: its rate, the errors at all rates on the validation set, and the rows of its sweep at that rate."""

    kind: str
    rate: float
    validation: dict[float, float]
    rows: list[dict[str, str]]

    def of(self, column: str) -> list[float]:
        """Return a column of the rows."""
        return [float(row[column] or "nan") for row in self.rows]

    def chips(self) -> list[float]:
        """Return the mean error of each chip [%]."""
        errors = {chip: [100 * float(row["test_error"]) for row in self.rows if row["chip"] == chip] for chip in "012"}
        return [float(np.mean(each)) for each in errors.values()]


def sweep(command: str, name: str, folder: Path) -> list[dict[str, str]]:
    """Carry out a sweep on one core, or resume it, and return its rows."""
    hwsim, table = Path(sys.executable).parent / "hwsim", folder / f"{name}.csv"
    files = ["--out", folder / f"{name}.db", "--export", table, "--jobs", "1"]
    done = subprocess.run([hwsim, "sweep", *command.split(), *files], check=False, capture_output=True, text=True)  # noqa: S603 - our own
    if not table.exists():
        sys.exit(f"hwsim sweep {command}: {done.stderr}")
    with table.open() as lines:
        return list(csv.DictReader(lines))


def learn(kind: str, folder: Path) -> TunedDevice:
    """Find the rate of a kind of device, and try it."""
    name, settings = kind.replace(", ", "-"), KINDS[kind]
    rates = ",".join(f"{rate:g}" for rate in RATES)
    tried = sweep(f"digits {settings} --set data.validation=0.2 --vary training.rate={rates} --seeds {SEEDS}", f"{name}-rates", folder)
    errors = {rate: float(np.mean([float(row["test_error"]) for row in tried if float(row["training.rate"]) == rate])) for rate in RATES}
    rate = min(errors, key=lambda rate: errors[rate])
    rows = sweep(f"digits {settings} --vary training.rate={rate:g} --chips {CHIPS} --seeds {SEEDS}", name, folder)
    return TunedDevice(kind, rate, errors, rows)


def table(tuned: list[TunedDevice]) -> str:
    """Return all kinds as a table in Markdown."""
    head = "| device | rate, S | validation error at 0.05, 0.15, 0.5, 1.5, 5 µS, % | test error, % (each chip) | pulses a device | joules |"
    lines = [head, "|---|---|---|---|---|---|"]
    for one in tuned:
        tried = ", ".join(f"{100 * one.validation[rate]:.1f}" for rate in RATES)
        chips = one.chips()
        error = f"{np.mean(chips):.2f} ({', '.join(f'{chip:.2f}' for chip in chips)})"
        pulses, joules = (float(np.mean(one.of(column))) for column in ("pulses", "joules"))
        lines.append(f"| {one.kind} | {one.rate:g} | {tried} | {error} | {pulses / MEMRISTORS:,.0f} | {joules:.2g} |")
    return "\n".join(lines) + "\n"


def draw(tuned: list[TunedDevice], file: Path) -> None:
    """Draw the errors, a point a chip and seed."""
    figure = Figure(figsize=(7.0, 0.27 * len(tuned) + 0.9), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for place, one in enumerate(tuned):
        errors = [100 * error for error in one.of("test_error")]
        axes.plot(errors, [place] * len(errors), "o", color="C0", markersize=4, alpha=0.5, markeredgewidth=0)
        axes.plot([float(np.mean(errors))], [place], "|", color="black", markersize=11)
    axes.set_yticks(range(len(tuned)), [one.kind for one in tuned])
    axes.set(xscale="log", xlabel="test error [%]; bars are means", ylim=(len(tuned) - 0.5, -0.5))
    low, high = axes.get_xlim()
    ticks = [tick for tick in (2, 3, 4, 5, 6, 8, 10, 20, 50) if low <= tick <= high]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.grid(visible=True, axis="x", alpha=0.3)
    figure.savefig(file, metadata={"Software": None})


def main() -> None:
    """Learn with all kinds, several at a time, and write table, rows and picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", default=list(KINDS), help="as in tuned.txt; without, all")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "studies")
    parser.add_argument("--databases", type=Path, default=Path("runs/studies/tuned"))
    options = parser.parse_args()
    for folder in (options.out, options.databases):
        folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(options.jobs) as pool:
        waiting = {kind: pool.submit(learn, kind, options.databases) for kind in reversed(options.kinds)}  # the slowest are last
        tuned = [waiting[kind].result() for kind in options.kinds]
    text = table(tuned)
    command = shlex.join(["python", "results/tuned.py", *(() if options.kinds == list(KINDS) else options.kinds)])
    (options.out / "tuned.txt").write_text(f"{command}\n\n{text}")
    with (options.out / "tuned.csv").open("w", newline="") as file:
        columns = ("kind", "rate", "chip", "seed", "test_error", "train_error", "pulses", "joules", "residual", "failed")
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows({"kind": one.kind, "rate": f"{one.rate:g}", **row} for one in tuned for row in one.rows)
    draw(tuned, options.out / "tuned.png")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()

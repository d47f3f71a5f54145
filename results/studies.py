"""Makes the studies of results/studies/README.md, and some of results/blocks.md: `python results/studies.py`, or with their names."""

import csv
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

HERE = Path(__file__).parent / "studies"
DATABASES = Path("runs/studies")

SPREADS = (
    "variation.diode_i_sat=0:1:3",
    "variation.diode_n=0:0.1:3",
    "variation.rails=0:0.04:3",
    "variation.gain=0:0.2:3",
    "variation.back=0:0.2:3",
    "variation.offset=0:0.02:3",
    "variation.nudge_gain=0:0.2:3",
    "variation.stuck=0:0.1:3",
)

SPREAD = " ".join(f"--set variation.{spread}" for spread in ("diode_i_sat=0.3", "rails=0.02", "gain=0.05", "offset=0.005"))
MISMATCHED = f"{SPREAD} --set variation.stuck=0.01"
STRONG = " ".join(f"--set variation.{spread}" for spread in ("diode_i_sat=0.7", "rails=0.08", "gain=0.2", "offset=0.02"))

LEVELS = "--vary device.levels=2,3,4,8,16,32"
IMPERFECT = "--set variation.g_min=0.01 --set variation.g_max=0.1 --set variation.stuck=0.01"

BITS = "--set variation.dac_full_scale=1 --set variation.adc_full_scale=0.5"

FROZEN = "--set blocks[0].nudge.kind=frozen --set blocks[2].nudge.kind=frozen"

ECRAM = "--set device.preset=ecram --set training.rate=1.5e-6"
COMPANY = "--set company.chips=4 --set company.common=288 --vary company.exchange=none,mean-weights,outputs"


class Study(NamedTuple):
    """One sweep: a name, and what stands behind `hwsim sweep`."""

    name: str
    command: str


def vary(keys: tuple[str, ...]) -> str:
    """Return the options that vary keys."""
    return " ".join(f"--vary {key}" for key in keys)


STUDIES = (
    Study("spreads-train", f"digits --alone {vary(SPREADS)} --chips 8"),
    Study("spreads-transfer", f"digits --alone {vary(SPREADS)} --chips 8 --mode transfer"),
    Study("mismatched-train", f"digits {MISMATCHED} --vary variation.temperature=27 --chips 8 --seeds 2"),
    Study("mismatched-transfer", f"digits {MISMATCHED} --vary variation.temperature=27 --chips 8 --seeds 2 --mode transfer"),
    Study("stuck-train", "digits --vary variation.stuck=0:0.3:7 --chips 8"),
    Study("stuck-transfer", "digits --vary variation.stuck=0:0.3:7 --chips 8 --mode transfer"),
    Study("temperature-train", "digits --vary variation.temperature=-40:125:6 --chips 1 --seeds 3"),
    Study("temperature-evaluate", "results/runs/digits-0 --vary variation.temperature=-40:125:12 --mode evaluate"),
    Study("dac-bits", f"digits {BITS} --vary variation.dac_bits=2,3,4,5,6,8 --seeds 3"),
    Study("adc-bits", f"digits {BITS} --vary variation.adc_bits=2,3,4,5,6,8 --seeds 3"),
    Study(
        "asymmetry-noise",
        "digits --set device.preset=reram-sb --set device.spread=false --vary device.asymmetry=0,0.5,1,2,4,8 "
        "--vary device.cycle=0,2,4,8,16 --seeds 2",
    ),
    Study("levels-train", f"digits {LEVELS} --seeds 10"),
    Study("levels-spread", f"digits {IMPERFECT} {LEVELS} --chips 10"),
    Study("levels-rounded", f"results/runs/digits-0 {IMPERFECT} {LEVELS},64 --mode evaluate --chips 10"),
    *(
        Study(
            f"fixed-beta-{beta}",
            f"ff-digits {FROZEN} --set blocks[0].nudge.beta={beta} --set blocks[2].nudge.beta={beta} "
            "--vary training.precision=float64,float32 --vary noise.read_floor=0,1e-5 --seeds 3",
        )
        for beta in ("1e-6", "1e-5", "1e-4")
    ),
    Study("company-ecram", f"digits {ECRAM} {COMPANY} --seeds 3"),
    Study("company-mismatched", f"digits {ECRAM} {MISMATCHED} {COMPANY} --epochs 15 --seeds 3"),
    Study("company-stuck", f"digits {ECRAM} {SPREAD} {COMPANY} --vary variation.stuck=0.05,0.1 --epochs 15 --seeds 3"),
    Study("company-analog", f"digits {ECRAM} {STRONG} {COMPANY} --epochs 15 --seeds 3"),
    Study("speed", "digits --vary variation.diode_i_sat=0:0.5:6 --chips 16 --seeds 2"),
)

PAIRS = {
    "spreads": ("trained on each chip", "trained nominally, then transferred"),
    "stuck": ("trained on each chip", "trained nominally, then transferred"),
}


LEVEL_CURVES = {
    "levels-train": "trained with these levels: 10 seeds",
    "levels-spread": "trained on each of 10 imperfect chips",
    "levels-rounded": "trained without levels, rounded onto 10 imperfect chips",
}
"""What the picture of levels compares."""


def make(study: Study) -> None:
    """Carry out one sweep, or resume it, and write its table and its plot."""
    DATABASES.mkdir(parents=True, exist_ok=True)
    HERE.mkdir(exist_ok=True)
    hwsim = Path(sys.executable).parent / "hwsim"
    files = ["--out", DATABASES / f"{study.name}.db", "--export", HERE / f"{study.name}.csv", "--plot", HERE / f"{study.name}.png"]
    done = subprocess.run([hwsim, "sweep", *study.command.split(), *files], check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own
    table = done.stdout.partition("\ndatabase ")[0].rstrip()
    (HERE / f"{study.name}.txt").write_text(f"hwsim sweep {study.command}\n\n{table}\n")


def errors(name: str) -> dict[str, dict[float, list[float]]]:
    """Read a study's table: by key and value, the error of every result [%]."""
    with (HERE / f"{name}.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    by_value: dict[str, dict[float, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        for key, value in row.items():
            if key.startswith(("variation.", "device.levels")) and value:  # of keys that vary one at a time, the others have none
                by_value[key][float(value)].append(100 * float(row["test_error"]))
    return by_value


def draw(name: str, labels: tuple[str, str]) -> None:
    """Draw training on the chip and transfer to it, a panel a key."""
    both = [errors(f"{name}-{mode}") for mode in ("train", "transfer")]
    keys = list(both[0])
    columns = min(4, len(keys))
    rows = -(-len(keys) // columns)
    figure = Figure(figsize=(2.9 * columns + 0.6, 2.5 * rows + 0.6), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for panel, key in zip(panels.ravel(), keys, strict=False):
        for errors_by_value, label, color in zip(both, labels, ("C0", "C3"), strict=True):
            at = sorted(errors_by_value[key])
            values = [np.array(errors_by_value[key][x]) for x in at]
            panel.plot(at, [v.mean() for v in values], color=color, marker="o", markersize=3, label=label)
            panel.fill_between(at, [v.min() for v in values], [v.max() for v in values], color=color, alpha=0.2, linewidth=0)
        panel.set(xlabel=key, yscale="log")
        panel.set_yticks([2, 5, 10, 20, 50, 90], ["2", "5", "10", "20", "50", "90"])
        panel.minorticks_off()
        panel.grid(visible=True, alpha=0.3)
    for panel in panels[:, 0]:
        panel.set_ylabel("test error [%]")
    panels[0, 0].legend(fontsize=7)
    figure.suptitle("Digits: mean over chips; bands from the best to the worst chip", fontsize=10)
    figure.savefig(HERE / f"{name}.png", metadata={"Software": None})


def draw_levels() -> None:
    """Draw the error over the number of levels: trained with them, on chips as designed and on others, or rounded afterwards."""
    figure = Figure(figsize=(5.2, 3.4), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for (name, label), color in zip(LEVEL_CURVES.items(), ("C0", "C1", "C3"), strict=True):
        by_level = errors(name)["device.levels"]
        at = sorted(by_level)
        values = [np.array(by_level[k]) for k in at]
        axes.plot(at, [v.mean() for v in values], color=color, marker="o", markersize=3, label=label)
        axes.fill_between(at, [v.min() for v in values], [v.max() for v in values], color=color, alpha=0.2, linewidth=0)
    axes.set(xlabel="levels of a device", ylabel="test error [%]", xscale="log", yscale="log")
    axes.set_xticks([2, 3, 4, 8, 16, 32, 64], ["2", "3", "4", "8", "16", "32", "64"])
    axes.set_yticks([2, 5, 10, 20, 50], ["2", "5", "10", "20", "50"])
    axes.minorticks_off()
    axes.grid(visible=True, alpha=0.3)
    axes.legend(fontsize=7)
    figure.savefig(HERE / "levels.png", metadata={"Software": None})


def main(names: list[str]) -> None:
    """Make the studies of these names, or all."""
    for study in STUDIES:
        if not names or study.name in names:
            make(study)
    for name, labels in PAIRS.items():
        if all((HERE / f"{name}-{mode}.csv").exists() for mode in ("train", "transfer")):
            draw(name, labels)
    if all((HERE / f"{name}.csv").exists() for name in LEVEL_CURVES):
        draw_levels()


if __name__ == "__main__":
    main(sys.argv[1:])

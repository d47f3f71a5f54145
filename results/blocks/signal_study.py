"""How wide layers, gains, conductances and nudges may be for a chain to learn from what instruments of some noise read.

    python results/blocks/signal_study.py [SETTING ...]

trains the zoo's ff-digits with each setting, at each read noise, and writes results/blocks/signal.json: the displacement at each crossbar's
columns, and the error of a fifth of the training set, which is held out; what is in the file already is kept. Without names it draws
results/figures/signal.png too, and prints the table of results/blocks.md.
"""

import json
import sys
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
from column_signal import U, signals
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from hwsim.experiment.experiment import Experiment
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import override
from hwsim.files import atomic
from hwsim.session import Session

HERE = Path(__file__).parent
OUT, PICTURE = HERE / "signal.json", HERE.parent / "figures" / "signal.png"

BASE = ["data.validation=0.2", "data.denoise=0.0", "training.loss.v_softmax=0.1", "training.epochs=40"]
"""What of the zoo's file is fixed for all settings, next to what `first_crossbars` sets."""

NOISES = (0.0, 1e-5, 1e-4, 1e-3)
"""Of every reading, standard deviation [V]."""

SEEDS = (0, 1)

ENDS = (0, 2)
"""The blocks that are circuits."""


def both(*settings: str) -> list[str]:
    """Return settings of both circuits."""
    return [f"blocks[{k}].{setting}" for k in ENDS for setting in settings]


def widths(hidden: int, between: int) -> list[str]:
    """Return other numbers of nodes."""
    return [*both(f"circuit.layers[0].size={hidden}"), f"blocks[0].circuit.outputs={between}", f"blocks[2].circuit.inputs={between}"]


def amplifier(gain: float, back: float) -> list[str]:
    """Return another amplifier."""
    return both(f"circuit.layers[0].amplifier.gain={gain}", f"circuit.layers[0].amplifier.back={back}")


def first_crossbars(factor: float) -> list[str]:
    """Return conductances, initial ones and rates of the crossbars at a circuit's inputs that are larger by a factor."""
    ranges = [f"circuit.g_min=[{1e-7 * factor:g}, 1e-7]", f"circuit.g_max=[{1e-4 * factor:g}, 1e-4]"]
    return both(*ranges, f"g_init=[[{1e-6 * factor:g}, {2e-5 * factor:g}], [1e-6, 2e-5]]", f"rate=[{5e-7 * factor:g}, 5e-7]")


def nudge(u: float) -> list[str]:
    """Return another nudge [V]."""
    return both("nudge.kind=volts", f"nudge.u={u}")


SETTINGS: dict[str, tuple[str, list[str], float]] = {
    "as it is": ("as it is: 64-30-12, 12-30-10", [], U),
    "four times as wide": ("four times as wide: 64-120-48, 48-120-10", widths(120, 48), U),
    "gain 1": ("gain 1, back 1", amplifier(1, 1), U),
    "gain 16": ("gain 16, back 1/16", amplifier(16, 0.0625), U),
    "back 1": ("gain 4, back 1", amplifier(4, 1), U),
    "first tenth": ("first crossbars: a tenth of the conductances", first_crossbars(0.1), U),
    "1 mV": ("nudge 1 mV", nudge(0.001), 0.001),
    "30 mV": ("nudge 30 mV", nudge(0.03), 0.03),
    "100 mV": ("nudge 100 mV", nudge(0.1), 0.1),
}
"""By a short name: what it is, what it sets, and how far nudges move outputs [V]."""


def trained(experiment: Experiment, u: float | None) -> dict[str, Any]:
    """Train, and return the error, and the signal at the nodes for nudges of u [V]."""
    session = Session.of(experiment)
    with session.training_solver() as solver:
        trainer = session.trainer(solver)
        (last,) = deque(trainer.run(trainer.begin()), maxlen=1)
        g = trainer.g(last.state)
    with session.solver() as solver:
        error = session.evaluate(solver, g, session.data.x_test, session.task.test).error
    return {"error": error} | ({} if u is None else {"signals": [signal._asdict() for signal in signals(session, g, u)]})


def measure(name: str) -> None:
    """Measure what is missing of a setting."""
    _, settings, u = SETTINGS[name]
    for noise in NOISES:
        for seed in SEEDS:
            key = f"{noise:g} V, seed {seed}"
            rows = json.loads(OUT.read_text(encoding="utf-8")) if OUT.exists() else {}
            if key in rows.get(name, {}):
                continue
            changed = [*BASE, *first_crossbars(1.0), f"noise.read_floor={noise}", f"training.seed={seed}", *settings]
            row = trained(override(load("ff-digits"), changed), None if noise or seed else u)
            rows = json.loads(OUT.read_text(encoding="utf-8")) if OUT.exists() else {}
            rows.setdefault(name, {})[key] = row
            atomic.write(OUT, json.dumps(rows, indent=1) + "\n")


def weakest(row: dict[str, Any]) -> dict[str, Any]:
    """Return the crossbar's columns of a chain that move least."""
    columns = [signal for signal in row["0 V, seed 0"]["signals"] if signal["rows"]]
    least: dict[str, Any] = min(columns, key=lambda signal: signal["displaced"])
    return least


def error(row: dict[str, Any], noise: float) -> float:
    """Return the mean error of seeds at a read noise [%]."""
    return 100 * float(np.mean([row[f"{noise:g} V, seed {seed}"]["error"] for seed in SEEDS]))


def table(rows: dict[str, Any]) -> str:
    """Return a table in Markdown: the displacements at each crossbar's columns, and the error at each noise."""
    groups = [signal["group"] for signal in rows["as it is"]["0 V, seed 0"]["signals"] if signal["rows"]]
    heads = ["setting", *(f"`{group}`, µV" for group in groups), *(f"{1e6 * noise:g} µV" for noise in NOISES)]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for name, (what, _, _) in SETTINGS.items():
        displaced = [signal["displaced"] for signal in rows[name]["0 V, seed 0"]["signals"] if signal["rows"]]
        cells = [f"{1e6 * v:.3g}" for v in displaced] + [f"{error(rows[name], noise):.1f}" for noise in NOISES]
        lines.append("| " + " | ".join([what, *cells]) + " |")
    return "\n".join(lines)


def draw(rows: dict[str, Any]) -> None:
    """Draw what read noise adds to the error, over noise by the displacement where it is least."""
    figure = Figure(figsize=(6.8, 3.6), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for k, (name, (what, _, _)) in enumerate(SETTINGS.items()):
        displaced = weakest(rows[name])["displaced"]
        over = [noise / displaced for noise in NOISES[1:]]
        axes.plot(
            over, [error(rows[name], noise) for noise in NOISES[1:]], color=f"C{k % 10}", marker="os^"[k // 5], markersize=4, label=what
        )
    axes.set(xscale="log", yscale="log", ylabel="validation error [%]")
    axes.set_xlabel("read noise over the least displacement of columns, rms")
    axes.set_yticks([2, 3, 5, 10, 20, 50, 90], ["2", "3", "5", "10", "20", "50", "90"])
    axes.minorticks_off()
    axes.grid(visible=True, alpha=0.3)
    axes.legend(fontsize=6, loc="center left", bbox_to_anchor=(1.0, 0.5))
    figure.savefig(PICTURE, metadata={"Software": None})


def main(names: list[str]) -> None:
    """Measure settings of these names, or all, with the table and the picture."""
    for name in names or SETTINGS:
        measure(name)
    if not names:
        rows = json.loads(OUT.read_text(encoding="utf-8"))
        draw(rows)
        sys.stdout.write(table(rows) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])

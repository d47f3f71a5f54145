"""Imports digits perceptrons of scikit-learn and fine-tunes them: `python results/imported.py`; it writes imported.json and imported.md.

With `table` as an argument it only writes imported.md, of the folds that imported.json has.
"""

import json
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.neural_network import MLPClassifier

import hwsim as hw
from hwsim.data.loading import fold_numbers
from hwsim.sweep.folds import corrected

HERE = Path(__file__).parent
KEPT = HERE / "imported.json"
FOLDS, REPEATS, EPOCHS, SOLVED = 5, 2, 3, 20
CHIP = {"variation.gain": 0.05, "variation.back": 0.05, "variation.rails": 0.01, "variation.diode_i_sat": 0.3, "variation.stuck": 0.01}

HEAD = """\
# Imported perceptrons

A perceptron of scikit-learn, 64-32-10 with tanh (`MLPClassifier((32,), activation="tanh")`, pixels from 0 to 1), is trained on four fifths
of the 1,797 digits and imported: twin columns, diode pairs, amplifiers that return a hundredth. Error on the other fifth, over {repeats}
repeats of {folds} folds, with its 95 % interval, corrected for the samples that folds share (Nadeau and Bengio 2003). Each repeat has its
own folds and its own initial weights, and each fold its own chip. Rails and gains are fitted to the training set's pre-activations;
fine-tuning has the import's defaults, whose rate is scikit-learn's for weights of 1.

| | error, % | above the perceptron's, points | same answers, % |
|---|---|---|---|
"""

FOOT = """
The chip's spreads: {chip}. The errors on chips before
fine-tuning are from {least:.1f} to {most:.1f} %. Fine-tuning is equilibrium propagation on the training set, {epochs} epochs.
The numeric engine and ngspice differ by at most {volts:.1g} V at the outputs of {solved} test samples of each fold, of which the largest
are 0.1 V; rails and gains fit tanh within {fit:.1f} % (root mean square).

`python results/imported.py` makes all of it again; `imported.json` holds each fold.
"""

ROWS = {
    "perceptron": "the perceptron",
    "circuit": "the circuit, imported",
    "tuned": f"… after {EPOCHS} epochs",
    "chip": "on a chip with spreads",
    "chip_tuned": f"… after {EPOCHS} epochs",
}


def fold(seed: int, number: int) -> dict[str, Any]:
    """Train, import and fine-tune on one fold."""
    x, y = hw.dataset("digits")
    x = x / 16
    tested = fold_numbers(np.unique(y, return_inverse=True)[1], FOLDS, seed) == number
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its 200 epochs end before its own criterion
        perceptron = MLPClassifier((32,), activation="tanh", random_state=seed).fit(x[~tested], y[~tested])
    model = hw.from_sklearn(perceptron, x[~tested], y[~tested], test=(x[tested], y[tested]))
    chip = model.on_chip(1 + FOLDS * seed + number, CHIP)
    some = model.session.data.x_test[:SOLVED]
    outputs = [hw.solve(model, some, engine=engine).outputs for engine in ("numeric", "ngspice")]
    models = {"circuit": model, "tuned": model.fine_tuned(EPOCHS), "chip": chip, "chip_tuned": chip.fine_tuned(EPOCHS)}
    agreements = {name: one.agreement() for name, one in models.items()}
    return {
        "seed": seed,
        "fold": number,
        "errors": {"perceptron": agreements["circuit"].original_error} | {name: one.error for name, one in agreements.items()},
        "answers": {name: one.answers for name, one in agreements.items()},
        "engines_max_dv": float(np.abs(outputs[0] - outputs[1]).max()),
        "fit_error": model.mapped.layers[0].fit.error,
    }


def table(folds: list[Mapping[str, Any]]) -> str:
    """Write the page of the folds that there are."""
    lines = []
    for name, title in ROWS.items():
        errors = [100 * one["errors"][name] for one in folds]
        above = [error - 100 * one["errors"]["perceptron"] for error, one in zip(errors, folds, strict=True)]
        answers = f"{100 * np.mean([one['answers'][name] for one in folds]):.2f}" if name != "perceptron" else ""
        cells = [_interval(errors), _interval(above) if answers else "", answers]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    spreads = ", ".join(f"{key.partition('.')[2]} {value:g}" for key, value in CHIP.items())
    volts, fit = (max(one[key] for one in folds) for key in ("engines_max_dv", "fit_error"))
    repeats = len({one["seed"] for one in folds})
    on_chips = [100 * one["errors"]["chip"] for one in folds]
    ends = {"least": min(on_chips), "most": max(on_chips)}
    head = HEAD.format(repeats=repeats, folds=FOLDS)
    return head + "\n".join(lines) + "\n" + FOOT.format(chip=spreads, epochs=EPOCHS, volts=volts, solved=SOLVED, fit=100 * fit, **ends)


def _interval(values: list[float]) -> str:
    mean, (low, high) = corrected(values, 1 / (FOLDS - 1))
    return f"{mean:.2f} ({low:.2f} to {high:.2f})"


def main(arguments: list[str]) -> None:
    """Make the folds that are missing, and the page."""
    folds = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else []
    done = {(one["seed"], one["fold"]) for one in folds}
    for seed, number in () if arguments == ["table"] else np.ndindex(REPEATS, FOLDS):
        if (seed, number) not in done:
            folds.append(fold(seed, number))
            KEPT.write_text(json.dumps(folds, indent=1) + "\n", encoding="utf-8")
    (HERE / "imported.md").write_text(table(folds), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])

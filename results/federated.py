"""Reservoirs on different chips in company: what a shared read-out, one learnt on each chip, and answers of peers are worth.

python results/federated.py MISMATCH   # NARMA10 on five chips whose conductances have this relative spread, three series
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from reservoirs import kept, states

from hwsim.data.sources import read
from hwsim.reservoir.ridge import RidgeReadout, nrmse
from hwsim.reservoir.ridge_sums import StateSums, added, parted, solved
from hwsim.settings.sections import DataSettings

FILE = Path(__file__).with_suffix(".json")
TASK, CHIPS, SEEDS = "narma10", range(1, 6), range(3)
WASHOUT, EACH, FEW, COMMON, TESTED = 200, 500, 100, 1000, 1000
"""Rows: before any sample; of a chip, with labels; few of these; those without labels that all chips see; and the test set."""

SHARED = slice(WASHOUT + EACH * len(CHIPS), WASHOUT + EACH * len(CHIPS) + COMMON)
TEST = slice(SHARED.stop, SHARED.stop + TESTED)


def labelled(place: int, count: int = EACH) -> slice:
    """Return the rows that a chip has labels of, one chip's behind the other's."""
    first = WASHOUT + EACH * place
    return slice(first, first + count)


def series(seed: int) -> tuple[Any, Any]:
    """Return inputs, standardised by the rows before the common ones, and targets."""
    samples = read(TASK, DataSettings(name=TASK, task="regression", length=TEST.stop, seed=seed))
    begin = samples.x[: SHARED.start].astype(float)
    return (samples.x - begin.mean(axis=0)) / begin.std(axis=0), samples.y


def errors(seed: int, mismatch: float) -> dict[str, list[float]]:
    """Return the test error of each chip, by what its read-out has learnt from."""
    (x, y), how = series(seed), kept()[f"search {TASK} clocked 200"]["settings"]
    chips = [states("clocked", x, how, seed, chip, mismatch) for chip in CHIPS]
    parts = [parted(v[labelled(k)], y[labelled(k)], None) for k, v in enumerate(chips)]
    shared = solved(added([first for first, _ in parts]), added([last for _, last in parts]), None)
    alone = [RidgeReadout.fit(v[labelled(k)], y[labelled(k)]) for k, v in enumerate(chips)]
    every = slice(WASHOUT, SHARED.start)
    measured: dict[str, list[float]] = {
        "sums of all": [_error(shared(v[TEST]), y) for v in chips],
        "sums of the other four": [_error(_without(parts, k)(v[TEST]), y) for k, v in enumerate(chips)],
        "its own rows": [_error(read_out(v[TEST]), y) for read_out, v in zip(alone, chips, strict=True)],
        "all rows, on the chip": [_error(RidgeReadout.fit(v[every], y[every])(v[TEST]), y) for v in chips],
        "mean of all chips' answers": [_error(np.mean([one(v[TEST]) for one, v in zip(alone, chips, strict=True)], axis=0), y)],
    }
    for name in ("few labels", "few labels, and answers of peers", "answers of peers themselves", "few labels, and common ones"):
        measured[name] = []
    for k, v in enumerate(chips):
        few, peers = labelled(k, FEW), [place for place in range(len(chips)) if place != k]
        answered = {part.start: np.mean([alone[place](chips[place][part]) for place in peers], axis=0) for part in (SHARED, TEST)}
        both = np.concatenate([v[SHARED], v[few]])
        measured["few labels"].append(_error(RidgeReadout.fit(v[few], y[few])(v[TEST]), y))
        for name, common in (("few labels, and answers of peers", answered[SHARED.start]), ("few labels, and common ones", y[SHARED])):
            measured[name].append(_error(RidgeReadout.fit(both, np.concatenate([common, y[few]]))(v[TEST]), y))
        measured["answers of peers themselves"].append(_error(answered[TEST.start], y))
    return measured


def _error(answers: Any, y: Any) -> float:
    return float(nrmse(answers, y[TEST])[0])


def _without(parts: list[tuple[StateSums, StateSums]], k: int) -> RidgeReadout:
    """Return the read-out of the sums of all chips but one."""
    firsts, lasts = zip(*(part for place, part in enumerate(parts) if place != k), strict=True)
    return solved(added(firsts), added(lasts), None)


def measure(mismatch: float) -> None:
    """Measure, print and keep what comes of a mismatch."""
    of_seeds, results = [errors(seed, mismatch) for seed in SEEDS], dict[str, Any]()
    for name in of_seeds[0]:
        every = np.array([of_seed[name] for of_seed in of_seeds])
        results[name] = {"mean": every.mean(), "least": every.min(), "most": every.max(), "each": every.tolist()}
        sys.stdout.write(f"{mismatch:5} {name:40} {every.mean():.3f} ({every.min():.3f} to {every.max():.3f})\n")
    before = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    FILE.write_text(json.dumps(before | {f"mismatch {mismatch}": results}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    match sys.argv[1:]:
        case [number]:
            measure(float(number))
        case _:
            sys.exit(__doc__)

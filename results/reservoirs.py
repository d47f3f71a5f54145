"""Reservoirs in numbers: clocked circuits next to tanh networks of equal size and search, on chips, and with noise.

python results/reservoirs.py search TASK WHAT   # random search on validation data; WHAT is clocked or tanh
python results/reservoirs.py refine TASK WHAT   # then settings near the best ones so far, and other draws of the circuit
python results/reservoirs.py TASK               # both on five sets of data, with the settings that the searches chose
python results/reservoirs.py chips              # read-outs learnt elsewhere, and on the chip
python results/reservoirs.py reservoirpy        # the tanh network next to reservoirpy's, where that is installed
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from hwsim.data.sources import read
from hwsim.reservoir.reservoir import Reservoir
from hwsim.reservoir.ridge import RidgeReadout, nrmse
from hwsim.settings.reservoir_settings import ReservoirSettings
from hwsim.settings.sections import DataSettings
from hwsim.settings.variation_settings import VariationSettings

FILE = Path(__file__).with_suffix(".json")
WASHOUT, LEARNED, TESTED = 200, 2000, 1000
VALIDATED = 500
"""Rows at the end of those to learn from on which settings are chosen."""

SEARCHED, SEEDS = 100, range(5)
"""The data.seed of the search, which no test has, and those of the tests. The laser has none, and is tested behind its training set."""

NOISE = 2e-5
"""V, of each state of the circuit: kT/C of 10 pF. Those of the tanh network are noisy by 4e-4 of their spread, as those of the circuit."""

DRAWS = {"narma10": 30, "mackey-glass": 12, "laser": 240}

REFINED = 150
"""Settings that are tried near the best ones."""

VOLTS = 3.0
"""V of an input, and of the bias, that stand for 1 at the tanh network: weights of a column are shares of all of its conductances, about a
tenth, and its clamp bends at about 0.3 V."""


def series(task: str, seed: int) -> Any:
    """Return standardised inputs and targets, by the training set alone."""
    length = WASHOUT + LEARNED + TESTED
    keys: dict[str, Any] = {} if task == "laser" else {"seed": seed}
    samples = read(task, DataSettings(name=task, task="regression", length=length, **keys))
    begin = samples.x[: WASHOUT + LEARNED].astype(float)
    return (samples.x - begin.mean(axis=0)) / begin.std(axis=0), samples.y


def drawn(task: str, nodes: int, count: int) -> list[dict[str, Any]]:
    """Draw settings; the same ones for circuits and networks, as far as both have them."""
    rng, leaks = np.random.default_rng(5), (1.0,) if task.startswith("narma") else (1.0, 0.8, 0.6, 0.4, 0.3, 0.2)
    return [
        {
            "nodes": nodes,
            "spectral_radius": float(rng.uniform(0.8, 1.15)),
            "leak": float(rng.choice(leaks)),
            "input_scale": float(10 ** rng.uniform(-1.7, 0.3)),
            "bias": float(rng.uniform(0, 1)),
            "seed": int(rng.integers(1000)),
        }
        for _ in range(count)
    ]


def tanh_states(x: Any, how: dict[str, Any], seed: int) -> Any:
    """Return the noisy states of h ← (1 − a)·h + a·tanh(W·h + W_in·x + b), drawn as the circuit is."""
    rng, nodes = np.random.default_rng(how["seed"]), how["nodes"]
    w = np.zeros((nodes, nodes))
    for row in w:
        row[rng.choice(nodes, 8, replace=False)] = rng.uniform(-1, 1, 8)
    w *= how["spectral_radius"] / np.abs(np.linalg.eigvals(w)).max()
    entering, bias = how["input_scale"] * rng.uniform(-1, 1, (nodes, x.shape[1])), how["bias"] * rng.uniform(-1, 1, nodes)
    h, a, states = np.zeros(nodes), how["leak"], np.empty((len(x), nodes))
    for t, u in enumerate(x):
        h = (1 - a) * h + a * np.tanh(w @ h + entering @ u + bias)
        states[t] = h
    return states + 4e-4 * states.std() * np.random.default_rng(seed).standard_normal(states.shape)


def states(what: str, x: Any, how: dict[str, Any], seed: int, chip: int = 0, mismatch: float = 0.0) -> Any:
    """Return what a read-out gets, of all rows."""
    if what == "tanh":
        return tanh_states(x, how, seed)
    volts = {"input_scale": VOLTS * how["input_scale"], "bias": 1.0, "v_bias": VOLTS * how["bias"]}
    settings = ReservoirSettings(i_sat=1e-6, g_low=1e-8, noise=NOISE, mismatch=mismatch, **how | volts)
    return Reservoir(settings, x.shape[1], VariationSettings(chip=chip)).states(x[None], f"results/{seed}")[0]


def learnt(v: Any, y: Any, last: int) -> RidgeReadout:
    """Learn from the rows behind the washout, up to a last one."""
    return RidgeReadout.fit(v[WASHOUT:last], y[WASHOUT:last])


def search(task: str, what: str, nodes: int = 200) -> None:
    """Choose settings on the end of the training set of one set of data, and keep them."""
    x, y = (part[: WASHOUT + LEARNED] for part in series(task, SEARCHED))
    last, errors = len(x) - VALIDATED, []
    for how in drawn(task, nodes, DRAWS[task]):
        v = states(what, x, how, SEARCHED)
        errors.append((float(nrmse(learnt(v, y, last)(v[last:]), y[last:])[0]), how))
        sys.stdout.write(f"{errors[-1][0]:.4f} {how}\n")
    best = min(errors, key=lambda one: one[0])
    keep(f"search {task} {what} {nodes}", {"draws": len(errors), "validation": best[0], "settings": best[1]})


def refine(task: str, what: str, nodes: int = 200) -> None:
    """Move on from the settings that were chosen, by steps that shrink, wherever the same validation rows are foretold better."""
    name = f"search {task} {what} {nodes}"
    x, y = (part[: WASHOUT + LEARNED] for part in series(task, SEARCHED))
    last, best, rng = len(x) - VALIDATED, kept()[name], np.random.default_rng(6)
    for k in range(REFINED):
        step, how = 0.3 * 0.98**k, dict(best["settings"])
        how |= {key: float(how[key] * np.exp(step * rng.standard_normal())) for key in ("spectral_radius", "input_scale", "bias")}
        how |= {"leak": min(1.0, float(how["leak"] * np.exp(0.3 * step * rng.standard_normal()))), "seed": int(rng.integers(1000))}
        v = states(what, x, how, SEARCHED)
        error = float(nrmse(learnt(v, y, last)(v[last:]), y[last:])[0])
        if error < best["validation"]:
            best = best | {"validation": error, "settings": how}
            sys.stdout.write(f"{k} {error:.4f} {how}\n")
    keep(name, best | {"refined": REFINED})


def compare(task: str, nodes: int = 200) -> None:
    """Test the settings that were chosen, on data that no search has seen."""
    for what in ("clocked", "tanh"):
        chosen = kept().get(f"search {task} {what} {nodes}")
        if chosen is None:
            continue
        errors = []
        for seed in SEEDS if task != "laser" else [0]:
            x, y = series(task, seed)
            v, last = states(what, x, chosen["settings"], seed), WASHOUT + LEARNED
            errors.append(float(nrmse(learnt(v, y, last)(v[last:]), y[last:])[0]))
        keep(f"{task} {what} {nodes}", {"nrmse": errors, "mean": float(np.mean(errors)), "nmse": float(np.mean(np.square(errors)))})
    x, y = series(task, 0)
    last = WASHOUT + LEARNED
    keep(f"{task} inputs alone", {"nrmse": float(nrmse(learnt(x, y, last)(x[last:]), y[last:])[0])})


def chips(task: str = "narma10", nodes: int = 200, mismatch: float = 0.02) -> None:
    """Test read-outs of the design on chips with mismatch, and read-outs that learn there."""
    how, last = kept()[f"search {task} clocked {nodes}"]["settings"], WASHOUT + LEARNED
    x, y = series(task, 0)
    nominal = learnt(states("clocked", x, how, 0), y, last)
    elsewhere, there = [], []
    for chip in range(1, 6):
        v = states("clocked", x, how, 0, chip, mismatch)
        for errors, read_out in ((elsewhere, nominal), (there, learnt(v, y, last))):
            errors.append(float(nrmse(read_out(v[last:]), y[last:])[0]))
    keep(f"{task} chips", {"mismatch": mismatch, "learnt elsewhere": elsewhere, "learnt on the chip": there})


def against_reservoirpy(task: str = "narma10", nodes: int = 200) -> None:
    """Run reservoirpy's network with our weights and without noise."""
    from reservoirpy.nodes import Reservoir as Other  # noqa: PLC0415 - no dependency

    how, last = kept()[f"search {task} tanh {nodes}"]["settings"], WASHOUT + LEARNED
    x, y = series(task, 0)
    rng = np.random.default_rng(how["seed"])
    w = np.zeros((nodes, nodes))
    for row in w:
        row[rng.choice(nodes, 8, replace=False)] = rng.uniform(-1, 1, 8)
    w *= how["spectral_radius"] / np.abs(np.linalg.eigvals(w)).max()
    entering, bias = how["input_scale"] * rng.uniform(-1, 1, (nodes, x.shape[1])), how["bias"] * rng.uniform(-1, 1, nodes)
    theirs = np.asarray(Other(W=w, Win=entering, bias=bias, lr=how["leak"], input_scaling=1.0).run(x))
    theirs = theirs + 4e-4 * theirs.std() * np.random.default_rng(0).standard_normal(theirs.shape)
    each = {"ours": tanh_states(x, how, 0), "reservoirpy": theirs}
    errors = {name: float(nrmse(learnt(v, y, last)(v[last:]), y[last:])[0]) for name, v in each.items()}
    keep(f"{task} reservoirpy", errors | {"states apart": float(np.abs(each["ours"] - theirs).max())})


def kept() -> dict[str, Any]:
    """Return the results so far."""
    return json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}  # type: ignore[no-any-return] # JSON is untyped


def keep(name: str, result: dict[str, Any]) -> None:
    """Keep a result, and print it."""
    FILE.write_text(json.dumps(dict(sorted((kept() | {name: result}).items())), indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(f"{name} {result}\n")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["search", task, what]:
            search(task, what)
        case ["refine", task, what]:
            refine(task, what)
        case ["chips"]:
            chips()
        case ["reservoirpy"]:
            against_reservoirpy()
        case [task]:
            compare(task)
        case _:
            sys.exit(__doc__)

"""Torture of the numeric engine: random circuits at the extremes, each answer judged by exact.py.

    python tests/torture/numeric.py --structures 40 --chips 2500

A right answer lies within what the engine promises, a reported failure is honest; anything else is a wrong answer, is printed, and fails.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.constants import V_T
from circuits.elements import Amplifiers, Diodes, VoltageSources
from circuits.network import Amplifier, Layer, Network
from circuits.neurons import DeadZone, DiodePair, IdealPair, IdealRectifier, Linear, Rectifier
from hwsim.engine import Push, Result
from hwsim.numeric.chips import Chips
from hwsim.numeric.engine import NumericEngine, Precision
from torture.exact import Exact, Verdict

NEURONS = (DiodePair(), Rectifier(), Linear(), DeadZone(), IdealPair(), IdealRectifier())
LEAST, MOST = 1e-12, 1.0
"""S; what conductances lie between: 12 orders of magnitude."""

PROMISED = {"float64": 1e-10, "float32": 1.2e-3}
"""How far off a settled voltage may be, as a share of the circuit's largest: a thousand tolerances."""


@dataclass(frozen=True)
class Case:
    """One circuit with all its numbers, and what it is asked."""

    chip: Chip
    g: dict[str, np.ndarray]
    x: np.ndarray
    beta: float
    target: np.ndarray


def network(rng: np.random.Generator, depth: int) -> Network:
    """Draw a network of `depth` crossbars."""
    layers = tuple(
        Layer(
            size=int(rng.integers(1, 7)),
            neuron=NEURONS[rng.choice(len(NEURONS), p=(0.4, 0.15, 0.1, 0.15, 0.1, 0.1))],
            amplifier=Amplifier() if rng.random() < 0.7 else None,
        )
        for _ in range(depth - 1)
    )
    return Network(
        inputs=int(rng.integers(1, 6)),
        layers=layers,
        outputs=int(rng.integers(1, 5)),
        differential=bool(rng.random() < 0.7),
        signed_inputs=bool(rng.random() < 0.7),
        bias=bool(rng.random() < 0.7),
        g_min=LEAST,
        g_max=MOST,
    )


def case(rng: np.random.Generator, circuit: Circuit) -> Case:
    """Draw the numbers of a circuit: half of the cases wild in everything, half in one thing only."""
    wild = {what for what in ("g", "diodes", "gains", "x", "rails") if rng.random() < 0.5} or {"g"}
    values: dict[str, dict[str, np.ndarray]] = {}
    for element in circuit.elements:
        n = len(element)
        if isinstance(element, Diodes) and "diodes" in wild:
            values[element.name] = {"i_sat": _decades(rng, -18, -3, n), "n": _decades(rng, -3.3, -2.3, n) / V_T}
        if isinstance(element, Amplifiers) and "gains" in wild:
            values[element.name] = {"gain": _decades(rng, -1, 2, n), "back": _decades(rng, -2, 1, n), "offset": rng.normal(0, 0.05, n)}
        if isinstance(element, VoltageSources) and element.name != "v_bias" and "rails" in wild:
            values[element.name] = {"v": np.asarray(element.v) + rng.normal(0, 0.02, n)}
    g = {element.name: _conductances(rng, element.shape, wild="g" in wild) for element in circuit.trainable}
    size = 10 ** rng.uniform(-6, 3) if "x" in wild else 1.0
    beta = float(rng.choice([0.0, 1.0, -1.0]) * 10 ** rng.uniform(-9, -3))
    x, target = rng.uniform(-size, size, circuit.input_count), rng.uniform(-1, 1, len(circuit.outputs))
    return Case(Chip(circuit, values), g, x, beta, target)


def _decades(rng: np.random.Generator, low: float, high: float, count: int) -> np.ndarray:
    return 10 ** rng.uniform(low, high, count)


def _conductances(rng: np.random.Generator, shape: tuple[int, int], *, wild: bool) -> np.ndarray:
    """Draw conductances [S] over all decades or a few; wild ones have rows at the least and single ones stuck at the most."""
    if not wild:
        return 10 ** rng.uniform(-7, -5, shape)
    g = 10 ** rng.uniform(-12, 0, shape)
    g[rng.random(shape[0]) < 0.1] = LEAST
    g[rng.random(shape) < 0.05] = MOST
    return np.clip(g, LEAST, MOST)


def structures(seed: int, count: int) -> Iterator[Circuit]:
    """Draw circuits of 1 to 8 crossbars, shallow ones more often."""
    rng = np.random.default_rng(seed)
    for k in range(count):
        depth = 1 + k % 8 if k < 8 else int(rng.choice([1, 2, 3, 4], p=[0.1, 0.4, 0.3, 0.2]))
        yield network(rng, depth).compile(f"torture-{seed}-{k}")


def torture(circuit: Circuit, rng: np.random.Generator, count: int, precision: Precision) -> tuple[Counter[str], list[str]]:
    """Solve `count` cases of a circuit side by side and judge each; gives how many came to what, and the wrong ones in words."""
    engine = NumericEngine(precision=precision, max_steps=400)
    cases = [case(rng, circuit) for _ in range(count)]
    chips = Chips([engine.prepare(circuit, one.chip) for one in cases])
    push = Push(np.array([one.beta for one in cases]), np.array([[one.target] for one in cases]), 0.0)
    found = chips.solve([one.g for one in cases], np.array([[one.x] for one in cases]), push)
    tally: Counter[str] = Counter()
    wrong = []
    for k, one in enumerate(cases):
        code = Result(int(found.result[k, 0]))
        if code != Result.CONVERGED:
            tally[f"reported: {code.name.lower()}"] += 1
            continue
        v = np.zeros(circuit.size + 1)
        for group in circuit.groups:
            if group.name in found.v:
                v[group.nodes] = found.v[group.name][k, 0]
        verdict = Exact(circuit, one.chip, one.g, float(np.finfo(precision).eps)).judge(v, one.x, one.beta, one.target)
        word = judged(verdict, PROMISED[precision] * max(1e-3, float(np.abs(v).max())))
        tally[word] += 1
        if word != "right":
            wrong.append(
                f"{circuit.name} case {k} {precision}: {word}: off by {verdict.off:.3g} V of {np.abs(v).max():.3g} V, beta {one.beta:.3g}"
            )
    return tally, wrong


def judged(verdict: Verdict, allowed: float) -> str:
    """Put a verdict in a word."""
    if not verdict.told:
        return "untold"
    if verdict.off > allowed:
        return "wrong"
    return "right" if verdict.stable else "unstable"


def main() -> int:
    """Run as a command; exit code 1 where an answer was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--structures", type=int, default=40)
    parser.add_argument("--chips", type=int, default=2500, help="cases of each structure")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--precision", choices=["float64", "float32", "both"], default="both")
    options = parser.parse_args()
    total: Counter[str] = Counter()
    began = time.monotonic()
    for k, circuit in enumerate(structures(options.seed, options.structures)):
        precision = options.precision if options.precision != "both" else ("float32" if k % 4 == 3 else "float64")
        tally, wrong = torture(circuit, np.random.default_rng([options.seed, k]), options.chips, precision)
        total += tally
        print(f"{circuit.name} ({len(circuit.trainable)} crossbars, {precision}): {dict(tally)}", *wrong[:5], sep="\n  ", flush=True)  # noqa: T201 - a command prints
    print(json.dumps({"circuits": total.total(), **total, "seconds": round(time.monotonic() - began)}))  # noqa: T201
    return int(bool(total["wrong"] + total["unstable"] + total["untold"]))


if __name__ == "__main__":
    sys.path.insert(0, "tests")
    sys.exit(main())

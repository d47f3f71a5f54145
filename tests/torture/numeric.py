"""Torture of the numeric engine: random circuits at the extremes, each answer checked by exact.py, some next to ngspice's.

    python tests/torture/numeric.py --structures 48 --chips 2500 --ngspice 1000 --jobs 16

A right answer lies within what the engine promises, a reported failure is honest; anything else is a wrong answer, is printed, and fails.
Every sixth structure is solved in 32 bit.
"""

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

if __name__ in {"__main__", "__mp_main__"}:  # before anything loads JAX: each process has one thread, so that many share the cores well
    sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]
    os.environ |= {"NPROC": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false".strip()

import numpy as np

from circuits.circuit import Circuit
from hwsim.core.protocol import Push, Result
from hwsim.numeric.layered.chips import Chips
from hwsim.numeric.layered.layered_solver import Precision
from hwsim.numeric.numeric_engine import NumericEngine
from torture.exact import Exact, Verdict
from torture.extremes import Case, cases, structures
from torture.ngspice_comparison import compared_with_ngspice

PROMISED = {"float64": 1e-10, "float32": 1.2e-3}
"""How far off a settled voltage may be, as a share of the circuit's largest: a thousand tolerances."""


class Found(NamedTuple):
    """What came of the cases of a structure: how many of each word, the wrong ones, and the worst share that a right one was off."""

    tally: Counter[str]
    wrong: list[str]
    worst: float
    where: str


class Task(NamedTuple):
    """One structure, so many of its cases, and how many of these ngspice is asked too."""

    seed: int
    structure: int
    count: int
    precision: Precision
    ngspice: int

    def run(self) -> Found:
        """Draw the structure and its cases, solve and check."""
        circuit = structures(self.seed, self.structure + 1)[-1]
        return torture(circuit, cases(self.seed, self.structure, circuit, self.count), self.precision, self.ngspice)


def torture(circuit: Circuit, drawn: Sequence[Case], precision: Precision, ngspice: int = 0, *, newton: bool | None = None) -> Found:
    """Solve the cases of a circuit side by side and check each; also next to ngspice, `ngspice` of those that settled."""
    engine = NumericEngine(precision=precision, max_steps=400, newton=newton)
    chips = Chips([engine.prepare(circuit, one.chip) for one in drawn])
    push = Push(np.array([one.beta for one in drawn]), np.array([[one.target] for one in drawn]), 0.0)
    equilibrium = chips.solve([one.g for one in drawn], np.array([[one.x] for one in drawn]), push)
    tally, wrong, shares, right = Counter[str](), list[str](), dict[int, float](), dict[int, np.ndarray]()
    for k, one in enumerate(drawn):
        code = Result(int(equilibrium.result[k, 0]))
        if code != Result.CONVERGED:
            tally[f"reported: {code.name.lower()}"] += 1
            continue
        v = np.zeros(circuit.size + 1)
        for group in circuit.groups:
            v[group.nodes] = equilibrium.v[group.name][k, 0] if group.name in equilibrium.v else 0.0
        verdict = Exact(circuit, one.chip, one.g, float(np.finfo(precision).eps)).check(v, one.x, one.beta, one.target)
        largest = max(1e-3, float(np.abs(v).max()))
        word = in_a_word(verdict, PROMISED[precision] * largest)
        tally[word] += 1
        if word == "right":
            shares[k], right[k] = verdict.off / largest, v
        else:
            what = f"off by {verdict.off:.3g} V of {largest:.3g} V, beta {one.beta:.3g}"
            wrong.append(f"{circuit.name} case {k} {precision}: {word}: {what}")
    if ngspice and precision == "float64":
        asked, report = compared_with_ngspice(circuit, drawn, dict(list(right.items())[:ngspice]), PROMISED[precision])
        tally, wrong = tally + asked, wrong + report
    worst = max(shares, key=lambda k: shares[k], default=0)
    return Found(tally, wrong, shares.get(worst, 0.0), f"{circuit.name} case {worst} {precision}")


def in_a_word(verdict: Verdict, allowed: float) -> str:
    """Put a verdict in a word."""
    if not verdict.certain:
        return "unknown"
    if verdict.off > allowed:
        return "wrong"
    return "right" if verdict.stable else "unstable"


def main() -> int:
    """Run as a command; exit code 1 where an answer was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--structures", type=int, default=48)
    parser.add_argument("--chips", type=int, default=2500, help="cases of each structure")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--precision", choices=["float64", "float32", "both"], default="both")
    parser.add_argument("--ngspice", type=int, default=0, help="how many cases in all ngspice is asked too")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--out", type=Path, help="a file to write the totals to as well")
    options = parser.parse_args()
    drawn, tasks = structures(options.seed, options.structures), list[Task]()
    for k in sorted(range(options.structures), key=lambda k: -drawn[k].size):  # what takes longest begins first
        precision = options.precision if options.precision != "both" else ("float32" if k % 6 == 3 else "float64")
        tasks.append(Task(options.seed, k, options.chips, precision, -(-options.ngspice // options.structures)))
    total, wrong, began = {"float64": Counter[str](), "float32": Counter[str]()}, list[str](), time.monotonic()
    worst = {"float64": (0.0, ""), "float32": (0.0, "")}
    with ProcessPoolExecutor(options.jobs, multiprocessing.get_context("spawn")) as pool:
        waiting = {pool.submit(task.run): task for task in tasks}
        for future in as_completed(waiting):
            task, result = waiting[future], future.result()
            total[task.precision] += result.tally
            worst[task.precision] = max(worst[task.precision], (result.worst, result.where))
            wrong += result.wrong
            _say(f"torture-{task.seed}-{task.structure} ({task.precision}): {dict(result.tally)}", *result.wrong[:5])
    lines = [_totals(precision, total[precision], worst[precision]) for precision in total if total[precision]]
    lines.append(json.dumps({"seconds": round(time.monotonic() - began), "jobs": options.jobs, "wrong": wrong}))
    _say(*lines)
    if options.out:
        options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return int(bool(wrong))


def _totals(precision: str, tally: Counter[str], worst: tuple[float, str]) -> str:
    """Return the totals of a precision in a line."""
    tried = {word: count for word, count in tally.items() if not word.startswith("ngspice")}
    reported = sum(count for word, count in tried.items() if word.startswith("reported"))
    wrong = sum(tried.values()) - reported - tried.get("right", 0)
    farthest = {"share": worst[0], "of": worst[1], "promised": PROMISED[precision]}
    report = {"precision": precision, "tried": sum(tried.values()), "right": tried.get("right", 0), "reported": reported, "wrong": wrong}
    return json.dumps(report | {"farthest_right": farthest, **{word: count for word, count in tally.items() if word != "right"}})


def _say(*lines: str) -> None:
    sys.stdout.write("\n  ".join(lines) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

"""Writes circuits as decks and reads them again: the same circuit, the same conductances to the last digit, the same voltages.

    python tests/torture/round_trip.py --random 1000 --zoo

Random ones are networks whose numbers lie at the extremes, as in numeric.py, and circuits of every kind of element, read from the decks of
tests/support/decks.py. Decks with parts that ngspice alone solves are written as the user's own text; tests/foreign compares those.
Anything that differs is printed, and fails.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from circuits import zoo
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.elements import Elements
from hwsim.core.protocol import Drive, Result, Solver
from hwsim.experiment.loading import load
from hwsim.numeric.general.general_solver import GeneralEngine
from hwsim.numeric.numeric_engine import NumericEngine
from netlists.write.writer import write_deck
from support.decks import random_deck
from support.reading import parse
from torture.extremes import case, network

ALLOWED = 1e-12
"""V, or as a share of the largest voltage where that is more than 1 V."""


class Sample(NamedTuple):
    """A circuit, its conductances [S], and the features that its sources show."""

    circuit: Circuit
    g: dict[str, np.ndarray]
    x: np.ndarray


class Comparison(NamedTuple):
    """What differs between a circuit and the read-out of it (empty: nothing), and the largest difference of voltages (None: not solved)."""

    wrong: str
    apart: float | None


def _networks(rng: np.random.Generator, name: str) -> Sample:
    """Draw a network whose nominal values are those of a chip that has no two parts alike."""
    circuit = network(rng, int(rng.integers(1, 5))).compile(name)
    one = case(rng, circuit)
    ours = [replace(e, **{p: v for p, v in one.chip.values.get(e.name, {}).items() if hasattr(e, p)}) for e in circuit.elements]
    return Sample(replace(circuit, elements=tuple(ours)), one.g, one.x)


def randoms(seed: int, count: int) -> Iterator[Sample]:
    """Draw circuits, by turns a network and one of any elements that both engines solve, without the user's text."""
    rng = np.random.default_rng(seed)
    for k in range(count):
        if k % 2 == 0:
            yield _networks(rng, f"random-{seed}-{k}")
        else:
            deck = parse(random_deck(int(rng.integers(2**31)), passed=False))
            yield Sample(replace(deck.circuit, text=None), dict(deck.g), deck.x)


def of_zoo(name: str) -> Sample:
    """Draw the conductances of a circuit of the zoo."""
    circuit, rng = load(name).circuit.compile(name), np.random.default_rng(0)
    g = {e.name: np.clip(np.exp(rng.uniform(-16, -10, e.shape)), e.g_min, e.g_max) for e in circuit.trainable}
    return Sample(circuit, g, rng.uniform(-1, 1, circuit.input_count))


def _same(one: Elements, other: Elements) -> bool:
    """Whether elements are equal; values that ngspice computed from a user's, such as a diode's n, but for their last digit."""
    pairs = [(getattr(one, name), getattr(other, name)) for name in one.__dataclass_fields__]
    return type(one) is type(other) and all(
        np.shape(a) == np.shape(b) and np.allclose(a, b, rtol=4e-16, atol=0.0, equal_nan=True) if isinstance(a, np.ndarray) else a == b
        for a, b in pairs
    )


def compared(sample: Sample, engine: NumericEngine | GeneralEngine) -> Comparison:
    """Write, read, compare, and solve both."""
    circuit, g, x = sample
    deck = parse(write_deck(circuit, Chip.nominal(circuit), g, x=x))
    result = deck.circuit
    differing = [what for what in ("name", "groups", "blocks") if getattr(result, what) != getattr(circuit, what)]
    differing += [one.name for one, other in zip(circuit.elements, result.elements, strict=True) if not _same(one, other)]
    differing += [f"g of {name}" for name in g if not np.array_equal(deck.g[name], g[name])]
    differing += ["x"] if not np.array_equal(deck.x, x) else []
    differing += [f"warning: {warning}" for warning in deck.warnings]
    if differing:
        return Comparison(", ".join(differing), None)
    drive = Drive(x[None])
    solvers: list[Solver] = [engine.prepare(one, Chip.nominal(one)) for one in (circuit, result)]
    before, after = (solver.solve(values, drive, throw=False) for solver, values in zip(solvers, (g, deck.g), strict=True))
    if before.result[0] != after.result[0]:
        return Comparison(f"{Result(int(before.result[0])).name} became {Result(int(after.result[0])).name}", None)
    if before.result[0] != Result.CONVERGED:
        return Comparison("", None)
    nodes = np.arange(circuit.size + 1)
    v, again = (np.asarray(one.at(of, nodes)) for one, of in ((before, circuit), (after, result)))
    apart = float(np.abs(v - again).max() / max(1.0, float(np.abs(v).max())))
    return Comparison("voltages" if apart > ALLOWED else "", apart)


def main() -> int:
    """Run as a command; exit code 1 where something differed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--random", type=int, default=1000, metavar="COUNT", help="random circuits")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--zoo", nargs="*", metavar="NAME", help="circuits of the zoo too, all when none is named; the largest take minutes"
    )
    options = parser.parse_args()
    began, report = time.monotonic(), list[Comparison]()

    def look(name: str, sample: Sample, engine: NumericEngine | GeneralEngine) -> None:
        report.append(compared(sample, engine))
        if report[-1].wrong:
            print(f"{name}: {report[-1].wrong}", flush=True)  # noqa: T201 - a command prints

    for k, sample in enumerate(randoms(options.seed, options.random)):
        look(f"random circuit {k}", sample, GeneralEngine())
    for name in () if options.zoo is None else options.zoo or zoo.names():
        look(name, of_zoo(name), NumericEngine())
        print(f"{name}: {report[-1].apart}", flush=True)  # noqa: T201
    apart = [one.apart for one in report if one.apart is not None]
    wrong = sum(bool(one.wrong) for one in report)
    summary = {"circuits": len(report), "differ": wrong, "solved": len(apart), "largest_dv": max(apart, default=0.0)}
    print(json.dumps(summary | {"seconds": round(time.monotonic() - began)}))  # noqa: T201
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())

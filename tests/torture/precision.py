"""What precision and threads change: digits learnt by many seeds in 32 and 64 bits, on one core and on two, reported as statistics.

    python tests/torture/precision.py --seeds 10

The same seed on the same machine gives the same numbers; other precisions and numbers of threads round otherwise, and what they come to
differs by no more than what another seed does.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

_HERE = Path(__file__).parents[1]
sys.path[:0] = [str(_HERE.parent), str(_HERE)]

WAYS = {"float64": ("float64", 2), "float64, again": ("float64", 2), "float64, one core": ("float64", 1), "float32": ("float32", 2)}
"""Precision and cores of each way to train."""


class Spread(NamedTuple):
    """The mean of an error over seeds, and its standard deviation from seed to seed."""

    mean: float
    deviation: float

    @classmethod
    def of(cls, errors: list[float]) -> "Spread":
        """Return that of errors, one a seed."""
        return cls(float(np.mean(errors)), float(np.std(errors, ddof=1)))

    def agrees(self, other: "Spread", seeds: int) -> bool:
        """Whether two means differ by no more than twice the standard error of their difference."""
        return abs(self.mean - other.mean) <= 2 * float(np.hypot(self.deviation, other.deviation)) / seeds**0.5


def errors(what: str, precision: str, seeds: int, *settings: str) -> list[float]:
    """Train by so many seeds side by side; gives the share of wrong answers on the test set, one a seed."""
    from hwsim.ensemble.instances import Instance, outcomes  # noqa: PLC0415
    from hwsim.experiment.loading import load  # noqa: PLC0415 - cores are chosen before JAX loads
    from hwsim.experiment.overriding import override  # noqa: PLC0415 - cores are chosen before JAX loads

    experiment = override(load(what), [f"training.precision={precision}", *settings])
    return [outcome.test_error for outcome in outcomes(experiment, [Instance(0, seed) for seed in range(seeds)])]


def _elsewhere(precision: str, cores: int, options: argparse.Namespace) -> list[float]:
    """Train in a process of its own, on so many cores."""
    code = f"import json, sys; sys.path[:0] = {sys.path[:2]!r}\nfrom torture.precision import errors\n"
    code += f"print(json.dumps(errors('digits', {precision!r}, {options.seeds}, 'training.epochs={options.epochs}')))"
    environment = os.environ | {"OMP_NUM_THREADS": str(cores), "NPROC": str(cores)}
    few = sorted(os.sched_getaffinity(0))[:cores]
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, check=True, capture_output=True, preexec_fn=lambda: os.sched_setaffinity(0, few)
    )
    report: list[float] = json.loads(done.stdout)
    return report


def main() -> int:
    """Run as a command; exit code 1 where a way differs by more than chance, or training again by anything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=10)
    options = parser.parse_args()
    result = {way: _elsewhere(*how, options) for way, how in WAYS.items()}
    reference = Spread.of(result["float64"])
    wrong = result["float64"] != result["float64, again"]
    for way, each in result.items():
        spread = Spread.of(each)
        wrong |= not spread.agrees(reference, options.seeds)
        apart = float(np.abs(np.subtract(each, result["float64"])).mean())
        sys.stdout.write(
            f"{way}: {100 * spread.mean:.2f} ± {100 * spread.deviation:.2f} %; seed by seed {100 * apart:.2f} % from float64\n"
        )
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())

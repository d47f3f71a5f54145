"""Memory capacity of reservoirs of 50 nodes that run freely, by family and drive, with and without noise on the states.

`python results/memory.py` writes results/memory.json, which results/in_time.md describes.
"""

import json
from pathlib import Path

import numpy as np

import hwsim as hw
from hwsim.core.signal import Signal
from hwsim.reservoir.measures import effective_rank, memory_capacity
from hwsim.reservoir.reservoir import Reservoir
from hwsim.settings.reservoir_settings import ReservoirSettings

NODES, ROWS, WASHOUT, DELAYS, NOISE, SEEDS = 50, 3000, 200, 100, 2e-5, range(5)
CASES = ("euler", 0.05), ("euler", 3.0), ("random", 0.05), ("cycle", 0.05)
"""Families, and their largest inputs [V]."""

LEAST = 0.02
"""Smaller squared correlations are chance, and are not counted."""

FAMILIES = {
    "euler": {"dynamics": "continuous", "spectral_radius": 8.0, "leak": 1 - np.exp(-0.3)},
    "random": {"dynamics": "continuous", "spectral_radius": 0.95, "leak": 1 - np.exp(-1.0)},
    "cycle": {"dynamics": "continuous", "spectral_radius": 0.95, "leak": 1 - np.exp(-1.0)},
}


def measure(family: str, scale: float, seed: int) -> dict[str, float]:
    """Drive one reservoir by independent inputs, and see what its states hold of the past."""
    settings = ReservoirSettings(nodes=NODES, family=family, seed=seed, bias=0.0, input_scale=scale, noise=0.0, **FAMILIES[family])
    reservoir, rng = Reservoir(settings, inputs=1), np.random.default_rng([seed, 1])
    x = rng.uniform(-1, 1, (1, ROWS, 1))
    with hw.NumericEngine().prepare(reservoir.circuit, reservoir.chip) as solver:
        came = solver.integrate(reservoir.g, Signal.hold(x, reservoir.drawn.period), groups=reservoir.drawn.groups, steps=8)
    states = np.asarray(came.v["h1"])[0, WASHOUT:]
    quiet, noisy = (
        memory_capacity(states + noise * rng.standard_normal(states.shape), x[0, WASHOUT:, 0], DELAYS, penalty=1e-12)
        for noise in (0.0, NOISE)
    )
    counted = {name: float(shared[shared > LEAST].sum()) for name, shared in (("quiet", quiet), ("noisy", noisy))}
    return {**counted, "effective_rank": effective_rank(states), "integration_error_V": came.error}


if __name__ == "__main__":
    measured = {f"{family}, {scale} V": [measure(family, scale, seed) for seed in SEEDS] for family, scale in CASES}
    Path(__file__).with_suffix(".json").write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    for name, runs in measured.items():
        for what in runs[0]:
            values = np.array([run[what] for run in runs])
            print(f"{name} {what}: {values.mean():.4g} ± {values.std(ddof=1):.2g}")  # noqa: T201 - a result

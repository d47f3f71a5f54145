"""Circuits at the extremes, by seed: 12 decades of conductance, steep diodes, gains of 0.1 to 100, kilovolts, nudges of both signs."""

from dataclasses import dataclass

import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.constants import V_T
from circuits.elements import Amplifiers, Diodes, VoltageSources
from circuits.ideal_neurons import IdealPair, IdealRectifier
from circuits.junction_neurons import DeadZone, DiodePair, Rectifier
from circuits.network import Amplifier, Layer, Network
from circuits.neurons import Linear

NEURONS = (DiodePair(), Rectifier(), Linear(), DeadZone(), IdealPair(), IdealRectifier())
LEAST, MOST = 1e-12, 1.0
"""S; what conductances lie between: 12 orders of magnitude."""


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


def structures(seed: int, count: int) -> list[Circuit]:
    """Draw circuits of 1 to 8 crossbars, shallow ones more often."""
    rng, result = np.random.default_rng(seed), []
    for k in range(count):
        depth = 1 + k % 8 if k < 8 else int(rng.choice([1, 2, 3, 4], p=[0.1, 0.4, 0.3, 0.2]))
        result.append(network(rng, depth).compile(f"torture-{seed}-{k}"))
    return result


def cases(seed: int, structure: int, circuit: Circuit, count: int) -> list[Case]:
    """Draw the first `count` cases of a structure."""
    rng = np.random.default_rng([seed, structure])
    return [case(rng, circuit) for _ in range(count)]

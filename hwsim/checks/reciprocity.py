"""Reciprocity: whether a current into one node moves another node as much as the same current there moves the first.

Where it does not, what a nudge at the outputs does to a device is not what the device does to the outputs, and equilibrium propagation's
gradient is inexact at any size of its nudge.
"""

import numpy as np

from circuits.rows import fixed_nodes
from hwsim.checks.check_results import Bench
from hwsim.core.protocol import Drive, Push, Solver

_PAIRS = 4
"""Nodes of devices, and of outputs, between which it is measured."""

_DROP = 1e-4
"""V that the current makes across a typical conductance, over which a diode's law is linear to a thousandth."""

RECIPROCAL = 1e-5
"""Share of the largest response: less is rounding, and what is left of curvature."""


def asymmetry(solver: Solver, bench: Bench) -> float:
    """Return the largest difference between two nodes' responses to each other's current, as a share of the largest response.

    Of the outputs' nodes and some ends of trainable elements, at the equilibrium of the first sample.
    """
    circuit, pick = bench.circuit, np.random.default_rng(0)
    free = set(np.flatnonzero(~fixed_nodes(circuit)).tolist()) - {0}
    outputs = [node for node in np.unique([circuit.outputs.plus, circuit.outputs.minus]).tolist() if node in free]
    ends = [
        node for node in np.unique(np.concatenate([np.ravel(end) for e in circuit.trainable for end in e.ends])).tolist() if node in free
    ]
    nodes = sorted({*_some(pick, outputs), *_some(pick, ends)})
    if len(nodes) < 2:  # noqa: PLR2004 - a pair
        return 0.0
    i = _DROP * float(np.median(np.concatenate([np.ravel(values) for values in bench.g.values()])))
    currents = np.zeros((2 * len(nodes), circuit.size + 1))
    currents[np.arange(len(nodes)), nodes], currents[np.arange(len(nodes), 2 * len(nodes)), nodes] = i, -i
    noise = {group.name: currents[:, group.nodes] for group in circuit.groups}
    x = np.repeat(np.asarray(bench.x[:1]), len(currents), axis=0)
    v = solver.solve(bench.g, Drive(x, Push(), noise)).at(circuit, nodes)
    response = v[: len(nodes)] - v[len(nodes) :]
    return float(np.abs(response - response.T).max() / np.abs(response).max())


def _some(pick: np.random.Generator, nodes: list[int]) -> list[int]:
    """Choose a few nodes."""
    chosen: list[int] = pick.permutation(nodes)[:_PAIRS].tolist()
    return chosen

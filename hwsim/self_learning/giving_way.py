"""Agnostic equilibrium propagation: conductances that springs hold, and which learn as they give way to the circuit's own energy.

Source: Scellier, Mishra, Bengio & Ollivier 2022, "Agnostic physics-driven deep learning", arXiv 2205.15021.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from hwsim.core import blocks
from hwsim.core.protocol import ConvergenceError, Drive, Push
from hwsim.learning.gradient.drops import weighted_drop_products
from hwsim.learning.gradient.factors import energy_factors
from hwsim.typing import Array, Floats, Weights
from netlists.self_learning.learning import SelfLearning

_MOST = 200
"""Iterations until springs and circuit are in balance."""

_CLOSE = 1e-9
"""Of the largest move of an array's conductances, by which they are off at most."""


def step(solver: Any, g: Weights, x: Array, y: Array, learning: SelfLearning, bounds: Mapping[str, Any]) -> dict[str, Floats]:
    """Return the conductances after a cycle: in the second phase springs balance at g [S], and in the first g' gives way to the circuit.

        g' = g − pace·(Δv(g', first)² − Δv(g, second)²) within the bounds, pace = rate/cycles·(c_l/c_L)/(2·beta·spread)

    With g for g' on the right it is a step down the gradient; both differ by the order of the pace.

    Parameters
    ----------
    solver
        Of the circuit.
    g
        Conductances before [S].
    x, y
        The sample, (1, I) and (1, K).
    learning
        Whose cycle it is.
    bounds
        Of each array's conductances [S].

    Raises
    ------
    ConvergenceError
        When springs are too soft to hold the conductances: the circuit pulls on them harder, the more they give way.

    """
    circuit, chip = solver.circuit, solver.chip
    factors, arrays = energy_factors(circuit, chip), circuit.trainable
    pace = {e.name: rate / (learning.cycles * 2 * learning.beta * learning.spread) for e, rate in zip(arrays, learning.rates, strict=True)}
    first, second = (Push(beta=side * learning.beta, target=y) for side in learning.sides)
    balanced = solver.solve(g, Drive(x, second)).v

    def released(moved: Weights) -> dict[str, Floats]:
        v = solver.solve(moved, Drive(x, first)).v
        difference = {name: np.asarray(v[name]) - np.asarray(balanced[name]) for name in v}
        total = {name: np.asarray(v[name]) + np.asarray(balanced[name]) for name in v}
        products = weighted_drop_products(circuit, chip, difference, total, x, factors=factors, scale=1.0, phases=2)
        pull = blocks.join(products)
        return {name: np.clip(g[name] - pace[name] * np.asarray(pull[name]), *bounds[name]) for name in g}

    moved = released(g)
    for _ in range(_MOST):
        last, moved = moved, released(moved)
        if all(np.abs(moved[name] - last[name]).max() <= _CLOSE * np.abs(moved[name] - g[name]).max() for name in g):
            return moved
    msg = f"{circuit.name}: springs of this rate do not hold its conductances; choose a smaller --rate, or a larger --beta"
    raise ConvergenceError(msg)

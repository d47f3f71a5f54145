"""The gradient flow that a self-learning circuit is to follow, by the numeric engine: dg/dt = -(rate/period)·dC/dg, within the bounds.

A circuit of two phases learns by what it held before, and so goes in steps, one a cycle: gradient descent. With knobs, a step is where
springs and circuit are in balance.
"""

from collections.abc import Iterator

import numpy as np

from hwsim.learning.losses import SquaredError
from hwsim.learning.rules.equilibrium_propagation import EquilibriumPropagation
from hwsim.learning.rules.nudges import Following, Frozen
from hwsim.self_learning import giving_way
from hwsim.self_learning.followed import Learned
from hwsim.typing import Floats, Weights

AGREE_FLOW = 0.01
"""Share of the way that conductances go; a deck follows the flow within a tenth of that."""

_STEPS = 4
"""Of a presentation, each of Runge and Kutta's fourth order: their error is far below the limit of a check."""


def flow(learned: Learned, presentations: int) -> Iterator[Weights]:
    """Follow the gradient from where a deck started, by its cycles' steps if any; yields the conductances after each presentation [S].

    Raises
    ------
    ConvergenceError
        When a sample has no equilibrium.

    """
    session, shown = learned.session, learned.shown
    learning, arrays = shown.learning, session.circuit.trainable
    rates = dict(zip((e.name for e in arrays), learning.rates, strict=True))
    nudge = Following(learning.beta) if learning.cycles else Frozen(learning.beta)
    rule = EquilibriumPropagation(nudge, "centred" if learning.sides[1] else "positive")
    bounds = {e.name: tuple(session.chip(e.name, bound) for bound in ("g_min", "g_max")) for e in arrays}

    def within(g: Weights, slope: Weights, h: float) -> dict[str, Floats]:
        return {name: np.clip(g[name] + h * slope[name], *bounds[name]) for name in g}

    with session.solver() as solver:

        def slope(g: Weights, k: int) -> dict[str, Floats]:
            gradient = rule.gradient(solver, g, shown.x[k : k + 1], shown.y[k : k + 1], SquaredError()).g
            return {name: -rates[name] * np.asarray(gradient[name]) for name in g}

        g, steps = dict(learned.begun), learning.cycles or _STEPS
        h = 1.0 / steps
        for presented in range(presentations):
            k = presented % shown.trained
            for _ in range(steps):
                if learning.knobs:
                    g = giving_way.step(solver, g, shown.x[k : k + 1], shown.y[k : k + 1], learning, bounds)
                    continue
                mean = first = slope(g, k)
                if not learning.cycles:
                    second = slope(within(g, first, h / 2), k)
                    third = slope(within(g, second, h / 2), k)
                    fourth = slope(within(g, third, h), k)
                    mean = {name: (first[name] + 2 * second[name] + 2 * third[name] + fourth[name]) / 6 for name in g}
                g = within(g, mean, h)
            yield g


def distance(learned: Learned, presentations: int) -> float:
    """Return how far a deck's conductances are from the flow after some presentations, as a share of how far the flow has gone."""
    start = learned.begun
    *_, wanted = flow(learned, presentations)
    row = learned.shown.count + presentations - 1
    apart = sum(float(((learned.conductances[name][row] - wanted[name]) ** 2).sum()) for name in start)
    gone = sum(float(((wanted[name] - start[name]) ** 2).sum()) for name in start)
    return float(np.sqrt(apart / gone)) if gone else float(np.sqrt(apart))

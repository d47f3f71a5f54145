"""Many chips of one circuit side by side: each settles where it does alone, whichever method it needs."""

import numpy as np
import pytest

from circuits.chip import Chip
from circuits.junction_neurons import DiodePair
from circuits.network import Amplifier, Layer, Network
from hwsim.core.protocol import Drive, Push, Result
from hwsim.numeric.layered import error_bound
from hwsim.numeric.layered.chips import Chips
from hwsim.numeric.layered.layered_solver import MARGIN
from hwsim.numeric.layered.stack import stack
from hwsim.numeric.numeric_engine import NumericEngine

HIDDEN = Layer(size=3, neuron=DiodePair(v_low=-0.1, v_high=0.15, i_sat=1e-7), amplifier=Amplifier(gain=4.0, back=0.25))
CIRCUIT = Network(inputs=2, layers=(HIDDEN,), outputs=2, bias=False).compile("several")
OTHER = {"amp1": {"gain": np.array([3.0, 4.5, 5.0]), "back": np.array([0.8, 1.2, 1.0])}}
CHIPS = [Chip.nominal(CIRCUIT), Chip(CIRCUIT, OTHER)]
X = np.random.default_rng(0).uniform(-1, 1, (2, 4, 2))
PUSH = Push(np.array([0.0, 2e-6]), 0.1, np.zeros(()))


def drawn(seed: int, first: float) -> dict[str, np.ndarray]:
    """Draw conductances [S]; where those of the first crossbar are small, little holds what follows."""
    rng = np.random.default_rng(seed)
    return {e.name: (first if e.name == "w1" else 2e-5) * np.exp(rng.uniform(-2, 0, e.shape)) for e in CIRCUIT.trainable}


@pytest.mark.parametrize("newton", [None, True])
def test_each_chip_settles_where_it_does_alone(newton) -> None:
    """One that sweeps settle next to one that needs Newton's method, or that method for both; each with its own push."""
    g = [drawn(1, 2e-5), drawn(2, 5e-7)]
    solvers = [NumericEngine(newton=newton).prepare(CIRCUIT, chip) for chip in CHIPS]
    trusted = [solver.amplification(ours) * MARGIN <= error_bound.TRUST for solver, ours in zip(solvers, g, strict=True)]
    assert trusted == [True, False]
    together = Chips(solvers).solve(g, X, PUSH)
    for k, (solver, ours) in enumerate(zip(solvers, g, strict=True)):
        alone = solver.solve(ours, Drive(X[k], Push(PUSH.beta[k], np.full((4, 2), 0.1))))
        assert (together.result[k] == Result.CONVERGED).all()
        assert together.steps[k].shape == (4,)
        for name in ("h1", "a1", "out"):
            np.testing.assert_allclose(together.v[name][k], alone.v[name], rtol=0, atol=1e-10)


def test_what_has_other_parts_cannot_be_side_by_side() -> None:
    """Numbers may differ; a part that one chip alone has is refused."""
    both = stack([{"a": np.zeros(2), "b": np.ones(1)}, {"a": np.ones(2), "b": np.ones(1)}])
    assert both.axes == (0, None)
    np.testing.assert_array_equal(both.leaves[0], [[0, 0], [1, 1]])
    np.testing.assert_array_equal(both.leaves[1], [1])
    again = stack([{"a": np.ones(2), "b": np.zeros(1)}] * 2, both.axes)
    np.testing.assert_array_equal(again.leaves[0], np.ones((2, 2)))
    with pytest.raises(ValueError, match="different parts"):
        stack([{"a": np.zeros(2)}, {"b": np.zeros(2)}])

"""How far a circuit multiplies a change: the bound holds, is not idle, and decides when sweeps are proof enough."""

import numpy as np
import pytest

from circuits.chip import Chip
from circuits.junction_neurons import DeadZone, DiodePair
from circuits.network import Amplifier, Layer, Network
from hwsim.core.protocol import ConvergenceError
from hwsim.numeric.layered import error_bound
from hwsim.numeric.layered.layered_solver import MARGIN
from hwsim.numeric.numeric_engine import NumericEngine

GAINS = [(4.0, 0.25), (0.5, 2.0), (12.0, 0.02)]
SIZES = (4, 3, 5)


def network(gains: list[tuple[float, float]], *, differential: bool) -> Network:
    layers = tuple(
        Layer(size=size, neuron=DiodePair(), amplifier=Amplifier(gain=gain, back=back))
        for size, (gain, back) in zip(SIZES, gains, strict=False)
    )
    return Network(inputs=2, layers=layers, outputs=2, differential=differential, bias=False)


def multiplied(g: list[np.ndarray], gains: list[tuple[float, float]]) -> tuple[float, float]:
    """Return how far a change goes, worked out with whole matrices: of one that counts for 1 V, and of one in proportion to the units.

    Changes that amplifiers multiply by more than 4 on their way count for more.
    """
    edges = np.cumsum([0, *(w.shape[1] for w in g)])
    reach, kept = np.zeros((edges[-1], edges[-1])), np.zeros(edges[-1])
    units = np.concatenate([np.full(w.shape[1], np.prod([gain for gain, _ in gains[:k]])) for k, w in enumerate(g)])
    for k, w in enumerate(g):
        here = slice(edges[k], edges[k + 1])
        kept[here] += w.sum(axis=0)
        if k:
            before, (gain, back) = slice(edges[k - 1], edges[k]), gains[k - 1]
            signal = w[: edges[k] - edges[k - 1]]
            kept[before] += back * gain * signal.sum(axis=1)
            reach[here, before] = gain * signal.T
            reach[before, here] = back * signal
    weights = (units.max() / units / 4).clip(1.0)
    spread = np.linalg.inv(np.eye(len(kept)) - reach / kept[:, None])
    assert (spread >= 0).all()
    return float((spread @ (1 / weights)).max()), float((spread @ units).max() / (units * weights).min())


@pytest.mark.parametrize("count", [0, 1, 2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_the_bound_holds_and_is_near(seed, count) -> None:
    """No change goes farther than the bound states; the bound is at most twice what changes in all columns come to; its adjoint's too."""
    gains = GAINS[:count]
    circuit, rng = network(gains, differential=False).compile("walked"), np.random.default_rng(seed)
    g = {e.name: 1e-5 * np.exp(rng.uniform(-2, 0, e.shape)) for e in circuit.trainable}
    result = NumericEngine().prepare(circuit, Chip.nominal(circuit)).amplification(g)
    ways = [multiplied(list(g.values()), gains), multiplied(list(g.values()), [(back, gain) for gain, back in gains])]
    assert max(least for least, _ in ways) * (1 - 1e-12) <= result
    assert result <= 2 * max(most for _, most in ways) * (1 + 1e-12)


def test_outputs_that_a_nudge_joins_count_as_one() -> None:
    """The two columns of a read-out share what is off in either; and behind dead zones nothing is bounded."""
    circuit = network([], differential=True).compile("pairs")
    g = {e.name: np.full(e.shape, 1e-5) for e in circuit.trainable}
    assert NumericEngine().prepare(circuit, Chip.nominal(circuit)).amplification(g) == 1.0
    dead = Network(inputs=2, layers=(Layer(size=2, neuron=DeadZone()),), outputs=1).compile("dead")
    g = {e.name: np.full(e.shape, 1e-5) for e in dead.trainable}
    assert NumericEngine().prepare(dead, Chip.nominal(dead)).amplification(g) == np.inf


def test_nudges_away_from_targets_need_more_proof() -> None:
    """Sweeps are enough while margin·amplified ≤ trust·(1 − 2·|beta|/least·amplified), least the smallest sum of an output's column."""
    circuit = network(GAINS[:1], differential=False).compile("nudged")
    rng = np.random.default_rng(4)
    g = {e.name: 1e-5 * np.exp(rng.uniform(-1, 0, e.shape)) for e in circuit.trainable}
    g["w2"][:, 1] *= 0.3
    solver = NumericEngine().prepare(circuit, Chip.nominal(circuit))
    amplified, least = solver.amplification(g), g["w2"][:, 1].sum()
    edge = -least / 2 / amplified * (1 - MARGIN * amplified / error_bound.TRUST)
    assert [solver.needs_newton(g, beta) for beta in (1.0, 0.0, 0.999 * edge, 1.001 * edge)] == [False, False, False, True]
    assert NumericEngine(newton=True).prepare(circuit, Chip.nominal(circuit)).needs_newton(g)
    swept = NumericEngine(newton=False).prepare(circuit, Chip.nominal(circuit))
    assert not swept.needs_newton(g, 0.999 * edge)
    with pytest.raises(ConvergenceError, match=r"nudged: sweeps .* prove no equilibrium .* set solver\.newton to true"):
        swept.needs_newton(g, 1.001 * edge)

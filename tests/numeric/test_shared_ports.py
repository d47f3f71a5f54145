"""Ports that share a voltage: fewer unknowns, and the step that all of them would take; inverses of conductance matrices."""

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from circuits.chip import Chip
from circuits.junction_neurons import DiodePair, Rectifier
from circuits.network import Amplifier, Layer, Network
from hwsim.numeric.general.inverses import Passes, inverse_of_lines
from hwsim.numeric.general.port_newton import Ports

LAYER = Layer(size=3, neuron=DiodePair(v_low=-0.1, v_high=0.2), amplifier=Amplifier(gain=4.0, back=0.25))
CIRCUIT = Network(inputs=2, layers=(LAYER,), outputs=2).compile()


@pytest.mark.parametrize("slope_of_outputs", [0.0, 1.0])
def test_a_step_with_one_unknown_a_pair_is_that_with_all_ports(slope_of_outputs: float) -> None:
    """From voltages that fit each other or do not: the step solves (I + Q·s)·Δp = −(p − p₀ + Q·i).

    Outputs that a fixed current nudges have no slope, and need no unknown.
    """
    ports = Ports.of(CIRCUIT, Chip.nominal(CIRCUIT))
    shared, count = ports.shared, len(ports.a)
    assert len(shared.first) == count - LAYER.size  # two diodes a column are one unknown
    assert (shared.sign < 0).sum() == LAYER.size
    rng = np.random.default_rng(0)
    apart, groups = rng.normal(size=(len(shared.first), len(shared.first))), shared.group
    q = shared.sign[:, None] * (apart @ apart.T)[np.ix_(groups, groups)] * shared.sign
    p0, i, slope = rng.normal(size=(4, count)), rng.normal(size=(4, count)), rng.uniform(0, 2, (4, count))
    slope[:, ports.outputs :] *= slope_of_outputs
    fitting = p0 + shared.sign * rng.normal(size=(4, len(shared.first)))[:, groups]
    for p in (fitting, fitting + rng.normal(size=(4, count))):
        off = p - p0 + i @ q.T
        whole = np.linalg.solve(np.eye(count) + q * slope[:, None, :], -off[:, :, None])[:, :, 0]
        np.testing.assert_allclose(shared.moved(p, p0, shared.between(q), i, slope), whole, rtol=1e-9, atol=1e-9)


def test_ports_that_share_nothing_hold_no_table() -> None:
    """Each is a group of its own; thousands of them would hold a number a pair."""
    circuit = Network(inputs=2, layers=(replace(LAYER, neuron=Rectifier()),), outputs=2).compile()
    shared = Ports.of(circuit, Chip.nominal(circuit)).shared
    values = np.random.default_rng(3).normal(size=(4, len(shared.group)))
    assert len(shared.first) == len(shared.group)
    assert shared.members.size == 0
    np.testing.assert_array_equal(shared.summed(values)[:, shared.group], values)


def test_lines_are_inverted_as_their_matrices_are() -> None:
    """Also where wires conduct a million times better than what stands on them."""
    rng = np.random.default_rng(1)
    aside, between = rng.uniform(1e-6, 1e-4, (3, 5)), rng.uniform(0.1, 10, (3, 4))
    inverses, k = inverse_of_lines(aside, between), np.arange(5)
    matrices = np.zeros((3, 5, 5))
    matrices[:, k, k] = aside
    for a, b in ((k[:-1], k[1:]), (k[1:], k[:-1])):
        matrices[:, a, b] -= between
        matrices[:, a, a] += between
    np.testing.assert_allclose(matrices @ inverses, np.broadcast_to(np.eye(5), (3, 5, 5)), atol=1e-8)
    np.testing.assert_allclose((inverses @ aside[:, :, None])[:, :, 0], 1.0, rtol=1e-12)  # all nodes at 1 V


@pytest.mark.parametrize("even", [True, False])
@pytest.mark.parametrize("layout", ["C", "F"])
def test_passes_over_lines_are_the_inverse_of_the_whole(layout: Literal["C", "F"], *, even: bool) -> None:
    """However they are laid out in memory, and whatever joins them. A matrix that is not positive is refused."""
    rng = np.random.default_rng(2)
    roots, r = rng.normal(size=(3, 4, 4)), np.full((3, 4), 0.3) if even else rng.uniform(0.1, 1, (3, 4))
    lines = roots @ roots.swapaxes(1, 2) + 4 * np.eye(4)
    whole = np.zeros((3, 4, 3, 4))
    for k in range(3):
        whole[k, :, k] = lines[k] + np.diag(1 / r[k] + (1 / r[k - 1] if k else 0.0))
    for k, w in enumerate(1 / r[:2]):
        whole[k, :, k + 1] = whole[k + 1, :, k] = -np.diag(w)
    inverse, units = np.linalg.inv(whole.reshape(12, 12)), np.sqrt(r)
    scaled = units[:, :, None] * lines * units[:, None, :]
    passes = Passes.of(scaled.copy(order=layout), r)
    into, ends = rng.normal(size=(3, 4, 2)), rng.normal(size=(4, 2))
    right = into.copy()
    right[-1] += ends / r[-1, :, None]
    np.testing.assert_allclose(passes.from_all(into.copy(), ends).reshape(12, 2), inverse @ right.reshape(12, 2), rtol=1e-12)
    np.testing.assert_allclose(passes.from_ends(ends).reshape(12, 2), inverse[:, -4:] @ (ends / r[-1, :, None]), rtol=1e-12)
    drawn = (ends - passes.from_ends(ends)[-1]) / r[-1, :, None]
    np.testing.assert_allclose(passes.seen @ ends, drawn, rtol=1e-12)
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        Passes.of(-scaled, r)

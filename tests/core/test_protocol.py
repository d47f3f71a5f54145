"""What every engine hands back: voltages by node number, read-outs, and failures that name what to try."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits.chip import Chip
from circuits.network import Amplifier, Layer, Network
from hwsim.core.gathering import gather
from hwsim.core.protocol import ConvergenceError, Drive, Equilibrium, Push, Result
from hwsim.numeric.general.general_solver import GeneralEngine
from support.strategies import networks

pytestmark = pytest.mark.usefixtures("jax_64_bits")

BATCH = 2


def numbered(circuit) -> dict[str, np.ndarray]:
    """Return each node its own number as its voltage, negative in the second sample."""
    return {group.name: np.array([[1.0], [-1.0]]) * group.nodes for group in circuit.groups}


@given(st.data())
def test_gather_finds_any_nodes(data: st.DataObject) -> None:
    """Any list of nodes, in any order, with ground and repeats in it, gets the voltages of exactly these."""
    circuit = data.draw(networks(max_layers=2)).compile()
    nodes = np.array(data.draw(st.lists(st.integers(0, circuit.size), min_size=1, max_size=12)))
    result = gather(circuit, numbered(circuit), nodes)
    np.testing.assert_array_equal(result, np.array([[1.0], [-1.0]]) * nodes)


@given(networks(max_layers=2))
def test_gather_finds_runs_and_strides(network: Network) -> None:
    """All nodes in a row, every second one and every third one come out right, from arrays of JAX too."""
    circuit = network.compile()
    v = {name: jnp.asarray(volts) for name, volts in numbered(circuit).items()}
    for stride in (1, 2, 3):
        nodes = np.arange(0, circuit.size + 1, stride)
        np.testing.assert_array_equal(gather(circuit, v, nodes)[0], nodes)


@given(networks(max_layers=1))
def test_outputs_are_differences(network: Network) -> None:
    """ŷ is v(plus) − v(minus), with ground as 0 V."""
    circuit = network.compile()
    settled = Equilibrium(numbered(circuit), np.zeros(BATCH), np.zeros(BATCH), np.zeros(BATCH, dtype=int))
    np.testing.assert_array_equal(settled.outputs(circuit)[0], circuit.outputs.plus - circuit.outputs.minus)


@pytest.mark.parametrize("result", [r for r in Result if r is not Result.CONVERGED])
def test_a_failed_sample_raises_with_advice(result: Result) -> None:
    """The error names the first failed sample, its residual and steps, how many failed, and what to try."""
    circuit = Network(inputs=1, outputs=1).compile("net")
    codes = np.array([Result.CONVERGED, result, result])
    settled = Equilibrium({}, np.array([0.0, 2.5e-7, 1.0]), np.array([3, 40, 50]), codes)
    with pytest.raises(ConvergenceError) as caught:
        settled.check(circuit)
    assert str(caught.value) == (f"net: 2 of 3 samples found no equilibrium; sample 1: residual 2.5e-07 A after 40 steps: {result.advice}")


@pytest.mark.parametrize("chosen", [np.array([2, 0]), slice(1, 3)], ids=["places", "slice"])
def test_chosen_samples_settle_where_they_do_in_the_batch(chosen: Any) -> None:
    """What some samples of a drive lead to is what the whole drive leads to at these: features, pushes and noise stay with them."""
    circuit, rng = Network(inputs=2, layers=(Layer(3, amplifier=Amplifier()),), outputs=2).compile(), np.random.default_rng(5)
    g = {element.name: rng.uniform(1e-6, 1e-5, element.shape) for element in circuit.trainable}
    push = Push(1e-5, rng.uniform(-1.0, 1.0, (4, 2)))
    drive = Drive(rng.uniform(-1.0, 1.0, (4, 2)), push, {"h1": rng.normal(0.0, 1e-6, (4, len(circuit.nodes("h1"))))})
    solver = GeneralEngine().prepare(circuit, Chip.nominal(circuit))
    some, of_all = solver.solve(g, drive.some(chosen)), solver.solve(g, drive).some(chosen)
    assert np.ptp(of_all.outputs(circuit), axis=0).min() > 1e-4
    for name, v in some.v.items():
        np.testing.assert_allclose(v, of_all.v[name], rtol=0, atol=1e-12)
    assert some.residual.shape == of_all.residual.shape == some.steps.shape == of_all.steps.shape == some.result.shape


def test_a_settled_batch_passes() -> None:
    """When every sample converged, the check hands the equilibrium on."""
    circuit = Network(inputs=1, outputs=1).compile()
    settled = Equilibrium({}, np.zeros(2), np.ones(2), np.zeros(2, dtype=int))
    assert settled.check(circuit) is settled

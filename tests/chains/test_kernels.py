"""A time-multiplexed kernel: one circuit that settles at every window of the maps, and learns from all of them."""

import numpy as np
import pytest

from chains.test_chain_gradients import circuit, difference, losses, measured
from hwsim.chains import kernel_part
from hwsim.experiment.experiment import ExperimentError, make
from hwsim.learning import factory
from hwsim.session import Session

WINDOW = {"size": 2, "stride": 1, "padding": 1}
"""On 2×2 pixels it has 3×3 positions, and a pixel is in four of them."""
TRAINING = {"loss": {"kind": "cross-entropy", "v_softmax": 0.1}, "target_high": 0.1}


def session(*blocks, **training):
    """Make a chain on the four features of iris, as images of 2×2 pixels."""
    return Session.of(make({"name": "kernel", "data": {"name": "iris"}, "training": TRAINING | training, "blocks": list(blocks)}, "test"))


def kernel(rule="equilibrium-propagation", **keys):
    """Describe a kernel of 3 channels with diodes."""
    return circuit(4, 3, rule) | {"window": WINDOW, "image": [2, 2]} | keys


@pytest.fixture(scope="module")
def chain():
    """Return kernel, normalisation, circuit."""
    return session(kernel(), {"kind": "digital", "layers": [{"kind": "layer-norm"}]}, circuit(27, 3, "adjoint"))


def batch(of, samples=4):
    """Draw inputs, targets, and what training starts from."""
    random = np.random.default_rng(3)
    x, y = random.uniform(-0.5, 0.5, (samples, 4)), np.eye(3)[random.integers(0, 3, samples)] * 0.1
    return x, y, {name: np.array(values) for name, values in of.begun().items()}


def test_the_gradient_of_a_kernel_is_that_of_finite_differences(chain):
    """Conductances, which are shared by all positions, what lies behind them, and pixels, which several windows see: to 1e-6."""
    x, y, g = batch(chain)
    ours, dx = measured(chain, g, x, y)
    with chain.solver() as solver:
        for name, at in [("b1_w1", (2, 1)), ("b1_w2", (3, 4)), ("b2_0.weight", (1, 2, 2)), ("b3_w1", (5, 2))]:
            h = 1e-3 * np.abs(g[name]).max()
            slope = difference(lambda moved, name=name: losses(chain, solver, g | {name: moved}, x, y), g[name], at, h)
            assert abs(ours[name][at] - slope) <= 1e-6 * np.abs(ours[name]).max(), name
        for at in [(0, 0), (1, 2), (3, 3)]:
            slope = difference(lambda moved: losses(chain, solver, g, moved, y), x, at, 1e-4)
            assert abs(dx[at] - slope) <= 1e-6 * np.abs(dx).max(), at


def test_a_batch_in_parts_is_the_batch_at_once(chain, monkeypatch):
    """What is bounded in memory computes what is not: outputs and all gradients, compiled and step by step."""
    x, y, g = batch(chain)
    whole, dx = measured(chain, g, x, y)
    with chain.solver() as solver:
        outputs, free = chain.rule.read(solver, g, x)
        monkeypatch.setattr(kernel_part, "_AT_ONCE", 18 * chain.circuit.circuits[0][1].size)  # 2 samples of 9 positions
        parts, dx_parts = measured(chain, g, x, y)
        again, free_again = chain.rule.read(solver, g, x)
        one_by_one = chain.rule.gradient(solver, g, x, y, factory.loss(chain.experiment.training))
    assert np.allclose(again, outputs, atol=1e-12)
    assert free_again.result.shape == free.result.shape == (4,)
    assert np.abs(dx - dx_parts).max() <= 1e-9 * np.abs(dx).max()
    for name, values in whole.items():
        assert np.abs(values - parts[name]).max() <= 1e-9 * np.abs(values).max(), name
        assert np.abs(values - len(x) * one_by_one.g[name]).max() <= 1e-6 * np.abs(values).max(), name


def test_parts_of_a_batch_have_noise_of_their_own(monkeypatch):
    """Two samples that are alike are read alike without noise, and in no part of a noisy batch."""
    noisy = session(kernel(), {"kind": "digital", "layers": [{"kind": "dense", "size": 3}]})
    noisy = noisy.changed("noise", read=1e-2)
    x, _, g = batch(noisy)
    monkeypatch.setattr(kernel_part, "_AT_ONCE", 9 * noisy.circuit.circuits[0][1].size)
    with noisy.solver() as solver:
        read, _ = noisy.rule.read(solver, g, np.repeat(x[:1], 4, axis=0), 7)
    assert len(np.unique(np.round(read[:, 0], 12))) == 4


def test_a_linear_kernel_is_a_tied_convolution():
    """A convolution behind which amplifiers load nothing, and a kernel with the outputs' weighted means as digital weights.

    Outputs, the gradient of the kernel, summed over positions in both, and that of the pixels.
    """
    layer = {"kind": "convolution", "channels": 2, **WINDOW, "neuron": {"kind": "linear"}, "amplifier": {"gain": 1.0, "back": 1e-9}}
    tied = session({"kind": "circuit", "rule": "adjoint", "circuit": {"inputs": 4, "outputs": 3, "layers": [layer]}})
    crossbar = {"inputs": 4, "outputs": 2, "differential": False}
    dense = {"kind": "digital", "layers": [{"kind": "dense", "size": 3}]}
    multiplexed = session({"kind": "circuit", "rule": "adjoint", "circuit": crossbar, "window": WINDOW, "image": [2, 2]}, dense)
    x, y, g = batch(tied)
    share = (g["b1_w2"] / g["b1_w2"].sum(axis=0)).T  # each output column is the mean of its rows, weighted by their conductances
    pairs = share[0::2] - share[1::2]
    other = {"b1_w1": g["b1_w1"], "b2_0.1.weight": pairs[:, :-1], "b2_0.1.bias": pairs[:, -1]}
    other = {name: other[name] for name in multiplexed.begun()}
    (one, dx), (two, other_dx) = measured(tied, g, x, y), measured(multiplexed, other, x, y)
    with tied.solver() as solver, multiplexed.solver() as second:
        assert np.allclose(tied.rule.read(solver, g, x)[0], multiplexed.rule.read(second, other, x)[0], atol=1e-8)
    assert np.abs(one["b1_w1"] - two["b1_w1"]).max() <= 1e-6 * np.abs(one["b1_w1"]).max()
    assert np.abs(dx - other_dx).max() <= 1e-6 * np.abs(dx).max()


REFUSED = {
    "a size that no window has": (
        {"circuit": {"inputs": 5, "outputs": 3}},
        "inputs = 5, and its window sees 2×2 pixels of 1 channel; set it to 4",
    ),
    "no maps": ({"image": None}, "blocks[0]: window moves over maps, and what comes in is unknown; set image to"),
    "other maps": ({"image": [2, 3]}, "what blocks[0] takes = 6, but data iris have 4 features"),
    "a window that does not fit": ({"window": {"size": 9}}, "blocks[0]: a window of 9×9 pixels does not fit on 2×2"),
    "too much padding": ({"window": {"size": 2, "padding": 2}}, "padding = 2 puts whole windows of 2 pixels on ground"),
    "an image of no window": ({"window": None}, "image = [2, 2] is of the maps that a window moves over, and there is none"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_window_that_does_not_fit_is_refused(case):
    """In a line, with the remedy."""
    change, message = REFUSED[case]
    with pytest.raises(ExperimentError) as error:
        session(kernel(**change), {"kind": "digital", "layers": [{"kind": "dense", "size": 3}]})
    assert message in str(error.value)
    assert "\n" not in str(error.value)

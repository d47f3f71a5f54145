"""Asymmetric devices: the symmetric point is where pulses by turns end, and transfer learning finds what plain learning misses."""

import numpy as np
import pytest

from hwsim.devices.arrays.draw import draw
from hwsim.devices.kinds import presets
from hwsim.devices.kinds.declared import Device, DeviceNoise, DeviceSpread
from hwsim.devices.kinds.shapes import ConstantStep, SoftBoundsStep
from hwsim.devices.programming.rounding import Sizes, stochastic
from hwsim.devices.programming.symmetric_point import TikiTakaDraws, Transfer, begin_tiki_taka, symmetric_point, tiki_taka
from hwsim.devices.programming.writing import write
from hwsim.random.streams import stream

RANGE = (1e-6, 1e-4)
SHAPE = (300,)


def streams(name: str) -> np.random.Generator:
    return stream(4, name)


def zero_shift(devices, g, normals):
    """Bring devices to their symmetric point as hardware can, by pulses up and down in turn, one for each of `normals` (pulses, *g.shape).

    Source: Kim 2019, "Zero-shifting technique for deep neural network training on resistive cross-point arrays".
    """
    xp = g.__array_namespace__()
    for k in range(normals.shape[0]):
        g = devices.pulse(g, xp.full(g.shape, 1 if k % 2 == 0 else -1), normals[k])
    return g


def test_the_symmetric_point_by_hand() -> None:
    """With soft bounds up·(1 − x) = down·x at x = up/(up + down)."""
    device = Device(step=SoftBoundsStep(delta_up=0.03, delta_down=0.01))
    devices = draw(device, SHAPE, streams, RANGE)
    np.testing.assert_allclose(devices.state(symmetric_point(devices, SHAPE)), 0.75, atol=1e-9)


@pytest.mark.parametrize("name", ["reram-sb", "ecram", "ag-a-si", "reram-es", "reram-array-om"])
def test_pulses_by_turns_end_at_the_symmetric_point(name: str) -> None:
    """Pulsed up and down in turn, devices of every law and spread settle where both steps are alike, within 1 % of the range."""
    device = presets.load(name).model_copy(update={"stuck": None, "noise": DeviceNoise()})
    devices = draw(device, SHAPE, streams, RANGE)
    g = devices.begin(np.full(SHAPE, 2e-5 if device.g_max is None else 1.5e-8))
    settled = zero_shift(devices, g, np.zeros((6000, *SHAPE)))
    point = symmetric_point(devices, SHAPE)
    step = abs(devices.pulse(point, np.ones(SHAPE, int), np.zeros(SHAPE)) - point)
    assert np.mean(abs(settled - point) <= step + 1e-2 * (devices.g_max - devices.g_min)) > 0.97


def test_without_a_symmetric_point_it_is_a_bound() -> None:
    """Constant steps of which those up are longer drive a device to its upper bound."""
    devices = draw(Device(step=ConstantStep(delta_up=0.02, delta_down=0.01)), SHAPE, streams, RANGE)
    np.testing.assert_allclose(symmetric_point(devices, SHAPE), RANGE[1], rtol=1e-9)


def test_transfer_finds_what_plain_learning_misses() -> None:
    """On strongly asymmetric devices noisy gradients pull plain learning to the symmetric point; transfer learning comes much nearer."""
    step = SoftBoundsStep(delta_up=0.01, delta_down=0.01)
    device = Device(step=step, noise=DeviceNoise(cycle=0.3), spread=DeviceSpread(step=0.2))
    fast, slow = (draw(device, SHAPE, lambda name, k=k: stream(k, name), RANGE) for k in range(2))
    sizes, rng = Sizes.nominal(device, RANGE), np.random.default_rng(0)
    wanted = slow.conductance(rng.choice([0.12, 0.85], SHAPE))
    plain = g = slow.conductance(np.full(SHAPE, 0.5))
    state = begin_tiki_taka(fast, symmetric_point(fast, SHAPE))
    ends = []
    for count in range(3000):
        noise = 1e-5 * rng.standard_normal(SHAPE)
        draws = TikiTakaDraws(rng.random(SHAPE), *rng.standard_normal((2, *SHAPE)))
        done, state = tiki_taka(fast, slow, sizes, g, -0.1 * (g - wanted + noise), state, Transfer(share=0.02), np.array(count), draws)
        g = done.g
        n = stochastic(sizes.pulses(-0.1 * (plain - wanted + noise)), draws.uniform)
        plain = write(slow, plain, n, draws.slow).g
        if count >= 2500:
            ends.append((plain - wanted, g - wanted))
    bias_plain, bias_transfer = (np.abs(np.mean(errors, axis=0)).mean() for errors in zip(*ends, strict=True))
    assert bias_transfer < 0.5 * bias_plain


def test_transfers_wait_for_their_turn_and_lose_nothing() -> None:
    """Between transfers the weights keep their bits; what is less than a pulse is kept for the next."""
    device = Device(step=ConstantStep(delta_up=0.01, delta_down=0.01))
    devices = draw(device, SHAPE, streams, RANGE)
    sizes, g = Sizes.nominal(device, RANGE), np.full(SHAPE, 5e-5)
    state = begin_tiki_taka(devices, devices.conductance(np.full(SHAPE, 0.5)))
    draws = TikiTakaDraws(0 * g, 0 * g, 0 * g)
    transfer = Transfer(share=0.25, every=2)
    dg = np.full(SHAPE, sizes.up)
    first, state = tiki_taka(devices, devices, sizes, g, dg, state, transfer, np.array(1), draws)
    np.testing.assert_array_equal(first.g, g)
    second, state = tiki_taka(devices, devices, sizes, first.g, dg, state, transfer, np.array(2), draws)
    np.testing.assert_array_equal(second.g, g)
    np.testing.assert_allclose(state.left, 0.5, rtol=1e-6)  # a quarter of the two pulses that A received
    third, state = tiki_taka(devices, devices, sizes, second.g, dg, state, transfer, np.array(4), draws)
    np.testing.assert_allclose(third.g - g, sizes.up, rtol=1e-6)
    np.testing.assert_allclose(state.left, 0.25, rtol=1e-6)

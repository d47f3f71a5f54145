"""Asymmetric devices: the state where steps up and down are alike, and learning that is centred there. Pure."""

from typing import NamedTuple

import numpy as np

from hwsim.devices.arrays.models import Devices
from hwsim.devices.kinds.steps import Noise
from hwsim.devices.programming.rounding import Sizes, accumulate, limited, stochastic
from hwsim.devices.programming.writing import Written, write
from hwsim.typing import Array

_HALVINGS = 50


def symmetric_point(devices: Devices, shape: tuple[int, ...]) -> Array:
    """Compute the conductance [S] at which one pulse up and one down have the same mean step, device by device.

    Where no state has, it is the bound towards which pulses by turns would drive the device.
    """
    low, high = (np.broadcast_to(np.asarray(end, dtype=np.float64), shape).copy() for end in devices.bounds)
    up, down = np.ones(shape, np.int32), -np.ones(shape, np.int32)
    for _ in range(_HALVINGS):
        x = (low + high) / 2
        rises = sum(devices.law.walk(x, n, Noise(), devices.bounds).mean for n in (up, down)) > 0
        low, high = np.where(rises, x, low), np.where(rises, high, x)
    return devices.conductance((low + high) / 2)


class TikiTaka(NamedTuple):
    """The state of transfer learning: a fast array A, its reference R, and what is left of every transfer; conductances in S.

    Source: Gokmen & Haensch 2020; with `left` kept, as in Gokmen 2021.
    """

    fast: Array
    reference: Array
    left: Array


class Transfer(NamedTuple):
    """How A's content goes over to the weights: the share at each transfer, every so many updates, with a limit of pulses."""

    share: float = 0.1
    every: int = 1
    most: int = 100


class TikiTakaDraws(NamedTuple):
    """Random numbers, each of the weights' shape: uniform ones to round with, normal ones of the pulses on A and on the weights."""

    uniform: Array
    fast: Array
    slow: Array


def begin_tiki_taka(devices: Devices, reference: Array) -> TikiTaka:
    """Return the state before the first update: A rests at its reference, the symmetric point."""
    fast = devices.begin(reference)
    return TikiTaka(fast, fast, 0.0 * fast)


def tiki_taka(  # noqa: PLR0913, PLR0917 - two arrays of devices, their states and their draws
    fast: Devices, slow: Devices, sizes: Sizes, g: Array, dg: Array, state: TikiTaka, transfer: Transfer, count: Array, draws: TikiTakaDraws
) -> tuple[Written, TikiTaka]:
    """Learn on the fast array, and let what gathers there move the weights.

    The gradient's pulses go to A, whose mean decays towards R wherever gradients only fluctuate; the weights g receive
    share·(A − R), in whole pulses, the rest of which is kept. `count` is the number of this update.
    """
    xp = g.__array_namespace__()
    on_fast = write(fast, state.fast, limited(stochastic(sizes.pulses(dg), draws.uniform), transfer.most), draws.fast)
    now = count % transfer.every == 0
    content = xp.where(now, transfer.share * (on_fast.g - state.reference), 0.0)
    due = accumulate(sizes.pulses(content), state.left, most=transfer.most)
    on_slow = write(slow, g, due.n, draws.slow)
    cost = Written(on_slow.g, on_fast.pulses + on_slow.pulses, xp.where(now, 1, 0) + 0 * due.n, on_fast.energy + on_slow.energy)
    return cost, TikiTaka(on_fast.g, state.reference, due.left)

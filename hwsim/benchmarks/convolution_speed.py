"""Convolutions as products over patches, as circuits compute them, against convolutions of XLA: all operators of an update, in turn."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from circuits.convolution import Convolution
from circuits.units import Second
from circuits.windows import Window
from hwsim.benchmarks.device_cost import Cost, cost_of
from hwsim.benchmarks.turns import CLOCK, Clock, repetitions, take_turns
from hwsim.typing import Array

BATCH = 64
_MOST = 10_000

Operators = Callable[[Array, Array, Array], tuple[Array, Array, Array]]
"""From a kernel (taps, channels), rows (B, rows) and columns (B, columns): forward, backward, and the sum of products for a gradient."""


class Kernel(NamedTuple):
    """A kernel of some channels on the maps that a window moves over."""

    window: Window
    channels: int

    def __str__(self) -> str:
        seen = self.window
        return f"{seen.height}×{seen.width}×{seen.channels}, {self.channels} of {seen.size}×{seen.size}/{seen.stride}"


KERNELS = (
    Kernel(Window(height=28, width=28, channels=1, size=5, stride=2), 12),
    Kernel(Window(height=12, width=12, channels=12, size=3, stride=2), 32),
    Kernel(Window(height=32, width=32, channels=3, size=5, stride=2), 32),
)
"""The first layer of conv-mnist, a second one behind it, and the first of colour images."""


def by_patches(kernel: Kernel) -> Operators:
    """Return the operators of a circuit's array."""
    window = kernel.window
    rows, columns = np.arange(1, window.rows + 1), np.arange(window.positions * kernel.channels) + window.rows + 1
    array = Convolution(name="w", rows=rows, columns=columns, windows=(window,), channels=kernel.channels)
    return lambda g, v, u: (array.forward(g, v), array.backward(g, u), array.outer(v, u))


def by_xla(kernel: Kernel) -> Operators:
    """Return the same by XLA's convolution and its two transposes."""
    import jax  # noqa: PLC0415 - JAX takes a second to load

    window, channels = kernel.window, kernel.channels
    around = ((window.padding, window.padding),) * 2

    def forward(g: Array, v: Array) -> Array:
        maps = v.reshape(-1, window.height, window.width, window.channels)
        taps = g.reshape(window.size, window.size, window.channels, channels)
        layout = ("NHWC", "HWIO", "NHWC")
        out: Any = jax.lax.conv_general_dilated(maps, taps, (window.stride,) * 2, around, dimension_numbers=layout)
        return out.reshape(len(v), -1)

    def operators(g: Array, v: Array, u: Array) -> tuple[Array, Array, Array]:
        pushed, transposes = jax.vjp(forward, g, v)
        by_kernel, by_rows = transposes(u)
        return pushed, by_rows, by_kernel

    return operators


def compare(kernel: Kernel, *, rounds: int, seconds: Second, observe: Callable[[int], None] = lambda _: None, clock: Clock = CLOCK) -> Cost:
    """Time both in 32 bits on a batch, in turn, compiled as trainings are."""
    import jax  # noqa: PLC0415 - JAX takes a second to load

    from hwsim.numeric.jax_scope import compiler_options, jax_scope  # noqa: PLC0415 - needs JAX

    rng, window = np.random.default_rng(0), kernel.window
    shapes = (window.taps, kernel.channels), (BATCH, window.rows), (BATCH, window.positions * kernel.channels)
    given = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
    with jax_scope():
        on_device, wait = jax.device_put(given), jax.block_until_ready
        patches, xla = (jax.jit(operators(kernel), compiler_options=compiler_options()) for operators in (by_patches, by_xla))

        def repeat(program: Any, count: int) -> None:
            for _ in range(count):
                wait(program(*on_device))  # type: ignore[no-untyped-call] # JAX types it not

        for program in (patches, xla):
            repeat(program, 1)  # compiles
        count = repetitions(partial(repeat, patches), seconds, _MOST, clock)
        took = take_turns((lambda _: repeat(patches, count), lambda _: repeat(xla, count)), rounds, clock, observe)
    return cost_of(str(kernel), "XLA's convolution", "µs/image", 1e6 * took / (count * BATCH))

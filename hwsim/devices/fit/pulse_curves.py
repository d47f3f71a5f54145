"""Pulse curves as PNG: a train of pulses up and one down, on the nominal device, its noise, and several drawn devices."""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwsim.devices.arrays.draw import draw, nominal
from hwsim.devices.arrays.models import Devices
from hwsim.devices.fit.pulse_train import PulseTrain
from hwsim.devices.kinds.declared import Device
from hwsim.devices.kinds.shapes import middle
from hwsim.files.figures import new_figure, png_bytes
from hwsim.random.streams import stream
from hwsim.typing import Floats

SEVERAL = 6
"""Drawn devices that a plot shows."""

_REPEATS = 400
"""Times that the nominal device is pulsed, to see its noise."""

_POINTS = 80
"""Points of a curve in one direction; longer trains are drawn in bundles of pulses."""

_ENOUGH = 1.6
"""Times the pulses that would take a device across its range in steps as long as in the middle."""

_RANGE = (1e-6, 1e-4)
"""S; stands in for a crossbar's range where a device has none, and the plot then shows shares of it."""

_PREFIXES = ((1e-3, "mS"), (1e-6, "µS"), (1e-9, "nS"), (1e-12, "pS"))


class Trace(NamedTuple):
    """Conductances after pulses: the count of pulses (points,), and what devices show (points, devices) [S]."""

    pulses: NDArray[np.int64]
    g: Floats


def trace(devices: Devices, pulses: tuple[int, int], size: int, rng: np.random.Generator, *, noisy: bool = True) -> Trace:
    """Send so many pulses up, then so many down, to devices that begin at their lower bound."""
    normals: Callable[[], Floats] = (lambda: rng.standard_normal(size)) if noisy else (lambda: np.zeros(size))
    low, _ = devices.limits()
    hidden = devices.begin(np.broadcast_to(np.asarray(low, dtype=np.float64), (size,)).copy())
    count, counts, shown = 0, [0], [hidden]
    for total, sign in zip(pulses, (1, -1), strict=True):
        sent = 0
        for k in range(_POINTS):
            until = round(total * (k + 1) / _POINTS)
            if until == sent:
                continue
            n = np.full(size, sign * (until - sent))
            hidden = devices.pulse(hidden, n, normals())
            shown.append(devices.show(shown[-1], hidden, n, normals()))
            count, sent = count + until - sent, until
            counts.append(count)
    return Trace(np.array(counts), np.array(shown))


def train_lengths(device: Device) -> tuple[int, int]:
    """Return how many pulses take a device well across its range, up and down."""
    if device.step.kind == "table":
        return len(device.step.up) - 1, len(device.step.down) - 1
    up, down = (1 if not step else min(math.ceil(_ENOUGH / step), 100_000) for step in middle(device.step))
    if device.step.kind == "ideal":
        return 1, 1
    return up, 0 if device.one_sided else down


def pulse_curves(device: Device) -> bytes:
    """Draw one device: conductance over pulses, and the step over the conductance. Return the PNG's bytes."""
    figure = new_figure(10, 4, dpi=130)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    _curves(left, device)
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8)
    _step_sizes(right, device)
    figure.suptitle(f"{device.name}: {device.about}" if device.about else device.name)
    return png_bytes(figure)


def gallery(devices: Sequence[Device]) -> bytes:
    """Draw several devices next to one another; return the PNG's bytes."""
    columns = min(4, len(devices))
    rows = math.ceil(len(devices) / columns)
    figure = new_figure(3.6 * columns, 2.7 * rows, dpi=130)
    places = figure.subplots(rows, columns, squeeze=False).flatten()
    for axes, device in zip(places, devices, strict=False):
        _curves(axes, device)
        axes.set_title(device.name, fontsize=10)
    for axes in places[len(devices) :]:
        axes.set_axis_off()
    handles, labels = places[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), fontsize=9)
    return png_bytes(figure)


def fitted(train: PulseTrain, device: Device) -> bytes:
    """Draw a measured train and the device that was fitted to it, run by run. Return the PNG's bytes."""
    figure = new_figure(10, 4, dpi=130)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    devices = nominal(device)
    unit, symbol = _unit(float(train.g.max()))
    count = 0
    for k, run in enumerate(train.runs):
        pulses = count + np.abs(run.n)
        curve = devices.pulse(np.full(len(run.n), run.g[0]), run.n, np.zeros(len(run.n)))
        left.plot(pulses, run.g / unit, ".", color="C7", markersize=3, label=None if k else "measured")
        left.plot(pulses, curve / unit, color="C0" if run.n[-1] > 0 else "C1", linewidth=1.5, label=None if k else "fitted, run by run")
        count = int(pulses[-1])
    left.set(xlabel="pulses", ylabel=f"conductance [{symbol}]")
    left.grid(visible=True, alpha=0.3)
    left.legend(fontsize=8)
    _step_sizes(right, device)
    figure.suptitle(f"{train.name}: {device.step.kind} steps")
    return png_bytes(figure)


def _curves(axes: Any, device: Device) -> None:
    """Draw the curves into axes."""
    pulses, rng = train_lengths(device), stream(0, "plot")
    plain = nominal(device, _RANGE)
    several = draw(device, (SEVERAL,), lambda name: stream(0, f"plot/{name}"), _RANGE)
    has_range = device.g_max is not None
    unit, symbol = _unit(device.g_max or 1.0)

    def values(g: Floats) -> Floats:
        return g / unit if has_range else (g - _RANGE[0]) / (_RANGE[1] - _RANGE[0])

    drawn = trace(several, pulses, SEVERAL, rng)
    for k, line in enumerate(values(drawn.g).T):
        axes.plot(drawn.pulses, line, color="C7", linewidth=0.7, alpha=0.8, label=None if k else f"{SEVERAL} drawn devices")
    noisy = trace(plain, pulses, _REPEATS, rng)
    low, high = np.quantile(values(noisy.g), (0.16, 0.84), axis=1)
    axes.fill_between(noisy.pulses, low, high, color="C0", alpha=0.25, linewidth=0, label="nominal device, 68 % of trials")
    quiet = trace(plain, pulses, 1, rng, noisy=False)
    axes.plot(quiet.pulses, values(quiet.g)[:, 0], color="C0", linewidth=1.8, label="nominal device without noise")
    if pulses[1]:
        axes.axvline(pulses[0], color="black", linewidth=0.7, linestyle=":")
    axes.set(
        xlabel="pulses up, then down" if pulses[1] else "pulses up", ylabel=f"conductance [{symbol}]" if has_range else "share of the range"
    )
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(visible=True, alpha=0.3)


def _step_sizes(axes: Any, device: Device) -> None:
    """Draw the mean step over the state."""
    plain = nominal(device, _RANGE)
    x = np.linspace(0.0, 1.0, 201)
    signs = ((1, "up", "C0"),) if device.one_sided else ((1, "up", "C0"), (-1, "down", "C1"))
    for sign, name, color in signs:
        moved = plain.law.walk(x, np.full(x.shape, sign), plain.noise, plain.bounds)
        axes.plot(x, 100 * np.abs(np.clip(x + moved.mean, 0, 1) - x), color=color, linewidth=1.5, label=f"one pulse {name}")
    axes.set(xlabel="state: share of the range", ylabel="mean step [% of the range]")
    axes.set_ylim(bottom=0)
    axes.grid(visible=True, alpha=0.3)
    axes.legend(fontsize=8)


def _unit(g: float) -> tuple[float, str]:
    return next(((unit, symbol) for unit, symbol in _PREFIXES if g >= unit), (1e-12, "pS"))

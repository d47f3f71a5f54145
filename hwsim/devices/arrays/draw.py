"""From a kind of device to the devices of one crossbar on one chip: every spread is drawn once, from a stream of its own."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from circuits.units import Siemens
from hwsim.devices.arrays.models import Devices
from hwsim.devices.kinds.declared import Device, DeviceNoise
from hwsim.devices.kinds.shapes import NOMINAL, Lengths
from hwsim.devices.kinds.steps import Bounds, Noise
from hwsim.typing import Floats

Streams = Callable[[str], np.random.Generator]
"""Return the random numbers of a spread by its name, so that adding one spread moves no other."""

_FLOOR = 0.1
"""Share of g_min; however wide the spread of the lower bound is, no device conducts less."""

_NARROWEST = 0.05
"""Share of the nominal range; no device has a smaller one."""

_SHORTEST = 0.01
"""No device's steps are shorter than this share of the nominal ones: a normal distribution would make some negative."""


def draw(device: Device, shape: tuple[int, ...], streams: Streams, g_range: tuple[Siemens, Siemens] | None = None) -> Devices:
    """Draw an array of devices.

    Parameters
    ----------
    device
        Their kind.
    shape
        The crossbar's.
    streams
        Where each spread's random numbers come from.
    g_range
        The crossbar's own range [S]; it counts where the device has none.

    Raises
    ------
    ValueError
        When neither has a range.

    """
    g_min, g_max = conductance_range(device, g_range)
    bounds = _bounds(device, shape, streams, _FLOOR * g_min / (g_max - g_min) - g_min / (g_max - g_min))
    lengths = _lengths(device, shape, streams)
    stuck, stuck_at = _stuck(device, shape, streams, (g_min, g_max))
    pulse, drift, leak, noise = device.pulse, device.drift, device.leak, device.noise
    return Devices(
        law=device.step.law(lengths, bounds),
        g_min=g_min,
        g_max=g_max,
        bounds=bounds,
        noise=_noise(noise),
        charge_up=pulse.v_up**2 * pulse.t_up,
        charge_down=pulse.v_down**2 * pulse.t_down,
        write=noise.write or None,
        read=noise.read or None,
        stuck=stuck,
        stuck_at=stuck_at,
        nu=None if drift is None else _spread(drift.nu, drift.nu_spread, shape, streams, "nu"),
        t0=1.0 if drift is None else drift.t0,
        lifetime=None if leak is None else leak.lifetime,
        rest=0.0 if leak is None else leak.rest,
        reset_noise=device.reset_noise,
    )


def _noise(noise: DeviceNoise) -> Noise:
    if not noise.cycle:
        return Noise()
    return Noise(noise.cycle) if noise.even_step is None else Noise(even=noise.cycle * noise.even_step)


def nominal(device: Device, g_range: tuple[Siemens, Siemens] | None = None) -> Devices:
    """Return one device without spreads, none of it stuck; noise stays."""
    plain = device.model_copy(update={"spread": type(device.spread)(), "stuck": None})
    if plain.drift is not None:
        plain = plain.model_copy(update={"drift": plain.drift.model_copy(update={"nu_spread": 0.0})})
    return draw(plain, (), _none, g_range)


def _none(name: str) -> np.random.Generator:
    msg = f"a nominal device draws nothing, and {name} was asked for"
    raise AssertionError(msg)


def conductance_range(device: Device, g_range: tuple[Siemens, Siemens] | None) -> tuple[Siemens, Siemens]:
    """Return the range of a device [S], or else the one of its crossbar."""
    if device.g_min is not None and device.g_max is not None:
        return device.g_min, device.g_max
    if g_range is None:
        msg = f"device {device.name} has no g_min and g_max, and no crossbar gives them; name a range [S]"
        raise ValueError(msg)
    return g_range


def _spread(mean: float, std: float, shape: tuple[int, ...], streams: Streams, name: str) -> Floats | float:
    """Draw normal values that are not negative."""
    return np.maximum(mean + std * streams(name).standard_normal(shape), 0.0) if std else mean


def _bounds(device: Device, shape: tuple[int, ...], streams: Streams, floor: float) -> Bounds:
    spread = device.spread
    if not spread.low and not spread.high:
        return NOMINAL
    low = np.maximum(spread.low * streams("low").standard_normal(shape), floor) if spread.low else np.zeros(shape)
    high = 1 + spread.high * streams("high").standard_normal(shape) if spread.high else np.ones(shape)
    return Bounds(low, np.maximum(high, low + _NARROWEST))


def _lengths(device: Device, shape: tuple[int, ...], streams: Streams) -> Lengths:
    spread = device.spread
    length: Floats | float = 1.0
    if spread.step:
        normal = spread.step * streams("step").standard_normal(shape)
        length = np.exp(normal) if spread.law == "log-normal" else np.maximum(1 + normal, _SHORTEST)
    bias = device.asymmetry + (spread.asymmetry * streams("asymmetry").standard_normal(shape) if spread.asymmetry else 0.0)
    down = 0.0 * length if device.one_sided else length * (1 + np.maximum(-bias, 0.0))
    return Lengths(length * (1 + np.maximum(bias, 0.0)), down)


def _stuck(
    device: Device, shape: tuple[int, ...], streams: Streams, g_range: tuple[Siemens, Siemens]
) -> tuple[NDArray[np.bool_] | None, Floats | float]:
    if device.stuck is None or not device.stuck.share:
        return None, 0.0
    stuck = streams("stuck").random(shape) < device.stuck.share
    g_min, g_max = g_range
    match device.stuck.at:
        case "g_min":
            return stuck, g_min
        case "g_max":
            return stuck, g_max
        case "anywhere":
            return stuck, streams("stuck_at").uniform(g_min, g_max, shape)

"""A device as the library's memristor in SPICE, and a pulse train that compares it with its model."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from circuits.circuit import Circuit
from hwsim.devices.arrays.draw import nominal
from hwsim.devices.arrays.models import Devices
from hwsim.devices.fit.pulse_curves import train_lengths
from hwsim.devices.kinds import presets
from hwsim.devices.kinds.declared import Device
from hwsim.devices.kinds.presets import DeviceError
from hwsim.devices.kinds.steps import Affine, Exact, Exponential, PowerLaw
from hwsim.settings.device_settings import DeviceSettings
from netlists.measure.pulses import Train, pulses_deck

_GROUPS = 8
"""Readings in each direction."""

_MOST = 256
"""Pulses in each direction by default."""

_WHY_NOT = {
    "levels": "its levels are written and verified: a controller decides by reading, and no pulse has a law of its own",
    "table": "its curve is a table of points, no formula; `hwsim devices --fit` finds a formula for it",
}
"""Kinds of steps that the memristor in SPICE does not have, and the reason."""


def parameters(device: Device, devices: Devices) -> dict[str, float]:
    """Return the parameters of the library's memristor for one device.

    Parameters
    ----------
    device
        Its kind.
    devices
        The one device of that kind.

    Raises
    ------
    DeviceError
        When its steps have no formula.

    """
    law, pulse = devices.law, device.pulse
    up: tuple[Any, ...]
    down: tuple[Any, ...]
    match law:
        case Exact():  # a pulse of full length goes through the whole range, a shorter one as far as it is long
            up, down = (1.0,), (1.0,)
        case Affine():
            up, down = (law.up, -(law.up_slope or 0.0)), (law.down, law.down_slope or 0.0)
        case Exponential():
            up = (law.delta_up, 0.0, -law.delta_up * law.a_up * math.exp(law.gamma_up * law.start), law.gamma_up * law.slope)
            down = (law.delta_down, 0.0, -law.delta_down * law.a_down * math.exp(-law.gamma_down * law.start), -law.gamma_down * law.slope)
        case PowerLaw():
            up, down = ((0.0,) * 4 + (law.delta_up, law.gamma_up)), ((0.0,) * 4 + (law.delta_down, law.gamma_down))
        case _:
            kind = device.step.kind
            msg = f"device {device.name} has {kind} steps, which the memristor in SPICE has not: {_WHY_NOT[kind]}"
            raise DeviceError(msg)
    values: dict[str, Any] = {"g_min": devices.g_min, "g_max": devices.g_max, "low": devices.bounds.low, "high": devices.bounds.high}
    values |= {"x0": devices.bounds.low, "v_up": pulse.v_up, "v_down": pulse.v_down, "t_up": pulse.t_up, "t_down": pulse.t_down}
    values |= {f"{way}_{k}": value for way, terms in (("up", up), ("down", down)) for k, value in enumerate(_filled(terms))}
    return {name: float(value) for name, value in values.items()}


def _filled(terms: Sequence[Any]) -> tuple[Any, ...]:
    return (*terms, *(0.0, 0.0, 0.0, 0.0, 0.0, 1.0)[len(terms) :])


def pulse_train_deck(settings: DeviceSettings, circuit: Circuit, pulses: int | None = None) -> str:
    """Write the deck that sends pulses up, then down, to a nominal device at its lower bound, without noise.

    Parameters
    ----------
    settings
        Name the kind of device.
    circuit
        Whose first crossbar gives the range, when devices have none of their own.
    pulses
        How many each way; None: as many as bring it across its range, but no more than 256.

    Raises
    ------
    DeviceError
        When no kind is named, or its steps have no formula.

    """
    if settings.preset is None:
        msg = "no device is named whose pulses could be shown; add --set device.preset=NAME (`hwsim devices` lists them)"
        raise DeviceError(msg)
    device, element = presets.load(settings.preset), circuit.trainable[0]
    g_range = float(np.min(element.g_min)), float(np.max(element.g_max))
    if device.g_max is None and not math.isfinite(g_range[1]):
        msg = f"device {device.name} has no range of its own, and {element.name} no g_max; give circuit.g_max"
        raise DeviceError(msg)
    one = nominal(device, g_range)
    values = parameters(device, one)
    ideal = isinstance(one.law, Exact)
    x, trains = np.full(1, float(one.bounds.low)), []
    for name, sign, length in zip(("up", "down"), (1, -1), train_lengths(device), strict=True):
        if not length:
            continue
        count = _GROUPS if ideal and pulses is None else pulses or min(length, _MOST)
        share = 1.0 / count if ideal else 1.0
        counts = sorted({math.ceil(count * k / _GROUPS) for k in range(1, _GROUPS + 1)})
        g = _expected(one, one.conductance(x), [sign * share * n if ideal else sign * n for n in counts])
        x = one.state(g[-1:])
        trains.append(Train(name=name, v=values[f"v_{name}"], t=values[f"t_{name}"], counts=counts, expected=g.tolist(), share=share))
    comments = [f"Device {device.name}: {device.step.kind} steps, a nominal one, without noise; {device.source or 'no source given'}"]
    if device.g_max is None:
        comments.append(f"Its range is that of {element.name}.")
    if device.one_sided:
        comments.append("It has pulses up only; a reset, which brings it back, is none of them.")
    return pulses_deck(device.name, values, trains, comments)


def _expected(one: Devices, g: Any, n: Sequence[float]) -> Any:
    """Return the conductances after n pulses from g, for several n."""
    return one.pulse(np.repeat(g, len(n)), np.array(n), np.zeros(len(n)))

"""From the device that an experiment names to the devices of its circuit on one chip, ready to be programmed."""

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from circuits.arrays import Trainable
from circuits.circuit import Circuit
from hwsim.core import blocks
from hwsim.devices.arrays.draw import draw, nominal
from hwsim.devices.arrays.flat_layout import Parts, in_a_row
from hwsim.devices.arrays.models import Devices
from hwsim.devices.arrays.pairs import Pairs
from hwsim.devices.kinds import presets
from hwsim.devices.kinds.declared import Device, DeviceStuck
from hwsim.devices.kinds.presets import DeviceError
from hwsim.devices.kinds.shapes import middle
from hwsim.devices.programming.discrete import Discrete
from hwsim.devices.programming.pulsed import Pulsed
from hwsim.devices.programming.rounding import Sizes
from hwsim.devices.temperature import heat_of
from hwsim.random.streams import stream
from hwsim.settings.device_settings import DeviceSettings
from hwsim.settings.variation_settings import VariationSettings
from hwsim.typing import Array

_LONGEST_CURVE = 2000
"""Pulses of the curve by which a one-sided device is written after a reset."""

_ENOUGH = 4
"""Times the pulses that would take a device across its range in steps as long as in the middle."""


def kind_of(variation: VariationSettings, settings: DeviceSettings) -> Device:
    """Return the kind of device that an experiment's memristors are, with the spreads that its chips have.

    Raises
    ------
    DeviceError
        When there is no such device.

    """
    device = presets.load(settings.preset or "ideal")
    if not settings.spread:
        drift = device.drift and device.drift.model_copy(update={"nu_spread": 0.0})
        device = device.model_copy(update={"spread": type(device.spread)(), "stuck": None, "drift": drift})
    if settings.cycle is not None:
        device = device.model_copy(update={"noise": device.noise.model_copy(update={"cycle": settings.cycle, "even_step": None})})
    if settings.asymmetry is not None:
        device = device.model_copy(update={"asymmetry": settings.asymmetry})
    keys = {"g_min": "low", "g_max": "high", "step": "step", "asymmetry": "asymmetry"}
    given = {name: getattr(variation, key) for key, name in keys.items() if getattr(variation, key) is not None}
    stuck = device.stuck if variation.stuck is None else DeviceStuck(share=variation.stuck, at=variation.stuck_at)
    return device.model_copy(update={"spread": device.spread.model_copy(update=given), "stuck": stuck})


def devices_of(device: Device, element: Trainable, chip: int, row: str = "device", heat: float = 1.0) -> Devices:
    """Draw the devices of an element array on a chip, which is named by its seed; `row` distinguishes several in one place.

    `heat` is by what the chip's temperature multiplies their conductances.
    """
    return draw(fitted(device, element, heat)[0], element.shape, lambda what: stream(chip, f"{row}/{element.name}/{what}"))


def pulsed(settings: DeviceSettings, variation: VariationSettings, circuit: Circuit, dtype: DTypeLike) -> Pulsed:
    """Draw the devices of a circuit and lay them in a row.

    Raises
    ------
    DeviceError
        When the device cannot be read, or cannot be programmed like this.

    """
    device = kind_of(variation, settings)
    check(device, settings)
    heat = heat_of(settings, variation)
    of_each = [_part(device, settings, element, variation.chip, heat) for element in circuit.memristive]
    parts = in_a_row(of_each, [element.shape for element in circuit.memristive])
    if settings.pairs:
        parts = _paired(parts, circuit)
    parts = _cast(parts, np.dtype(dtype))
    return Pulsed(settings, parts, tuple(blocks.of_memristors(circuit)), noisy=device.noise.cycle > 0)


def discrete(settings: DeviceSettings, variation: VariationSettings, circuit: Circuit, dtype: DTypeLike) -> Discrete:
    """Draw the devices of a circuit, which have few levels, and lay them in a row.

    Raises
    ------
    DeviceError
        When the device cannot be read, or there are no pairs.

    """
    device, heat, kind = kind_of(variation, settings), heat_of(settings, variation), np.dtype(dtype)
    of_each = [_part(device, settings, element, variation.chip, heat) for element in circuit.memristive]
    parts = in_a_row(of_each, [element.shape for element in circuit.memristive])
    if settings.coding != "single":
        parts = parts._replace(pairs=_pairs(circuit, f"device.coding = {settings.coding!r}", "'single'"))
    last = np.asarray((settings.levels or 2) - 1, kind)
    any_count = settings.model_copy(update={"levels": 2})  # it is no part of what is compiled
    return Discrete(any_count, (_cast(parts, kind), last), tuple(blocks.of_memristors(circuit)))


def _paired(parts: Parts, circuit: Circuit) -> Parts:
    """Find the pairs among devices in a row; of these a pulse is one upwards, whatever is wanted."""
    pairs, (up, down) = _pairs(circuit, "device.pairs = true", "false"), parts.sizes
    return parts._replace(sizes=Sizes(up, np.where(pairs.side == 0, down, up)), pairs=pairs)


def _pairs(circuit: Circuit, given: str, off: str) -> Pairs:
    """Find the pairs among devices in a row; `given` is the setting that asks for them, and `off` its value without.

    Raises
    ------
    DeviceError
        When there are none.

    """
    pairs = Pairs.of(circuit)
    if not pairs.side.any():
        msg = (
            f"{given}: {circuit.name} has no pairs of devices, between a node and a feature's row and its negative's, or an "
            f"output's two columns; set it to {off}, or circuit.signed_inputs or circuit.differential to true (and wires to 0 ohm)"
        )
        raise DeviceError(msg)
    return pairs


def check(device: Device, settings: DeviceSettings) -> None:
    """Refuse what a device cannot do.

    Raises
    ------
    DeviceError
        Naming the setting and the remedy.

    """
    if settings.scheme != "pulses" and (device.one_sided or device.step.kind == "ideal"):
        what = "only goes up between resets" if device.one_sided else "reaches any conductance directly"
        msg = f"device.scheme = {settings.scheme!r}: device {device.name} {what}; use 'pulses'"
        raise DeviceError(msg)
    if settings.pairs and (settings.scheme != "pulses" or device.step.kind == "ideal"):
        what = (
            f"device {device.name} reaches any conductance directly"
            if settings.scheme == "pulses"
            else f"device.scheme = {settings.scheme!r}"
        )
        msg = f"device.pairs = true sends pulses up only, and {what}; set it to false, or use scheme 'pulses' and a device that is pulsed"
        raise DeviceError(msg)


def fitted(device: Device, element: Trainable, heat: float = 1.0) -> tuple[Device, float]:
    """Return a device the circuit's range or, if it has one of its own, the upper part of it; also how much more the real one conducts.

    Raises
    ------
    DeviceError
        When the circuit's range has no upper end.

    """
    g_min, g_max = float(np.min(element.g_min)), float(np.max(element.g_max))
    if not np.isfinite(g_max):
        msg = f"device {device.name}: {element.name} has no g_max; give circuit.g_max, which the device's own is mapped on"
        raise DeviceError(msg)
    scale = 1.0
    if device.on_off is not None and device.g_max is not None:
        # volts stay the same when all currents scale, and so does what is learnt; energy is reported for the real device
        g_min, scale = g_max / device.on_off, device.g_max / g_max
    return device.model_copy(update={"g_min": heat * g_min, "g_max": heat * g_max}), scale


def _part(device: Device, settings: DeviceSettings, element: Trainable, chip: int, heat: float) -> Parts:
    """Draw the devices of an element array."""
    nominal_device, scale = fitted(device, element, heat)

    def drawn(row: str) -> Devices:
        devices = devices_of(device, element, chip, row, heat)
        return devices._replace(charge_up=scale * devices.charge_up, charge_down=scale * devices.charge_down)

    fast = drawn("fast") if settings.scheme == "tiki-taka" else None
    way_up = _way_up(nominal_device) if device.one_sided and settings.levels is None else None
    return Parts(drawn("device"), Sizes.nominal(nominal_device), fast, way_up, copies=len(element) / math.prod(element.shape))


def _way_up(device: Device) -> Array:
    one = nominal(device.model_copy(update={"noise": type(device.noise)()}))
    n = np.arange(min(int(_ENOUGH / middle(device.step)[0]), _LONGEST_CURVE))
    return one.pulse(np.full(n.shape, one.g_min), n, np.zeros(n.shape))


def _cast(value: Any, kind: np.dtype[Any]) -> Any:
    """Return the same numbers in one precision."""
    if isinstance(value, tuple):
        return type(value)(*(_cast(inner, kind) for inner in value))
    return value if value is None or getattr(value, "dtype", np.dtype(float)).kind in "bi" else np.asarray(value, kind)

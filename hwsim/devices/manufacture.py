"""Variation: draws one manufactured chip of a circuit, every spread from a stream of its own, so that adding one moves no other."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.elements import Amplifiers, Capacitors, Diodes, IdealDiodes, InputSources
from circuits.errors import CircuitError
from hwsim.devices.temperature import heat_of
from hwsim.random.streams import stream
from hwsim.settings.device_settings import DeviceSettings
from hwsim.settings.variation_settings import NoiseSettings, VariationSettings
from hwsim.typing import Floats

if TYPE_CHECKING:
    from hwsim.devices.kinds.declared import Device

Value = tuple[str, str, Floats]
"""An element array, one of its parameters, and the parameter's values."""

_LEAST = 0.01
"""No positive quantity falls below this share of its nominal value, however wide its spread."""


def alike(circuit: Circuit, variation: VariationSettings, device: DeviceSettings, noise: NoiseSettings, *, learning: bool = False) -> bool:
    """Whether all chips are one: no part, no noise, nor a pulse where they are `learning`, depends on the chip's seed.

    Parts of the chip that the variation names are compared with the design's. That it, or another, cannot be is no matter here.

    Raises
    ------
    DeviceError
        As `draw`.

    """
    from hwsim.devices.programming.chip_devices import kind_of  # noqa: PLC0415 - as below

    if noise.in_currents or noise.in_readings:
        return False
    kind = kind_of(variation, device)
    if (kind.stuck and kind.stuck.share) or (learning and device.programmed and _pulses_differ(kind, device)):
        return False
    chip = _drawn(circuit, variation, device)
    design = _drawn(circuit, variation.nominal, device.model_copy(update={"spread": False}))
    pairs = [(values, design.reference(name, parameter)) for name, of in chip.values.items() for parameter, values in of.items()]
    pairs += [(factors, design.aged[name]) for name, factors in chip.aged.items()]
    return all((one == other).all() for one, other in pairs)


def _pulses_differ(kind: "Device", device: DeviceSettings) -> bool:
    """Whether something about pulses is drawn for each chip by itself: their number, what one does, or what is seen afterwards."""
    if device.levels is not None:
        return device.level_rounding == "stochastic"
    drawn = (kind.noise.cycle, kind.noise.write, kind.reset_noise, kind.spread.step, kind.spread.asymmetry)
    return device.rounding == "stochastic" or any(drawn)


def draw(circuit: Circuit, variation: VariationSettings, device: DeviceSettings | None = None) -> Chip:
    """Draw the chip number `variation.chip`.

    Without spreads it has the circuit's own values; with a spread of one parameter, other values of that parameter alone.

    Raises
    ------
    DeviceError
        When the memristors' device cannot be read, or has no range.
    CircuitError
        When values come out that no element can have.

    """
    chip = _drawn(circuit, variation, device or DeviceSettings())
    _check_clamps(chip, variation)
    return chip


def _drawn(circuit: Circuit, variation: VariationSettings, device: DeviceSettings) -> Chip:
    """Draw a chip, whether its ideal clamps are possible or not."""
    values: dict[str, dict[str, Floats]] = {}
    parts = (_junctions, _amplifiers, _capacitors, _ends)
    for element, parameter, drawn in (value for part in parts for value in part(circuit, variation)):
        values.setdefault(element, {})[parameter] = drawn
    for element, parameter, drawn in _memristors(circuit, variation, device):
        values.setdefault(element, {})[parameter] = drawn
    return Chip(circuit, values, variation.kelvin, heat_of(device, variation), _drifted(circuit, variation, device))


def _normal(variation: VariationSettings, element: str, parameter: str, nominal: Floats | float) -> Floats:
    return stream(variation.chip, f"variation/{element}/{parameter}").standard_normal(np.shape(nominal))


def _relative(variation: VariationSettings, element: str, parameter: str, nominal: Floats | float, spread: float) -> Value:
    """Spread positive values by a normal factor."""
    factor = 1.0 + spread * _normal(variation, element, parameter, nominal)
    return element, parameter, nominal * np.maximum(factor, _LEAST)


def _logarithmic(variation: VariationSettings, element: str, parameter: str, nominal: Floats | float, spread: float) -> Value:
    """Spread positive values by a log-normal factor."""
    return element, parameter, nominal * np.exp(spread * _normal(variation, element, parameter, nominal))


def _added(variation: VariationSettings, element: str, parameter: str, nominal: Floats | float, spread: float) -> Value:
    """Add normal values."""
    return element, parameter, nominal + spread * _normal(variation, element, parameter, nominal)


def _junctions(circuit: Circuit, variation: VariationSettings) -> Iterator[Value]:
    """Draw diodes, and the sources that hold their far ends."""
    for diodes in circuit.of(Diodes):
        if variation.diode_i_sat:
            yield _logarithmic(variation, diodes.name, "i_sat", diodes.i_sat, variation.diode_i_sat)
        if variation.diode_n:
            yield _relative(variation, diodes.name, "n", diodes.n, variation.diode_n)
    if variation.rails:
        clamps = circuit.of(Diodes, IdealDiodes)
        far = np.unique(np.concatenate([np.zeros(1, np.intp), *(end for diodes in clamps for end in (diodes.anode, diodes.cathode))]))[1:]
        for source in circuit.voltage_sources:
            if np.isin(source.plus, far).any():
                yield _added(variation, source.name, "v", source.v, variation.rails)


def _amplifiers(circuit: Circuit, variation: VariationSettings) -> Iterator[Value]:
    for amplifiers in circuit.of(Amplifiers):
        name = amplifiers.name
        for parameter, spread in (("gain", variation.gain), ("back", variation.back)):
            if spread:
                yield _relative(variation, name, parameter, getattr(amplifiers, parameter), spread)
        if variation.offset:
            yield _added(variation, name, "offset", amplifiers.offset, variation.offset)
        r = amplifiers.output_resistance + variation.output_resistance
        if variation.output_resistance_spread and r.any():
            yield _logarithmic(variation, name, "output_resistance", r, variation.output_resistance_spread)
        elif variation.output_resistance:
            yield name, "output_resistance", r


def _capacitors(circuit: Circuit, variation: VariationSettings) -> Iterator[Value]:
    for capacitors in circuit.of(Capacitors) if variation.capacitance else ():
        yield _relative(variation, capacitors.name, "c", capacitors.c, variation.capacitance)


def _ends(circuit: Circuit, variation: VariationSettings) -> Iterator[Value]:
    """Draw what stands at the inputs and the outputs."""
    outputs = circuit.outputs
    if variation.dac_offset:
        for source in circuit.of(InputSources):
            yield _added(variation, source.name, "offset", source.offset, variation.dac_offset)
    if variation.adc_offset:
        yield _added(variation, outputs.name, "offset", outputs.offset, variation.adc_offset)
    if variation.nudge_gain:
        yield _relative(variation, outputs.name, "gain", outputs.gain, variation.nudge_gain)


def _memristors(circuit: Circuit, variation: VariationSettings, device: DeviceSettings) -> Iterator[Value]:
    """Draw the bounds that each device of the chip has; both are one where it is stuck."""
    wanted = (variation.g_min, variation.g_max, variation.stuck)
    if device.preset is None and not any(wanted):
        return
    from hwsim.devices.programming.chip_devices import devices_of, kind_of  # noqa: PLC0415 - presets load only for chips whose memristors differ

    kind = kind_of(variation, device)
    if not (kind.spread.low or kind.spread.high or (kind.stuck and kind.stuck.share)):
        return
    for element in circuit.memristive:
        devices = devices_of(kind, element, variation.chip)
        bounds = [np.broadcast_to(np.asarray(bound, np.float64), element.shape) for bound in devices.limits()]
        if devices.stuck is not None:
            bounds = [np.where(devices.stuck, devices.stuck_at, bound) for bound in bounds]
        yield from ((element.name, name, np.array(bound)) for name, bound in zip(("g_min", "g_max"), bounds, strict=True))


def _drifted(circuit: Circuit, variation: VariationSettings, device: DeviceSettings) -> Mapping[str, Floats]:
    """Draw how far each device has drifted."""
    if not variation.after or device.preset is None:
        return {}
    from hwsim.devices.drift import drifted  # noqa: PLC0415 - presets load only for chips whose memristors differ

    return drifted(circuit, variation, device)


def _check_clamps(chip: Chip, variation: VariationSettings) -> None:
    """Refuse rails that crossed between ideal clamps, which would be a short circuit."""
    if not variation.rails:
        return
    rail_volts = {
        int(node): float(v) for source in chip.circuit.voltage_sources for node, v in zip(source.plus, chip(source.name, "v"), strict=True)
    }
    high, low = dict[int, float](), dict[int, float]()
    for clamps in chip.circuit.of(IdealDiodes):
        for anode, cathode in zip(clamps.anode.tolist(), clamps.cathode.tolist(), strict=True):
            if cathode in rail_volts:
                high[anode] = min(rail_volts[cathode], high.get(anode, np.inf))
            if anode in rail_volts:
                low[cathode] = max(rail_volts[anode], low.get(cathode, -np.inf))
    for node in high.keys() & low.keys():
        if low[node] > high[node]:
            name = chip.circuit.node_names[node]
            msg = (
                f"chip {variation.chip}: the ideal clamps of {name} hold it above {low[node]:.4g} V and below {high[node]:.4g} V; "
                f"variation.rails = {variation.rails:g} V is too wide for them"
            )
            raise CircuitError(msg)

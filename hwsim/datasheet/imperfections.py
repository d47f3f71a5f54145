"""The imperfections whose limits a datasheet searches for: their keys, and from where to where each is tried, mild to harsh."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from circuits.elements import Amplifiers
from circuits.quoting import quoted
from hwsim.core.protocol import Equilibrium
from hwsim.datasheet.chip_errors import Values
from hwsim.experiment.experiment import ExperimentError
from hwsim.formatting import quantity
from hwsim.inspection.heat import COLDEST, HOTTEST
from hwsim.runs.loaded import LoadedModel
from hwsim.settings.durations import UNITS, spelled

_STEPS = 32
"""Steps of a range, over which a bisection takes five: of a decade a third to an eighth."""

_TEN_YEARS = 10 * UNITS["y"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Imperfection:
    """One key of an experiment, from mild to harsh.

    Parameters
    ----------
    key, label
        The key, and what it is called.
    tried
        Its values, the mildest first.
    spelled
        Writes a value.
    others
        Keys that are set with it.

    """

    key: str
    label: str
    tried: tuple[Any, ...]
    spelled: Callable[[Any], str]
    others: Values

    def values(self, number: int) -> dict[str, Any]:
        """Return the keys to change for one of the values, by its number."""
        return {**self.others, self.key: self.tried[number]}


def imperfections(given: LoadedModel, free: Equilibrium) -> Iterator[Imperfection]:
    """List those that a circuit can have, with ranges of its own voltages."""
    circuit, variation = given.circuit, given.experiment.variation
    largest = float(np.abs(np.asarray(free.outputs(circuit))).max())
    driven = max((float(np.abs(source.scale).max()) for source in circuit.inputs), default=1.0)
    full_in = variation.dac_full_scale or driven * float(np.abs(given.session.data.x_train).max())
    full_out = variation.adc_full_scale or largest
    levels = (256, 192, 128, 96, 64, 48, 32, 24, 16, 12, 10, 8, 7, 6, 5, 4, 3, 2)
    bits = tuple(range(12, 1, -1))
    if all(device.levels is None for device in given.experiment.devices):
        yield _named("device.levels", "levels of a memristor", levels, str)
    yield _named("variation.dac_bits", "bits of an input's converter", bits, str, {"variation.dac_full_scale": full_in})
    yield _named("variation.adc_bits", "bits of an output's converter", bits, str, {"variation.adc_full_scale": full_out})
    yield _named("noise.read", "noise of a reading, relative", _log(1e-4, 3.0), _percent)
    yield _named("variation.stuck", "stuck memristors", _log(1e-4, 0.5), _percent)
    if circuit.of(Amplifiers):
        yield _named("variation.offset", "offset of amplifiers' inputs", _log(1e-4, 0.3), _volts)
        yield _named("variation.gain", "spread of amplifiers' gains", _log(1e-3, 0.5), _percent)
    yield _named("variation.adc_offset", "offset of read-outs", _log(1e-4 * full_out, 10 * full_out), _volts)
    start = variation.temperature
    yield _named("variation.temperature", "heat", _linear(start, HOTTEST), _celsius)
    yield _named("variation.temperature", "cold", _linear(start, COLDEST), _celsius)
    if any(given.drifts.values()):
        yield _named("variation.after", "drift", _log(60.0, _TEN_YEARS), spelled)


def chosen(given: LoadedModel, free: Equilibrium, keys: Sequence[str]) -> list[Imperfection]:
    """Return those with the given keys, or all.

    Raises
    ------
    ExperimentError
        When a key is none of those that the circuit can have.

    """
    every = list(imperfections(given, free))
    listed = dict.fromkeys(one.key for one in every)
    for key in keys:
        if key not in listed:
            msg = f"{quoted(key)} is no imperfection that a datasheet searches a limit of; of {given.what} it knows {', '.join(listed)}"
            raise ExperimentError(msg)
    return [one for one in every if not keys or one.key in keys]


def _named(key: str, label: str, tried: tuple[Any, ...], spell: Callable[[Any], str], others: Values | None = None) -> Imperfection:
    return Imperfection(key=key, label=label, tried=tried, spelled=spell, others=others or {})


def _log(low: float, high: float) -> tuple[float, ...]:
    return tuple(float(f"{value:.4g}") for value in np.geomspace(low, high, _STEPS + 1).tolist())


def _linear(low: float, high: float) -> tuple[float, ...]:
    return tuple(round(value, 1) for value in np.linspace(low, high, _STEPS + 1).tolist())


def _percent(value: float) -> str:
    return f"{100 * value:.3g} %"


def _volts(value: float) -> str:
    return quantity(value, "V")


def _celsius(value: float) -> str:
    return f"{value:.4g} °C"

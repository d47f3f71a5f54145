"""Initial conductances, drawn crossbar by crossbar from their own streams."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.errors import CircuitError
from circuits.quoting import quote, quote_path
from hwsim.files.stored_conductances import WeightsError, beyond, laid_out
from hwsim.random.streams import stream
from hwsim.settings.training_settings import TrainingSettings

T = TypeVar("T")


def initial_conductances(
    circuit: Circuit, training: TrainingSettings, shown: Mapping[str, NDArray[np.float64]] | None = None
) -> dict[str, NDArray[np.float64]]:
    """Draw the conductances at 27 °C [S] that learning starts from, within each array's bounds, or take given ones.

    Parameters
    ----------
    circuit, training
        Whose they are, and how they are drawn.
    shown
        Those that another training left, as they are, or that a netlist shows.

    Raises
    ------
    WeightsError
        When those that another training left do not fit the circuit.

    """
    wanted = _wanted(circuit, training, shown)
    return {
        element.name: wanted[element.name]
        if training.started(element.name)
        else np.clip(wanted[element.name], element.g_min, element.g_max)
        for element in circuit.trainable
    }


def initial_cut(circuit: Circuit, training: TrainingSettings, shown: Mapping[str, NDArray[np.float64]] | None = None) -> str:
    """Report which initial conductances are beyond the devices' bounds, in a line; empty where none is, or they are learned."""
    wanted = {name: values for name, values in _wanted(circuit, training, shown).items() if not training.started(name)}
    return beyond(Chip.nominal(circuit), wanted, "initial")


def _wanted(
    circuit: Circuit, training: TrainingSettings, shown: Mapping[str, NDArray[np.float64]] | None
) -> dict[str, NDArray[np.float64]]:
    """Return the conductances at 27 °C that are drawn, shown or learned [S], before any bounds."""
    if training.start is not None and shown is not None:
        named = shown if training.start_arrays is None else _named(circuit, training.start, training.start_arrays, shown)
        drawn = {} if training.start_arrays is None else _drawn(circuit, training)
        try:
            return laid_out({**drawn, **named}, circuit)
        except CircuitError as error:
            msg = f"training.start = {quote_path(training.start)}: {error}; name conductances of this circuit"
            raise WeightsError(msg) from None
    if training.init == "netlist" and shown is not None:
        return {element.name: shown[element.name] for element in circuit.trainable}
    return _drawn(circuit, training)


def _named(circuit: Circuit, start: str, names: Sequence[str], shown: Mapping[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    """Return the arrays of these names; each must be of the circuit and among those that another training left."""
    of_circuit = {element.name for element in circuit.trainable}
    for name in names:
        for arrays, whose in ((of_circuit, circuit.name), (shown.keys(), quote_path(start))):
            if name not in arrays:
                there = ", ".join(sorted(arrays))
                msg = f"training.start_arrays: {quote(name)} is no array of {whose}, which has {there}; name one of both"
                raise WeightsError(msg)
    return {name: shown[name] for name in names}


def _drawn(circuit: Circuit, training: TrainingSettings) -> dict[str, NDArray[np.float64]]:
    drawn = {}
    ranges = by_array(circuit, training.initial_ranges(len(circuit.memristive)))
    for element in circuit.trainable:
        low, high = (element.devices * end for end in ranges[element.name])
        share = stream(training.seed, f"conductances/{element.name}").random(element.shape) if element.memristive else np.full(1, 0.5)
        drawn[element.name] = low * (high / low) ** share if training.init == "log-uniform" else low + (high - low) * share
    return drawn


def by_array(circuit: Circuit, values: Sequence[T]) -> dict[str, T]:
    """Return the value of each trainable array, of those of the arrays of memristors; a shared load has that of the array before it."""
    place = np.cumsum([element.memristive for element in circuit.trainable]) - 1
    return {element.name: values[k] for element, k in zip(circuit.trainable, place, strict=True)}


def within(chip: Chip, g: Mapping[str, Any]) -> dict[str, NDArray[np.float64]]:
    """Return the conductances that a chip's devices have, programmed to these at its temperature [S]: within bounds, then drifted."""
    fresh = chip.fresh
    programmed = {name: np.clip(np.asarray(values, np.float64), fresh(name, "g_min"), fresh(name, "g_max")) for name, values in g.items()}
    return {name: values * chip.aged[name] if name in chip.aged else values for name, values in programmed.items()}


def starting(
    chip: Chip, training: TrainingSettings, shown: Mapping[str, NDArray[np.float64]] | None = None
) -> dict[str, NDArray[np.float64]]:
    """Return the conductances [S] that a chip is to start from, at its own temperature."""
    return {name: chip.heat * values for name, values in initial_conductances(chip.circuit, training, shown).items()}

"""The datasheet: which subjects it has, measured one after the other, and the conditions that all of them share."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from circuits.capacitors import CAPACITANCE
from circuits.units import Farad
from hwsim.core.protocol import Drive
from hwsim.datasheet.digital_design import DigitalDesign, digital_design
from hwsim.datasheet.energy_use import EnergyUse, energy_use
from hwsim.datasheet.learning_signal import LearningSignal, learning_signal
from hwsim.datasheet.part_counts import PartCounts, part_counts
from hwsim.datasheet.settling_times import SettlingTimes, settling_times
from hwsim.datasheet.sheet_section import SheetSection, Subject, record
from hwsim.datasheet.static_power import StaticPower, static_power
from hwsim.runs.loaded import LoadedModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """How much is measured.

    Parameters
    ----------
    samples
        Of the test set at equilibrium, the first ones.
    settled
        Of them, how many are followed until they have settled.
    capacitance
        Of each node without a capacitor of its own [F].

    """

    samples: int = 100
    settled: int = 3
    capacitance: Farad = CAPACITANCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Datasheet:
    """What was measured of a circuit.

    Parameters
    ----------
    title
        What the circuit is called.
    condition
        Chip, temperature, age and origin of the conductances, in a sentence.
    command
        The command that repeats it.
    counts, power, settling, energy, digital, signal
        The subjects.

    """

    title: str
    condition: str
    command: str
    counts: PartCounts
    power: StaticPower
    settling: SettlingTimes
    energy: EnergyUse
    digital: DigitalDesign
    signal: LearningSignal

    def _subjects(self) -> Iterator[Subject]:
        yield from (self.counts, self.power, self.settling, self.energy, self.digital, self.signal)

    def sections(self) -> list[SheetSection]:
        """Return how each subject is shown, in order."""
        return [subject.section() for subject in self._subjects()]

    def record(self) -> dict[str, Any]:
        """Return all numbers, SI, as JSON takes them."""
        numbers: dict[str, Any] = record(self)
        return numbers


def datasheet(given: LoadedModel, scope: Scope, command: str) -> Datasheet:
    """Measure a circuit.

    Raises
    ------
    ExperimentError
        When it is a chain: each of its circuits has a datasheet of its own.
    ConvergenceError, UnsupportedCircuitError
        When a sample does not settle, or only ngspice solves the circuit.

    """
    _ = given.experiment.one_circuit
    chosen = slice(scope.samples)
    drive, targets = Drive(np.asarray(given.session.data.x_test[chosen], dtype=np.float64)), given.session.task.test.of(chosen)
    with given.session.verified_solver() as solver:
        free = solver.solve(given.g, drive)
    counts, power = part_counts(given.circuit), static_power(given, drive, free)
    settling = settling_times(given, range(min(scope.settled, len(drive.x))), free, scope.capacitance)
    energy = energy_use(given, power, settling, counts)
    variation = given.experiment.variation
    return Datasheet(
        title=f"{given.experiment.name}: datasheet",
        condition=f"{given.note}. {variation.temperature:g} °C, chip {variation.chip}, {given.experiment.training.engine} engine.",
        command=command,
        counts=counts,
        power=power,
        settling=settling,
        energy=energy,
        digital=digital_design(counts, energy),
        signal=learning_signal(given, drive, free, targets, scope.capacitance),
    )

"""The datasheet: which subjects it has, measured one after the other, and the conditions that all of them share."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from circuits.capacitors import CAPACITANCE
from circuits.units import Farad, Second
from hwsim.core.protocol import Drive, Equilibrium, UnsupportedCircuitError
from hwsim.datasheet.chip_errors import ChipErrors
from hwsim.datasheet.chip_yield import ChipYield, chip_yield
from hwsim.datasheet.digital_design import DigitalDesign, digital_design
from hwsim.datasheet.energy_use import EnergyUse, energy_use
from hwsim.datasheet.imperfections import chosen
from hwsim.datasheet.learning_signal import LearningSignal, learning_signal
from hwsim.datasheet.margins import Margins, Observe, margins, unobserved
from hwsim.datasheet.part_counts import PartCounts, part_counts
from hwsim.datasheet.retention import Retention, retention
from hwsim.datasheet.settling_times import SettlingTimes, settling_times
from hwsim.datasheet.sheet_section import SheetSection, Subject, record
from hwsim.datasheet.static_power import StaticPower, static_power
from hwsim.datasheet.trained_chips import TrainedChips, trained_chips
from hwsim.formatting import quantity
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
    chips
        How many chips the conductances are written into; 0: none.
    tested
        Test samples on each of them; None: all.
    spec
        The largest error of a good chip; None: one point, or a tenth, above that without imperfections.
    keys
        Imperfections whose limits are searched for, by key; none: all.
    celsius, after
        Temperatures [°C] and times [s] of the retention.
    refresh
        Epochs of training afterwards; None: there is none.
    train
        Whether each chip is also trained.

    """

    samples: int = 100
    settled: int = 3
    capacitance: Farad = CAPACITANCE
    chips: int = 0
    tested: int | None = None
    spec: float | None = None
    keys: tuple[str, ...] = ()
    celsius: tuple[float, ...] = ()
    after: tuple[Second, ...] = ()
    refresh: int | None = None
    train: bool = False


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
    counts, power, signal
        The subjects of one chip.
    settling, energy, digital
        Those that need voltages in time; None where the numeric engine does not integrate the circuit.
    trained, yields, margins, retention
        Those of several chips; None: not asked for.

    """

    title: str
    condition: str
    command: str
    counts: PartCounts
    power: StaticPower
    signal: LearningSignal
    settling: SettlingTimes | None = None
    energy: EnergyUse | None = None
    digital: DigitalDesign | None = None
    trained: TrainedChips | None = None
    yields: ChipYield | None = None
    margins: Margins | None = None
    retention: Retention | None = None

    def _subjects(self) -> Iterator[Subject]:
        yield from (self.counts, self.power)
        yield from filter(None, (self.settling, self.energy, self.digital))
        yield self.signal
        yield from filter(None, (self.trained, self.yields, self.margins, self.retention))

    def sections(self) -> list[SheetSection]:
        """Return how each subject is shown, in order."""
        return [subject.section() for subject in self._subjects()]

    def facts(self) -> list[tuple[str, str]]:
        """Return the numbers that are asked for first, each with its name."""
        facts = [
            ("memristors", f"{self.counts.parts.get('memristors', 0):,}"),
            ("static power, mean", quantity(self.power.total.mean, "W")),
        ]
        if self.energy is None or self.digital is None:
            return facts
        use, tops = self.energy, self.energy.tera_operations_per_joule
        return [
            *facts,
            ("an inference settles in", quantity(use.inference_seconds, "s")),
            ("an inference takes", quantity(use.inference.total, "J")),
            ("heat of the circuit alone", f"{tops[0]:.3g} TOPS/W"),
            ("with all that is counted", f"{tops[1]:.3g} TOPS/W"),
            *((f"times that in {one.format}, 45 nm", f"{one.times_the_circuit:.3g}") for one in self.digital.inferences),
        ]

    def record(self) -> dict[str, Any]:
        """Return all numbers, SI, as JSON takes them."""
        numbers: dict[str, Any] = record(self)
        return numbers


def datasheet(given: LoadedModel, scope: Scope, command: str, observe: Observe = unobserved) -> Datasheet:
    """Measure a circuit; `observe` is called with its progress.

    Raises
    ------
    ExperimentError
        When it is a chain, or a key is no imperfection that the circuit can have.
    ConvergenceError, UnsupportedCircuitError
        When a sample does not settle, or only ngspice knows the currents of a part.

    """
    _ = given.experiment.one_circuit
    some = slice(scope.samples)
    drive, targets = Drive(np.asarray(given.session.data.x_test[some], dtype=np.float64)), given.session.task.test.of(some)
    with given.session.verified_solver() as solver:
        free = solver.solve(given.g, drive)
    counts, power = part_counts(given.circuit), static_power(given, drive, free)
    in_time, unknown = _in_time(given, scope, free, counts, power)
    variation = given.experiment.variation
    condition = f"{given.note}. {variation.temperature:g} °C, chip {variation.chip}, {given.experiment.training.engine} engine.{unknown}"
    return Datasheet(
        title=f"{given.experiment.name}: datasheet",
        condition=condition,
        command=command,
        counts=counts,
        power=power,
        signal=learning_signal(given, drive, free, targets, scope.capacitance),
        **in_time,
        **_of_chips(given, scope, free, observe),
    )


def _in_time(given: LoadedModel, scope: Scope, free: Equilibrium, counts: PartCounts, power: StaticPower) -> tuple[dict[str, Any], str]:
    """Measure the subjects that need voltages in time; where there are none, return the reason in a sentence."""
    samples = range(min(scope.settled, scope.samples, len(given.session.data.x_test)))
    try:
        settling = settling_times(given, samples, free, scope.capacitance)
    except UnsupportedCircuitError as error:
        return {}, f" Settling and energy are unknown: {str(error).partition(';')[0]}."
    energy = energy_use(given, power, settling, counts)
    return {"settling": settling, "energy": energy, "digital": digital_design(counts, energy)}, ""


def _of_chips(given: LoadedModel, scope: Scope, free: Equilibrium, observe: Observe) -> dict[str, Any]:
    """Measure the subjects of several chips."""
    if not scope.chips:
        return {}
    errors = ChipErrors(given, range(scope.chips), scope.tested)
    measured: dict[str, Any] = {"margins": margins(errors, chosen(given, free, scope.keys), scope.spec, observe)}
    if scope.spec is not None:
        measured["yields"] = chip_yield(errors({}), scope.spec, given.experiment.data.measure)
    if scope.after:
        measured["retention"] = retention(errors, scope.celsius, scope.after, scope.refresh, observe)
    if scope.train:
        measured["trained"] = trained_chips(given.experiment, scope.chips)
    return measured

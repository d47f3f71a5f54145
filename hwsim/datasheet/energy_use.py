"""Energy of an inference, of an update and of a training: the circuit's heat, its amplifiers' supply and its converters, each by itself."""

import math
from dataclasses import dataclass

from circuits.units import Joule, Second
from hwsim.datasheet.part_counts import PartCounts
from hwsim.datasheet.settling_times import SettlingTimes
from hwsim.datasheet.sheet_section import SheetSection
from hwsim.datasheet.static_power import StaticPower
from hwsim.formatting import counted, quantity
from hwsim.runs.loaded import LoadedModel, run_folder
from hwsim.runs.programming_cost import cost_of_run

_OPERATIONS = 2
"""Of a product that is added up: a multiplication and an addition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyShares:
    """What takes energy [J]: heat of the circuit, supply of its amplifiers, converters of inputs and of outputs."""

    circuit: Joule
    amplifiers: Joule
    dac: Joule
    adc: Joule

    @property
    def total(self) -> Joule:
        """All together [J]."""
        return self.circuit + self.amplifiers + self.dac + self.adc

    def times(self, factor: float) -> "EnergyShares":
        """Return so many times as much."""
        return EnergyShares(
            circuit=factor * self.circuit, amplifiers=factor * self.amplifiers, dac=factor * self.dac, adc=factor * self.adc
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyUse:
    """What a circuit uses.

    Parameters
    ----------
    inference
        A sample, from 0 V until all outputs are within a converter's step.
    inference_seconds
        How long that takes [s].
    example
        A sample in training: free, then nudged, each until all nodes are within 0.1 % of their way.
    batch, updates, examples
        Samples of an update, updates of a training, and samples of all its epochs.
    pulses
        What programming takes in a training [J]; None: conductances are set, not programmed, or there was no training yet.
    products
        A sample.
    samples
        Number of samples that the means are of.
    supply_stated
        Whether the amplifiers' supply is counted, or there are none.

    """

    inference: EnergyShares
    inference_seconds: Second
    example: EnergyShares
    batch: int
    updates: int
    examples: int
    pulses: Joule | None
    products: int
    samples: int
    supply_stated: bool

    @property
    def update(self) -> EnergyShares:
        """Energy of the phases of an update."""
        return self.example.times(self.batch)

    @property
    def training(self) -> EnergyShares:
        """Energy of the phases of a training."""
        return self.example.times(self.examples)

    @property
    def joules_per_product(self) -> tuple[Joule, Joule]:
        """Of a product that is added up: the circuit's heat, and all that is counted [J]."""
        return self.inference.circuit / self.products, self.inference.total / self.products

    @property
    def tera_operations_per_joule(self) -> tuple[float, float]:
        """TOPS/W: 10¹² operations a second and watt, two a product, by the circuit's heat, and by all that is counted."""
        low, high = self.joules_per_product
        return _OPERATIONS / low / 1e12, _OPERATIONS / high / 1e12

    def section(self) -> SheetSection:
        """Show what is counted, part by part."""
        heat, counted_all = self.joules_per_product
        tops = self.tera_operations_per_joule
        update_pulses = None if self.pulses is None else self.pulses / max(self.updates, 1)
        rows = [
            ("inference", *_spelled(self.inference, None)),
            (f"update, {counted(self.batch, 'sample')}", *_spelled(self.update, update_pulses)),
            (f"training, {counted(self.updates, 'update')}", *_spelled(self.training, self.pulses)),
        ]
        besides = "converters and amplifiers" if self.inference.amplifiers else "converters"
        notes = [
            f"An inference takes {quantity(self.inference_seconds, 's')}, and {self.products:,} products of 2 operations each.",
            f"A product takes {quantity(heat, 'J')} as heat of the circuit, {tops[0]:.3g} TOPS/W.",
            f"With {besides} it takes {quantity(counted_all, 'J')}, {tops[1]:.3g} TOPS/W.",
            "Not counted: what computes the updates and selects devices, clocks, memories, leakage.",
        ]
        if not self.supply_stated:
            notes.append("The amplifiers' supply is not stated (energy.amplifier_watts), and not counted.")
        if self.pulses is None:
            notes.append("No energy of pulses is known: conductances are set, not programmed (device.preset), or WHAT is no completed run.")
        return SheetSection(
            title="Energy",
            condition=(
                f"Heat integrated from 0 V on, mean of {counted(self.samples, 'test sample')}: of an inference until outputs are within "
                "1 LSB; in training free and nudged phases until all nodes are within 0.1 % of their way."
            ),
            header=("", "circuit's heat", "amplifiers' supply", "DAC", "ADC", "pulses", "all counted"),
            rows=rows,
            notes=notes,
        )


def energy_use(given: LoadedModel, power: StaticPower, times: SettlingTimes, counts: PartCounts) -> EnergyUse:
    """Add up what a circuit uses."""
    energy, training = given.experiment.energy, given.experiment.training
    free, phases = times.free, len(times.phases) / len(times.free)
    seconds = sum(one.to_step for one in free) / len(free)
    learning_seconds, learning_joules = times.of_example
    dac, adc = counts.inputs * energy.dac_joules, counts.outputs * energy.adc_joules
    inference = EnergyShares(
        circuit=sum(one.joules_to_step for one in free) / len(free), amplifiers=power.supply * seconds, dac=dac, adc=adc
    )
    example = EnergyShares(circuit=learning_joules, amplifiers=power.supply * learning_seconds, dac=dac, adc=phases * adc)
    folder = run_folder(given.what)
    samples = len(given.session.data.x_train)
    return EnergyUse(
        inference=inference,
        inference_seconds=seconds,
        example=example,
        batch=min(training.batch, samples),
        updates=training.epochs * math.ceil(samples / training.batch),
        examples=training.epochs * samples,
        pulses=cost_of_run(folder.path).get("programming_J") if folder else None,
        products=counts.products,
        samples=len(free),
        supply_stated=power.amplifier_watts is not None or not power.amplifiers,
    )


def _spelled(shares: EnergyShares, pulses: Joule | None) -> tuple[str, ...]:
    parts = (shares.circuit, shares.amplifiers, shares.dac, shares.adc)
    return (
        *(quantity(part, "J") for part in parts),
        "–" if pulses is None else quantity(pulses, "J"),
        quantity(shares.total + (pulses or 0.0), "J"),
    )

"""Settling: how long outputs take to come within a converter's step, and all nodes within 0.1 % of their way, over samples."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from circuits.units import Farad, Joule, Second, Volt
from hwsim.core.protocol import Equilibrium, Push
from hwsim.datasheet.sheet_section import SheetSection
from hwsim.formatting import counted, quantity
from hwsim.runs.deck import sample_and_pushes
from hwsim.runs.loaded import LoadedModel
from hwsim.runs.settling import SettlingTime, settling


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseSettling:
    """How one sample settles in one phase, `free` from 0 V or nudged from the free equilibrium.

    Parameters
    ----------
    sample, phase
        Number of the test sample, and the phase.
    to_step, to_share
        Until all outputs are within a converter's step, and all nodes within 0.1 % of the longest way [s].
    joules_to_step, joules_to_share
        Heat until then [J].
    way
        The longest way of any node [V].
    slowest
        The node that is last further away than 0.1 %.

    """

    sample: int
    phase: str
    to_step: Second
    to_share: Second
    joules_to_step: Joule
    joules_to_share: Joule
    way: Volt
    slowest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlingTimes:
    """How samples settle.

    Parameters
    ----------
    phases
        By sample and phase.
    step, bits
        Of the outputs' converters [V].
    capacitance
        Of each node that has no capacitor of its own [F].

    """

    phases: tuple[PhaseSettling, ...]
    step: Volt
    bits: int
    capacitance: Farad

    @property
    def free(self) -> list[PhaseSettling]:
        """The free phases."""
        return [one for one in self.phases if one.phase == "free"]

    @property
    def of_example(self) -> tuple[Second, Joule]:
        """Time and heat of all phases of a sample, each to 0.1 % [s, J], mean over samples."""
        samples = len(self.free)
        return sum(one.to_share for one in self.phases) / samples, sum(one.joules_to_share for one in self.phases) / samples

    def section(self) -> SheetSection:
        """Show it by sample and phase."""
        rows = [
            (
                f"{one.sample}, {one.phase.replace('_', ' ')}",
                quantity(one.to_step, "s"),
                quantity(one.to_share, "s"),
                one.slowest,
                quantity(one.way, "V"),
                quantity(one.joules_to_share, "J"),
            )
            for one in self.phases
        ]
        return SheetSection(
            title="Settling",
            condition=(
                f"{counted(len(self.free), 'test sample')}, free from 0 V and then nudged as in training; "
                f"{quantity(self.capacitance, 'F')} at each node without a capacitor of its own: times and heat are proportional to it. "
                f"1 LSB is {quantity(self.step, 'V')}, of converters of {self.bits} bits."
            ),
            header=("sample, phase", "outputs to 1 LSB", "all nodes to 0.1 %", "slowest node", "way", "heat to 0.1 %"),
            rows=rows,
        )


def output_step(given: LoadedModel, free: Equilibrium) -> tuple[Volt, int]:
    """Return the step of the outputs' converters [V], and their bits; where no range is set, they just take what the samples show."""
    variation, energy = given.experiment.variation, given.experiment.energy
    bits = variation.adc_bits or energy.converter_bits
    largest = float(np.abs(np.asarray(free.outputs(given.circuit))).max())
    return 2 * (variation.adc_full_scale or largest) / (2**bits - 2), bits


def settling_times(given: LoadedModel, samples: Iterable[int], free: Equilibrium, capacitance: Farad) -> SettlingTimes:
    """Follow test samples until they have settled.

    Raises
    ------
    ConvergenceError, UnsupportedCircuitError
        As `settling`.

    """
    step, bits = output_step(given, free)
    phases = []
    for sample in samples:
        x, pushes = sample_and_pushes(given.session, given.g, "test", sample)
        parts: Any = (given.circuit, given.chip, given.g, x, [Push(*push) for push in pushes], capacitance)
        phases += [_of_phase(sample, one) for one in settling(*parts, step=step)]
    return SettlingTimes(phases=tuple(phases), step=step, bits=bits, capacitance=capacitance)


def _of_phase(sample: int, one: SettlingTime) -> PhaseSettling:
    assert one.outputs is not None  # noqa: S101 - a step was asked for
    return PhaseSettling(
        sample=sample,
        phase=one.phase,
        to_step=one.outputs.seconds,
        to_share=one.seconds[1],
        joules_to_step=one.outputs.energy,
        joules_to_share=one.energy[1],
        way=one.way,
        slowest=one.slowest,
    )

"""The signal that learning reads: how far apart the nodes of each crossbar are in the phases that are compared, next to noise."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from circuits.constants import BOLTZMANN
from circuits.rows import fixed_nodes
from circuits.units import Farad, Volt
from hwsim.core.kirchhoff import by_number
from hwsim.core.protocol import Drive, Equilibrium
from hwsim.datasheet.sheet_section import SheetSection
from hwsim.formatting import counted, quantity
from hwsim.learning import factory, rule_factory
from hwsim.learning.rules.estimator import LossNudge
from hwsim.runs.loaded import LoadedModel
from hwsim.typing import Floats

_BOTH = math.sqrt(2)
"""A displacement is the difference of two readings, each with noise of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossbarSignal:
    """How far the nodes of a crossbar move: root mean squares over its free nodes and samples.

    Parameters
    ----------
    name
        Of the crossbar.
    displacement
        From one of the phases that the rule compares to the other: nudged to either side (`centred`), or to one side and free [V].
    voltage
        Of the free phase [V].
    read_noise
        Of the difference of two readings, as the experiment's section noise states it [V].
    thermal
        kT/C noise of such a difference, where each node has the capacitance that the datasheet states [V].

    """

    name: str
    displacement: Volt
    voltage: Volt
    read_noise: Volt
    thermal: Volt

    @property
    def tolerated_read(self) -> float:
        """The relative noise of a reading, noise.read, that is as large as the displacement."""
        return self.displacement / (_BOTH * self.voltage) if self.voltage else math.nan

    @property
    def readings(self) -> int:
        """How many readings must be averaged until all their noise is as small as the displacement; 0: no reading is enough."""
        noise = math.hypot(self.read_noise, self.thermal)
        return math.ceil((noise / self.displacement) ** 2) if self.displacement else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningSignal:
    """What learning reads of each crossbar.

    Parameters
    ----------
    crossbars
        In the circuit's order.
    nudge
        Key and value of the nudge's size.
    samples
        Number of samples.
    capacitance
        Of a node, for kT/C noise [F].
    kelvin
        Temperature [K].
    offset
        Spread of the amplifiers' input offsets [V].

    """

    crossbars: tuple[CrossbarSignal, ...]
    nudge: str
    samples: int
    capacitance: Farad
    kelvin: float
    offset: Volt

    def section(self) -> SheetSection:
        """Show it by crossbar."""
        rows = [
            (
                one.name,
                quantity(one.displacement, "V"),
                quantity(one.voltage, "V"),
                quantity(one.read_noise, "V"),
                quantity(one.thermal, "V"),
                f"{one.tolerated_read:.1e}",
                f"{one.readings:,}" if one.displacement else "–",
            )
            for one in self.crossbars
        ]
        offset = f" (variation.offset = {quantity(self.offset, 'V')})" if self.offset else ""
        return SheetSection(
            title="The signal that learning reads",
            condition=(
                f"Root mean square over {counted(self.samples, 'test sample')} and the free nodes of each crossbar; {self.nudge}; "
                "displacements are between the two phases that are compared, and noise is of two readings; "
                f"kT/C at {quantity(self.capacitance, 'F')} and {self.kelvin:.4g} K."
            ),
            header=(
                "crossbar",
                "displacement",
                "free voltage",
                "read noise",
                "kT/C noise",
                "noise.read as large",
                "readings to average",
            ),
            rows=rows,
            notes=(
                "Averaged over so many readings, noise is as large as the displacement; an update averages over its batch too.",
                f"An offset that stays{offset} is in both phases, and cancels in their difference.",
            ),
        )


def learning_signal(given: LoadedModel, drive: Drive, free: Equilibrium, targets: Any, capacitance: Farad) -> LearningSignal:
    """Measure how far apart the training's nudges, by targets (B, K) [V], leave the phases that it compares.

    Raises
    ------
    ConvergenceError
        When a nudged phase does not settle.

    """
    training, circuit, noise = given.experiment.training, given.circuit, given.experiment.noise
    nudge = LossNudge(rule_factory.shown_nudges(training, circuit, given.g), factory.loss(training))
    with given.session.solver() as solver:
        read = np.asarray(given.session.readout.outputs(solver, free, np.uint32(0)))
        pushes = nudge.pushes(read, targets)[: 2 if training.nudge.method == "centred" else 1]
        nudged = [solver.solve(given.g, drive._replace(push=push), start=free) for push in pushes]
    v, first, *other = (by_number(circuit, phase) for phase in (free, *nudged))
    moved = first - (other[0] if other else v)
    kelvin = given.experiment.variation.kelvin
    thermal = _BOTH * math.sqrt(BOLTZMANN * kelvin / capacitance)
    crossbars = []
    for element in circuit.trainable:
        a, b = element.expand(np.asarray(given.g[element.name]))[:2]
        nodes = np.setdiff1d(np.concatenate([a, b]), np.flatnonzero(fixed_nodes(circuit)))
        voltage = _rms(v[:, nodes])
        read_noise = _BOTH * math.hypot(noise.read * voltage, noise.read_floor)
        crossbars.append(
            CrossbarSignal(name=element.name, displacement=_rms(moved[:, nodes]), voltage=voltage, read_noise=read_noise, thermal=thermal)
        )
    return LearningSignal(
        crossbars=tuple(crossbars),
        nudge=rule_factory.nudge(training).size,
        samples=len(v),
        capacitance=capacitance,
        kelvin=kelvin,
        offset=given.experiment.variation.offset,
    )


def _rms(values: Floats) -> float:
    return float(np.sqrt((values**2).mean())) if values.size else 0.0

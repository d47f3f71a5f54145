"""Static power: what each part of a circuit takes at its free equilibria, and what delivers it, over samples."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from circuits.arrays import Trainable
from circuits.circuit import Circuit
from circuits.elements import Amplifiers, Diodes, Nudges, Resistors
from circuits.units import Watt
from hwsim.core.delivery import delivery
from hwsim.core.dissipation import dissipation
from hwsim.core.kirchhoff import by_number
from hwsim.core.protocol import Drive, Equilibrium
from hwsim.datasheet.sheet_section import SheetSection
from hwsim.formatting import counted, quantity
from hwsim.runs.loaded import LoadedModel
from hwsim.typing import Floats


@dataclass(frozen=True, slots=True)
class PowerSummary:
    """Mean, largest value and standard deviation over samples [W]."""

    mean: Watt
    worst: Watt
    sd: Watt

    @classmethod
    def of(cls, values: Floats) -> Self:
        """Sum up values (B,)."""
        return cls(float(values.mean()), float(values.max()), float(values.std(ddof=1)) if len(values) > 1 else 0.0)


@dataclass(frozen=True, slots=True)
class PartPower:
    """The power of one array of elements: `kind` is what they are, `count` how many."""

    name: str
    kind: str
    count: int
    power: PowerSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticPower:
    """The power of a circuit at its free equilibria.

    Parameters
    ----------
    takes, delivers
        By array of elements, in the circuit's order: what turns into heat there, and what sources and amplifiers deliver.
    total
        What all parts take together; by Tellegen's theorem, what all sources deliver.
    imbalance
        The largest difference of both sums, as a share of the total.
    amplifiers, amplifier_watts
        How many there are, and what each takes from its supply besides [W]; None: nobody stated it.
    samples
        Number of samples, the first ones of the test set.

    """

    takes: tuple[PartPower, ...]
    delivers: tuple[PartPower, ...]
    total: PowerSummary
    imbalance: float
    amplifiers: int
    amplifier_watts: Watt | None
    samples: int

    @property
    def supply(self) -> Watt:
        """What all amplifiers take from their supply [W]; 0 where nobody stated it."""
        return self.amplifiers * (self.amplifier_watts or 0.0)

    def section(self) -> SheetSection:
        """Show it by part."""
        rows = [(part.name, counted(part.count, part.kind), *_spelled(part.power)) for part in self.takes]
        rows.append(("together", "all passive parts", *_spelled(self.total)))
        rows += [(part.name, f"by {counted(part.count, part.kind)}", *_spelled(part.power)) for part in self.delivers]
        notes = []
        if self.amplifiers and self.amplifier_watts is None:
            notes.append(
                f"What {counted(self.amplifiers, 'amplifier')} take from their supply is not counted: state it, as in "
                "--set energy.amplifier_watts=1e-5."
            )
        elif self.amplifiers:
            rows.append(("supply", f"of {self.amplifiers} amplifiers, stated", *_spelled(PowerSummary(self.supply, self.supply, 0.0))))
        return SheetSection(
            title="Static power",
            condition=(
                f"At the free equilibria of {counted(self.samples, 'test sample')}; what parts take and what sources deliver differ by "
                f"{self.imbalance:.0e} of it (Tellegen's theorem)."
            ),
            header=("part", "takes, or is delivered", "mean", "worst", "sd"),
            rows=rows,
            notes=notes,
        )


def static_power(given: LoadedModel, drive: Drive, free: Equilibrium) -> StaticPower:
    """Measure the power of a circuit at its free equilibria.

    Raises
    ------
    UnsupportedCircuitError
        When the circuit holds parts whose currents only ngspice knows.

    """
    circuit, chip = given.circuit, given.chip
    takes = dissipation(circuit, chip, given.g, by_number(circuit, free))
    delivers = {name: power for name, power in delivery(circuit, chip, given.g, drive, free).items() if power.any()}
    total = np.sum([np.zeros(len(drive.x)), *takes.values()], axis=0)
    off = np.abs(total - np.sum([np.zeros(len(drive.x)), *delivers.values()], axis=0)).max()
    return StaticPower(
        takes=_parts(circuit, takes),
        delivers=_parts(circuit, delivers),
        total=PowerSummary.of(total),
        imbalance=float(off / total.max()) if total.any() else 0.0,
        amplifiers=sum(len(e) for e in circuit.of(Amplifiers)),
        amplifier_watts=given.experiment.energy.amplifier_watts,
        samples=len(drive.x),
    )


def _parts(circuit: Circuit, powers: Mapping[str, Floats]) -> tuple[PartPower, ...]:
    return tuple(PartPower(name, _kind(circuit, name), len(circuit[name]), PowerSummary.of(power)) for name, power in powers.items())


def _kind(circuit: Circuit, name: str) -> str:
    """Return what the elements of an array are called."""
    match circuit[name]:
        case Trainable(memristive=True):
            return "memristor"
        case Trainable() | Resistors():
            return "resistor"
        case Diodes():
            return "diode"
        case Amplifiers():
            return "amplifier"
        case Nudges():
            return "nudge"
    return "source"


def _spelled(power: PowerSummary) -> tuple[str, str, str]:
    return quantity(power.mean, "W"), quantity(power.worst, "W"), quantity(power.sd, "W")

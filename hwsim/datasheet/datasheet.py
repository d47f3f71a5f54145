"""The datasheet: which subjects it has, measured one after the other, and the conditions that all of them share."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hwsim.datasheet.sheet_section import SheetSection, Subject, record
from hwsim.datasheet.static_power import StaticPower, static_power
from hwsim.runs.loaded import LoadedModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """How much is measured: `samples` of the test set at equilibrium."""

    samples: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Datasheet:
    """What was measured of a circuit.

    Parameters
    ----------
    title
        What the circuit is called.
    condition
        Chip, temperature, age and origin of the conductances, in a sentence.
    power
        At equilibrium.

    """

    title: str
    condition: str
    power: StaticPower

    def _subjects(self) -> Iterator[Subject]:
        yield self.power

    def sections(self) -> list[SheetSection]:
        """Return how each subject is shown, in order."""
        return [subject.section() for subject in self._subjects()]

    def record(self) -> dict[str, Any]:
        """Return all numbers, SI, as JSON takes them."""
        numbers: dict[str, Any] = record(self)
        return numbers


def datasheet(given: LoadedModel, scope: Scope) -> Datasheet:
    """Measure a circuit.

    Raises
    ------
    ExperimentError
        When it is a chain: each of its circuits has a datasheet of its own.
    ConvergenceError, UnsupportedCircuitError
        When a sample does not settle, or only ngspice solves the circuit.

    """
    _ = given.experiment.one_circuit
    x = given.session.data.x_test[: scope.samples]
    return Datasheet(title=f"{given.experiment.name}: datasheet", condition=f"{given.note}.", power=static_power(given, x))

"""Comparisons of a check: what is compared, and how each one ends."""

from dataclasses import dataclass, replace

from circuits.chip import Chip
from circuits.circuit import Circuit
from hwsim.learning.losses import Loss
from hwsim.typing import Floats, Weights

AGREE_V = 1e-8
"""V; engines that solve the same equations differ by no more."""

AGREE_KIRCHHOFF = 1e-9
"""Share of the largest branch current."""

PHASES = ("free", "nudged_up", "nudged_down")
"""Names of the phases that are compared."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One comparison: the value, its limit, the unit, and whether it is within the limit."""

    name: str
    value: float
    limit: float
    unit: str
    holds: bool


@dataclass(frozen=True, slots=True)
class CheckReport:
    """All comparisons of one circuit; `note` is what a reader should know of them, if anything."""

    circuit: str
    samples: int
    ngspice_samples: int
    findings: tuple[CheckResult, ...]
    note: str = ""

    @property
    def passed(self) -> bool:
        """Whether every comparison holds."""
        return all(finding.holds for finding in self.findings)

    def value(self, name: str) -> float | None:
        """Return the value under a name, or None."""
        return next((finding.value for finding in self.findings if finding.name == name), None)


@dataclass(frozen=True, slots=True)
class Bench:
    """What is compared: a circuit with conductances, samples x (n, I) with targets y (n, K) [V], and a loss."""

    circuit: Circuit
    g: Weights
    x: Floats
    y: Floats
    loss: Loss


def evenly_nudged(chip: Chip) -> Chip:
    """Return a chip with nudges of nominal strength: others follow the gradient of a loss with weighted outputs."""
    values = {name: parameters for name, parameters in chip.values.items() if name != chip.circuit.outputs.name}
    return replace(chip, values=values)

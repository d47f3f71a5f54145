"""Equilibrium propagation: each device compares its own squared drops under nudges of the outputs to either side, or to one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, Self

from circuits.circuit import Circuit
from circuits.units import Siemens
from hwsim.core.protocol import Push
from hwsim.learning.rules.estimator import Draw
from hwsim.learning.rules.nudged import Comparison, NudgedRule
from hwsim.learning.rules.nudges import NudgeKind, Sides
from hwsim.typing import Array, Conductances

Method = Literal["centred", "positive", "negative", "random-sign"]

SIDES: dict[str, tuple[float, ...]] = {"centred": (1, -1), "positive": (1,), "negative": (-1,), "random-sign": (1, -1)}
"""The sides that a method may nudge to; `random-sign` takes one of them for each update."""


@dataclass(frozen=True, slots=True)
class EquilibriumPropagation(NudgedRule):
    """dC/dg = (c_l/c_L)·(Δv(β₁)² − Δv(β₂)²) / (2·(β₁ − β₂)).

    `centred` nudges to both sides (β₂ = −β₁; its error falls as beta²), the others to one and compare with the free phase (as beta).

    Source: Scellier & Bengio 2017; Kendall et al. 2020, arXiv 2006.01981; centred: Laborieux et al. 2021.
    """

    name: ClassVar[str] = "equilibrium-propagation"
    nudge: NudgeKind
    method: Method = "centred"

    @property
    def phases(self) -> int:
        """Number of equilibria of a sample: free, and nudged to both sides or to one."""
        return 3 if self.method == "centred" else 2

    @property
    def size(self) -> str:
        """Key and value of the nudge's size."""
        return self.nudge.size

    @property
    def least_beta(self) -> Siemens:
        """The lowest transconductance that a nudge adds to an output [S]."""
        return min(0.0, *(self.nudge.conductance(side) for side in SIDES[self.method]))

    def taken(self, draw: Draw) -> tuple[Any, ...]:
        """Return the sides that the method takes for an update."""
        return (draw.sign,) if self.method == "random-sign" else SIDES[self.method]

    def comparisons(self, draw: Draw) -> Sequence[Comparison]:
        """Compare both sides, or the one with the free phase."""
        side, *other = self.taken(draw)
        return (Comparison(1, 2, 2 * side) if other else Comparison(1, 0, side),)

    def pushes(self, outputs: Array, cotangent: Array, target: Array | None, draw: Draw) -> tuple[Push, ...]:
        """Return a push a side."""
        return Sides(self.nudge, self.taken(draw)).pushes(outputs, cotangent, target)

    def beta_of(self, cotangent: Array, outputs: Array) -> Array | Siemens:
        """Return the nudge's beta [S]."""
        return self.nudge.beta_of(cotangent, outputs)

    @property
    def in_displacements(self) -> bool:
        """Whether nudged phases are displacements from the free one; read noise is one of whole voltages."""
        return self.nudge.in_displacements and not self.instruments.noise.in_readings and not self.instruments.noise.in_currents

    @property
    def in_one_go(self) -> bool:
        """Whether the nudges are the same for all samples."""
        return not self.nudge.in_displacements

    def at(self, circuit: Circuit, g: Conductances) -> Self:
        """Return the rule with its nudge at these conductances [S]."""
        return replace(self, nudge=self.nudge.at(circuit, g))

    def resolved(self, conductance: Siemens) -> Self:
        """Return the rule with a nudge that 64 bits resolve, and that moves no diode out of its small-signal range."""
        return replace(self, nudge=self.nudge.resolved(conductance))

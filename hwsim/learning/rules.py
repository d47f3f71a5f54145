"""Learning rules: from a batch to the gradient of its mean loss by every conductance.

Each works on any engine's solver and on the numeric engine's traced one, so that a whole training step compiles.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple, Protocol

from circuits.units import Siemens
from hwsim.core import blocks
from hwsim.core.capabilities import has_adjoint
from hwsim.core.protocol import Drive, Equilibrium, Phases, Push, UnsupportedCircuitError
from hwsim.learning.gradient.drops import drop_products
from hwsim.learning.gradient.factors import energy_factors
from hwsim.learning.losses import Loss
from hwsim.learning.readout import EXACT, Instruments
from hwsim.typing import Array, Conductances


class Gradient(NamedTuple):
    """What a rule finds in a batch.

    Parameters
    ----------
    by_block
        dC/dg of the mean loss, block by block of the conductances [V²/S].
    loss
        Loss of each sample in the free phase, shape (B,) [V²].
    phases
        The equilibria that were found, the free one first.
    outputs
        What was read in the free phase, shape (B, K) [V].

    """

    by_block: dict[str, Array]
    loss: Array
    phases: tuple[Equilibrium, ...]
    outputs: Array

    @property
    def g(self) -> dict[str, Array]:
        """Give dC/dg by trainable element array, in the shape of its conductances [V²/S]."""
        return blocks.join(self.by_block)


class LearningRule(Protocol):
    """Finds the gradient of a batch: x (B, I), y (B, K) [V].

    `sign` is +1 or −1, drawn for each update; the random-sign nudge uses it. `seed` is that of the noise, of each update its own.
    `phases` counts the equilibria of a sample.
    """

    @property
    def phases(self) -> int:
        """Number of equilibria of a sample, the free one included."""
        ...

    def gradient(
        self, solver: Phases, g: Conductances, x: Array, y: Array, *, sign: Array | float = 1.0, seed: Array | int = 0
    ) -> Gradient:
        """Give the gradient of the mean loss."""
        ...


@dataclass(frozen=True, slots=True)
class LossNudge:
    """Adds beta·C to the co-content, once for every beta."""

    loss: Loss
    betas: tuple[Siemens | Array, ...]

    def pushes(self, outputs: Array, y: Array) -> tuple[Push, ...]:
        """Give a push a beta."""
        return tuple(self.loss.push(beta, outputs, y) for beta in self.betas)


@dataclass(frozen=True, slots=True)
class EquilibriumPropagation:
    """dC/dg = (c_l/c_L)·(Δv(β₁)² − Δv(β₂)²) / (2·(β₁ − β₂)): what each device's own drops tell, nudged and nudged otherwise.

    `centred` nudges to both sides (β₂ = −β₁; its error falls as beta²), the others to one and compare with the free phase.

    Source: Scellier & Bengio 2017; Kendall et al. 2020, arXiv 2006.01981; centred: Laborieux et al. 2021.
    """

    loss: Loss
    beta: Siemens
    method: Literal["centred", "positive", "negative", "random-sign"] = "centred"
    instruments: Instruments = EXACT

    @property
    def phases(self) -> int:
        """Number of equilibria of a sample: free, and nudged to both sides or to one."""
        return 3 if self.method == "centred" else 2

    def gradient(
        self, solver: Phases, g: Conductances, x: Array, y: Array, *, sign: Array | float = 1.0, seed: Array | int = 0
    ) -> Gradient:
        """Give the gradient of the mean loss; for `random-sign`, `sign` is the side."""
        first = {"positive": self.beta, "negative": -self.beta, "centred": self.beta, "random-sign": self.beta * sign}[self.method]
        betas = (first, -first) if self.method == "centred" else (first,)
        phases = self.instruments.phases(solver, g, x, y, LossNudge(self.loss, betas), seed)
        free, *nudged = self.instruments.seen(solver, phases, seed)
        second, distance = (nudged[1], 2 * first) if self.method == "centred" else (free, first)
        drops = _contrast(solver, nudged[0], second, x)
        gradient = _weighted(solver, drops, 1 / (2 * distance * len(x)))
        read = self.instruments.outputs(solver, phases[0], seed)
        return Gradient(gradient, self.loss.value(read, y), phases, read)


def _contrast(solver: Phases, a: Equilibrium, b: Equilibrium, x: Array) -> dict[str, Array]:
    """Give Σ_b Δv_a² − Δv_b², as a difference of voltages times their sum."""
    difference = {name: a.v[name] - b.v[name] for name in a.v}
    total = {name: a.v[name] + b.v[name] for name in a.v}
    return drop_products(solver.circuit, solver.chip, difference, total, x, phases=2)


def _weighted(solver: Phases, drops: dict[str, Array], scale: Array | float) -> dict[str, Array]:
    """Give products of drops their weights in the energy, c_l/c_L, and a common scale."""
    factors = energy_factors(solver.circuit, solver.chip)
    found = {}
    for block, drop in drops.items():
        factor = factors[blocks.element_of(block)]
        found[block] = drop * ((factor if isinstance(factor, float) else factor.astype(drop.dtype)) * scale)
    return found


@dataclass(frozen=True, slots=True)
class CoupledLearning:
    """Clamps the outputs a share `eta` of the way to the target and compares: (c_l/c_L)·(Δv_clamped² − Δv_free²) / (2·eta) [V²].

    The clamp is a nudge of large transconductance, `stiffness` [S]. What descends is a contrast of two physical states, not the loss:
    the result is a direction like the gradient's, in V² instead of V²/S, and wants another rate.

    Source: Stern, Hexner, Rocks & Liu 2021, Phys. Rev. X 11, 021045.
    """

    loss: Loss
    eta: float
    stiffness: Siemens
    instruments: Instruments = EXACT
    phases: ClassVar[int] = 2

    def pushes(self, outputs: Array, y: Array) -> tuple[Push, ...]:
        """Clamp the outputs at free + eta·(y − free)."""
        return (Push(beta=self.stiffness, target=outputs + self.eta * (y - outputs)),)

    def gradient(
        self,
        solver: Phases,
        g: Conductances,
        x: Array,
        y: Array,
        *,
        sign: Array | float = 1.0,  # noqa: ARG002 - no sign to draw
        seed: Array | int = 0,
    ) -> Gradient:
        """Give the mean contrast of the batch."""
        phases = self.instruments.phases(solver, g, x, y, self, seed)
        free, clamped = self.instruments.seen(solver, phases, seed)
        gradient = _weighted(solver, _contrast(solver, clamped, free, x), 1 / (2 * self.eta * len(x)))
        read = self.instruments.outputs(solver, phases[0], seed)
        return Gradient(gradient, self.loss.value(read, y), phases, read)


@dataclass(frozen=True, slots=True)
class Adjoint:
    """The exact gradient by implicit differentiation: dC/dg = −Σ Δλ·Δv, with λ the voltages of the adjoint circuit.

    Exact for mismatched amplifiers too. It needs a solver that can form the adjoint circuit: the numeric engine's.

    Source: Director & Rohrer 1969, "The generalized adjoint network and network sensitivities".
    """

    loss: Loss
    instruments: Instruments = EXACT
    phases: ClassVar[int] = 1

    def gradient(
        self,
        solver: Phases,
        g: Conductances,
        x: Array,
        y: Array,
        *,
        sign: Array | float = 1.0,  # noqa: ARG002 - no sign to draw
        seed: Array | int = 0,
    ) -> Gradient:
        """Give the gradient of the mean loss.

        Raises
        ------
        UnsupportedCircuitError
            When the solver cannot form the adjoint circuit.

        """
        if not has_adjoint(solver):
            msg = "rule adjoint needs the adjoint circuit, which ngspice has not; use --engine numeric, or rule equilibrium-propagation"
            raise UnsupportedCircuitError(msg)
        free = self.instruments.solve(solver, g, Drive(x), seed)
        outputs = self.instruments.outputs(solver, free, seed)
        adjoint = solver.adjoint(g, free, self.loss.error(outputs, y))
        products = drop_products(solver.circuit, solver.chip, adjoint.v, free.v, x)
        xp = outputs.__array_namespace__()
        free = free._replace(result=xp.maximum(free.result, adjoint.result))
        return Gradient(
            {name: product * (-1 / len(x)) for name, product in products.items()}, self.loss.value(outputs, y), (free,), outputs
        )

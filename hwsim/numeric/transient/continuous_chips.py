"""Many chips of one circuit with capacitors: their runs are one compiled computation, by steps that are short enough for all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import jax
import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from hwsim.core.signal import Signal
from hwsim.core.transient import ACCURACY, stored_groups
from hwsim.numeric.jax_scope import jax_scope
from hwsim.numeric.transient.integrate import chosen
from hwsim.numeric.transient.run import Came, run
from hwsim.numeric.transient.sequence_problem import SequenceProblem
from hwsim.numeric.transient.steps import DENSE, Step
from hwsim.typing import Conductances, Floats


@dataclass(frozen=True, slots=True)
class ChipsProblem:
    """A batch of sequences on several chips of a circuit: as SequenceProblem, with an axis of chips in front of what came of a run."""

    each: tuple[SequenceProblem, ...]

    @property
    def name(self) -> str:
        """The circuit's."""
        return self.each[0].name

    @property
    def signal(self) -> Signal:
        """What is applied to all."""
        return self.each[0].signal

    @property
    def longest(self) -> float:
        """The longest interval that is not a rise [s]."""
        return self.each[0].longest

    def first(self, intervals: int) -> Self:
        """Return it for its first intervals."""
        return type(self)(tuple(one.first(intervals) for one in self.each))

    def rate(self, slope: Floats | float = 0.0) -> float:
        """Bound the fastest rate of any chip where diodes have these slopes, (chips, P) [1/s]."""
        slopes = np.broadcast_to(slope, (len(self.each), *np.shape(slope)[1:]))
        return max(one.rate(of) for one, of in zip(self.each, slopes, strict=True))

    def stable(self, steps: int, slope: Floats) -> bool:
        """Whether so many explicit steps of an interval are short enough for all chips."""
        return all(one.stable(steps, of) for one, of in zip(self.each, slope, strict=True))

    def implicit(self, steps: int) -> Step:
        """Return the trapezoidal step that so many steps of an interval need."""
        return next((step for one in self.each if (step := one.implicit(steps)) is DENSE), self.each[0].implicit(steps))

    def run(self, steps: int, step: Step) -> Came:
        """Integrate with so many steps an interval."""
        one = self.each[0]
        stacked = jax.tree.map(lambda *parts: np.stack(parts), *((of.ode, of.driven) for of in self.each))
        intervals = np.moveaxis(one.signal.x, 1, 0), np.diff(one.signal.times, prepend=0.0)
        came: Came = _mapped(stacked, one.kept, (one.v0, one.signal.begin), intervals, (steps, one.signal.rise), step=step)
        return came._replace(off=came.off.max())


@jax_scope()
def integrate_continuous_chips(
    circuit: Circuit, chips: Sequence[tuple[Chip, Conductances]], signal: Signal, groups: Sequence[str]
) -> list[Floats]:
    """Run a batch of sequences from 0 V on in each chip, and return the states of node groups, one after the other, (B, T, n) [V] a chip.

    Raises
    ------
    CircuitError, UnsupportedCircuitError, ConvergenceError
        As `Transient.integrate`.

    """
    signal, stored = signal.checked(circuit), stored_groups(circuit, groups, folded=True)
    ordered = [group for name in groups for group in stored if group.name == name]
    problem = ChipsProblem(tuple(SequenceProblem.of(circuit, chip, g, signal, None, ordered, None) for chip, g in chips))
    with np.errstate(all="ignore"):
        came = chosen(problem, ACCURACY, None)[0]
    return list(np.asarray(came.kept, dtype=np.float64).transpose(0, 2, 1, 3))


@partial(jax.jit, static_argnames=("step",))
def _mapped(stacked: Any, kept: Any, begin: Any, intervals: Any, steps: Any, *, step: Step) -> Came:
    def one(of: Any) -> Came:
        came: Came = run(*of, kept, begin, intervals, steps, None, step=step, fold=None)
        return came

    mapped: Came = jax.vmap(one)(stacked)
    return mapped

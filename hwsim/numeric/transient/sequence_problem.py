"""A batch of sequences on a circuit, in the form that the compiled run takes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Self

import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.nodes import NodeGroup, Nodes
from hwsim.core.signal import Signal
from hwsim.core.transient import Feeds, Reduction, initial_states
from hwsim.numeric.transient.run import Came, Driven, run
from hwsim.numeric.transient.state_form import StateForm
from hwsim.numeric.transient.steps import DENSE, DIAGONAL, STABLE, Ode, Step, diagonal_suffices
from hwsim.numeric.transient.time_noise import NoiseForm
from hwsim.typing import Array, Conductances, Floats

_EXACT = 400
"""States; of more, rates are bounded instead of computed."""

MOST_STEPS = 1 << 16
"""Most steps of an interval."""


@dataclass(frozen=True, slots=True)
class SequenceProblem:
    """A batch of sequences on a circuit in its state form.

    Parameters
    ----------
    name
        The circuit's.
    form, ode, driven
        What it is, and how inputs drive it.
    signal
        What is applied.
    v0
        States at 0 s, shape (B, n) [V].
    kept
        Which states are stored: those asked for, or all where other nodes are asked for, whose voltages follow from them.
    initial, fold, feeds
        What is folded up, and which inputs are made of it; None: nothing, and the signal's.

    """

    name: str
    form: StateForm
    ode: Ode
    driven: Driven
    signal: Signal
    v0: Floats
    kept: Nodes
    fold: Callable[[Any, Array, Array], Any] | None
    initial: Any
    feeds: Feeds | None = None

    @classmethod
    def of(  # noqa: PLR0913, PLR0917 - what a batch is made of
        cls,
        circuit: Circuit,
        chip: Chip,
        g: Conductances,
        signal: Signal,
        v0: Mapping[str, Array] | None,
        stored: Sequence[NodeGroup],
        fold: Reduction | None,
    ) -> Self:
        """Bring a checked signal, and states to begin with, into this form."""
        form = StateForm.of(circuit, chip, g, signal.push.beta)
        wanted = np.concatenate([np.zeros(0, dtype=np.intp), *(group.nodes for group in stored)])
        kept = np.searchsorted(form.nodes, wanted) if np.isin(wanted, form.nodes).all() else np.arange(len(form.nodes))
        begin = initial_states(circuit, v0, len(signal.x))[:, form.nodes]
        folded, initial = (None, None) if fold is None else (folding(fold.step, tuple(stored)), fold.initial)
        return cls(
            circuit.name,
            form,
            ode_of(form),
            driven_by(form, signal),
            signal,
            begin,
            kept,
            folded,
            initial,
            None if fold is None else fold.feeds,
        )

    def first(self, intervals: int) -> Self:
        """Return it for its first intervals, with nothing folded up or fed back."""
        signal = self.signal._replace(x=self.signal.x[:, :intervals], times=self.signal.times[:intervals])
        return replace(self, signal=signal, fold=None, initial=None, feeds=None)

    def stored(self, kept: Floats, groups: Sequence[NodeGroup]) -> dict[str, Floats]:
        """Lay out the states that were stored, (B, T, m) [V], by group; other nodes follow from them, the inputs and the pushes."""
        every, signal = np.zeros((*kept.shape[:2], self.form.size + 1)), self.signal
        every[:, :, self.form.nodes[self.kept]] = kept
        if not all(np.isin(group.nodes, self.form.nodes).all() for group in groups):
            beta, target, current = signal.push
            pushed = np.broadcast_to((beta * target + current)[:, None], (*kept.shape[:2], np.shape(target)[-1]))
            rows = (np.reshape(part, (-1, np.shape(part)[-1])) for part in (kept, signal.x, pushed))
            every = self.form.everywhere(*rows).reshape(every.shape)
        return {group.name: every[:, :, group.nodes] for group in groups}

    @property
    def longest(self) -> float:
        """The longest interval that is not a rise [s]."""
        longest = float(np.diff(self.signal.times, prepend=0.0).max())
        return longest if self.signal.rise == 1.0 else longest * (1.0 - self.signal.rise)

    def rate(self, slope: Floats | float = 0.0) -> float:
        """Bound the fastest rate where diodes have these slopes [1/s]."""
        rates = self.form.rates(slope)
        fastest = np.abs(np.linalg.eigvals(rates)).max() if len(rates) <= _EXACT else np.abs(rates).sum(axis=1).max()
        return float(fastest)

    def stable(self, steps: int, slope: Floats) -> bool:
        """Whether so many explicit steps of an interval are short enough for diodes of these slopes (P,) [S]."""
        return bool(np.isfinite(slope).all()) and self.longest / steps * self.rate(slope) <= STABLE

    def implicit(self, steps: int) -> Step:
        """Return the trapezoidal step that so many steps of an interval need."""
        return DIAGONAL if diagonal_suffices(self.ode, self.longest / steps) else DENSE

    def run(self, steps: int, step: Step, noise: NoiseForm | None = None) -> Came:
        """Integrate with so many steps an interval."""
        signal = self.signal
        came: Came = run(
            self.ode,
            self.driven,
            self.kept,
            (self.v0, signal.begin),
            (np.moveaxis(signal.x, 1, 0), np.diff(signal.times, prepend=0.0)),
            (steps, signal.rise),
            self.initial,
            step=step,
            fold=self.fold,
            noise=noise,
            feeds=self.feeds,
        )
        return came


def ode_of(form: StateForm) -> Ode:
    """Return the ODE as what compiled runs take."""
    per_c = 1.0 / form.c[:, None]
    return Ode((form.charging.of_v * per_c).T, form.ports.of_v.T, (form.drawn * per_c).T, form.i_sat, form.n)


def driven_by(form: StateForm, signal: Signal) -> Driven:
    """Return how inputs drive the states; pushes, which stay, are part of what is fixed."""
    beta, target, current = signal.push
    pushed, per_c = beta * np.asarray(target) + np.asarray(current), 1.0 / form.c
    inputs, pushes = form.ports.of_x.any(), form.ports.of_q.any()
    e_fixed = form.ports.constant + pushed @ form.ports.of_q.T if inputs or pushes else form.ports.constant
    return Driven(
        (form.charging.of_x * per_c[:, None]).T,
        (form.charging.constant + pushed @ form.charging.of_q.T) * per_c,
        form.ports.of_x.T if inputs else None,
        e_fixed,
        form.outputs.of_v.T,
        form.outputs.of_x.T,
        form.outputs.constant + pushed @ form.outputs.of_q.T,
    )


@lru_cache(maxsize=64)
def folding(step: Callable[..., Any], groups: tuple[NodeGroup, ...]) -> Callable[[Any, Array, Array], Any]:
    """Hand a reduction the stored states by group; one function a reduction, so that it compiles once."""
    ends = np.cumsum([0, *map(len, groups)])

    def folded(total: Any, states: Array, number: Array) -> Any:
        return step(total, {group.name: states[:, a:b] for group, a, b in zip(groups, ends, ends[1:], strict=False)}, number)

    return folded

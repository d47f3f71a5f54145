"""Integration of a circuit in time: which method, how many steps an interval, and how large the error is.

Steps are explicit while the diodes' rates allow, which is looked at after the run; otherwise they follow the trapezoidal rule. They are
halved until that changes nothing any more, and by how much it last did is the error that is reported.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol, Self

import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.errors import CircuitError
from circuits.units import Volt
from hwsim.core.protocol import ConvergenceError
from hwsim.core.signal import Signal
from hwsim.core.transient import ACCURACY, NoiseInTime, Reduction, Trajectory, state_groups, stored_groups
from hwsim.numeric.jax_scope import jax_scope
from hwsim.numeric.transient.run import Came
from hwsim.numeric.transient.sequence_problem import MOST_STEPS, SequenceProblem
from hwsim.numeric.transient.steps import STABLE, Step, explicit
from hwsim.numeric.transient.time_noise import NoiseForm
from hwsim.typing import Array, Conductances, Floats

_BEGIN = 2.0
"""h·rate of the first explicit steps, without diodes."""

_STIFF = 400
"""Times that diodes may raise a circuit's fastest rate: beyond, as many explicit steps cost more than trapezoidal ones."""

_TRIED = 64
"""Intervals from the beginning on which the number of steps is chosen, in long sequences."""

_NOISY = 0.5
"""h·rate of steps with noise, without diodes: what is left of it where states are coupled is off by a twelfth at most."""

_OFF = 1e-9
"""Share of the largest voltage by which the equation of an implicit step may be off."""


@jax_scope()
def integrate(  # noqa: PLR0913 - what Transient.integrate takes, and the circuit
    circuit: Circuit,
    chip: Chip,
    g: Conductances,
    signal: Signal,
    v0: Mapping[str, Array] | None = None,
    *,
    groups: Sequence[str] | None = None,
    fold: Reduction | None = None,
    accuracy: Volt | None = None,
    steps: int | None = None,
    noise: NoiseInTime | None = None,
) -> Trajectory:
    """Integrate a batch of sequences; the parameters are those of `Transient.integrate`.

    Raises
    ------
    CircuitError, UnsupportedCircuitError, ConvergenceError
        As `Transient.integrate`.

    """
    signal, stored = signal.checked(circuit), stored_groups(circuit, groups, folded=fold is not None)
    problem = SequenceProblem.of(circuit, chip, g, signal, v0, stored, fold)
    quiet = problem if noise is None else problem.first(_TRIED)
    with np.errstate(all="ignore"):
        if steps is not None and accuracy is None:
            came, error, used, method = _given(quiet, steps)
        else:
            came, error, used, method = chosen(quiet, accuracy or ACCURACY, steps)
        if noise is not None:
            used = used if steps is not None and accuracy is None else max(used, int(np.ceil(problem.longest * problem.rate() / _NOISY)))
            came = _noisy(problem, used, method, NoiseForm.of(problem.form, circuit, chip, g, noise))
    place = {int(node): k for k, node in enumerate(problem.form.nodes)}
    end, last = np.asarray(came.end), state_groups(circuit)
    return Trajectory(
        signal.times,
        problem.stored(np.moveaxis(np.asarray(came.kept), 0, 1), stored),
        np.moveaxis(np.asarray(came.outputs), 0, 1),
        {group.name: end[:, [place[int(node)] for node in group.nodes]] for group in last},
        error,
        used,
        method,
        came.folded,
    )


class SteppedProblem(Protocol):
    """What steps are chosen for: a batch of sequences on a chip, or on several at once."""

    @property
    def name(self) -> str:
        """The circuit's."""
        ...

    @property
    def signal(self) -> Signal:
        """What is applied."""
        ...

    @property
    def longest(self) -> float:
        """The longest interval that is not a rise [s]."""
        ...

    def first(self, intervals: int) -> Self:
        """Return it for its first intervals."""
        ...

    def rate(self, slope: Floats | float = 0.0) -> float:
        """Bound the fastest rate where diodes have these slopes [1/s]."""
        ...

    def stable(self, steps: int, slope: Floats) -> bool:
        """Whether so many explicit steps of an interval are short enough for diodes of these slopes [S]."""
        ...

    def implicit(self, steps: int) -> Step:
        """Return the trapezoidal step that so many steps of an interval need."""
        ...

    def run(self, steps: int, step: Step) -> Came:
        """Integrate with so many steps an interval."""
        ...


def chosen(problem: SteppedProblem, accuracy: Volt, steps: int | None) -> tuple[Came, Volt, int, str]:
    """Choose method and steps, on the first intervals if there are many, and halve steps until that changes nothing.

    Raises
    ------
    ConvergenceError
        When voltages grow without bound, or that takes too many.

    """
    begin = steps or max(2, int(np.ceil(problem.longest * problem.rate() / _BEGIN))), False
    if len(problem.signal.times) > _TRIED:
        _, _, tried, stiff = _refined(problem.first(_TRIED), begin, accuracy)
        begin = max(1, tried // 2), stiff
    came, error, used, stiff = _refined(problem, begin, accuracy)
    return came, error, used, _method(stiff=stiff)


def _given(problem: SequenceProblem, steps: int) -> tuple[Came, Volt, int, str]:
    """Take so many steps, explicit ones if they are stable, and estimate their error on the first intervals."""
    if not 1 <= steps <= MOST_STEPS:
        msg = f"{problem.name}: steps = {steps} must be between 1 and {MOST_STEPS}"
        raise CircuitError(msg)
    stiff = False
    came = problem.run(steps, explicit)
    if _unstable(problem, came, steps):
        stiff = True
        came = problem.run(steps, problem.implicit(steps))
        _refuse(problem, came, steps)
    trial = problem.first(_TRIED)
    error = _apart(*(trial.run(k, problem.implicit(k) if stiff else explicit) for k in (steps, 2 * steps)))
    return came, error, steps, _method(stiff=stiff)


def _noisy(problem: SequenceProblem, steps: int, method: str, noise: NoiseForm) -> Came:
    """Run with noise, by the steps that are fine enough without it.

    Raises
    ------
    ConvergenceError
        When they are too long for what noise, or inputs behind the first intervals, brought about.

    """
    stiff = method == _method(stiff=True)
    came = problem.run(steps, problem.implicit(steps) if stiff else explicit, noise)
    if stiff:
        _refuse(problem, came, steps)
    elif _unstable(problem, came, steps):
        msg = f"{problem.name}: with noise, {steps} explicit steps of an interval are too long; ask for more accuracy, or more steps"
        raise ConvergenceError(msg)
    return came


def _method(*, stiff: bool) -> str:
    return "trapezoidal" if stiff else "Tsit5"


def _refined(problem: SteppedProblem, begin: tuple[int, bool], accuracy: Volt) -> tuple[Came, Volt, int, bool]:
    """Run with more and more steps until twice as many change no voltage by more than the accuracy [V].

    Raises
    ------
    ConvergenceError
        When that takes too many.

    """
    (steps, stiff), last, error = begin, None, np.inf
    while steps <= MOST_STEPS:
        came = problem.run(steps, problem.implicit(steps) if stiff else explicit)
        if not stiff and _unstable(problem, came, steps):
            last, (steps, stiff) = None, _stable(problem, came, steps)
            continue
        if stiff:
            _refuse(problem, came, steps)
        if last is not None:
            error = _apart(last, came)
            if error <= accuracy:
                return came, error, steps, stiff
        last, steps = came, 2 * steps
    fast = (rate := problem.rate()) * problem.longest > _BEGIN * MOST_STEPS
    fastest = f": its fastest mode takes {1 / rate:.3g} s" if fast else ""
    why = f" (the last halving moved {error:.2g} V)" if np.isfinite(error) else ", or voltages grow without bound"
    msg = (
        f"{problem.name}: {MOST_STEPS} steps of an interval of {problem.longest:.3g} s are too few for {accuracy:g} V"
        f"{fastest}{why}; shorten the intervals, or allow a larger error"
        f"{', or, where wires or resistors join capacitors, use --engine ngspice' if fast else ''}"
    )
    raise ConvergenceError(msg)


def _unstable(problem: SteppedProblem, came: Came, steps: int) -> bool:
    """Whether explicit steps were too long for the rates that were met, or overflowed."""
    return not (np.isfinite(np.asarray(came.end)).all() and problem.stable(steps, np.asarray(came.slope)))


def _stable(problem: SteppedProblem, came: Came, steps: int) -> tuple[int, bool]:
    """Return how many steps to take next, and whether they are implicit."""
    slope = np.asarray(came.slope)
    more = 4 * steps
    if np.isfinite(slope).all():
        more = max(2 * steps, int(np.ceil(problem.longest * problem.rate(slope) / STABLE)))
    least = max(2, int(np.ceil(problem.longest * problem.rate() / _BEGIN)))
    return (more, False) if more <= _STIFF * least else (least, True)


def _refuse(problem: SteppedProblem, came: Came, steps: int) -> None:
    """Refuse implicit steps whose equation was not solved, and voltages without bound.

    Raises
    ------
    ConvergenceError
        Naming the steps, and what to try.

    """
    if not np.isfinite(np.asarray(came.end)).all():
        msg = f"{problem.name}: voltages grow without bound; lower the gain of what feeds back, or limit it by diodes"
        raise ConvergenceError(msg)
    if came.off > _OFF:
        msg = f"{problem.name}: {steps} trapezoidal steps of {problem.longest / steps:.3g} s are too long to be solved; take more"
        raise ConvergenceError(msg)


def _apart(one: Came, other: Came) -> Volt:
    """Return the largest difference between two runs [V]."""
    pairs = zip((one.kept, one.outputs, one.end), (other.kept, other.outputs, other.end), strict=True)
    return max(float(np.abs(np.asarray(a) - np.asarray(b)).max(initial=0.0)) for a, b in pairs)

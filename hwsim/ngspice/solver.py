"""NgspiceSolver: a circuit on a chip in many worker processes, each with the deck loaded once and swept through its samples.

The free phase of a sample and its nudged ones are neighbouring points of one sweep, and the nudged ones start from the free one. By
default the inputs are folded into the first crossbar (Norton's theorem): NumPy multiplies them with its conductances, and ngspice sees
one resistor and one current source a column. Kirchhoff's law, summed up here from the elements, decides what is a solution.
"""

import logging
import pickle
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.elements import InputCurrents
from circuits.units import Hertz
from hwsim.core.lock_in import LockedIn, lock_in
from hwsim.core.protocol import FREE, Capability, Closing, Drive, Equilibrium, Nudge, Nudging, Push
from hwsim.core.signal import Signal
from hwsim.core.transient import Trajectory
from hwsim.cores import usable_cores
from hwsim.ngspice import transient_runs
from hwsim.ngspice.answers import blank, merged, split
from hwsim.ngspice.batch_arrays import features_of, push_on, targets_of
from hwsim.ngspice.current_deck import CurrentDeck
from hwsim.ngspice.failed_points import keep, raise_if_failed
from hwsim.ngspice.limits import WorkerLimits
from hwsim.ngspice.messages import Answer, Job, WorkerDeck
from hwsim.ngspice.ngspice_errors import NgspiceDeckError, NgspiceError
from hwsim.ngspice.pool import Pool
from hwsim.ngspice.residual_check import verified
from hwsim.ngspice.user_plan import UserPlan
from hwsim.typing import Conductances, Floats
from netlists.write.options import Tolerances

_LOG = logging.getLogger("hwsim.ngspice")


class NgspiceSolver(Nudging, Closing):
    """Solves batches; `close` ends its processes.

    Parameters
    ----------
    circuit, chip
        What to solve. Ideal diodes become sharp ones.
    full
        Reduce nothing.
    workers
        Processes; None is one a core.
    limits
        What each may use.
    tolerances
        When ngspice takes an iteration for the solution; None is what the circuit needs.

    """

    capabilities = frozenset({Capability.SMALL_SIGNAL, Capability.TRANSIENT, Capability.VERIFIED})
    tolerance: float | None = None

    def __init__(
        self, circuit: Circuit, chip: Chip, *, full: bool, workers: int | None, limits: WorkerLimits, tolerances: Tolerances | None
    ) -> None:
        self.circuit, self.chip = circuit, chip
        self._deck = CurrentDeck(circuit, chip, full=full, tolerances=tolerances)
        plan = self._deck.plan
        if circuit.of(InputCurrents) or (isinstance(plan, UserPlan) and not plan.linearisable):  # voltages do not determine them
            self.capabilities = self.capabilities - {Capability.SMALL_SIGNAL}
        if isinstance(plan, UserPlan):
            self.capabilities = self.capabilities - {Capability.TRANSIENT}
        self._pool = Pool(workers or usable_cores(), limits)
        self._warned = set[str]()

    def solve(self, g: Conductances, drive: Drive, *, start: Equilibrium | None = None, throw: bool = True) -> Equilibrium:  # noqa: ARG002 - see `start`
        """Find the equilibria of a batch.

        Parameters
        ----------
        g
            Conductances [S], one array a trainable element.
        drive
            Features, shape (B, I), and the push on the outputs.
        start
            Without effect: there is one equilibrium, and a sweep starts where it knows best.
        throw
            Raise when a sample has none; otherwise its `result` shows it and its voltages are NaN.

        Raises
        ------
        NgspiceError
            When a worker cannot work; NgspicePointError for samples that ngspice found no equilibrium of.
        ConvergenceError
            When a sample's Kirchhoff residual is too large, or its numbers are not finite.
        CircuitError
            When arrays do not fit the circuit.

        """
        x = features_of(self.circuit, drive.x)
        push = push_on(self.circuit, drive.push, len(x))
        noise = None if drive.noise is None else [drive.noise]
        return self._run(g, x, push, b"", np.zeros_like(push.target), phases=1, throw=throw, noise=noise)[0]

    def phases(
        self,
        g: Conductances,
        x: Any,
        y: Any,
        nudge: Nudge,
        *,
        throw: bool = True,
        noise: Sequence[Mapping[str, Any]] | None = None,
    ) -> tuple[Equilibrium, ...]:
        """Find the free equilibria, then each nudged one from there; `nudge.pushes` is called in the workers, sample by sample.

        Parameters
        ----------
        g
            Conductances [S], one array a trainable element.
        x, y
            Features, shape (B, I), and targets, shape (B, K) [V].
        nudge
            A nudge that can be pickled: its class stands in a module that the workers can import.
        throw
            As in `solve`.

        Raises
        ------
        NgspiceError, ConvergenceError, CircuitError
            As in `solve`.

        """
        features = features_of(self.circuit, x)
        targets = targets_of(self.circuit, y, len(features))
        try:
            pickled = pickle.dumps(nudge)
            with np.errstate(all="ignore"):
                count = len(pickle.loads(pickled).pushes(np.zeros_like(targets[:1]), targets[:1]))  # noqa: S301 - it was pickled just now
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            msg = f"the nudge {type(nudge).__name__} cannot be sent to the workers ({error}); define its class in a module"
            raise NgspiceError(msg) from error
        free = push_on(self.circuit, FREE, len(features))
        return self._run(g, features, free, pickled, targets, phases=1 + count, throw=throw, noise=noise)

    def small_signal(self, g: Conductances, free: Equilibrium, current: Any, *, throw: bool = True) -> Equilibrium:
        """Solve the circuit linearised at an equilibrium, driven by currents (B, K) [A] into the outputs alone: its voltages by group.

        An operating point and an analysis at 1 µHz for each sample. Its residual is not checked.

        Raises
        ------
        NgspiceError, ConvergenceError, CircuitError
            As in `solve`.

        """
        deck, plan, batch = self._deck.of(g), self._deck.plan, len(free.residual)
        current = push_on(self.circuit, Push(current=current), batch).current
        job = Job(
            deck=None,
            values=plan.values_at(self._deck.g, free),
            beta=np.zeros(batch),
            currents=current,
            nudge=b"",
            targets=np.zeros_like(current),
            phases=1,
            noise=np.zeros((batch, 1, len(plan.noisy))) if len(plan.noisy) else None,
            response=True,
        )
        answer = self._answer(deck, job, job.finite)
        nothing, still = np.zeros((batch, self.circuit.input_count)), np.zeros(batch)
        whole, rest = (plan.voltages(nothing, v) for v in (answer.v[:, 0], np.zeros_like(answer.v[:, 0])))
        response = {name: v - rest[name] for name, v in whole.items()}
        answered = Equilibrium(response, still, answer.steps[:, 0], answer.result[:, 0])
        return answered.check(self.circuit) if throw else answered

    def integrate(self, g: Conductances, signal: Signal, v0: Mapping[str, Any] | None = None, **how: Any) -> Trajectory:
        """Integrate a batch of sequences, with the parameters of `Transient.integrate`, by analyses in time.

        Raises
        ------
        NgspiceError, CircuitError, ConvergenceError
            As there, and when a worker cannot work.
        UnsupportedCircuitError
            When the circuit is a user's own deck, and nudged.

        """
        return transient_runs.integrate(self._pool, self.circuit, self.chip, g, signal, v0, **how)

    def oscillating(self, g: Conductances, x: Any, free: Equilibrium, current: Any, *frequencies: Hertz) -> LockedIn:
        """Push sines of current, of amplitudes (B, K) [A], into the outputs of circuits at equilibrium, and lock in, by analyses in time.

        Frequencies are those of the sines and, where inputs are sines too, of these [Hz].

        Raises
        ------
        NgspiceError, CircuitError, ConvergenceError
            As `lock_in`, and when a worker cannot work.

        """
        return lock_in(partial(transient_runs.integrate, self._pool), self.circuit, self.chip, g, x, free, current, *frequencies)

    def pause(self) -> None:
        """Let NumPy's products take all threads until the next batch."""
        self._pool.pause()

    def close(self) -> None:
        """End the worker processes; the next batch would start new ones."""
        self._pool.close()

    def _run(  # noqa: PLR0913 - what a batch is made of
        self,
        g: Conductances,
        x: Floats,
        push: Push,
        nudge: bytes,
        targets: Floats,
        *,
        phases: int,
        throw: bool,
        noise: Sequence[Mapping[str, Any]] | None,
    ) -> tuple[Equilibrium, ...]:
        """Solve a batch: split it into jobs, put the answers together, verify them."""
        injected = self._deck.noise_sources(noise, len(x), phases)
        deck, beta = self._deck.of(g), np.asarray(push.beta)
        with np.errstate(all="ignore"):
            values, currents = self._deck.plan.values(self._deck.g, x), beta * push.target + push.current
        job = Job(deck=None, values=values, beta=beta[:, 0], currents=currents, nudge=nudge, targets=targets, phases=phases, noise=injected)
        answer = self._answer(deck, job, job.finite & np.isfinite(x).all(axis=1))
        equilibria = self._equilibria(x, answer, noise)
        if throw:
            raise_if_failed(self.circuit, self.chip, self._deck.g, x, answer)
            for equilibrium in equilibria:
                equilibrium.check(self.circuit)
        return equilibria

    def _answer(self, deck: WorkerDeck, job: Job, fit: NDArray[np.bool_]) -> Answer:
        """Let workers solve the samples of a batch that are `fit`, (B,); the others get a blank answer."""
        samples = np.flatnonzero(fit)
        try:
            answers = self._pool.run(deck, split(job, samples, self._pool.size))
        except NgspiceDeckError as error:
            msg = f"{self.circuit.name}: {error}; the deck is kept in {keep(deck.text)}"
            raise NgspiceDeckError(msg) from None
        for warned in {answer.warned for answer in answers if answer.warned} - self._warned:
            self._warned.add(warned)
            _LOG.warning("%s: ngspice warns: %s", self.circuit.name, warned)
        return merged(len(fit), samples, answers, blank(len(deck.layout.nodes), len(self.circuit.outputs), job.phases))

    def _equilibria(self, x: Floats, answer: Answer, noise: Sequence[Mapping[str, Any]] | None) -> tuple[Equilibrium, ...]:
        """Verify all phases at once, and return each with its own equilibria."""
        batch, phases = answer.result.shape

        def stacked(array: Any) -> Any:
            return np.swapaxes(array, 0, 1).reshape(phases * batch, *array.shape[2:])

        inputs = np.tile(x, (phases, 1))
        push = Push(stacked(answer.beta)[:, None], stacked(answer.target), stacked(answer.current))
        unverified = np.full(phases * batch, np.nan)
        v = self._deck.plan.voltages(inputs, stacked(answer.v))
        answered = Equilibrium(v, unverified, stacked(answer.steps), stacked(answer.result))
        together = None if noise is None else {name: np.concatenate([np.asarray(one[name]) for one in noise]) for name in noise[0]}
        checked = verified(self._deck.plan, self._deck.g, Drive(inputs, push, together), answered)
        return tuple(checked.some(slice(phase * batch, (phase + 1) * batch)) for phase in range(phases))

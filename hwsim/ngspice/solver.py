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

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.elements import IdealDiodes, InputCurrents
from circuits.errors import CircuitError
from circuits.units import Hertz
from hwsim.core.lock_in import LockedIn, lock_in
from hwsim.core.protocol import Capability, Closing, Drive, Equilibrium, Nudge, Nudging, Push
from hwsim.core.signal import Signal
from hwsim.core.transient import Trajectory
from hwsim.cores import usable_cores
from hwsim.ngspice import transient_runs
from hwsim.ngspice.answers import blank, merged, split
from hwsim.ngspice.failed_points import keep, raise_if_failed
from hwsim.ngspice.limits import WorkerLimits
from hwsim.ngspice.messages import Answer, Job, WorkerDeck
from hwsim.ngspice.ngspice_errors import NgspiceDeckError, NgspiceError
from hwsim.ngspice.plan import Plan
from hwsim.ngspice.pool import Pool
from hwsim.ngspice.residual_check import verified
from hwsim.ngspice.user_plan import UserPlan
from hwsim.typing import Conductances, Floats
from netlists.write.options import Tolerances, fitting

_LOG = logging.getLogger("hwsim.ngspice")

SHARP_TIMES = 3
"""Times that a point of a circuit with sharp diodes is gone through; see `WorkerDeck.times`."""


class NgspiceSolver(Nudging, Closing):
    """Solves batches; `close` ends its processes.

    Parameters
    ----------
    circuit, chip
        What to solve. Ideal diodes become sharp ones.
    full
        Reduction nothing.
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
        self._full = full
        self._plan = self._planned(noise=False)
        if circuit.of(InputCurrents) or (
            isinstance(self._plan, UserPlan) and not self._plan.linearisable
        ):  # voltages do not determine them
            self.capabilities = self.capabilities - {Capability.SMALL_SIGNAL}
        if isinstance(self._plan, UserPlan):
            self.capabilities = self.capabilities - {Capability.TRANSIENT}
        self._tolerances = tolerances or fitting(circuit)
        self._times = SHARP_TIMES if circuit.of(IdealDiodes) else 1
        self._pool = Pool(workers or usable_cores(), limits)
        self._warned = set[str]()
        self._g: dict[str, Floats] = {}
        self._deck: WorkerDeck | None = None

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
        x = self._features(drive.x)
        push = self._broadcast(drive.push, len(x))
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
        features, targets = self._features(x), np.asarray(y, dtype=np.float64)
        wanted = (len(features), len(self.circuit.outputs))
        if targets.shape != wanted:
            msg = f"{self.circuit.name}: the targets have shape {targets.shape}; the batch takes {wanted}"
            raise CircuitError(msg)
        try:
            pickled = pickle.dumps(nudge)
            with np.errstate(all="ignore"):
                count = len(pickle.loads(pickled).pushes(np.zeros((1, wanted[1])), targets[:1]))  # noqa: S301 - it was pickled just now
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            msg = f"the nudge {type(nudge).__name__} cannot be sent to the workers ({error}); define its class in a module"
            raise NgspiceError(msg) from error
        free = self._broadcast(Push(), len(features))
        return self._run(g, features, free, pickled, targets, phases=1 + count, throw=throw, noise=noise)

    def small_signal(self, g: Conductances, free: Equilibrium, current: Any, *, throw: bool = True) -> Equilibrium:
        """Solve the circuit linearised at an equilibrium, driven by currents (B, K) [A] into the outputs alone: its voltages by group.

        An operating point and an analysis at 1 µHz for each sample. Its residual is not checked.

        Raises
        ------
        NgspiceError, ConvergenceError, CircuitError
            As in `solve`.

        """
        deck, driven = self._load(g), self._broadcast(Push(current=current), len(free.residual))
        values = self._plan.values_at(self._g, free)
        kept = np.flatnonzero(np.isfinite(values).all(axis=1) & np.isfinite(driven.current).all(axis=1))
        quiet = None if not len(self._plan.noisy) else np.zeros((len(values), 1, len(self._plan.noisy)))
        jobs = [
            Job(
                deck=None,
                values=values[k],
                beta=np.zeros(len(k)),
                currents=driven.current[k],
                nudge=b"",
                targets=np.zeros_like(driven.current[k]),
                phases=1,
                noise=None if quiet is None else quiet[k],
                response=True,
            )
            for k in split(kept, 1, self._pool.size)
        ]
        answer = merged(len(values), kept, self._pool.run(deck, jobs), self._blank(1))
        nothing = np.zeros((len(values), self.circuit.input_count))
        whole, rest = (self._plan.voltages(nothing, v) for v in (answer.v[:, 0], np.zeros_like(answer.v[:, 0])))
        still = np.zeros(len(values))
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

    def close(self) -> None:
        """End the worker processes; the next batch would start new ones."""
        self._pool.close()

    def _planned(self, *, noise: bool) -> Plan | UserPlan:
        if self.circuit.text is not None:
            return UserPlan.of(self.circuit, self.chip, noise=noise)
        return Plan.of(self.circuit, self.chip, full=self._full, noise=noise)

    def _features(self, x: Any) -> Floats:
        features = np.asarray(x, dtype=np.float64)
        if features.ndim != 2 or features.shape[1] != self.circuit.input_count or not len(features):  # noqa: PLR2004 - samples, features
            msg = f"{self.circuit.name}: the features have shape {features.shape}; it takes (samples, {self.circuit.input_count})"
            raise CircuitError(msg)
        return features

    def _broadcast(self, push: Push, batch: int) -> Push:
        shape = (batch, len(self.circuit.outputs))
        try:
            beta = np.broadcast_to(np.asarray(push.beta, dtype=np.float64), (batch, 1))
            target, current = (np.broadcast_to(np.asarray(part, dtype=np.float64), shape) for part in push[1:])
        except ValueError:
            msg = (
                f"{self.circuit.name}: beta, target and current of the push have shapes "
                f"{', '.join(str(np.shape(part)) for part in push)}; the batch takes one beta a sample and {shape}"
            )
            raise CircuitError(msg) from None
        return Push(beta, target, current)

    def _load(self, g: Conductances) -> WorkerDeck:
        """Return the deck for conductances; the last one if they are the same."""
        self.circuit.check_conductances(g)
        arrays = {name: np.array(values, dtype=np.float64) for name, values in g.items()}
        if self._deck is None or any(not np.array_equal(arrays[name], self._g[name]) for name in arrays):
            self._deck = WorkerDeck(
                text=self._plan.deck(arrays, self._tolerances),
                layout=self._plan.layout,
                tolerances=self._tolerances,
                times=self._times,
                altered=self._plan.altered(arrays),
            )
            self._g = arrays
        return self._deck

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
        injected = self._injected(noise, len(x), phases)
        deck, beta = self._load(g), np.asarray(push.beta)
        with np.errstate(all="ignore"):
            values, currents = self._plan.values(self._g, x), beta * push.target + push.current
        finite = np.isfinite(x).all(axis=1) & np.isfinite(values).all(axis=1)
        finite &= np.isfinite(beta[:, 0]) & np.isfinite(currents).all(axis=1)
        kept = np.flatnonzero(finite)
        jobs = [
            Job(
                deck=None,
                values=values[k],
                beta=beta[k, 0],
                currents=currents[k],
                nudge=nudge,
                targets=targets[k],
                phases=phases,
                noise=None if injected is None else injected[k],
            )
            for k in split(kept, phases, self._pool.size)
        ]
        try:
            answers = self._pool.run(deck, jobs)
        except NgspiceDeckError as error:
            msg = f"{self.circuit.name}: {error}; the deck is kept in {keep(deck.text)}"
            raise NgspiceDeckError(msg) from None
        self._tell(answers)
        answer = merged(len(x), kept, answers, self._blank(phases))
        equilibria = self._equilibria(x, answer, noise)
        if throw:
            raise_if_failed(self.circuit, self.chip, self._g, x, answer)
            for equilibrium in equilibria:
                equilibrium.check(self.circuit)
        return equilibria

    def _tell(self, answers: Sequence[Answer]) -> None:
        """Pass on what ngspice warns of in a deck, once."""
        for warned in {answer.warned for answer in answers if answer.warned} - self._warned:
            self._warned.add(warned)
            _LOG.warning("%s: ngspice warns: %s", self.circuit.name, warned)

    def _injected(self, noise: Sequence[Mapping[str, Any]] | None, batch: int, phases: int) -> Floats | None:
        """Return the values of the sources of noise, shape (B, phases, nodes) [A]; once there was noise, the deck has sources of it."""
        if noise is not None and not len(self._plan.noisy):
            self._plan, self._deck = self._planned(noise=True), None
        if not len(self._plan.noisy):
            return None
        i = np.zeros((phases, batch, self.circuit.size + 1))
        for phase, by_group in enumerate(noise or ()):
            for name, values in by_group.items():
                i[phase][:, self.circuit.nodes(name)] = values
        return np.swapaxes(i[:, :, self._plan.noisy], 0, 1)

    def _blank(self, phases: int) -> Answer:
        return blank(len(self._plan.layout.nodes), len(self.circuit.outputs), phases)

    def _equilibria(self, x: Floats, answer: Answer, noise: Sequence[Mapping[str, Any]] | None) -> tuple[Equilibrium, ...]:
        """Verify all phases at once, and return each with its own equilibria."""
        batch, phases = answer.result.shape

        def stacked(array: Any) -> Any:
            return np.swapaxes(array, 0, 1).reshape(phases * batch, *array.shape[2:])

        inputs = np.tile(x, (phases, 1))
        push = Push(stacked(answer.beta)[:, None], stacked(answer.target), stacked(answer.current))
        unverified = np.full(phases * batch, np.nan)
        answered = Equilibrium(self._plan.voltages(inputs, stacked(answer.v)), unverified, stacked(answer.steps), stacked(answer.result))
        together = None if noise is None else {name: np.concatenate([np.asarray(one[name]) for one in noise]) for name in noise[0]}
        checked = verified(self._plan, self._g, Drive(inputs, push, together), answered)
        spans = [slice(phase * batch, (phase + 1) * batch) for phase in range(phases)]
        return tuple(
            Equilibrium({name: v[span] for name, v in checked.v.items()}, checked.residual[span], checked.steps[span], checked.result[span])
            for span in spans
        )

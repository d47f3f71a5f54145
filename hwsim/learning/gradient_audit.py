"""Gradient audit: how much of the gradient that an update computes is rounding, by comparison with 64 bits and a nudge that these resolve.

Learning by a difference of two equilibria loses its signal where the nudge moves voltages by less than precision and tolerance resolve, and
nothing else shows it: every equilibrium by itself is right.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from circuits.circuit import Circuit
from circuits.elements import IdealDiodes
from circuits.passed import Passed
from circuits.rows import free_groups
from hwsim.core.capabilities import is_traceable
from hwsim.core.protocol import Equilibrium, Result
from hwsim.core.replayed import Replayed
from hwsim.learning.audit import PhaseByPhase
from hwsim.learning.gradient.output_conductance import output_conductance
from hwsim.learning.rules.estimator import LearningRule
from hwsim.learning.skipping import Skipping
from hwsim.learning.state import State, copied
from hwsim.learning.step import KEPT, Batches
from hwsim.settings.sections import Precision
from hwsim.typing import Array, Conductances

if TYPE_CHECKING:
    from hwsim.learning.trainer import Trainer

WARN = 0.1
"""Relative error of a crossbar's gradient above which training is worth a warning. Measured: iris in 32 bits, 20 epochs, has 0.02 at a beta
of 1e-8 S, 0.19 at 1e-9 S and 0.5 at 1e-10 S, and learns; 2.2 at 1e-11 S and 1.0 (all of it is lost) at 1e-12 S, and does not."""

STOP = 0.9
"""Above it, a gradient is rounding, or lost: one that comes out as 0 has an error of 1."""

_RESOLVED = 1e-4
"""Share of an output's conductance: a nudge that 64 bits resolve, and that moves no diode out of its small-signal range."""

_FINE = {"float32": 1e-6, "float64": 1e-13}
"""What each precision settles to by itself, as shares of the largest voltage: a smaller tolerance brings nothing."""

_UPDATES = 4
"""Most updates that are looked at, where batches are smaller than KEPT."""


class GradientError(NamedTuple):
    """Relative error of the worst crossbar's gradient (root mean square over its devices), and which one it is."""

    value: float
    element: str


def advice(value: float, rule: LearningRule, precision: Precision, tolerance: float | None, element: str = "a crossbar") -> str:
    """Return what is wrong with a gradient of this relative error and what to do, in a line; `tolerance` is the solver's, if one is set."""
    key = (rule.size or "").partition(" =")[0]
    finer = ", training.precision = 'float64'" if precision == "float32" else ""
    closer = ", a smaller solver.tolerance" if tolerance is not None and tolerance > _FINE[precision] else ""
    return (
        f"{100 * value:.0f} % of the gradient in {element} is rounding, as the nudge ({rule.size}) moves voltages by too little; "
        f"set a larger {key}{finer}{closer}"
    )


def audited(rule: LearningRule) -> bool:
    """Whether a rule learns from a difference of equilibria that no noise currents move: the adjoint has none, and noise hides rounding."""
    return rule.size is not None and not rule.noisy


def planned(trainer: "Trainer", epoch: int) -> list[Batches]:
    """Plan single updates, with the first samples of an epoch's plan, not moved and not corrupted."""
    batches = trainer.plan(epoch)
    count = min(_UPDATES, -(-KEPT // batches.order.shape[1]), len(batches.order))
    moves = None if batches.moves is None else np.zeros_like(batches.moves)
    corruption = batches.corruption and batches.corruption.none
    plain = batches._replace(signs=np.ones_like(batches.signs), moves=moves, corruption=corruption)
    return [plain._replace(order=np.roll(batches.order, -k, axis=0)) for k in range(count)]


def measured(trainer: "Trainer", state: State) -> GradientError | None:
    """Measure how much of a state's gradient is rounding, by updates that are thrown away; None: not measurable."""
    plans = planned(trainer, state.epoch)
    if not free_groups(trainer.circuit):
        return error_of_chain(trainer, trainer.g(state), plans)
    targets, kept = trainer.samples.targets.wrong(), []
    for plan in plans:
        carry = copied(state.carry)  # an update takes it away
        done = trainer.advance(carry, plan, 0, 1, newton=state.newton, targets=targets)
        if int(done.sums.failed) > int(state.sums.failed):
            return None
        kept.append(np.asarray(done.kept))
    return gradient_error(trainer, trainer.g(state), plans, kept)


def gradient_error(trainer: "Trainer", g: Conductances, plans: Sequence[Batches], kept: Sequence[Array]) -> GradientError | None:
    """Compare the gradients of single updates with those that 64 bits and a nudge that they resolve give.

    Parameters
    ----------
    trainer
        What was trained.
    g
        Conductances before the updates [S].
    plans
        The updates, from `planned`.
    kept
        The voltages that each kept, with the targets' `wrong`: what a mistake teaches must be seen; the gradient of samples that are right
        already fades into rounding, and may.

    Returns
    -------
    GradientError or None
        None where nothing can be measured: a sample has no equilibrium, only ngspice solves the circuit, or its ideal diodes are sharp.

    """
    circuit, chip, rule, loss = trainer.circuit, trainer.solver.chip, trainer.updater.rule.quiet, trainer.updater.loss
    if circuit.of(Passed) or (trainer.settings.engine == "ngspice" and circuit.of(IdealDiodes)):
        return None
    finer, x, wrong = (
        rule.resolved(_RESOLVED * float(output_conductance(circuit, g))),
        trainer.data.x_train,
        trainer.samples.targets.wrong(),
    )
    chosen = [plan.order[0][:KEPT] for plan in plans]
    every = np.concatenate(chosen)
    recorder = _Recorder(trainer.exact)
    finer.gradient(recorder, g, x[every], wrong.of(every).astype(float), loss)
    if any((phase.result != Result.CONVERGED).any() for phase in recorder.equilibria) or not all(np.isfinite(one).all() for one in kept):
        return None
    off, size, begin = dict[str, float](), dict[str, float](), 0
    for samples, voltages in zip(chosen, kept, strict=True):
        span = slice(begin, begin + len(samples))
        begin += len(samples)
        given = (g, x[samples], wrong.of(samples).astype(float), loss)
        exact = [phase.some(span) for phase in recorder.equilibria]
        ours = rule.gradient(Replayed(circuit, chip, _phases(circuit, voltages, exact)), *given).g
        right = finer.gradient(Replayed(circuit, chip, exact), *given).g
        for name, values in right.items():
            off[name] = off.get(name, 0.0) + float(((np.asarray(ours[name], float) - values) ** 2).sum())
            size[name] = size.get(name, 0.0) + float((values**2).sum())
    errors = [GradientError(float(np.sqrt(off[name] / size[name])), name) for name in off if size[name]]
    return max(errors, default=None)


def error_of_chain(trainer: "Trainer", g: Conductances, plans: Sequence[Batches]) -> GradientError | None:
    """Compare the gradient of a chain of circuits, of which an update keeps no voltages, with the same; it is computed again for that.

    Samples that are normalised by their batch are so in both. None where a sample has no equilibrium, and for sharp ideal diodes.
    """
    chip, rule, loss = trainer.solver.chip, trainer.updater.rule.quiet, trainer.updater.loss
    circuits = [member.circuit for member in chip.members]
    if any(circuit.of(Passed) or (trainer.settings.engine == "ngspice" and circuit.of(IdealDiodes)) for circuit in circuits):
        return None
    least = min(float(output_conductance(circuit, {array.name: g[array.name] for array in circuit.trainable})) for circuit in circuits)
    chosen = np.concatenate([plan.order[0] for plan in plans])[:KEPT]
    x, y = trainer.data.x_train[chosen], trainer.samples.targets.wrong().of(chosen).astype(float)
    cast = {name: values.astype(trainer.dtype) for name, values in g.items()}
    ours = rule.gradient(trainer.solver.wrapped(Skipping), cast, x.astype(trainer.dtype), y.astype(trainer.dtype), loss)
    right = rule.resolved(_RESOLVED * least).gradient(trainer.exact.wrapped(PhaseByPhase), g, x, y, loss)
    if any((phase.result != Result.CONVERGED).any() for phase in (*ours.phases, *right.phases)):
        return None
    mine = ours.g
    sizes = {name: float((values**2).sum()) for name, values in right.g.items()}
    off = {name: float(((np.asarray(mine[name], float) - values) ** 2).sum()) for name, values in right.g.items()}
    return max((GradientError(float(np.sqrt(off[name] / size)), name) for name, size in sizes.items() if size), default=None)


class _Recorder(PhaseByPhase):
    """Keeps the equilibria of all phases; these are found one by one, each by the same program, where one is compiled."""

    equilibria: tuple[Equilibrium, ...] = ()

    @property
    def _compiles(self) -> bool:
        return is_traceable(self.solver)

    def phases(self, *given: Any, **named: Any) -> tuple[Equilibrium, ...]:
        """Find all phases."""
        self.equilibria = super().phases(*given, **named) if self._compiles else self.solver.phases(*given, throw=False, **named)
        return self.equilibria

    def displaced(self, *given: Any, **named: Any) -> tuple[Equilibrium, ...]:
        """Find the free equilibria, and the displacements from there."""
        self.equilibria = super().displaced(*given, **named) if self._compiles else self.solver.displaced(*given, throw=False, **named)
        return self.equilibria


def _phases(circuit: Circuit, voltages: Array, exact: Sequence[Equilibrium]) -> list[Equilibrium]:
    """Return kept voltages (phases, samples, nodes) as equilibria; what sources hold is as in the exact ones."""
    groups = free_groups(circuit)
    ends = np.cumsum([len(group) for group in groups])[:-1]
    nothing = np.zeros(voltages.shape[1])
    names = [group.name for group in groups]
    split = [dict(zip(names, np.split(np.asarray(phase), ends, axis=1), strict=True)) for phase in voltages]
    whole = [{name: v.astype(voltages.dtype) for name, v in fixed.v.items()} | free for fixed, free in zip(exact, split, strict=True)]
    return [Equilibrium(v, nothing, nothing, nothing) for v in whole]

"""Analyses in time by ngspice: a deck a sequence, in the workers' sandbox, with steps as short as asked for."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.clocked import is_clocked
from circuits.elements import Nudges
from circuits.errors import CircuitError
from circuits.nodes import Nodes
from circuits.units import Volt
from circuits.user_text import from_elsewhere
from hwsim.core.protocol import ConvergenceError, Push, Result, UnsupportedCircuitError
from hwsim.core.signal import Signal
from hwsim.core.stiff_resistors import StiffResistors, limit
from hwsim.core.transient import NoiseInTime, Reduction, Trajectory, initial_states, state_groups, state_nodes, stored_groups
from hwsim.ngspice.messages import TransientAnswer, TransientDeck, TransientJob
from hwsim.ngspice.ngspice_errors import NgspicePointError
from hwsim.ngspice.pool import Pool
from hwsim.typing import Array, Conductances, Floats
from netlists.foreign.simulated import check_chip, directions, with_sources
from netlists.text.numbers import plain
from netlists.write.options import fitting
from netlists.write.sections import Words
from netlists.write.switched import LATEST_RISE, switched
from netlists.write.waveforms import TIGHT, Waveforms, fixed_at_capacitors, initial
from netlists.write.writer import Body

POINTS = 40
"""Steps of an interval, at least: with fewer, reservoirs are a tenth of a millivolt off."""

_HALVINGS = 6
"""Most halvings for an accuracy that is asked for."""

_UNEQUAL = 1e-6
"""Share of a clock by which others may be longer, by rounding."""

_ROUNDED = 1.5e5
"""Times what makes a resistor stiff: roundings of such ones' currents are 1e-5 of the others, and halving steps does not show that."""

_A_LINE = 100
"""Voltages that a .save card names."""


def integrate(  # noqa: PLR0913 - what Transient.integrate takes, and what runs it
    pool: Pool,
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
    NgspiceError, CircuitError, ConvergenceError
        As `Transient.integrate`, and when ngspice cannot work.

    """
    if noise is not None:
        msg = f"{circuit.name}: ngspice integrates without the circuit's noise; omit it, or use the numeric engine"
        raise UnsupportedCircuitError(msg)
    if fold is not None and fold.feeds is not None:
        msg = f"{circuit.name}: ngspice computes no inputs while it runs; use the numeric engine, or close the loop by elements"
        raise UnsupportedCircuitError(msg)
    signal, stored = signal.checked(circuit), stored_groups(circuit, groups, folded=fold is not None, between=True)
    if circuit.text is not None:
        _check_user(circuit, chip, signal)
    circuit.check_conductances(g)
    if len(StiffResistors.above(circuit, chip, _ROUNDED * limit(circuit, chip)).r):
        raise ConvergenceError(f"{circuit.name}: {Result.STIFF.advice}")
    if is_clocked(circuit):
        _refuse_unclocked(circuit, signal)
    asked = np.unique(np.concatenate([state_nodes(circuit, between=True), _outputs(circuit.outputs), *(group.nodes for group in stored)]))
    v = initial_states(circuit, v0, len(signal.x))
    points = POINTS if steps is None else steps
    if points < 1:
        msg = f"{circuit.name}: steps = {steps} must be at least 1"
        raise CircuitError(msg)
    texts = [_text(circuit, chip, g, _sequence(signal, k), v[k], asked) for k in range(len(v))]
    last = _run(pool, circuit, signal, texts, asked, points)
    for _ in range(_HALVINGS):
        points *= 2
        came = _run(pool, circuit, signal, texts, asked, points)
        error = float(np.abs(came.v - last.v).max())
        if accuracy is None or error <= accuracy:
            return _trajectory(circuit, signal, stored, asked, came, error, fold)
        last = came
    msg = f"{circuit.name}: with {points} steps an interval ngspice's error is {error:.2g} V; allow more than {accuracy:g} V"
    raise ConvergenceError(msg)


def _outputs(outputs: Nudges) -> Any:
    both = np.concatenate([outputs.plus, outputs.minus])
    return both[both > 0]


def _sequence(signal: Signal, k: int) -> Signal:
    """Return one sequence of a batch."""
    beta, target, current = signal.push
    push = Push(beta, np.asarray(target)[k], np.asarray(current)[k])
    return signal._replace(x=signal.x[k], begin=np.asarray(signal.begin)[k], push=push)


def _text(circuit: Circuit, chip: Chip, g: Conductances, signal: Signal, v: Floats, asked: Any) -> str:
    """Write the deck of one sequence."""
    waves = Waveforms(x=signal.x, times=signal.times, rise=signal.rise, begin=np.asarray(signal.begin))
    if circuit.text is not None:
        stated = {name: list(map(str, each)) for name, each in waves.words(circuit, chip, directions(circuit)).items()}
        cards = from_elsewhere(with_sources(circuit, chip, stated, g))
        states = state_nodes(circuit, between=True)
        return _in_time(circuit, cards, circuit, (states, v[states]), fixed_at_capacitors(circuit, chip, waves.begin), asked=asked)
    push = signal.push
    words = Words(
        inputs=waves.words(circuit, chip),
        beta=plain([push.beta], "beta")[0],
        targets=plain(push.target, "targets"),
        currents=plain(push.current, "currents"),
    )
    states = beginning = state_nodes(circuit, between=True)
    deck = circuit
    if is_clocked(circuit):
        deck, chip, capacitors = switched(circuit, chip, signal.times[0])
        beginning = np.array([capacitors[node] for node in states.tolist()])
    cards = Body.of(deck, chip, g, words, fitting(circuit)).lines()
    return _in_time(circuit, cards, deck, (beginning, v[states]), fixed_at_capacitors(deck, chip, waves.begin), asked=asked)


def _check_user(circuit: Circuit, chip: Chip, signal: Signal) -> None:
    """Refuse what has no place in a user's own text: other values of its parts, and nudges.

    Raises
    ------
    CircuitError, UnsupportedCircuitError
        With what to change.

    """
    check_chip(circuit, chip)
    if signal.push.beta or np.any(signal.push.current):
        msg = f"{circuit.name}: ngspice runs it from the user's text, which nothing nudges in time; use --engine numeric"
        raise UnsupportedCircuitError(msg)


def _in_time(circuit: Circuit, cards: Sequence[str], deck: Circuit, *begun: tuple[Nodes, Floats], asked: Any) -> str:
    """Write the deck of one sequence from its cards, and the nodes of it that have begun with voltages [V]."""
    saved = [f"v({deck.node_names[node]})" for node in asked.tolist()]
    lines = [
        f"* {circuit.name} in time, for libngspice",
        *cards,
        f".options {TIGHT}",
        *(card for nodes, v in begun for card in initial(deck, nodes, v)),
        *(f".save {' '.join(saved[k : k + _A_LINE])}" for k in range(0, len(saved), _A_LINE)),
        ".end",
    ]
    return "\n".join(lines) + "\n"


def _refuse_unclocked(circuit: Circuit, signal: Signal) -> None:
    """Refuse intervals that are no clocks.

    Raises
    ------
    CircuitError
        When they are not equally long, or inputs still rise when they are sampled.

    """
    lengths = np.diff(signal.times, prepend=0.0)
    if np.abs(lengths - lengths[0]).max() > _UNEQUAL * lengths[0]:
        msg = f"{circuit.name} is clocked: its intervals must be equally long; they are {lengths.min():.6g} to {lengths.max():.6g} s"
        raise CircuitError(msg)
    if signal.rise > LATEST_RISE:
        msg = f"{circuit.name} is clocked: rise = {signal.rise:g} must be at most {LATEST_RISE:g}: inputs rise before they are sampled"
        raise CircuitError(msg)


def _run(pool: Pool, circuit: Circuit, signal: Signal, texts: Sequence[str], asked: Any, points: int) -> TransientAnswer:
    """Run all sequences, and put their voltages together, (B, T, nodes) [V].

    Raises
    ------
    NgspicePointError
        When one does not get to its end.

    """
    longest = float(np.diff(signal.times, prepend=0.0).max())
    step, stop = plain([longest / points, signal.times[-1]], "times")
    names = tuple(circuit.node_names[node] for node in asked.tolist())
    deck = TransientDeck(command=f"tran {step} {stop} 0 {step} uic", times=signal.times, nodes=names)
    answers = pool.run(deck, [TransientJob(deck=None, text=text) for text in texts])
    for k, answer in enumerate(answers):
        if not np.isfinite(answer.v).all():
            msg = f"{circuit.name}: ngspice did not follow sequence {k} to its end: {answer.message}"
            raise NgspicePointError(msg)
    return TransientAnswer(v=np.stack([answer.v for answer in answers]), points=sum(answer.points for answer in answers), message="")


def _trajectory(  # noqa: PLR0913, PLR0917 - what it is made of
    circuit: Circuit, signal: Signal, stored: Sequence[Any], asked: Any, came: TransientAnswer, error: Volt, fold: Reduction | None
) -> Trajectory:
    """Lay out voltages by group."""
    batch, intervals, _ = came.v.shape
    v = np.zeros((batch, intervals, circuit.size + 1))
    v[:, :, asked] = came.v
    out = circuit.outputs
    kept, total = {group.name: v[:, :, group.nodes] for group in stored}, None if fold is None else fold.initial
    if fold is not None:
        for j in range(intervals):
            total = fold.step(total, {name: values[:, j] for name, values in kept.items()}, j)
    end = {group.name: v[:, -1, group.nodes] for group in state_groups(circuit, between=True)}
    steps = came.points / batch / intervals
    return Trajectory(signal.times, kept, v[:, :, out.plus] - v[:, :, out.minus], end, error, steps, "ngspice", total)

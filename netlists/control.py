"""The commands at the end of a deck that print the read-outs of one sample, free and nudged."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from circuits.circuit import Circuit
from netlists.names import free_stem
from netlists.numbers import plain
from netlists.sections import NudgeNodes


def control(circuit: Circuit, pushes: Sequence[tuple[Any, Any, Any]]) -> Iterator[str]:
    """Write the commands: solve and print the free phase, then set each push, solve and print again.

    Parameters
    ----------
    circuit
        What the deck holds.
    pushes
        One (beta [S], targets, shape (K,) [V], currents, shape (K,) [A]) a nudged phase; one number may stand for all outputs.

    Yields
    ------
    str
        The lines.

    """
    nodes, outputs = NudgeNodes.of(circuit), circuit.outputs
    yield "*"
    yield "* What ngspice does with it. optran keeps it from passing off a circuit without a solution as solved."
    yield from (".control", "set noaskquit", "set numdgt=16", "optran 1 1 1 0 0 0")
    yield from ("echo", "echo free phase: the outputs in volts", *_solve(circuit))
    for number, push in enumerate(pushes, start=1):
        beta, targets, currents = (np.asarray(part, dtype=np.float64) for part in push)
        b = plain(beta, f"nudged phase {number}: beta")[0]
        pushed = " and ".join([f"beta {b} S towards the targets"] * bool(beta) + ["fixed currents into the outputs"] * bool(currents.any()))
        yield from ("echo", f"echo nudged phase {number}: the outputs in volts with {pushed or 'nothing'}")
        yield f"alter V_{nodes.beta} = {b}"
        for named, values, what in ((nodes.targets, targets, "targets"), (nodes.currents, currents, "currents")):
            words = plain(np.broadcast_to(values, (len(outputs),)), f"nudged phase {number}: {what}")
            yield from (f"alter V_{node} = {word}" for node, word in zip(named, words, strict=True))
        yield from _solve(circuit)
    yield from ("quit", ".endc")


def _solve(circuit: Circuit) -> Iterator[str]:
    names, stem = circuit.node_names, free_stem(circuit, "yhat")
    yield "op"
    for k, (plus, minus) in enumerate(zip(circuit.outputs.plus.tolist(), circuit.outputs.minus.tolist(), strict=True)):
        yield f"let {stem}_{k} = {_voltage(names[plus])} - {_voltage(names[minus])}"
    yield from (f"print {stem}_{k}" for k in range(len(circuit.outputs)))


def _voltage(name: str) -> str:
    return "0" if name == "0" else f"v({name})"

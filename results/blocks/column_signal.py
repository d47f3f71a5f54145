"""The signal that a chain learns from: how far the columns of each crossbar move where a nudge moves the outputs by some millivolts.

    python results/blocks/column_signal.py RUN [RUN ...]

prints a table in Markdown: the root mean square of the voltages and of their displacements at the nodes of each group, over samples of the
test set, and their ratio: the relative read noise (`noise.read`) that equals the signal of one reading.
"""

import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from circuits.rows import free_groups
from hwsim.core.protocol import Drive
from hwsim.learning import factory
from hwsim.learning.rules.nudges import Sides, Volts
from hwsim.runs.loaded import load_model
from hwsim.session import Session
from hwsim.typing import Conductances

U = 0.01
"""By how much the output of the largest error is moved, about [V]."""

SAMPLES = 50


class ColumnSignal(NamedTuple):
    """The voltages and the displacements of a group of nodes, rms [V], and how many rows of a crossbar lead to each."""

    group: str
    rows: int
    volts: float
    displaced: float


def signals(session: Session, g: Conductances, u: float = U) -> Iterator[ColumnSignal]:
    """Yield one for each group of free nodes of each circuit of a chain, over samples of the test set."""
    x, y = session.data.x_test[:SAMPLES], session.task.test.of(slice(SAMPLES))
    with session.solver() as solver:
        ends = session.rule.errors(solver, g, x, y, factory.loss(session.experiment.training))
        for k, one in session.made.circuits.items():
            conductances = {element.name: g[element.name] for element in one.circuit.trainable}
            pushes = Sides(Volts(u).at(one.circuit, conductances), (1,)).pushes(ends[k].outputs, ends[k].error, None)
            free = solver.solvers[k].solve(conductances, Drive(np.asarray(ends[k].x, float)))
            _, moved = solver.solvers[k].displaced(conductances, np.asarray(ends[k].x, float), free, pushes)
            for group in free_groups(one.circuit):
                volts, displaced = (float(np.sqrt(np.mean(np.asarray(phase.v[group.name]) ** 2))) for phase in (free, moved))
                into = sum(array.shape[0] for array in one.circuit.trainable if np.isin(array.columns, group.nodes).any())
                yield ColumnSignal(group.name, into, volts, displaced)


def main(whats: Sequence[str]) -> None:
    """Print the table."""
    lines = [
        "| chain | nodes | rows into each | voltage, rms | displacement, rms | read noise that equals it |",
        "|---|---|---|---|---|---|",
    ]
    for what in whats:
        given = load_model(what)
        name = given.session.experiment.name
        for group, into, volts, displaced in signals(given.session, given.g):
            cells = f"{1e3 * volts:.3g} mV | {1e6 * displaced:.3g} µV | {displaced / volts:.1e}"
            lines.append(f"| {name} | {group} | {into or '–'} | {cells} |")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])

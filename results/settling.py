"""Settling times by the numeric engine and by ngspice's .tran: `python results/settling.py iris mnist-100`.

A sample is constant while a circuit settles, so that its input crossbar is, exactly, a resistor and a current source a column: with it in
that form, ngspice needs half a minute for mnist-100.
"""

import re
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from circuits.capacitors import with_capacitors
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.elements import CurrentSources, InputSources, Resistors, VoltageSources
from circuits.nodes import GROUND
from hwsim.core.protocol import Push
from hwsim.core.signal import Signal
from hwsim.ngspice.ngspice_engine import NgspiceEngine
from hwsim.runs.deck import sample_and_pushes
from hwsim.runs.loaded import load_model
from hwsim.runs.settling import settling
from netlists.measure.settle import Settle, least_conductance
from netlists.write.writer import write_deck


def folded(circuit: Circuit, g: dict[str, np.ndarray], x: np.ndarray) -> Circuit:
    """Replace the first crossbar by what its columns see of it."""
    first, v = circuit.trainable[0], np.zeros(circuit.size + 1)
    for source in circuit.of(VoltageSources):
        v[source.plus] = source.v
    for source in circuit.of(InputSources):
        v[source.plus] = x[source.feature] * source.scale + source.offset
    current = first.forward(g[first.name], v[first.rows][None])[0]
    seen = (
        Resistors(name="folded", a=first.columns, b=GROUND, r=1.0 / first.column_sum(g[first.name])),
        CurrentSources(name="pushed", a=GROUND, b=first.columns, i=current),
    )
    elements = [part for element in circuit.elements for part in (seen if element is first else (element,))]
    return replace(circuit, elements=tuple(elements), grounded=False)


def compare(what: str) -> None:
    """Print both engines' times of the first test sample [s], and their difference."""
    given = load_model(what)
    x, pushes = sample_and_pushes(given.session, given.g, "test", 0)
    circuit = folded(given.circuit, given.g, x)
    chip, g = Chip.nominal(circuit), {name: values for name, values in given.g.items() if name != given.circuit.trainable[0].name}
    deck = write_deck(circuit, chip, g, x=x, pushes=pushes, measure=Settle(slowest=least_conductance(circuit, g)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "settle.cir"
        path.write_text(deck, encoding="utf-8")
        printed = subprocess.run(["ngspice", "-b", str(path)], cwd=folder, capture_output=True, text=True, check=True).stdout  # noqa: S603, S607
    times = dict(re.findall(r"^(t_\w+)\s*=\s*(\S+)", printed, re.MULTILINE))
    for one in settling(circuit, chip, g, x, [Push(*push) for push in pushes]):
        for share, seconds in zip(("1pc", "01pc"), one.seconds, strict=True):
            other = float(times[f"t_{share}_{one.phase}"])
            print(f"{what} {one.phase} {share}: {seconds:.6g} s, ngspice {other:.6g} s, {seconds / other - 1:+.1e}")  # noqa: T201 - a result


def compare_outputs(what: str, step: float = 1e-3) -> None:
    """Print when the first test sample's outputs are within a step [V] for good, and by ngspice how far they are 2 % before and after."""
    given = load_model(what)
    circuit, x = with_capacitors(given.circuit), given.session.data.x_test[0]
    (free,) = settling(circuit, given.chip.of(circuit), given.g, x, step=step)
    assert free.outputs is not None  # noqa: S101 - a step was asked for
    times = free.outputs.seconds * np.array([0.98, 1.02, 5.0])
    signal = Signal(np.tile(x, (1, len(times), 1)), times, rise=1.0)
    with NgspiceEngine(workers=1).prepare(circuit, given.chip.of(circuit)) as solver:
        outputs = solver.integrate(given.g, signal, accuracy=2e-5).outputs[0]
    before, after = np.abs(outputs[:2] - outputs[2]).max(axis=1)
    print(f"{what} outputs to {step:g} V: {free.outputs.seconds:.6g} s; ngspice {before:.4g} V 2 % before, {after:.4g} V after")  # noqa: T201 - a result


if __name__ == "__main__":
    for what in sys.argv[1:]:
        compare(what)
        compare_outputs(what)

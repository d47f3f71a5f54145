"""A small circuit on ngspice's engine, its workers, and decks of one resistor with what a worker is asked about them."""

import time
from pathlib import Path

import numpy as np

from circuits.chip import Chip
from circuits.network import Layer, Network
from hwsim.ngspice.limits import WorkerLimits
from hwsim.ngspice.messages import Job, WorkerDeck
from hwsim.ngspice.ngspice_engine import NgspiceEngine
from hwsim.ngspice.plan import Layout
from netlists.write.options import Tolerances

CIRCUIT = Network(inputs=2, layers=(Layer(size=3),), outputs=2).compile("small")
G = {element.name: np.random.default_rng(0).uniform(1e-7, 1e-5, element.shape) for element in CIRCUIT.trainable}
X = np.array([[0.3, -0.7], [1.0, 0.5]])


def prepared(*, workers=1, **limits):
    """Prepare the small circuit."""
    return NgspiceEngine(workers=workers, limits=WorkerLimits(**{"silence": 60.0} | limits)).prepare(CIRCUIT, Chip.nominal(CIRCUIT))


def processes(solver):
    """Return the numbers of a solver's worker processes."""
    return [worker.process.pid for worker in solver._pool.workers]


def gone(pid, seconds=20.0):
    """Wait for a process that is not ours to end, and report whether it did."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def job(samples=3):
    """Make a job of the deck below: currents of 1, 2, 3 … mA."""
    return Job(
        deck=None,
        values=1e-3 * np.arange(1.0, samples + 1)[:, None],
        beta=np.zeros(samples),
        currents=np.zeros((samples, 1)),
        nudge=b"",
        targets=np.zeros((samples, 1)),
        phases=1,
    )


def deck(*cards):
    """Write a deck of 1 kiloohm and some cards."""
    lines = ["* a deck", "I_x 0 a external", "R_a a 0 1000", "V_b b 0 external", "V_i i 0 external", "R_b b i 1"]
    text = "\n".join([*lines, *cards, "V_n n 0 0", "R_n n 0 1", ".save v(a)", ".end", ""])
    layout = Layout(counter="V_n", sources=("I_x", "V_b", "V_i"), nodes=("a",), plus=np.array([0]), minus=np.array([1]), gain=np.ones(1))
    return WorkerDeck(text=text, layout=layout, tolerances=Tolerances(), times=1)

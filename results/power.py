"""Static power by the numeric engine and by ngspice's own sum: `python results/power.py iris mnist-100`.

ngspice runs the deck of `hwsim compile --measure power`, one sample, and prints the watts of every part.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from hwsim.core.delivery import delivery
from hwsim.core.dissipation import dissipation
from hwsim.core.kirchhoff import by_number
from hwsim.core.protocol import Drive
from hwsim.runs.deck import deck
from hwsim.runs.loaded import load_model
from netlists.measure.power import PowerMeasure


def compare(what: str) -> None:
    """Print the power of the first test sample by both [W], and the largest difference of any part as a share of it all."""
    given = load_model(what)
    text = deck(given.session, given.g, measure=PowerMeasure())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "power.cir"
        path.write_text(text, encoding="utf-8")
        printed = subprocess.run(["ngspice", "-b", str(path)], cwd=folder, capture_output=True, text=True, check=True).stdout  # noqa: S603, S607 - a deck of ours, and ngspice from PATH
    free = printed.partition("nudged phase")[0]
    theirs = {name: float(watts) for name, watts in re.findall(r"^p_(\w+)\s*=\s*(\S+)", free, re.MULTILINE)}
    drive = Drive(given.session.data.x_test[:1])
    with given.session.verified_solver() as solver:
        equilibrium = solver.solve(given.g, drive)
    parts = given.circuit, given.chip, given.g
    ours = {name: float(watts[0]) for name, watts in dissipation(*parts, by_number(given.circuit, equilibrium)).items()}
    ours |= {f"from_{name}": float(watts[0]) for name, watts in delivery(*parts, drive, equilibrium).items()}
    total = float(np.sum([watts for name, watts in ours.items() if not name.startswith("from_")]))
    took = theirs["takes"] - sum(theirs.get(name, 0.0) for name in (f"amp{k}" for k in range(9)))
    off = [abs(watts - theirs[name]) for name, watts in ours.items() if name in theirs] + [abs(total - took)]
    memristors = sum(len(element) for element in given.circuit.trainable)
    print(f"{what}: {memristors} memristors, {total:.9g} W, ngspice {took:.9g} W, any of {len(off)} parts {max(off) / total:.0e}")  # noqa: T201 - a result


if __name__ == "__main__":
    for what in sys.argv[1:]:
        compare(what)

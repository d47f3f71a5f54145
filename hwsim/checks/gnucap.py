"""gnucap as a third simulator: its voltages for the same circuit, compared with the numeric engine's."""

import os
import re
import shutil
import subprocess
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.constants import GMIN, V_T
from circuits.diode import diode_current
from circuits.elements import Diodes, IdealDiodes
from circuits.rows import fixed_nodes
from hwsim.checks.agreement import AGREE_SHARP, voltage_range
from hwsim.checks.check_results import PHASES, CheckResult
from hwsim.core.protocol import Drive, Equilibrium, Push
from hwsim.learning import rule_factory
from hwsim.numeric.numeric_engine import NumericEngine
from hwsim.session import Session
from hwsim.typing import Floats, Weights
from netlists.write.gnucap import Point, write_gnucap

VARIABLE = "HWSIM_GNUCAP"
"""Environment variable with the path of a gnucap program, for one in an unusual place."""

AGREE_GNUCAP = 1e-6
"""Share of the voltage range. Chosen: 20 times what is measured; gnucap's sources have 10 uohm, and its rounding is larger than that."""

_SECONDS = 300
"""Time limit of gnucap."""

_SUFFIXES = {"T": 1e12, "G": 1e9, "Meg": 1e6, "K": 1e3, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15, "a": 1e-18}
_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[Ee][+-]?\d+)?)(T|G|Meg|K|m|u|n|p|f|a)?")


class GnucapError(RuntimeError):
    """gnucap is missing or failed; the message states the remedy."""

    exit_code: ClassVar = 2


def program() -> Path:
    """Return the path of gnucap.

    Raises
    ------
    GnucapError
        When there is none.

    """
    named = os.environ.get(VARIABLE)
    path = shutil.which(named or "gnucap")
    if path is None:
        what = f"{VARIABLE} = {named!r} is no program" if named else "gnucap is not installed"
        msg = f"{what}; install it (Debian, Ubuntu: apt-get install gnucap) or set {VARIABLE} to its path"
        raise GnucapError(msg)
    return Path(path)


def run(deck: str, points: int) -> Floats:
    """Run gnucap on a deck of ours, and return the voltages that it prints, shape (points, nodes) [V].

    Raises
    ------
    GnucapError
        When it does not converge, or does not print a line of numbers for each point.

    """
    gnucap = program()
    with tempfile.TemporaryDirectory(prefix="hwsim-gnucap-") as folder:
        path = Path(folder) / "deck.ckt"
        path.write_text(deck, encoding="utf-8")
        environment = {name: value for name, value in os.environ.items() if name.startswith(("LD_", "GNUCAP_"))}
        try:
            done = subprocess.run(  # noqa: S603 - the program that the user has, with a deck of ours
                [gnucap, "-b", path.name],
                cwd=folder,
                env=environment | {"HOME": folder, "PATH": os.environ.get("PATH", "")},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=_SECONDS,
            )
        except subprocess.TimeoutExpired:
            msg = f"gnucap took more than {_SECONDS} s; compare fewer samples (--ngspice-samples)"
            raise GnucapError(msg) from None
    return _parsed(done.stdout, done.stderr, points)


def _parsed(text: str, complaints: str, points: int) -> Floats:
    """Read the tables that gnucap prints: a header with a number sign, and under it a row for the analysis."""
    lines = text.splitlines()
    rows = [after for before, after in pairwise(lines) if before.startswith("#")]
    numbers = [[_NUMBER.fullmatch(word) for word in row.split()[1:]] for row in rows]
    whole = len(rows) == points and all(row and all(row) for row in numbers) and len({len(row) for row in numbers}) == 1
    if not whole or "did not converge" in text:
        wrong = [line.strip() for line in (*lines, *complaints.splitlines()) if re.search("not converge|error|missing|what'?s this", line)]
        reason = wrong[0][:200] if wrong else f"it printed {len(rows)} of {points} rows of numbers"
        msg = f"gnucap has no solution: {reason}; hwsim compile --dialect gnucap writes the deck to look at"
        raise GnucapError(msg)
    return np.array([[float(word[1]) * _SUFFIXES.get(word[2], 1.0) for word in row if word] for row in numbers])


def compare(session: Session, g: Weights, samples: int) -> list[CheckResult]:
    """Compare gnucap's voltages with the numeric engine's, free and nudged, for some samples of the training set.

    gnucap's diodes follow the exponential in reverse too, where ngspice's and ours have a cubic tail. The difference in each diode's
    current at gnucap's voltages is given to the numeric engine as currents into the nodes, so that both solve the same circuit.

    Raises
    ------
    GnucapError, CircuitError, ConvergenceError
        As `run`, for parts that gnucap does not have, and when the numeric engine finds no equilibrium.

    """
    circuit, chip, training = session.circuit, session.chip, session.experiment.training
    x, y = session.data.x_train[:samples], session.task.train.of(slice(samples))
    nudge = rule_factory.both_sides(training, circuit, g)
    nodes = np.arange(1, circuit.size + 1)
    findings = []
    with NumericEngine().prepare(circuit, chip) as numeric:
        free = numeric.solve(g, Drive(x))
        pushes = (Push(), *nudge.pushes(np.asarray(free.outputs(circuit)), y))
        points = [_point(x, push, k) for push in pushes for k in range(len(x))]
        v = run(write_gnucap(circuit, chip, g, points, nodes=nodes), len(points)).reshape(len(pushes), len(x), -1)
        for name, push, theirs in zip(PHASES, pushes, v, strict=True):
            ours = numeric.solve(g, Drive(x, push, _tails(circuit, chip, np.pad(theirs, ((0, 0), (1, 0))))))
            findings.append(_finding(name, circuit, ours, theirs))
    return findings


def _point(x: Floats, push: Push, k: int) -> Point:
    """Return one sample of a phase; values of its nudge are one number, or rows of samples."""
    beta, target, current = (np.asarray(part)[k] if np.ndim(part) else np.asarray(part) for part in push)
    return Point(x[k], float(beta.ravel()[0]), target, current)


def _tails(circuit: Circuit, chip: Chip, v: Floats) -> dict[str, Floats]:
    """Return the currents into free nodes that make our diodes gnucap's at voltages v (B, N + 1), by group [A]."""
    into = np.zeros((v.shape[1], len(v)))
    for element in circuit.of(Diodes):
        across = v[:, element.anode] - v[:, element.cathode]
        i_sat, n = chip(element.name, "i_sat"), chip(element.name, "n")
        ours, _ = diode_current(across, i_sat, n)
        more = np.where(across < 0, i_sat * np.expm1(np.minimum(across, 0) / (n * V_T)) + GMIN * across - ours, 0.0)
        for node, sign in ((element.anode, -1), (element.cathode, 1)):
            np.add.at(into, node, sign * more.T)
    fixed = fixed_nodes(circuit)
    into[fixed] = 0.0
    return {group.name: into[group.nodes].T for group in circuit.groups if not fixed[group.nodes].all()}


def _finding(name: str, circuit: Circuit, ours: Equilibrium, theirs: Floats) -> CheckResult:
    wide = voltage_range(circuit, ours)
    apart = float(np.abs(np.asarray(ours.at(circuit, np.arange(1, circuit.size + 1))) - theirs).max())
    limit = (AGREE_SHARP if circuit.of(IdealDiodes) else AGREE_GNUCAP) * wide
    return CheckResult(f"gnucap_dv_{name}", apart, limit, "V", apart <= limit)

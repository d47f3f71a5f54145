"""The fixed list of decks of one feature each in tests/foreign: their texts, ngspice's voltages, and how each engine takes them today."""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from circuits.errors import CircuitError
from hwsim.core.protocol import ConvergenceError, Drive, UnsupportedCircuitError
from hwsim.ngspice import expander
from hwsim.ngspice import solver as ngspice_solver
from hwsim.ngspice.limits import WorkerLimits
from hwsim.ngspice.ngspice_errors import NgspiceError
from hwsim.ngspice.pool import Pool
from hwsim.runs.loaded import load_model
from netlists.text.findings import NetlistError
from support.reading import expand

FOLDER = Path(__file__).parents[1] / "foreign"
VALUES = FOLDER / "ngspice39.json"
KNOWN = FOLDER / "known.txt"

ENGINES = ("numeric", "ngspice")

RELATIVE, ABSOLUTE = 1e-6, 1e-9
"""How far a voltage may be from ngspice's, as its share and in volts."""

_BASE = "vin in 0 0.7\nrw in out 1k\nrl out 0 3.3k\nrk out keep 10k\nrj keep 0 22k\n"
"""A divider, and a node behind it that makes the circuit no layered one: those would be compiled deck by deck, 0.1 s each."""

_ROLES = "*hwsim: input vin\n*hwsim: output out\n*hwsim: trainable rw\n"

HEAD = """\
# How engines take decks of the list today, where they do not agree with ngspice: deck, engine, class, what they report or find.
#   refused  one line states why, and no number is printed
#   wrong    a known fault: numbers that differ from ngspice's, names that ngspice does not print, or an equilibrium that is not found
# A deck without a line here agrees in both engines. `python tests/foreign/renew.py known` writes this file; look at what it changes.
"""


class Outcome(NamedTuple):
    """How an engine takes a deck: `agrees`, `refused` or `wrong`, and what it states or finds."""

    kind: str
    why: str = ""


@cache
def texts() -> dict[str, str]:
    """Read the decks by their ids; each consists of a divider, the lines of the list, and roles."""
    decks: dict[str, str] = {}
    for path in sorted((FOLDER / "decks").glob("*.txt")):
        for part in path.read_text(encoding="utf-8").split("\n["):
            name, _, cards = part.removeprefix("[").partition("]\n")
            assert name not in decks, f"{path.name}: {name} is there twice"
            decks[name] = f"{name}\n{_BASE}{cards.rstrip()}\n{_ROLES}.end\n"
    return decks


@cache
def values() -> dict[str, dict[str, float]]:
    """Read ngspice's voltages, by deck and node [V]."""
    return dict(json.loads(VALUES.read_text(encoding="utf-8")))


@cache
def known() -> dict[tuple[str, str], Outcome]:
    """Read what is recorded of decks that do not agree, by deck and engine."""
    lines = [line.split(None, 3) for line in KNOWN.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return {(name, engine): Outcome(kind, why) for name, engine, kind, why in lines}


def one_pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let all solvers of ngspice share one worker: starting one a deck takes a hundred times as long as solving it."""
    pool = Pool(1, WorkerLimits(silence=20.0))
    end = pool.close
    pool.close = lambda: None  # type: ignore[method-assign]
    monkeypatch.setattr(ngspice_solver, "Pool", lambda *_: pool)
    monkeypatch.setattr(expander, "expand", expand)
    yield
    end()


def voltages(path: Path, engine: str) -> dict[str, float]:
    """Solve a deck as `hwsim solve --nodes` does, and return the voltages by the names of their nodes [V]."""
    given = load_model(str(path), (f"training.engine={engine}",))
    with given.session.verified_solver() as solver:
        equilibrium = solver.solve(given.g, Drive(given.session.data.x_test))
    v = equilibrium.at(given.circuit, np.arange(1, given.circuit.size + 1))
    return dict(zip(given.circuit.node_names[1:], np.asarray(v)[0].tolist(), strict=True))


def differences(result: Mapping[str, float], right: Mapping[str, float]) -> str:
    """Report which nodes differ from ngspice's, or are missing; nothing where none does."""
    missing = [f"no node {name}" for name in right if name not in result]
    limits = {name: RELATIVE * abs(v) + ABSOLUTE for name, v in right.items()}
    off = [
        f"{name} = {result[name]:.6g}, ngspice {v:.6g}"
        for name, v in right.items()
        if name in result and not abs(result[name] - v) <= limits[name]
    ]
    return "; ".join([*off, *missing])


def outcome(name: str, engine: str, folder: Path, solve: Callable[[Path, str], dict[str, float]] = voltages) -> Outcome:
    """Solve a deck of the list, and compare every node with ngspice's."""
    path = folder / f"{name}.cir"
    path.write_text(texts()[name], encoding="utf-8")
    try:
        result = solve(path, engine)
    except (NetlistError, UnsupportedCircuitError, CircuitError) as error:
        return Outcome("refused", str(error).replace(f"{folder}/", "").splitlines()[0])
    except (ConvergenceError, NgspiceError) as error:
        return Outcome("wrong", str(error).partition("; the deck is kept")[0].partition("; see it fail")[0].splitlines()[0])
    why = differences(result, values()[name])
    return Outcome("wrong", why) if why else Outcome("agrees")

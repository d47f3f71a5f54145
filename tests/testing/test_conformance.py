"""The conformance suite checks a stranger's engine: a right one passes, and each fault breaks the laws that it should."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from scipy.optimize import root

from circuits.arrays import Crossbar, Memristors
from circuits.diode import diode_current
from circuits.elements import Amplifiers, Diodes, IdealDiodes, InputSources, Nudges, VoltageSources
from circuits.junction_neurons import Rectifier
from circuits.network import Layer, Network
from hwsim.core.protocol import Capability, Closing, Drive, Equilibrium, Result, UnsupportedCircuitError, free_and_nudged
from hwsim.testing import conformance

SMALL = [problem for problem in conformance.PROBLEMS if problem.name in {"no-hidden-layer", "one-diode"}]
OWN = conformance.EngineProblem(
    "own",
    Network(inputs=2, layers=(Layer(size=2, neuron=Rectifier(v_low=-0.05, v_high=0.02, i_sat=2e-7)),), outputs=1, g_min=1e-9).compile,
    thorough=True,
)


@dataclass
class Toy:
    """An engine for crossbars, diodes and sources: SciPy finds where the currents into every free node sum to zero; it may have a fault."""

    fault: str = ""
    name: str = "toy"

    def prepare(self, circuit, chip):
        """Refuse what it does not know."""
        if circuit.of(Amplifiers, IdealDiodes, Memristors):
            raise UnsupportedCircuitError(f"{circuit.name}: toys have crossbars, diodes and sources; use --engine numeric")
        return ToySolver(circuit, chip, self.fault)


@dataclass
class ToySolver(Closing):
    """Solves sample by sample."""

    circuit: object
    chip: object
    fault: str
    tolerance: float | None = None
    _first: dict = field(default_factory=dict)

    @property
    def capabilities(self):
        """None, unless it boasts."""
        return frozenset({Capability.ADJOINT} if self.fault == "declares an adjoint" else ())

    def currents(self, g, drive, v, k):
        """Sum the currents out of every node, at voltages v (N + 1,) [A]."""
        out = np.zeros_like(v)
        for e in self.circuit.elements:
            match e:
                case Crossbar(rows=rows, columns=columns):
                    i = g[e.name] * (v[rows][:, None] - v[columns])
                    np.add.at(out, rows, i.sum(axis=1))
                    np.subtract.at(out, columns, i.sum(axis=0))
                case Diodes(anode=a, cathode=b):
                    i, _ = diode_current(v[a] - v[b], self.chip(e.name, "i_sat"), self.chip(e.name, "n"))
                    np.add.at(out, a, i)
                    np.subtract.at(out, b, i)
                case Nudges(plus=a, minus=b):
                    beta, target, current = drive.push
                    beta = abs(beta) if self.fault == "nudges to one side only" else beta
                    i = beta * (np.broadcast_to(target, (len(drive.x), len(e)))[k] - v[a] + v[b])
                    i = i + np.broadcast_to(current, (len(drive.x), len(e)))[k]
                    np.subtract.at(out, a, i)
                    np.add.at(out, b, i)
        return out

    def one(self, g, drive, k):
        """Solve a sample: its voltages (N + 1,) [V], NaN where there are none."""
        v, x = np.zeros(self.circuit.size + 1), np.asarray(drive.x, float)[k]
        if self.fault == "leaks from the sample before" and k:
            x = x + 1e-4 * np.asarray(drive.x)[k - 1]
        is_fixed = np.zeros(len(v), dtype=bool)
        is_fixed[0] = True
        for e in self.circuit.of(VoltageSources):
            v[e.plus], is_fixed[e.plus] = self.chip(e.name, "v"), True
        for e in self.circuit.of(InputSources):
            v[e.plus], is_fixed[e.plus] = x[e.feature] * self.chip(e.name, "scale"), True
        if not np.isfinite(x).all() or np.min(drive.push.beta) < -1e-3:
            return np.full_like(v, np.nan)
        unit = max(float(np.max(values)) for values in g.values())

        def surplus(free):
            return self.currents(g, drive, np.concatenate([v[is_fixed], free])[order], k)[~is_fixed] / unit

        order = np.argsort(np.concatenate([np.flatnonzero(is_fixed), np.flatnonzero(~is_fixed)]))
        free = np.zeros(int((~is_fixed).sum()))
        for _ in range(3):  # SciPy ends at a relative change; from there again, rounding is reached
            free = root(surplus, free, method="lm", tol=1e-15).x
        v[~is_fixed] = free
        return v

    def solve(self, g, drive, *, start=None, throw=True):
        """Solve a batch."""
        del start
        g = {name: np.array(values, float) for name, values in g.items()}
        shape = np.shape(drive.x)
        if self.fault != "takes any shape":
            self.circuit.check_conductances(g)
            if len(shape) != 2 or shape[1] != self.circuit.input_count:
                raise ValueError(f"x has shape {shape}")
        if self.fault == "keeps the first conductances":
            g = self._first.setdefault("g", g)
        v = np.array([self.one(g, drive, k) for k in range(len(drive.x))])
        v = v[::-1].copy() if self.fault == "returns samples backwards" else v
        failed = ~np.isfinite(v).all(axis=1)
        if self.fault == "is off by a millivolt":
            v[:, self.circuit.outputs.plus] += 1e-3
        by_group = {group.name: v[:, group.nodes] for group in self.circuit.groups}
        equilibrium = Equilibrium(by_group, np.zeros(len(v)), np.ones(len(v), int), np.where(failed, int(Result.NOT_FINITE), 0))
        return equilibrium.check(self.circuit) if throw or self.fault == "always throws" else equilibrium

    def phases(self, g, x, y, nudge, *, throw=True, noise=None):
        """Solve each phase."""
        if np.shape(y) != (len(x), len(self.circuit.outputs)) and self.fault != "takes any shape":
            raise ValueError(f"y has shape {np.shape(y)}")
        return free_and_nudged(self.circuit, y, nudge, noise, lambda push, *_: self.solve(g, Drive(x, push), throw=throw))

    def adjoint(self, g, free, error, *, throw=True):
        """Return what is none."""
        del g, error, throw
        return free


@pytest.mark.parametrize("problem", [*SMALL, OWN], ids=lambda problem: problem.name)
def test_a_right_engine_conforms(problem) -> None:
    """One that shares no solver with ours, on two problems of the list and one of its own."""
    conformance.check(Toy(), [problem])


FAULTS = {
    "nudges to one side only": {"nudged", "reference"},
    "leaks from the sample before": {"free", "nudged", "reference", "one-by-one", "order", "fresh", "failure"},
    "returns samples backwards": {"free", "nudged", "reference", "one-by-one", "order", "fresh", "failure"},
    "is off by a millivolt": {"free", "nudged", "reference", "fresh"},
    "keeps the first conductances": {"fresh"},
    "always throws": {"failure", "unstable"},
    "takes any shape": {"shapes"},
    "declares an adjoint": {"capabilities"},
}


def broken_by(engine, problem, **options) -> set[str]:
    """Return the laws that an engine breaks on a problem."""
    with pytest.raises(conformance.ConformanceError) as raised:
        conformance.check(engine, [problem], **options)
    return {line.split(":")[0].split("/")[1] for line in str(raised.value).splitlines()[1:]}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_engine_breaks_the_laws_of_its_fault(fault) -> None:
    """Those, and no others."""
    assert broken_by(Toy(fault), OWN) == FAULTS[fault]


def test_a_refused_circuit_needs_an_exception() -> None:
    """All laws of its problem are broken, and a pattern excuses them."""
    (skewed,) = (problem for problem in conformance.PROBLEMS if problem.name == "skewed-with-offset")
    assert broken_by(Toy(), skewed) == set(conformance.LAWS)
    conformance.check(Toy(), [skewed], exceptions={"skewed-*/*": "toys have no amplifiers"})


def test_an_exception_is_needed_and_has_a_reason() -> None:
    """What holds needs none; a name that matches nothing is a mistake; and there is a reason for everything."""
    assert broken_by(Toy(), SMALL[0], exceptions={"no-hidden-layer/f*": "pessimism"}) == {"free", "fresh"}
    with pytest.raises(ValueError, match="'no-hiden-layer/free' matches no problem"):
        conformance.check(Toy(), SMALL, exceptions={"no-hiden-layer/free": "a name is wrong"})
    with pytest.raises(ValueError, match="'no-hidden-layer/free' has no reason"):
        conformance.check(Toy(), SMALL, exceptions={"no-hidden-layer/free": " "})

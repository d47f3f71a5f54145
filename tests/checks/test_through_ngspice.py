"""The check of decks with transistors: gradients and Kirchhoff's law through ngspice, which alone solves them."""

from pathlib import Path

import pytest

from hwsim.checks import through_ngspice
from hwsim.checks.check import check
from hwsim.checks.check_results import CheckReport
from hwsim.checks.gradients import AGREE_GRADIENT
from hwsim.ngspice import terminals
from hwsim.ngspice.ngspice_engine import NgspiceEngine
from hwsim.runs.loaded import load_model
from support import foreign_decks, reading

DECK = """transistors
vin in 0 1
vin2 in2 0 0.5
vdd vdd 0 3
rw1 in b 10k
rw2 in2 out 20k
rw3 vdd out 5k
rl out 0 100k
rx in 0 33k
{}
*hwsim: input vin
*hwsim: input vin2
*hwsim: trainable rw#
*hwsim: output out
*hwsim: set training.engine=ngspice data.name=xor data.scaling=none
*hwsim: set training.nudge.beta=1e-6
.end
"""
BIPOLAR = "q1 out b 0 qn\nrb b 0 47k\nq2 b out vdd qp\nb1 out 0 i=1u*v(out)^2\n.model qn npn(bf=5)\n.model qp pnp(bf=5 rc=10)"
BREAKDOWN = "d1 out b zener\nd2 b 0 dd\nrb b 0 47k\n.model zener d(is=1e-12 n=1.5 bv=1 ibv=1e-5 rs=2)\n.model dd d(is=1e-14 rs=10)"
BSIM = (
    "t\nv1 out 0 1\nv2 b 0 0.7\nm1 out b 0 0 bsim w=10u l=1u\n.model bsim nmos(level=8 version=3.3.0)\nq1 out b 0 qq\n.model qq npn\n.end"
)


@pytest.fixture(scope="module", autouse=True)
def _one_pool():
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(reading.expand, "close", lambda: None)
        monkeypatch.setattr(through_ngspice, "Expanding", lambda: reading.expand)
        yield from foreign_decks.one_pool(monkeypatch)


def checked(folder: Path, cards: str) -> CheckReport:
    path = folder / "deck.cir"
    path.write_text(DECK.format(cards))
    given = load_model(str(path), ())
    return check(given.session, given.g, NgspiceEngine(workers=1), samples=2, reference_samples=2)


def test_a_diode_in_breakdown_passes(tmp_path):
    """It is reciprocal: its gradient is that of finite differences, to the tolerance of circuits that both engines solve.

    Nodes behind series resistances are not reported, which rules out linearising the circuit, and their voltages follow.
    """
    report = checked(tmp_path, BREAKDOWN)
    assert report.passed, report.findings
    gradient = next(finding for finding in report.findings if finding.name == "gradient_max_rel")
    assert gradient.value <= gradient.limit == AGREE_GRADIENT


def test_transistors_that_amplify_are_balanced_and_learn_wrong(tmp_path, monkeypatch):
    """All currents into the nodes are known. No nudge of a collector moves the base, so that equilibrium propagation is wrong there."""
    balance = next(finding for finding in checked(tmp_path, BIPOLAR).findings if finding.name == "kirchhoff_ngspice")
    assert balance.holds
    assert "at 2 of 2 nodes" in balance.unit
    asked = terminals.currents

    def off(*arguments):
        return {node: i * (1 + 1e-6 * (node == "out")) for node, i in asked(*arguments).items()}

    monkeypatch.setattr(through_ngspice, "currents", off)
    findings = checked(tmp_path, BIPOLAR).findings
    assert any("not reciprocal: responses differ" in finding.unit for finding in findings)
    failed = [finding.name for finding in findings if not finding.holds]
    assert failed == ["kirchhoff_ngspice", "gradient_max_rel", "gradient_own_rel"]


def test_currents_that_ngspice_does_not_report_are_unknown():
    """Of a BSIM transistor there is the drain's alone; of a bipolar one there are all, and they sum to zero."""
    expansion = reading.expand(BSIM.split("\n")[1:-1])
    assert terminals.currents(expansion, ["m1"]) is None
    assert terminals.currents(expansion, ["q1", "q2"]) is None
    drawn = terminals.currents(expansion, ["q1"])
    assert list(drawn) == ["out", "b", "0"]
    assert drawn["out"] > 0 > drawn["0"]
    assert abs(sum(drawn.values())) < 1e-7 * drawn["out"]

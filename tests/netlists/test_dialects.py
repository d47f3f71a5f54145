"""Decks that other programs export: what ngspice does not know is rewritten, and the result means what those programs mean."""

import re
from pathlib import Path

import numpy as np
import pytest

from circuits.chip import Chip
from hwsim.core.protocol import Drive
from hwsim.ngspice.ngspice_engine import NgspiceEngine
from netlists.deck import rewrite
from netlists.read.roles import from_patterns
from netlists.text.dialects import dialect_of, rewritten
from netlists.text.findings import NetlistError
from support.decks import operating_point
from support.reading import parse, read_deck

ROLES = from_patterns(trainable=["Rw*"], inputs=["V1"], outputs=["out"])

LTSPICE = """* C:\\Users\\someone\\Documents\\draft one.asc
V1 N001 0 SINE(1.5 2 1k) AC 1 Rser=100 Cpar=1p
Rw1 N001 N002 1k tol=1 pwr=0.1 ; a comment
Rw2 N002 out 2K2 tol=5
Rl out 0 10K temp=57 tc=1m,1\u00b5
D1 N002 0 DX
C1 out 0 100n V=50 Irms=0 Rser=10m Lser=1n mfg="Some One" pn="X-7" type="X7R" Rpar=47k
L1 out N003 10\u00b5 Ipk=2
+ Rser=0.5k Rpar=2k Cpar=1p mfg="Some One"
R3 N003 0 1k
I1 0 out SINE(10\u00b5 1 1k)
B1 N004 0 V=if(V(out)>0.1, limit(V(out), 0.05, 0.2), -1)
R\u00a7X4 N004 0 1k
.model DX D(Is=2.5n N=1.75 Rs=0.5 Iave=200m Vpk=75 mfg=Someone type=silicon)
.lib C:\\Program Files\\LTC\\lib\\cmp\\standard.dio
.tran 1m
.step param x 1 2 1
.backanno
.end
"""

PLAIN = """what it means
V1 vs 0 1.5
Rs vs N001 100
Rw1 N001 N002 1k
Rw2 N002 out 2.2K
Rl out 0 {10k*(1+1m*30+1u*900)}
D1 N002 0 DX
Rc out 0 47k
Rp out N003 2k
Rq out N003 0.5k
R3 N003 0 1k
I1 0 out 10u
B1 N004 0 V=0.2
R4 N004 0 1k
.model DX D(Is=2.5n N=1.75 Rs=0.5)
.end
"""


def by_ngspice(deck):
    """Solve a deck by the ngspice engine, and return the voltages by the names of its nodes."""
    with NgspiceEngine(workers=1).prepare(deck.circuit, Chip.nominal(deck.circuit)) as solver:
        equilibrium = solver.solve(deck.g, Drive(deck.x[None]))
    return {name: float(np.asarray(equilibrium.at(deck.circuit, np.array([node])))[0, 0]) for name, node in deck.nodes.items()}


def test_an_export_of_ltspice_means_what_ltspice_means(tmp_path):
    """SINE, Rser, Rpar, tc, if and limit become cards of ngspice; notes, its libraries and commands are left out."""
    deck = parse(LTSPICE.replace("2K2", "2.2K"), ROLES, name="lt.cir")
    simulated, right = by_ngspice(deck), operating_point(PLAIN, tmp_path).v
    shared = simulated.keys() & right.keys()
    assert shared >= {"n001", "n002", "out", "n004"}
    np.testing.assert_allclose([simulated[name] for name in shared], [right[name] for name in shared], rtol=1e-6)
    recognized, library, step = map(str, deck.warnings)
    assert recognized.startswith("lt.cir: is an export of LTspice")
    assert library.startswith("lt.cir:15: a library of LTspice's own is not read")
    assert step.startswith("lt.cir:17: .step is left out")


def test_learned_values_go_into_the_user_s_own_text():
    """Nothing else changes, not even what ngspice would not know; messages name the user's lines."""
    text = LTSPICE.replace("2K2", "2.2K")
    deck = parse(text, ROLES)
    name = deck.circuit.trainable[0].name
    before, after = text.splitlines(), rewrite(deck, {name: deck.g[name] * 2}).splitlines()
    changed = [k for k, (a, b) in enumerate(zip(before, after, strict=True)) if a != b]
    assert changed == [2, 3]
    assert after[2].split() == ["Rw1", "N001", "N002", "500.0", "tol=1", "pwr=0.1", ";", "a", "comment"]
    with pytest.raises(ValueError, match=r"deck:4: .*2K2.*2\.2k"):
        parse(LTSPICE, ROLES)


def test_latin_1_bytes_are_micro_and_degrees(tmp_path):
    """As LTspice writes them, in a file that is not UTF-8."""
    (tmp_path / "lt.cir").write_bytes(LTSPICE.replace("2K2", "2.2K").encode("latin-1"))
    (tmp_path / "utf8.cir").write_text(LTSPICE.replace("2K2", "2.2K"), encoding="utf-8")
    one, other = (read_deck(tmp_path / name, ROLES) for name in ("lt.cir", "utf8.cir"))
    assert {k: v.tolist() for k, v in one.g.items()} == {k: v.tolist() for k, v in other.g.items()}
    assert by_ngspice(one) == pytest.approx(by_ngspice(other), abs=1e-12)


KICAD = """.title KiCad schematic
.save all
.probe alli
V1 Net-(R1-Pad1) 0 DC 2
Rw1 Net-(R1-Pad1) out 1k
R2 out 0 1k
.op
.end
"""

QUCS = """* Qucs 2.1.0  /home/someone/divider.sch
.PARAM half = 500
Rw1 _net0 out  1K tc1=0.0 tc2=0.0
V1 _net0 0 DC 2
R2 out 0 {half*2}
.control

echo "" > spice4qucs.cir.noise
op
print v(out) > spice4qucs.cir.dc_op
exit
.endc
.END
"""

XSCHEM = """** sch_path: /home/someone/divider.sch
**.subckt divider out
*.opin out
V1 net1 GND 2
x1 net1 out GND half
Rw1 out mid 1k m=1
R3 mid GND 1k m=1
**** begin user architecture code
.save all
.op
**** end user architecture code
**.ends

* expanding   symbol:  half.sym # of pins=2
** sym_path: /home/someone/half.sym
.subckt half a b c
*.ipin a
R1 a b 2k m=1
R2 b c 2k m=1
.ends

.GLOBAL GND
.end
"""

PYSPICE = """.title Voltage Divider
V1 in 0 2V
Rw1 in out 1kOhm
R2 out 0 1kOhm tc1=1m
.options TEMP = 127°C
.options TNOM = 27°C
.options filetype = binary NOINIT
.op
.end
"""

EXPORTS = {"kicad": (KICAD, 1.0), "qucs-s": (QUCS, 1.0), "xschem": (XSCHEM, 2 / 3), "pyspice": (PYSPICE, 2 * 1.1 / 2.1)}
"""A divider as each program writes one, and what it divides 2 V to."""


@pytest.mark.parametrize("name", EXPORTS)
def test_exports_of_other_programs_are_read(name):
    """Titles, comments, names of nodes and units as they write them."""
    text, right = EXPORTS[name]
    assert by_ngspice(parse(text, ROLES))["out"] == pytest.approx(right, rel=1e-9)


@pytest.mark.parametrize("name", ["mosfet-network", "memristor-vteam", "xor"])
def test_decks_of_ngspice_stay_as_they_are(name):
    """Nothing is rewritten where nothing is recognised; an `if` or `rser` in a comment is nothing."""
    text = (Path(__file__).parents[2] / "netlists" / "examples" / f"{name}.cir").read_text(encoding="utf-8") + "* rser=1 mfg=x sine(\n"
    assert dialect_of(text) == ""
    assert rewritten(text, "") == text.split("\n")


@pytest.mark.parametrize(
    ("line", "becomes"),
    [
        ("V1 a 0 SINE(0 1 1k)", "V1 a 0 sin(0 1 1k)"),
        ("V1 a 0 5 Rser=0", "V1 a 0 5 "),
        ("V1 a 0 5 rser = 2", "V1 V1_rser 0 5 \nR_rser_V1 a V1_rser 2"),
        ("L1 a b 1m Rser=1m Rpar=1k", "L1 L1_rser b 1m \nR_rpar_L1 a b 1k\nR_rser_L1 a L1_rser 1m"),
        ("C1 a b 1u Rser=1m", "C1 a b 1u "),
        ("B1 a 0 V=if(x,if(y,1,2),3)", "B1 a 0 V=((x) ? (((y) ? (1) : (2))) : (3))"),
        ("B1 a 0 V=limit(x,1", "B1 a 0 V=limit(x,1"),
        (".model M1 VDMOS(Rg=3 Vto=1 mfg=Someone Vds=60 Ron=6m Qg=90n)", ".model M1 VDMOS(Rg=3 Vto=1 )"),
        (".model D1 D(Ron=1 Vfwd=0.3)", ".model D1 D(Ron=1 Vfwd=0.3)"),
        ("* SINE(0 1 1k) Rser=3", "* SINE(0 1 1k) Rser=3"),
        (".inc C:\\lib\\standard.mos", ""),
        (".inc mine.lib", ".inc mine.lib"),
    ],
)
def test_a_line_of_ltspice_becomes_one_of_ngspice(line, becomes):
    """What is left out becomes blanks; of a part without a resistor of its own, the rest stays in its columns."""
    lines = rewritten(f"* x.asc\n{line}\n.backanno\n", "LTspice")
    assert [re.sub(" +", " ", one) for one in lines] == ["* x.asc", becomes, "", ""]
    assert len(lines[1]) == len(line) or "\n" in becomes or not becomes or becomes.startswith("B1")


def test_a_program_is_recognized_by_what_only_it_writes():
    """One line is enough."""
    assert dialect_of("t\nV1 a 0 1 Rser=1\n") == dialect_of("t\n.backanno\n") == dialect_of("* C:\\a b.asc\nR1 a 0 1\n") == "LTspice"
    assert dialect_of(".title KiCad schematic\nR1 a 0 1\n") == "KiCad"
    assert dialect_of("t\nR1 a 0 1 ; rser=1\nRsine( a 0 1\n* .backanno\n") == ""


UNMARKED = "t\nV1 in 0 1\nRw1 in out 1k\nRl out 0 1k\nB1 out 0 I=if(V(out)>0.1, 1m*V(out), 0)\n.end\n"
"""An LTspice deck with nothing by which it is recognized; ngspice knows no function if."""


def test_a_dialect_that_is_stated_counts_whatever_a_deck_looks_like():
    """In both directions, and no warning states that it was recognized."""
    with pytest.raises(NetlistError, match="if"):
        parse(UNMARKED, ROLES)
    deck = parse(UNMARKED, ROLES, dialect="ltspice")
    assert not any("export" in warning.text for warning in deck.warnings)
    assert by_ngspice(deck)["out"] == pytest.approx(1 / 3, rel=1e-9)
    with pytest.raises(NetlistError, match=r"draft one|deck:\d+"):
        parse(LTSPICE, ROLES, dialect="ngspice")

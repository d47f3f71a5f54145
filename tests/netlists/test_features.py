"""What cards and options may say, one thing at a time: ngspice's operating point follows what hwsim read, or the deck is refused."""

import pytest

from circuits.chip import Chip
from netlists.read.parser import parse
from netlists.text.findings import NetlistError
from netlists.write import subcircuits
from netlists.write.writer import write_deck
from support.decks import SETTINGS, operating_point

MODELS = """
.model d d(is=1e-9)
.model dt d(is=1e-9 tnom=60 eg=0.9 xti=2)
.model db d(is=1e-9 bv=0.3 ibv=1m)
.model dr d(is=1e-9 rs=100)
.model rm r(rsh=100 tc1=2m)
.model rt r(r=1k tc1=5m tnom=50)
.model n1 nmos(level=1 vto=0.3 kp=1e-4 js=1e-3)
.model n2 nmos(level=2 vto=0.3 kp=1e-4)
.model n3 nmos(level=3 vto=0.3 kp=1e-4)
.model n6 nmos(level=6 vto=0.3)
.model n9 nmos(level=9 vto=0.3)
.model n8 nmos(level=8 vth0=0.3)
.model nd nmos(level=1 vto=5 js=1e3)
.model qn npn(is=1e-12)
.model jn njf(beta=1m)
.subckt coil p
L1 p 0 1m
.ends
"""

CARDS = {
    "resistor": "R# a# 0 2k",
    "resistor of a model": "R# a# 0 rm",
    "resistor with a nominal temperature": "R# a# 0 rt",
    "diode": "D# a# 0 d",
    "blocked diode": "D# 0 a# d",
    "diode of another junction": "D# a# 0 dt",
    "diode that breaks down": "D# 0 a# db",
    "diode with series resistance": "D# a# 0 dr",
    "current source": "I# 0 a# 0.1m",
    "voltage source": "Rv# a# b# 1k\nV# b# 0 0.5",
    "G": "G# 0 a# a# 0 0.1m",
    "E": "Re# a# b# 1k\nE# b# 0 a# 0 0.5",
    "F": "Vf# a# b# 0\nRf# b# 0 1k\nF# 0 a# Vf# 0.5",
    "H": "Vh# a# b# 0\nRh# b# 0 1k\nRg# a# c# 1k\nH# c# 0 Vh# 100",
    "capacitor": "Rc# a# 0 1k\nC# a# 0 1u",
    "inductor": "Rl# b# 0 1k\nL# a# b# 1m",
    "MOSFET": "M# a# in 0 0 n1",
    "bipolar transistor": "Q# a# a# 0 qn",
    "JFET": "J# a# 0 0 jn",
    "B source": "B# a# 0 i=v(a#)*1m",
}
"""Cards at a node that a resistor ties to an input of 1 V; `#` is a number, and what is tried goes behind the last line."""

TAKEN = {
    "resistor": "m=3;m=0.5;temp=60;dtemp=30;tc1=0.01 temp=60;tc1=0.01 dtemp=30;tc2=1e-3 temp=60;tc1=0.01;scale=2;ac=5;noisy=0;w=2u l=1u",
    "resistor of a model": "l=20u;w=5u;l=20u w=5u;m=3;temp=60;dtemp=30;tc1=0.01 temp=60;scale=2;ac=5",
    "diode": "m=3;area=2;area=2 m=3;temp=60;dtemp=30;temp=60 dtemp=30;off;ic=1;pj=2;w=2u l=1u",
    "blocked diode": "m=3;area=2;temp=60;dtemp=30",
    "current source": "m=3;ac 1",
    "voltage source": "ac 1",
    "G": "m=3",
    "F": "m=3",
    "capacitor": "m=3;temp=60;tc1=0.01 temp=60;scale=2;ic=1",
    "inductor": "m=3;temp=60;tc1=0.01 temp=60;scale=2;ic=1",
    "MOSFET": "m=3;temp=60;dtemp=30;w=2u l=1u;l=1u;w=3u;ad=1e-9 as=1e-9;pd=1e-3;nrd=100;nrs=1000;off",
    "bipolar transistor": "m=3;area=2;temp=60;dtemp=30;areac=2;areab=3",
    "JFET": "m=3;area=2;temp=60;dtemp=30",
    "B source": "m=3;temp=60;tc1=0.01 temp=60;tc2=1e-3 temp=60;tc1=0.01 dtemp=30",
}
"""What ngspice and hwsim both read; between semicolons."""

REFUSED = {
    "resistor": "area=2;pj=2;off;ic=1;tce=1;bv_max=1;temp=-273.15;dtemp=-301;temp=1e308;tc1=-0.1 temp=60;tc2=1e308 temp=60;m=0",
    "diode": "2;tc1=0.01;scale=2;ac=5;noisy=0;temp=-300;dtemp=-301;temp=1e308;area=0;m=0",
    "current source": "temp=60;dtemp=30;tc1=0.01;scale=2;area=2",
    "voltage source": "m=3;temp=60;tc1=0.01",
    "G": "temp=60;tc1=0.01;scale=2",
    "E": "m=3;temp=60;tc1=0.01;scale=2",
    "F": "temp=60;tc1=0.01",
    "H": "m=3;temp=60",
    "MOSFET": "temp=-300;m=0",
    "bipolar transistor": "temp=-300",
    "JFET": "temp=-300",
}

OPTIONS = ["gmin=1e-6", "gmin=0", "temp=50", "tnom=50", "temp=-50 tnom=60", "rshunt=10k", "rshunt=0", "rseries=100", "temp={20*2}"]
OPTIONS += ["defl=1u", "defw=50u", "defl=2u defw=10u", "defad=1e-9", "defas=1e-9", "gmin=1e-6\n.options gmin=1e-9", "temp=40\n.temp 50"]
OPTIONS += ["scalm=0.5", "abstol=1e-9", "foo=3", "cshunt=1u"]

REFUSED_OPTIONS = ["scale=0.5", "defm=2", "epsmin=1e-3", "badmos3", "temp=-300", "tnom=-273.15", "temp=1e5", "gmin=-1", "rshunt=-5"]
REFUSED_OPTIONS += ["rseries=-1", "defl=0", "defw=-1", "temp=1e400", "temp=nan", "gmin=inf", "temp", "temp=50 temp=60"]


def deck(cells, more=""):
    """Put cards side by side, each at a node of its own."""
    cards = "\n".join(f"rs{k} in a{k} 1k\n{cell.replace('#', str(k))}" for k, cell in enumerate(cells))
    roles = "*hwsim: input vin\n*hwsim: output a0\n*hwsim: trainable rs0 g_min=1e-9 g_max=1\n"
    return f"features\n{SETTINGS}\nvin in 0 1\n{cards}\n{MODELS}{more}\n{roles}.end\n"


def agree(text, folder):
    """Compare each node of the deck with that of the circuit that was read, as ngspice solves them."""
    read = parse(text)
    ours = operating_point(write_deck(read.circuit, Chip.nominal(read.circuit), read.g, x=read.x), folder).v
    names, theirs = read.circuit.node_names, operating_point(text, folder).v
    wrong = {name: (ours[names[read.nodes[name]]], v) for name, v in theirs.items() if abs(ours[names[read.nodes[name]]] - v) > 1e-9}
    assert not wrong, text


def tried(of):
    """List cards with what is tried behind them."""
    return [f"{CARDS[name]} {feature}" for name, features in of.items() for feature in features.split(";")]


def test_what_a_card_may_say_is_read_as_ngspice_reads_it(tmp_path):
    """Multipliers, temperatures, sizes: each at a node of its own."""
    agree(deck([*CARDS.values(), *tried(TAKEN)]), tmp_path)


@pytest.mark.parametrize("cell", tried(REFUSED))
def test_what_a_card_may_not_say_is_refused(cell):
    """In one line, at its own line; nothing is left aside in silence."""
    line = len(deck([CARDS["G"], cell]).partition(cell.rpartition("\n")[2].replace("#", "1"))[0].split("\n"))
    with pytest.raises(NetlistError, match=rf"\Adeck:{line}: .*\Z"):
        parse(deck([CARDS["G"], cell]))


SIZED = ["w=5u", "l=5u", "w=5u l=2u"]
HEATED = [
    *("R# a# 0 2k tc1=0.01 tc2=1e-4", "R# a# 0 2k tc1=0.01 temp=60", "R# a# 0 2k tc1=0.01 dtemp=20", "R# a# 0 {100*(temper+99)}"),
    *("D# a# 0 d temp=60", "D# a# 0 d dtemp=20", "B# a# 0 i=v(a#)*1m*(temper+99)/99", "B# a# 0 i=v(a#)*1m tc1=0.01"),
    "B# a# 0 i=v(a#)*1m tc1=0.01 temp=70",
]
MOSFETS = [f"M# a# in 0 0 n{level}" for level in (1, 2, 3, 6, 8, 9)]
CELLS = [
    *CARDS.values(),
    *HEATED,
    *MOSFETS,
    *(f"{MOSFETS[0]} {size}" for size in SIZED),
    "M# 0 0 a# a# nd",
    "L# a# 0 1m m=3",
    "X# a# coil m=3",
]


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_acts_as_in_ngspice(option, tmp_path):
    """On all cards at once, but for bipolar transistors with a large gmin and BSIM's in the heat, which are refused."""
    without = "Q" if "gmin=1e-" in option else MOSFETS[4] if "temp" in option else "none"
    cells = [cell for cell in CELLS if not cell.startswith(without)]
    agree(deck(cells, f".options {option}"), tmp_path)


@pytest.mark.parametrize(("cell", "option"), [(CARDS["bipolar transistor"], "gmin=1e-6"), (MOSFETS[4], "temp=50")])
def test_an_option_that_a_card_cannot_follow_is_refused_with_it(cell, option):
    """At the card's line."""
    with pytest.raises(NetlistError, match=r"\Adeck:5: (q0: gmin = 1e-06 S|M0: to ngspice a MOSFET of level 8).*\Z"):
        parse(deck([cell], f".options {option}"))


@pytest.mark.parametrize("option", REFUSED_OPTIONS)
def test_an_option_that_is_not_modelled_is_refused(option):
    """Or one that has no sense; the message names the line."""
    text = deck([CARDS["resistor"]], f".options {option}")
    line = len(text.partition(".options " + option)[0].split("\n"))
    with pytest.raises(NetlistError, match=rf"\Adeck:{line}: .*\Z"):
        parse(text)


def test_a_subcircuit_of_the_library_is_multiplied_as_any_other(tmp_path):
    """Three amplifiers in parallel have a third of the output resistance; what a role keeps whole is refused instead."""
    cell = "X# a# b# resistive_amplifier gain=2 back=0.5 r_out=100 m=3\nRx# b# 0 1k"
    agree(deck([CARDS["resistor"], cell], subcircuits.text("resistive_amplifier")), tmp_path)
    pair = f"X_p_0 a0 h l diode_pair m=3\n{subcircuits.text('diode_pair')}\n*hwsim: block p diode_pair d e f g"
    with pytest.raises(NetlistError, match="X_p_0 stays whole for its role, and has m = 3; write the instances out"):
        parse(deck([CARDS["resistor"]], pair))

"""Decks to read: hand-written ones that each show one thing, random ones of all supported elements, and ngspice's word on them."""

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from netlists.deck import Deck

_INNER = re.compile(r"^@|#|_int\d$|_intern__$")
"""Vectors that are no voltages of the deck's own nodes: currents, other quantities, and what ngspice adds for expressions and rseries."""

_BRANCH = re.compile(r"(?:[vehl]\.)?(.+)#branch")
"""Currents of sources and inductors; ngspice puts the letter before the name of what stands in a subcircuit."""

SETTINGS = ".options reltol=1e-11 vntol=1e-13 abstol=1e-16 itl1=500 itl2=500 pivrel=0.5 pivtol=1e-18"
ROLES = "*hwsim: input vin\n*hwsim: output out\n*hwsim: trainable rw g_min=1e-9 g_max=1\n"
BASE = f"{SETTINGS}\nvin in 0 0.7\nrw in out 1k\nrl out 0 3.3k\n"

HAND: dict[str, str] = {
    "suffixes": "r1 out a 1.5kOhm\nR2 A 0 0.002MEG\nr3 a 0 470E-2k\ni1 0 a 10uA\nr4 a 0 1000000mil",
    "continued": "r1 out\n* between\n\n+ a ; here\n+ 1k\nr2 a 0 $ there\n  + 2k // and so on",
    "braces": ".param k=2 r0={k*1k}\nr1 out a {r0+k*100}\nr2 a 0 'r0*2'\nr3 a 0 k\nv2 b 0 dc {k/4}\nr4 a b r={r0^1.1}",
    "later-parameters": "r1 out 0 {b}\n.param b={a*2}\n.PARAM A = 1k + 500",
    "subcircuits": (
        ".subckt half p q m params: r=1k\nr1 p m {r}\nR2 m q {r*f}\n.ends half\n.param f=1.25\nx1 out 0 a half r=2k\n"
        "x2 a 0 b half\nr9 b 0 5k"
    ),
    "nested": (
        ".subckt outer p q params: w=1k\n.subckt inner u v\nr1 u c {w}\nd1 c v dd\n.ends inner\n.model dd D(is=1e-9 n=1.3)\n"
        "x1 p q inner\n.ends outer\nx2 out 0 outer w=2k\nx3 out 0 outer"
    ),
    "multiplied": ".subckt s p q\nr1 p m 1k\nd1 m q dd\ni1 q p 1u\n.ends\n.model dd D(is=1e-9)\nx1 out a s m=3\nr1 a 0 1k",
    "multiplied-twice": ".subckt s p q\nr1 p q 1k m=2\nd1 p q dd m=2\n.ends\n.model dd D(is=1e-9)\nx1 out 0 s m=3\nx2 out 0 s",
    "multiplied-nested": (
        ".subckt t p q\nr1 p q 9k m=7\n.ends\n.subckt s p q\nx1 p q t m=5\n.ends\nx1 out 0 s m=3\nx2 out 0 s\nx3 out 0 t\nx4 out 0 t m=2"
    ),
    "multiplied-by-name": ".subckt s p q m=4\nr1 p q 9k m=m\nr2 p q 8k\n.ends\nx1 out 0 s m=3\nx2 out 0 s",
    "thousandths": (
        ".param w=2mil\n.subckt s p l=3mil\nr1 p 0 {l*1e6}\n.ends\nr1 out a {w*1e6}\nr2 a 0 1e8mil\nx1 a s\nx2 a s l=4mil\n"
        "r3 a 0 '5mil*1e6'\nb1 a 0 i=v(a)*2mil\nb2 a 0 i={v(a)*3mil}"
    ),
    "caller-parameters": ".subckt leaf u v\nr1 u v {w}\n.ends\n.subckt twig p q params: w=1k\nx1 p q leaf\n.ends\nx1 out 0 twig w=777",
    "own-parameters": ".param k=7k\n.subckt s p q\n.param k=9k\nr1 p q {k}\n.ends\nx1 out 0 s\nx2 out 0 s k=3k\nr1 out 0 {k}",
    "global-node": ".global vdd\nvd vdd 0 2\n.subckt s p\nr1 p vdd 1k\nr2 p gnd 5k\n.ends\nx1 out s",
    "resistor-model": (
        ".model rm R(rsh=100 narrow=0.1u short=0.2u tc1=1e-3 tc2=1e-5)\nr1 out a rm l=10u w=2u\nr2 a 0 rm 2k temp=57\nr3 a 0 2k m=2 scale=3"
    ),
    "temperature": (
        ".temp 60\nr1 out a 1k tc1=0.01\nr2 a 0 1k dtemp=10 tc2=1e-4\nd1 a 0 dm\n.model dm D(is=1e-12 n=1.5 eg=0.9 xti=2)\n"
        "r3 a 0 {temper*100}"
    ),
    "temperatures-of-diodes": (
        ".options temp=50 tnom=40\nd1 out a dm\nd2 a 0 dm temp=80\nd3 0 a dk\n.model dm D(is=1e-10)\n.model dk d is=1e-9 tnom=27"
    ),
    "diodes": (
        "d1 out a dm area=2\nd2 a 0 dm m=3\nd3 0 a dr\nd4 out 0 dr\n.model dm D(js=1e-12 n=1.2 cjo=1p tt=1n)\n"
        ".model dr D(is=1e-9,n=1.7 rs=25)\nr1 a 0 100k"
    ),
    "gmin": ".options gmin=1e-6\nd1 0 out dm m=2\n.model dm D(is=1e-12)\nr1 out 0 1meg",
    "breakdown": "d1 0 out dz\nv5 c 0 9\nr5 c out 100\n.model dz D(is=1e-12 bv=3.3 ibv=1m)",
    "diode-of-a-catalogue": (
        "d1 out a 1N4148\nd2 0 a 1n4148\nr1 a 0 10k\n"
        ".model 1N4148 D(Is=4.352n N=1.906 Rs=0.6458 Bv=110 Ibv=0.1m\n+ Cjo=7.048e-13 M=0.285 Vj=0.869 Tt=3.48e-9 Eg=1.11 Xti=3)"
    ),
    "rseries": ".options rseries=100\n.subckt s p\nl1 p 0 1m\n.ends\nl1 out a 1m m=2\nr1 a 0 1k\nl2 a b 1m\nx1 b s m=3",
    "sheet": ".model rm R(rsh=100 r=7k)\n.model rn R(rsh=100 defw=5u narrow=1u)\nr1 out a rm\nr2 a b rn\nr3 b 0 rn l=40u tc1=1m temp=50",
    "rshunt": ".options rshunt=10k\nr1 out a 1k\nr2 a 0 1k",
    "sources": (
        "v1 a 0 sin(0.4 1 1k)\nv2 b 0 dc 0.3 ac 1 90 pulse(0 1 0)\nv3 c 0 pulse(-0.2 1)\nv4 d 0 pwl(0,0.1,1,2)\n"
        "v5 e 0 1 ac 1\nv6 f 0\ni1 0 out dc 1m m=2\ni2 out 0 sin(1m 1)\nr1 a out 1k\nr2 b out 2k\nr3 c out 3k\nr4 d out 4k\n"
        "r5 e out 5k\nr6 f out 6k"
    ),
    "voltage-controlled": (
        "e1 a 0 out 0 3\nr1 a b 1k\ng1 0 b out a 1m m=2\nr2 b 0 2k\ne2 c b (out,0) gain=-0.5\nr3 c 0 1k\ne4 d 0 vcvs out 0 2\nr4 d 0 1k"
    ),
    "current-controlled": (
        "vs out s 0\nr1 s 0 1k\nf1 0 a vs 2 m=2\nr2 a 0 1k\nh1 b 0 vs 500\nr3 b c 1k\nf2 c 0 H1 0.5\nr4 c 0 1k\n"
        "e1 d 0 out 0 1\nr5 d 0 1k\nf3 0 a e1 0.1\nf4 a 0 vin 0.2"
    ),
    "sensing-in-subcircuit": (
        ".subckt mirror p q\nv1 p m 0\nr1 m 0 1k\nf1 0 q V1 1.5\n.ends\nx1 out a mirror\nr1 a 0 2k\nx2 a b mirror\nr2 b 0 1k"
    ),
    "at-rest": "l1 out a 1m\nl2 a b l=1u\nr1 b 0 1k\nc1 a 0 1pF\nc2 b 0 c=10n m=2 ic=1\nk1 l1 l2 0.9",
    "behavioural": (
        ".param k=2\nb1 a 0 v=k*v(out)^2+{k/4}\nr1 a b 1k\nb2 b 0 i=1m*tanh(v(b,a))*i(vs)*1k\nvs out c 0\nr2 c 0 1k\n"
        "r3 b 0 1k\ne1 d 0 vol='v(out)*k'\nr4 d 0 1k\ng1 0 d cur={v(out)*1m}"
    ),
    "behavioural-in-subcircuit": (
        ".subckt s p q params: k=3\nv1 p m 0\nr1 m q 1k\nb1 0 q i=k*i(V1)+0.1m*v(m,q)\n.ends\nx1 out a s k=0.5\nr9 a 0 1k"
    ),
    "mosfet": (
        ".model nm nmos(level=1 vto=0.4 kp=200u lambda=0.02)\nvdd d 0 1.8\nrd d a 10k\nm1 a out 0 0 nm w=10u l=1u\n"
        "m2 a a 0 0 nm w=2u l=1u m=2"
    ),
    "size-of-mosfets": (
        ".options defl=2u defw=9u defad=1p\n.model nm nmos(level=1 vto=0.4 kp=200u)\nvdd d 0 1.8\nrd d a 10k\nm1 a out 0 0 nm\n"
        "m2 a a 0 0 nm w=3u\n.options defl=1u"
    ),
    "behavioural-in-the-heat": (
        ".temp 77\nb1 a 0 v=v(out)*2 tc1=0.01\nr1 a 0 1k\nb2 0 b i=v(a)*1m tc1=0.01 tc2=1e-4 temp=50\nr2 b 0 1k\n"
        "b3 0 c i=1m*temper/27\nr3 c 0 1k"
    ),
    "bipolar": (
        ".options gmin=1e-18\n.model npn npn(is=1e-15 bf=120 vaf=50)\nvcc c 0 5\nrc c a 10k\nq1 a out e npn\nre e 0 1k\nr1 c out 100k"
    ),
    "transistors-in-the-heat": (
        ".options temp=60 tnom=35 gmin=1e-18\n.model nm nmos(level=1 vto=0.4 kp=200u)\n.model npn npn(is=1e-15 bf=120)\n"
        "vdd d 0 1.8\nrd d a 10k\nm1 a out 0 0 nm w=10u l=1u\nm2 a a 0 0 nm w=2u l=1u dtemp=15\nr1 d b 20k\n"
        "q1 b a e npn temp=80\nre e 0 1k\nd1 a b dz\n.model dz D(is=1e-12 bv=3.3)\nb1 0 b i=1n*temper"
    ),
    "jfet": ".model nj njf(vto=-2 beta=1m lambda=1m)\nvdd c 0 5\nrd c a 2k\nj1 a out s nj\nrs s 0 1k",
    "transistor-in-subcircuit": (
        ".subckt inv a y vdd params: w=1u\n.model n1 nmos(vto={0.3+0.1} kp=100u)\nm1 y a 0 0 n1 w={w} l=1u\nr1 vdd y 20k\n"
        ".ends\nvdd d 0 1.8\nx1 out p d inv w=3u\nx2 p q d inv"
    ),
    "names": (
        "r1 out N-1 1k\nr2 n-1 x.y 1k\nr3 X.Y n[3] 1k\nr4 N[3] 0 1k\nr5 n+ 0 1k\nr6 n+ out 2k\nr7 7 0 1k\nr8 7 out 1k\n"
        "r9 00 0 1k\nr10 00 out 1k"
    ),
    "rows": "r1 out h_0 1k\nr2 h_0 h_1 1k\nr3 h_1 h_2 1k\nr4 h_2 0 1k\nr5 q_1 0 1k\nr6 q_1 out 1k\nr7 h 0 1k\nr8 h out 1k",
    "left-aside": "r1 out 0 1k\n.tran 1n 1u\n.ic v(out)=1\n.nodeset v(out)=1\n.save all\n.meas tran x max v(out)\n.print tran v(out)",
    "expressions": (
        ".param a=3 b=-2\nr1 out x {100*(a>2?a:1)+max(a,-b)+sqrt(a)+a**2+7%4+7\\2}\n"
        "r2 x 0 {1k*pwr(b,2)+10*abs(b)-b+nint(2.5)+(!a)*5}\n"
        "r3 x 0 {1k*(a&&b)+exp(1)*ln(10)+log10(1000)*sgn(a)+int(-2.7)+ternary_fcn(a<b,1,2)+2^3^2+cos(0)+1e-3k}"
    ),
}
"""What comes behind BASE: one reading rule each."""


def hand(name: str) -> str:
    """Return a hand-written deck."""
    return f"{name}\n{BASE}{HAND[name]}\n{ROLES}.end\n"


def random_deck(seed: int, *, passed: bool = True) -> str:
    """Make a deck of all kinds of elements between a few nodes; each node has a resistor to ground, so that there is an answer.

    Without `passed`, of those that every engine solves.
    """
    rng = np.random.default_rng(seed)
    nodes = ["in", "out", *(f"n{k}" for k in range(rng.integers(1, 6)))]

    def pick(count: int) -> list[str]:
        return [str(node) for node in rng.choice([*nodes, "0"], count, replace=False)]

    def value(low: float, high: float) -> str:
        x = float(np.exp(rng.uniform(np.log(low), np.log(high))))
        return str(rng.choice([repr(x), f"{x * 1e-3:.6g}k", f"{x * 1e6:.5g}u", f"{{{x:.4g}*p1}}", f"{x * 1e3:.5g}m"]))

    cards = [f"rload{node} {node} 0 {value(1e3, 1e5)}" for node in nodes[1:]]
    kinds = rng.choice(list("rrrdddviegfhclx" + "bm" * passed), rng.integers(3, 14))
    for k, kind in enumerate(kinds.tolist()):
        a, b, c, d = (*pick(2), *pick(2))
        sense = f"vs{k} {a} s{k} 0\nrs{k} s{k} {b} {value(1e2, 1e4)}"
        cards.append(
            {
                "r": f"R{k} {a} {b} {value(1e2, 1e5)}",
                "d": f"D{k} {a} {b} {rng.choice(['da', 'db', 'dc'])} area={rng.integers(1, 4)}",
                "v": f"V{k} y{k} 0 {rng.normal():.4f}\nRy{k} y{k} {a} {value(1e2, 1e4)}",
                "i": f"I{k} {a} {b} {value(1e-6, 1e-4)}",
                "e": f"E{k} y{k} 0 {c} {d} {rng.uniform(-0.8, 0.8):.3f}\nRy{k} y{k} {a} {value(1e3, 1e4)}",
                "g": f"G{k} {a} {b} {a} {b} {value(1e-6, 1e-4)}",
                "f": f"{sense}\nF{k} {c} {d} VS{k} {rng.uniform(-0.2, 0.2):.3f}",
                "h": f"{sense}\nH{k} y{k} 0 vs{k} {value(1e0, 1e2)}\nRy{k} y{k} {c} {value(1e3, 1e4)}",
                "c": f"C{k} {a} {b} {value(1e-12, 1e-9)}",
                "l": f"L{k} {a} y{k} {value(1e-6, 1e-3)}\nRy{k} y{k} {b} {value(1e2, 1e4)}",
                "b": f"B{k} {a} {b} i={value(1e-6, 1e-5)}*tanh(v({a},{b}))",
                "x": f"X{k} {a} {b} cell r={value(1e2, 1e4)}",
                "m": f"M{k} {a} {c} 0 0 nm w={rng.integers(1, 9)}u l=1u",
            }[kind],
        )
    order = rng.permutation(len(cards))
    head = (
        ".param p1=1 p2={p1*2}\n.model da D(is=1e-9 n=1.3)\n.model db D(is=4e-12 n=1.9 rs=12)\n.model dc D(is=1e-14)\n"
        ".model nm nmos(vto=0.5 kp=50u lambda=0.01)\n.subckt cell p q params: r=1k\nr1 p m {r*p2}\nd1 m q da\nr2 m q 5k\n.ends\n"
    )
    return f"random {seed}\n{BASE}{head}" + "\n".join(cards[k] for k in order) + f"\n{ROLES}.end\n"


class Point(NamedTuple):
    """An operating point: voltages by the names of their nodes [V], currents through sources and inductors by theirs [A]."""

    v: dict[str, float]
    i: dict[str, float]


def operating_point(text: str, folder: Path) -> Point:
    """Let ngspice find the operating point of a deck."""
    body, result, _ = text.rpartition("\n.end\n")
    body = re.sub(r"(?ms)^\.control.*?^\.endc$", "", body if result else text)
    path = folder / "deck.cir"
    path.write_text(f"{body}\n.control\nset numdgt=16\noptran 1 1 1 0 0 0\nop\nprint all\n.endc\n.end\n", encoding="utf-8")
    environment = {"HOME": str(folder), "PATH": os.environ["PATH"]}
    run = subprocess.run(
        ["ngspice", "-b", path],
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )
    found_all = re.findall(r"^(\S+) = (\S+)$", run.stdout, re.MULTILINE)
    assert found_all, f"{text}\n{run.stdout}\n{run.stderr}"
    v = {re.sub(r"^v\((.*)\)$", r"\1", name): float(value) for name, value in found_all if not _INNER.search(name)}
    branches = [(_BRANCH.fullmatch(name), value) for name, value in found_all]
    return Point(v, {branch.group(1): float(value) for branch, value in branches if branch})


def by_name(deck: Deck, currents: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Return the currents of one sample's sources by their names in the deck; `currents` are those of each array, (1, n) [A]."""
    return {name: float(i) for array, of in currents.items() for name, i in zip(deck.members[array], of[0], strict=True)}


def reports_progress(text: str) -> bool:
    """Whether ngspice writes, among the results, how far a long analysis of a deck is: it has one, and nothing before it forbids that."""
    analysis = re.search(r"^(tran|dc|ac|run)\b", text, re.MULTILINE)
    return analysis is not None and "\nset norefvalue\n" not in text[: analysis.start()]


def run_ngspice(text: str, folder: Path, command: Sequence[str] = ("ngspice", "-b")) -> str:
    """Run a deck as a person does, and give what it prints; it must end well, without a word of an error, and print results alone."""
    assert not reports_progress(text)
    path = folder / "deck.cir"
    path.write_text(text, encoding="utf-8")
    environment = {"HOME": str(folder), "PATH": os.environ["PATH"]}
    run = subprocess.run(
        [*command, path],
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    assert not re.search("error|aborted|failed", run.stdout + run.stderr, re.IGNORECASE), run.stdout + run.stderr
    return run.stdout

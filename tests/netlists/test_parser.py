"""What is wrong with a deck is stated with file, line and remedy, all of it at once; what is odd is warned of."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlists.read import parser
from netlists.read.roles import from_patterns
from netlists.text.findings import NetlistError
from support.decks import BASE, ROLES
from support.reading import parse, read_deck

FIRST = len(f"title\n{BASE}".splitlines()) + 1


def deck(cards, roles=ROLES):
    """Put cards into a deck that is right otherwise; the first of them is in line FIRST."""
    return f"title\n{BASE}{cards}\n{roles}.end\n"


@pytest.mark.parametrize(
    ("cards", "message"),
    [
        ("r1 out 0 4k7", f"deck:{FIRST}: r1: '4k7': ngspice reads 4k and leaves '7' aside; write 4.7k"),
        ("r1 out 0 1kk", f"deck:{FIRST}: r1: '1kk'"),
        ("r1 out 0 4k7\nb1 out 0 i=v(out)*1n", f"deck:{FIRST}: r1: '4k7': ngspice reads 4k and leaves '7' aside; write 4.7k"),
        ("R1 out 0\n* remark\n+ 4k7", f"deck:{FIRST}: R1: '4k7'"),
        ("r1 out 0", f"deck:{FIRST}: r1 has no resistance"),
        ("r1 out", f"deck:{FIRST}: r1 has no node number 2; add it"),
        ("r1 out 0 0", "for 0 ngspice takes 1 milliohm; write 1m, or a voltage source of 0"),
        ("r1 out 0 -5", "r1 has -5 ohm; a resistance must be positive and finite"),
        ("d1 out 0 dm\n.model dm D(tnom=-280)", "d1: model dm: tnom = -280 °C must be above -273.15 °C"),
        ("d1 out 0 dm\n.model dm D(n=1e-300)", "d1: model dm: n = 1e-300 must be between 1e-100 and 1e+100"),
        ("d1 out 0 dm\n.model dm D(rs=1e-320)", "d1: model dm: rs = 9.99989e-321 must be between 1e-100 and 1e+100"),
        ("r1 out 0 1e-320", "r1: 9.99989e-321 ohm has no conductance that is a number; write a larger resistance"),
        ("d1 out 0 dm\n.model dm D(is=1n js=2n)", "d1: model dm has both is= and js=, two names of one number; keep one"),
        (".temp -280", f"deck:{FIRST}: temp = -280 °C must be above -273.15 °C and at most 10000 °C"),
        (".options tnom=1e6", f"deck:{FIRST}: tnom = 1e+06 °C must be above"),
        ("r1 out 0 1k 5", "'5' is one value too many; write 1k or 5"),
        ("r1 out 0 1k\nR1 out 0 2k", f"deck:{FIRST + 1}: r1 is there already, in line {FIRST}; rename one"),
        ("d1 out 0 nope", "there is no model nope; add .model nope D(is=… n=…)"),
        ("d1 out 0 dm\n.model dm D(is=-1)", "model dm: is = -1 must be positive"),
        ("d1 out 0 dm\n.model dm D(is=1)\n.model dm D(is=2)", "model dm is defined in line"),
        ("c1 out 0 -1p", "capacitance -1e-12 must be positive"),
        ("v1 a 0 1 2\nr1 a 0 1", "'1 2' has its direct value twice; write dc and one number"),
        ("v1 a 0 1 dc 2\nr1 a 0 1", "has its direct value twice"),
        ("e1 a 0 out 0\nr1 a 0 1", "e1 has no gain; add it"),
        ("f1 out 0 rl 2", "rl carries no current that can be sensed; name a voltage source"),
        ("f1 out 0 vnone 2", "f1: there is no source vnone to sense"),
        (".ends", ".ends without a .subckt before it; remove it"),
        (".frob", ".frob is not read; remove it"),
        (".temp 1 2", ".temp takes one temperature, not 2"),
        (".include x.inc", "a deck that lies in no folder includes nothing"),
        (".control", ".control has no .endc; add one"),
        (".end\nr1 out 0 1k", "stands behind .end, where ngspice 39 reads on and others stop"),
        ("r1 a b 1k", f"deck:{FIRST}: a, b have no conducting path to ground; connect one of them or remove them"),
        ("c1 out z 1p\nr1 out 0 1k", f"deck:{FIRST}: z has no conducting path to ground; connect it or remove it"),
        ("r1 out 0 1k\nv1 in 0 1", f"deck:{FIRST + 1}: v1 closes a loop of voltage sources between in and 0; put a resistor into the loop"),
        ("e1 in 0 out 0 2", f"deck:{FIRST}: e1 closes a loop of voltage sources between in and 0; put a resistor into the loop"),
        (
            ".subckt two p q\nv1 p m 1\nv2 m q 1\n.ends\nx1 in 0 two",
            f"deck:{FIRST + 2}: x1.v2 closes a loop of voltage sources between x1.m and 0",
        ),
        ("*hwsim: trainabel r1", "trainabel is no role; is trainable meant?"),
        ("*hwsim: trainable r1 gmin=3", "trainable knows no gmin=; it knows g_min=, g_max=, name="),
        ("*hwsim: trainable nope", "trainable nope: no element is called nope; there are rw, rl"),
        ("*hwsim: trainable vin", "vin cannot be that; only resistors can, so name only those"),
        ("*hwsim: trainable rl g_min=1 g_max=0.1", f"deck:{FIRST}: trainable rl: g_max = 0.1 must be above g_min"),
        (
            "r1 in out 1k\nr2 out 0 1k\n*hwsim: trainable r1 r2 g_max=1,1e-9",
            f"deck:{FIRST + 2}: trainable r1 r2: r2: g_max = 1e-09 must be above g_min",
        ),
        ("r1 in out 1k\nr2 out 0 1k\n*hwsim: trainable r1 r2 g_min=-1", f"deck:{FIRST + 2}: trainable r1 r2: g_min = -1 must be positive"),
        ("*hwsim: trainable rl g_min=abc", "trainable rl: 'abc' is no number"),
        ("*hwsim: trainable rw rl", f"rw is trainable already, by line {FIRST}; let one pattern name it"),
        ("*hwsim: trainable", "trainable names nothing"),
        ("*hwsim: bias v*", "vin is bias already"),
        ("*hwsim: output a b c", "output takes one node, or a pair, not 3; write a line for each output"),
        ("*hwsim: output nope", "output nope: there is no node nope"),
        ("vx a b 1\nr1 a 0 1\nr2 b 0 1\n*hwsim: input vx", "vx stands between a and b; an input voltage holds a node against ground"),
        ("*hwsim: trainable rt\nrt out 0 rm\n.model rm R(r=1k)", "rt has no value of its own, which learning could change"),
    ],
)
def test_mistakes_are_named_with_their_line_and_a_remedy(cards, message):
    """`file:line: what, and what would be right`."""
    with pytest.raises(NetlistError) as error:
        parse(deck(cards))
    assert message in str(error.value)
    assert all(line.startswith("deck:") for line in str(error.value).splitlines())


@pytest.mark.parametrize(
    ("cards", "message"),
    [
        ("r1 out 0 1k frob=3", f"deck:{FIRST}: ngspice refuses the deck: r1 out 0 1k frob=3; unknown parameter (frob)"),
        ("r1 out 0 {nope}", f"deck:{FIRST}: ngspice gave up with status 1: Undefined parameter [nope]"),
        ("x1 out 0 nope", "unknown subckt: x1 out 0 nope"),
        ("b1 out 0 i=tanh(v(out)", f"deck:{FIRST}: ngspice refuses the deck: PTerror: syntax error"),
        ("m1 out out 0 0 nn\n.model nn nms(vto=1)", f"deck:{FIRST + 1}: a model of kind nms may read files or start programs"),
        (".param a=1, b=2", f"deck:{FIRST}: a comma stands between assignments, at which ngspice 39 hangs; separate them by blanks"),
        ("v1 in 0 {1} ac 1", "ngspice finds no operating point"),
        (
            "r1 out 0 1k\nv1 in 0 {1}",
            f"deck:{FIRST + 1}: v1 closes a loop of voltage sources between in and 0; put a resistor into the loop",
        ),
        ("r1 a b {1k}", "a, b have no conducting path to ground"),
        ("r1 out 0 {agauss(1,2,3)}", "agauss draws random numbers, other ones in each process; write a number"),
        ("*hwsim: trainable rt\nrt out 0 rm\n.model rm R(r=1k)", "rt has no value of its own, which learning could change"),
    ],
)
def test_what_ngspice_refuses_is_reported_in_its_words(cards, message):
    """At the card that is wrong, where ngspice names one."""
    with pytest.raises(NetlistError) as error:
        parse(deck(cards))
    assert message in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_without_ngspice_a_foreign_deck_is_refused_at_its_first_foreign_card():
    """The small reader names which card only ngspice reads."""
    with pytest.raises(NetlistError, match=rf"\Adeck:{FIRST}: only ngspice reads this card"):
        parser.parse(deck("b1 out 0 i=v(out)*1n"))


def test_several_mistakes_are_reported_at_once():
    """A person wants to know them all before the next try; a flood is cut short."""
    with pytest.raises(NetlistError) as error:
        parse(deck("r1 out 0 4k7\nd1 out 0 nope\n.frob\nr2 out 0 -1"))
    assert [mistake.line for mistake in sorted(error.value.mistakes, key=lambda m: m.line)] == [FIRST, FIRST + 1, FIRST + 2, FIRST + 3]
    with pytest.raises(NetlistError, match="and 30 more mistakes"):
        parse(deck("\n".join(f"r{k} out 0 1kk" for k in range(50))))


@pytest.mark.parametrize(
    ("cards", "warning"),
    [
        ("r1 out 0 1M", "r1: '1M' is 1 milli, for SPICE knows no upper case; if mega is meant, write 1meg"),
        ("c1 out 0 1F", "c1: '1F' is 1 femto, not farad"),
        (".param a=1\n.param a=2", f"a is defined in line {FIRST} too; this one counts"),
        (".options gmn=1e-15", "gmn is no option of ngspice, which leaves it aside in silence"),
        ("r1 out 0 1M\nb1 out 0 i=v(out)*1n", "r1: '1M' is 1 milli"),
        ("*hwsim: trainable rl g_max=1e-7", "1 of 1 conductances of rl lie outside of their bounds"),
    ],
)
def test_what_is_often_meant_otherwise_is_warned_of(cards, warning):
    """It is read as ngspice reads it."""
    assert any(warning in str(result) for result in parse(deck(cards)).warnings)


@pytest.mark.parametrize("title", ["", "* ", " \t"])
def test_a_deck_without_a_title_is_called_as_its_file_is(tmp_path, title):
    """The file alone, wherever it lies; messages give its path."""
    path = tmp_path / "untitled.cir"
    path.write_text(deck("").replace("title", title, 1), encoding="utf-8")
    assert read_deck(path).circuit.name == "untitled.cir"


def test_a_first_line_that_is_a_card_is_warned_of():
    """SPICE takes the first line for the title, whatever it is."""
    text = deck("")
    assert not parse(text).warnings
    assert "the first line is the title" in str(parse(text.replace("title", "r5 out 0 1k", 1)).warnings[0])


@pytest.mark.parametrize(
    ("cards", "note"),
    [
        (".control\nquit\nr1 nonsense\n.endc", "the .control block is not executed"),
        (".tran 1n 1u", ".tran is left aside"),
        ("k1 l1 l2 0.5", "coupled inductors are short circuits in direct current"),
    ],
)
def test_what_is_left_aside_is_noted(cards, note):
    """Nothing disappears in silence."""
    assert any(note in str(result) for result in parse(deck(cards)).notes)


def test_a_deck_without_roles_says_how_to_give_it_some():
    """Inputs, outputs and trainable elements are no part of SPICE."""
    with pytest.raises(NetlistError, match=r"add a line like \*hwsim: input V1") as error:
        parse(deck("", roles=""))
    assert len(error.value.mistakes) == 3


def test_roles_may_come_from_outside():
    """Patterns stand in the place of the deck's own roles of the same kind, and leave the others."""
    given_roles = from_patterns(trainable=["r*"], inputs=["VIN"], outputs=["in,out", "OUT"])
    result = parse(deck("", roles=""), given_roles)
    assert result.members["r"] == ["rw", "rl"]
    assert result.circuit.outputs.plus.tolist() == [result.nodes["in"], result.nodes["out"]]
    assert result.circuit.outputs.minus.tolist() == [result.nodes["out"], 0]
    assert parse(deck("", roles=""), from_patterns(trainable=["rw,rl"], inputs=["VIN"], outputs=["in"])).members["rw"] == ["rw", "rl"]
    partly = parse(deck(""), from_patterns(trainable=["rl"]))
    assert [element.name for element in partly.circuit.trainable] == ["rl"]
    assert partly.circuit.outputs.plus.tolist() == [partly.nodes["out"]]


def test_features_are_numbered_as_they_come_unless_said_otherwise():
    """Each input takes the next feature; the sample that the deck shows is read with it."""
    cards = "va a 0 1\nvb 0 b 2\nvc c 0 3\nr1 a b 1\nr2 b c 1\n*hwsim: input vb scale=0.5\n*hwsim: input vc feature=0 scale=6\n"
    result = parse(deck(cards, roles="*hwsim: input va\n*hwsim: output out\n*hwsim: trainable rw\n"))
    assert {e.name: (e.feature.tolist(), e.scale.tolist()) for e in result.circuit.inputs} == {
        "vb": ([0], [-0.5]),
        "vc": ([0], [6.0]),
        "va": ([1], [1.0]),
    }
    np.testing.assert_array_equal(result.x, [4.0, 1.0])


def test_node_names_make_groups():
    """Rows are found, and every node keeps the name that the deck gives it."""
    result = parse(deck("r1 out h_0 1\nr2 h_0 h_1 1\nr3 h_1 7 1\nr4 7 n-1 1\nr5 n-1 h_2.x 1\nr6 h_2.x 0 1\nr7 n_1 0 1"))
    assert {"h", "7", "n-1", "n_1", "h_2.x"} <= {group.name for group in result.circuit.groups}
    assert result.circuit.nodes("h").tolist() == [result.nodes["h_0"], result.nodes["h_1"]]
    names = result.circuit.node_names
    assert (names[result.nodes["n-1"]], names[result.nodes["n_1"]]) == ("n-1", "n_1")


def test_resistors_with_two_numbers_make_a_crossbar():
    """If there is one between each row and each column; else they are single memristors."""
    cards = "\n".join(
        f"r_w_{i}_{j} {row} {column} {1 + i + 2 * j}k" for i, row in enumerate(["in", "out"]) for j, column in enumerate("abc")
    )
    ends = "\nr1 a 0 1\nr2 b 0 1\nr3 c 0 1"
    roles = "*hwsim: input vin\n*hwsim: output out\n*hwsim: trainable r_w_*\n"
    whole, partial = parse(deck(cards + ends, roles)), parse(deck(cards.replace("r_w_1_2", "r_v_1_2") + ends, roles))
    np.testing.assert_array_equal(1 / whole.g["w"], [[1e3, 3e3, 5e3], [2e3, 4e3, 6e3]])
    assert whole.circuit["w"].columns.tolist() == [whole.nodes[name] for name in "abc"]
    assert partial.g["w"].shape == (5,)


def test_a_deck_gets_nudges_added():
    """Where there are none, the outputs state between which nodes; where there are some, hwsim's own stand in their place."""
    cards = "gn 0 out y 0 1m\nvy y 0 0.5\nrn y 0 1k\n*hwsim: nudge gn vy rn"
    result = parse(deck(cards))
    assert "y" not in result.nodes
    assert len(result.circuit.outputs) == 1
    assert result.circuit.elements == parse(deck("")).circuit.elements or result.circuit.outputs.name == "gn"


@given(st.text(alphabet=st.sampled_from("rvxdbm.+*{}()='\"$;/ \t\n0123456789abckmeg-_,:#%"), max_size=200))
def test_nonsense_is_refused_and_never_crashes(text):
    """Whatever stands in a file, the answer is a deck or a NetlistError."""
    with suppress(NetlistError):
        parse(deck(text))


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path):
    """In the same words as everything else."""
    with pytest.raises(NetlistError, match=r"nowhere\.cir: No such file"):
        read_deck(tmp_path / "nowhere.cir")
    (tmp_path / "binary.cir").write_bytes(b"\x00\x01\xff")
    with pytest.raises(NetlistError, match="this is no text"):
        read_deck(tmp_path / "binary.cir")
    (tmp_path / "empty.cir").write_bytes(b"")
    with pytest.raises(NetlistError):
        read_deck(tmp_path / "empty.cir")

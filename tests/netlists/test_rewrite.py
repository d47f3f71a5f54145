"""A trained deck is the deck that was given, with the learned values in it and nothing else changed."""

import difflib

import numpy as np
import pytest

from circuits.chip import Chip
from circuits.elements import Resistors
from circuits.errors import CircuitError
from netlists.deck import encoded, expanded, rewrite, rewrite_files
from netlists.foreign.reread import misread
from netlists.text.findings import NetlistError
from netlists.write.writer import write_deck
from support.decks import BASE, ROLES
from support.reading import expand, parse, read_deck

ODD = (
    "My deck\r\n"
    "* a remark,  with   blanks\r\n"
    "Vin IN 0 DC 1 ; the input\r\n"
    "\tR_w_0   in\tA  1.5k   $ learns\r\n"
    "r_w_1 a 0\r\n"
    "* between\r\n"
    "+   R = {rr*2}  tc1=0.01 temp=37 // learns too\r\n"
    "R_w_2 a 0 2k m=4\r\n"
    "R3 a 0 1M\r\n"
    ".param rr=1k\r\n"
    "X1 a 0 cell r=5k\r\n"
    "x2 a 0 cell R=7k\r\n"
    ".subckt cell p q params: r=1k\r\n"
    "r1 p q {r}\r\n"
    ".ends\r\n"
    "*hwsim: input vin\r\n*hwsim: output a\r\n"
    "*hwsim: trainable r_w_# x#.r1 name=w g_max=1\r\n"
    ".control\r\nop\r\nprint all\r\n.endc\r\n.end\r\n"
    "\r\n* the end: \xe9\r\n"
)


def test_only_the_learned_values_change():
    """Comments, blanks, line ends, order, other values: all as they were; a value that is a parameter of an instance changes there."""
    deck = parse(ODD)
    assert deck.members["w"] == ["r_w_0", "r_w_1", "r_w_2", "x1.r1", "x2.r1"]
    np.testing.assert_allclose(1 / deck.g["w"], [1.5e3, 2.2e3, 500.0, 5e3, 7e3])
    g = {"w": np.array([1e-3, 1 / 3300.0, 1e-2, 2e-4, 3e-4])}  # the fourth is what it was
    text = rewrite(deck, g)
    changed = [line[2:] for line in difflib.ndiff(ODD.split("\n"), text.split("\n")) if line[0] == "+"]
    assert changed == [
        "\tR_w_0   in\tA  1000.0   $ learns\r",
        f"+   R = {3300.0 / 1.1!r}  tc1=0.01 temp=37 // learns too\r",
        "R_w_2 a 0 400.0 m=4\r",
        "x2 a 0 cell R=3333.3333333333335\r",
    ]
    again = parse(text)
    assert again.circuit == deck.circuit
    np.testing.assert_allclose(again.g["w"], g["w"], rtol=1e-15)


def test_what_has_not_changed_keeps_its_form():
    """`1.5k` stays `1.5k` when it is still that."""
    deck = parse(ODD)
    assert rewrite(deck, deck.g) == ODD
    g = {"w": deck.g["w"] * np.array([1, 1, 2, 1, 1])}
    assert rewrite(deck, g) == ODD.replace("2k m=4", "1000.0 m=4")


def test_learned_values_come_back_to_the_last_digit():
    """Plain values do, whatever the conductance."""
    text = f"title\n{BASE}" + "\n".join(f"r_w_{k} out 0 1k" for k in range(200)) + f"\n{ROLES}*hwsim: trainable r_w_#\n.end\n"
    g = parse(text).g | {"w": np.exp(np.random.default_rng(3).uniform(-16, -10, 200))}
    np.testing.assert_array_equal(parse(rewrite(parse(text), g)).g["w"], g["w"])


def test_the_bytes_of_a_file_stay_whatever_its_encoding(tmp_path):
    """A remark in Latin-1 survives."""
    path = tmp_path / "deck.cir"
    path.write_bytes(f"title\n* \xe9\n{BASE}{ROLES}.end\n".encode("latin-1"))
    deck = read_deck(path)
    assert encoded(rewrite(deck, deck.g)) == path.read_bytes()
    assert encoded(rewrite(deck, {"rw": np.array([5e-4])})) == path.read_bytes().replace(b"in out 1k", b"in out 2000.0")


def test_learned_values_in_included_files_are_written_there(tmp_path):
    """The deck itself does not hold them, and `rewrite` reports it instead of leaving them out."""
    (tmp_path / "more.inc").write_text("r7 out 0 1k\n", encoding="utf-8")
    path = tmp_path / "deck.cir"
    path.write_text(f"title\n{BASE}.include more.inc\n{ROLES}*hwsim: trainable r7\n.end\n", encoding="utf-8")
    deck = read_deck(path)
    g = dict(deck.g) | {"r7": np.array([5e-4])}
    assert {source.name: text for source, text in rewrite_files(deck, g).items()} == {"more.inc": "r7 out 0 2000.0\n"}
    with pytest.raises(NetlistError, match=r"more\.inc:1: holds values that learn; put them into the deck"):
        rewrite(deck, g)


CELLS = """cells
vin in 0 1
x1 in a cell r=2k
x2 in b cell r=3k
r3 a b 1k
.subckt cell p q r=1k
rw p q 1k
r2 q 0 {r}
.ends
*hwsim: input vin
*hwsim: output a
*hwsim: output b
*hwsim: trainable x#.rw name=w g_min=1e-6 g_max=1
.end
"""


def test_a_value_that_instances_share_changes_once():
    """When they learned the same; otherwise the text has no place for both, and the expanded deck has."""
    deck = parse(CELLS)
    assert rewrite(deck, {"w": np.array([5e-4, 5e-4])}) == CELLS.replace("rw p q 1k", "rw p q 2000.0")
    g = {"w": np.array([5e-4, 2e-3])}
    with pytest.raises(NetlistError, match=r"deck:7: r\.x2\.rw shares its value with r\.x1\.rw, and they have 500 and 2000 ohm; .*--flat"):
        rewrite(deck, g)
    again = parse(expanded(deck, g))
    assert again.circuit == deck.circuit
    np.testing.assert_allclose(again.g["w"], g["w"], rtol=1e-15)
    np.testing.assert_array_equal(again.x, deck.x)


def test_a_value_is_not_changed_for_an_element_that_does_not_learn():
    """It shares the value with one that does: neither the user's text nor the deck that simulates it has a place for the learned one."""
    deck = parse(CELLS.replace("x#.rw", "x1.rw"))
    learned = {"w": np.array([5e-4])}
    with pytest.raises(NetlistError, match=r"deck:7: r\.x1\.rw shares its value with r\.x2\.rw, and they have 2000 and 1000 ohm"):
        rewrite(deck, learned)
    with pytest.raises(CircuitError, match=r"r\.x1\.rw shares its value with r\.x2\.rw"):
        write_deck(deck.circuit, Chip.nominal(deck.circuit), learned, x=deck.x)
    assert "rw p q 1k" in rewrite(deck, deck.g)
    assert "rw p q 1000.0" in write_deck(deck.circuit, Chip.nominal(deck.circuit), deck.g, x=deck.x)


@pytest.mark.parametrize("other", ["rw p q {2*r}", ".param twice={2*r}\nrw p q {twice}"])
def test_a_parameter_that_others_read_too_stays(other):
    """A trainable resistor gets a value of its own in its card, and what else the instance's parameter sets remains as it was."""
    deck = parse(CELLS.replace("x#.rw", "x1.r2").replace("rw p q 1k", other).replace("x2 in b cell r=3k", "r4 in b 3k"))
    again = parse(rewrite(deck, {"w": np.array([1e-4])}))
    np.testing.assert_allclose(again.g["w"], 1e-4, rtol=1e-12)
    assert {name: r.tolist() for name, r in fixed(again).items()} == {name: r.tolist() for name, r in fixed(deck).items()}


def test_a_parameter_that_a_subcircuit_within_reads_stays():
    """The inner subcircuit's resistor is what it was."""
    inner = ".subckt inner p q\nr9 p q {r}\n.ends\nx9 p 0 inner\n"
    deck = parse(CELLS.replace("rw p q 1k", f"{inner}rw p q {{r}}").replace("r2 q 0 {r}\n", "").replace("x#.rw", "x1.rw"))
    g = {"w": np.array([1 / 3000])}
    assert "x1 in a cell r=2k" in rewrite(deck, g)
    assert misread(deck, g, expand) == ""


def test_what_else_a_learned_value_would_change_is_refused():
    """A condition reads the parameter that is the resistance: ngspice, asked again, puts another resistor next to it."""
    branches = "rw p q {r}\n.if (r > 2500)\nr2 q 0 1k\n.else\nr2 q 0 9k\n.endif\n"
    deck = parse(CELLS.replace("rw p q 1k\nr2 q 0 {r}\n", branches))
    assert misread(deck, {"w": np.array([1 / 2400, 1 / 2600])}, expand) == ""
    reason = misread(deck, {"w": np.array([1 / 2400, 1 / 2300])}, expand)
    assert reason.startswith("deck: x2.r2 would have 9000 ohm in the user's text, and must have 1000: a parameter sets several values")


def fixed(deck):
    """Return the resistances that do not learn [ohm]."""
    return {element.name: element.r for element in deck.circuit.of(Resistors)}


def test_wrong_conductances_are_refused():
    """As everywhere."""
    deck = parse(ODD)
    with pytest.raises(ValueError, match="w: conductance"):
        rewrite(deck, {"w": np.array([0.0, 1, 1, 1, 1])})


@pytest.mark.parametrize("k", [1, 2])
def test_of_two_branches_the_one_that_counts_changes(k):
    """Its resistor and its source have twins of the same names in the other branch, which stays as it is."""
    text = (
        f"branches\n.param k={k}\n.if (k==1)\nvin in 0 1\nrw in out 1k\n.else\nvin in 0 2\nrw in out {{2k*k}}\n.endif\n"
        "rl out 0 1k\n*hwsim: input vin\n*hwsim: output out\n*hwsim: trainable rw\n.end\n"
    )
    deck = parse(text)
    assert deck.x.tolist() == [float(k)]
    assert deck.foreign.lines[deck.foreign.sources["vin"]].number == (4 if k == 1 else 7)
    old, new = ("rw in out 1k", "rw in out 500.0") if k == 1 else ("rw in out {2k*k}", "rw in out 2000.0")
    assert rewrite(deck, {"rw": 2 * deck.g["rw"]}) == text.replace(old, new)

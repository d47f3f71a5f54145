"""ngspice expands strangers' decks in a process that can do nothing else: what it reports of each card, and what it must not be asked."""

import subprocess
import sys

import pytest

import hwsim
from hwsim.ngspice import expander
from hwsim.ngspice.expander import expand
from hwsim.ngspice.sandbox import landlock
from netlists.foreign.allowed import meant_options, refused
from netlists.foreign.expansion import ExpansionError
from netlists.foreign.flat import Listing

DECK = """\
Vin s 0 dc {vv} ac 1
X1 s v+ sub m=3 rr=2k
R3 v+ 0 rmod l=10u w=2u tc1=1e-3 m=2
.model rmod r(rsh=100 tnom=30)
.param vv=3
.temp 50
.subckt sub a b rr=1k
R1 a b {rr*2} m=2
Dx b 0 dm area=2
.model dm d(is={1e-14*2} rs=1)
.func twice(x) {x*2}
R9 q 0 {twice(500)}
B1 q 0 V=v(a)*vv
.ends
L1 v+ 1 1m
RL 1 0 5k
E5 e5 0 poly(2) s 0 v+ 0 1 2 3
R5 e5 0 1k
.options rseries=3 gmin=1e-13
""".splitlines()


@pytest.fixture(scope="module")
def expansion():
    """Expand a deck of everything once."""
    return expand(DECK)


def test_each_flat_card_knows_the_card_that_it_comes_from(expansion):
    """Also inside of subcircuits, and where ngspice puts several cards in the place of one."""
    of = {card.name: DECK[card.place].split()[0] for card in Listing.of(expansion.cards).cards}
    assert of == {
        "vin": "Vin",
        "r.x1.r1": "R1",
        "d.x1.dx": "Dx",
        "r.x1.r9": "R9",
        "b.x1.b1": "B1",
        "r3": "R3",
        "l1": "L1",
        "rl1_intern__": "L1",
        "rl": "RL",
        "a$poly$e5": "E5",
        "r5": "R5",
    }


def test_values_are_those_that_ngspice_works_with(expansion):
    """An m of an instance takes the place of that of a card; sheets, parameters and functions have become numbers."""
    values = expansion.values
    assert values["r.x1.r1"]["resistance"] == 4e3
    assert values["r3"]["resistance"] == 500.0
    assert values["d.x1.dx"]["area"] == pytest.approx(6.0)
    assert values["x1:dm"]["is"] == 2e-14
    drop = expansion.voltages["s"] - expansion.voltages["v+"]
    assert values["r.x1.r1"]["i"] == pytest.approx(3 * drop / 4e3, rel=1e-9)
    assert (expansion.temperature, expansion.nominal, expansion.gmin) == (50.0, 27.0, 1e-13)


def test_nodes_have_the_names_that_the_deck_gives_them(expansion):
    """`1` is no V(1)."""
    assert {"s", "v+", "1", "x1.q", "e5"} <= expansion.voltages.keys()
    assert expansion.voltages["e5"] == pytest.approx(1 + 2 * 3 + 3 * expansion.voltages["v+"], rel=1e-9)


@pytest.mark.parametrize(
    ("cards", "message", "place"),
    [
        (["V1 a 0 1", "R1 a 0 {foo}"], "Undefined parameter", 1),
        (["V1 a 0 1", "B1 a 0 V="], "syntax error", 1),
        (["V1 a 0 1", "M1 a a 0 0 nope"], "can't find model 'nope'", 1),
        (["V1 a 0 1", "V2 a 0 2 ac 1"], "finds no operating point", None),
    ],
)
def test_what_ngspice_refuses_is_reported_with_its_card(cards, message, place):
    """The library may die of it: its process is thrown away."""
    with pytest.raises(ExpansionError, match=message) as error:
        expand(cards)
    assert error.value.place == place


@pytest.mark.parametrize(
    "card",
    [
        "A1 [a] [b] gate",
        "N1 a b model",
        ".model gate d_source(input_file=x)",
        ".control",
        ".include /etc/passwd",
        ".lib x y",
        ".csparam x=1",
        "V1 a 0 pwl file=x",
        "R1 a 0 `id`",
        'R1 a 0 "x"',
        "R1 a 0 $x",
        "R1 a 0 1;quit",
        "R\u00e9 a 0 1",
        "R1 a 0 {agauss(1,2,3)}",
        "quit",
        "",
    ],
)
def test_what_could_read_or_start_something_is_refused(card):
    """Before ngspice sees it, wherever the system cannot confine a process."""
    assert refused(card)


def test_of_options_those_are_passed_on_that_mean_something():
    """What ngspice prints and writes is none of a deck's business; an unknown name is reported."""
    assert meant_options(".options scale=1u rawfile=x gmn=1 acct badmos3 temp = {20*2}") == (
        ".options scale=1u badmos3 temp = {20*2}",
        ["gmn"],
    )


def test_a_library_s_user_reads_any_deck(tmp_path):
    """`hwsim.read_deck` asks ngspice where it must, in a process that ends with the deck."""
    roles = "*hwsim: input vin\n*hwsim: output s\n*hwsim: trainable rw"
    path = tmp_path / "my.cir"
    path.write_text(f"mine\nvin s 0 {{vv*2}}\nrw s 0 1k\n.param vv=3\n{roles}\n.end\n", encoding="utf-8")
    assert hwsim.read_deck(path).x.tolist() == [6.0]


_READING = """
import sys
from pathlib import Path
from hwsim.ngspice.sandbox import close_reading
print(close_reading(Path(sys.argv[1]), [sys.prefix, sys.base_prefix]))
for name in sys.argv[2:]:
    try:
        open(name).close()
        print("read")
    except OSError as error:
        print(error.strerror)
"""


@pytest.mark.skipif(landlock() < 1, reason="this system has no Landlock")
def test_a_confined_process_reads_its_own_folder_alone(tmp_path):
    """Neither the system's accounts nor a neighbour's file."""
    home, secret = tmp_path / "home", tmp_path / "secret"
    home.mkdir()
    secret.write_text("secret", encoding="utf-8")
    (home / "own").write_text("own", encoding="utf-8")
    command = [sys.executable, "-c", _READING, str(home), str(home / "own"), str(secret), "/etc/passwd"]
    confined, *printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    assert [confined, *printed] == ["True", "read", "Permission denied", "Permission denied"]


def test_a_system_without_a_sandbox_is_warned_of_once(monkeypatch, caplog):
    """Before the first deck of somebody else's, in one line."""
    monkeypatch.setattr(expander, "landlock", lambda: 0)
    expander.warn_without_sandbox.cache_clear()
    for _ in range(2):
        expander.warn_without_sandbox()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "only decks that you trust" in caplog.text

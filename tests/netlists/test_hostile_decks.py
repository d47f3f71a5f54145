"""A deck from a stranger is data: whatever it holds, nothing of it is executed, no file appears, and notes name what was left aside."""

import contextlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits.chip import Chip
from cli.main import main
from hwsim.core.protocol import Drive
from hwsim.ngspice import solver
from hwsim.ngspice.limits import WorkerLimits
from hwsim.ngspice.ngspice_engine import NgspiceEngine
from hwsim.ngspice.ngspice_errors import NgspiceDeckError, NgspicePointError
from hwsim.ngspice.pool import Pool
from hwsim.ngspice.sandbox import _WITH_TRUNCATE, landlock
from netlists.foreign.allowed import first_refused, refused
from netlists.text.findings import NetlistError
from netlists.write.writer import write_deck
from support.hostile_folder import CORPUS, lay_out
from support.reading import parse, read_deck

EXPECTED = re.compile(rb"\* expect (refused|noted|read): (.+)")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Lay everything out, and share one worker, which all decks meet in turn."""
    place = tmp_path_factory.mktemp("hostile")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in lay_out(place).items():
            patch.setenv(name, value)
        patch.chdir(place / "working")
        pool = Pool(1, WorkerLimits(silence=60.0))
        patch.setattr(solver, "Pool", lambda *_: pool)
        yield place
        pool.close()


def files(place):
    """List all that lies there."""
    return set(place.rglob("*"))


FEATURE = re.compile(r"\.param feature_*\d+=-?[0-9.]+(?:e[-+]\d+)?")
"""What a deck for people has for a feature: a plain number."""


@pytest.mark.parametrize("name", [path.stem for path in CORPUS])
def test_nothing_in_a_deck_is_carried_out(name, place):
    """It is refused with a line that states why, or read as a circuit, whose deck is harmless too, and solved by ngspice."""
    path = place / "deck" / f"{name}.cir"
    kind, message = (word.decode() for word in EXPECTED.search(path.read_bytes()).groups())
    before = files(place)
    if kind == "refused":
        with pytest.raises(NetlistError) as error:
            read_deck(path)
        assert message in str(error.value)
    else:
        deck = read_deck(path)
        assert kind == "read" or message in "\n".join(map(str, (*deck.notes, *deck.warnings)))
        chip = Chip.nominal(deck.circuit)
        written = write_deck(deck.circuit, chip, deck.g, x=deck.x).partition(".control")[0]
        lines = [line for line in written.rstrip("\n").split("\n") if not FEATURE.fullmatch(line)]  # engines write none of these
        assert first_refused(lines) is None
        with NgspiceEngine(workers=1).prepare(deck.circuit, chip) as engine, contextlib.suppress(NgspiceDeckError, NgspicePointError):
            engine.solve(deck.g, Drive(deck.x[None]))
    assert files(place) == before


def test_a_deck_that_is_trusted_includes_what_lies_elsewhere(place):
    """Only who asks for it gets it; commands stay what they are: left aside."""
    for name in ("include-above", "include-link", "include-linked-folder"):
        path = place / "deck" / f"{name}.cir"
        assert "r9" in read_deck(path, trust=True).places["rw"].table.names
    for name in ("control-shell", "star-sharp", "include-control"):
        read_deck(place / "deck" / f"{name}.cir", trust=True)
    assert not (place / "escaped").exists()


@pytest.mark.parametrize(
    "line",
    [
        ".control",
        ".include x",
        ".lib x y",
        ".csparam x=1",
        "*# shell x",
        "*ng_script\r",
        "shell x",
        "a1 [x] y",
        "R1 a 0 `x`",
        "R1 a 0 1\r.control",
        "B1 a 0 V=1\u2028.control",
        'V1 a 0 pwl file="x"',
        "R1 a$x 0 1",
        "+ 1",
        "",
        "* a\x0cb",
        ".save v(a)\r.control",
        ".save `x`",
        ".save v(a) ; x",
        ".model foo(filesource d",
        ".model foo,filesource r",
        ".model foo=filesource d",
        ".model foo)filesource d",
        ".model {a d} filesource",
        ".model {a} d filesource",
        ".model 'a d' filesource",
        '.model "a d" filesource',
        ".model foo d{x}",
        ".model foo filesource d",
    ],
)
def test_what_could_be_a_command_never_reaches_ngspice(line):
    """Whatever a name or an expression brought into a deck, the worker looks through it once more before ngspice sees it."""
    assert first_refused(["* title", "R1 a 0 1", line]) is not None
    assert (
        first_refused(
            ["* title", "R1 a 0 1", ".options gmin=1e-18", "B_1 a 0 I = V(a) * V(a,b)", ".save v(a) a v+", ".model 1N4148 d(is=1n)", ".end"]
        )
        is None
    )


@given(
    st.lists(st.sampled_from([*"rR1aAn_. +-=(){}`$;,'\"\\", "file", "agauss", "limit", "\xb5", "1e3"]), min_size=1, max_size=12).map(
        "".join
    )
)
def test_a_glance_passes_no_card_that_a_closer_look_refuses(card):
    """Cards of names and numbers, the bulk of each update's deck, pass faster than others, and by the same rules."""
    assert (first_refused([card]) is None) == (refused(card) is None)


SANDBOXED = """
import os, socket, sys
from pathlib import Path
from hwsim.ngspice.sandbox import close_behind
from hwsim.ngspice.seccomp import refuse_sockets

def can(what, *given):
    try:
        what(*given)
    except OSError:
        return False
    return True

home, outside = Path(sys.argv[1]), Path(sys.argv[2])
held = close_behind(home)
print(held, can((home / "in").write_text, "1"), can((outside / "out").write_text, "1"), can((outside / "old").unlink),
    can(os.truncate, outside / "old", 0), can(os.execv, "/bin/true", ["true"]))
before, other = socket.socketpair()
kinds = (socket.AF_INET, socket.SOCK_STREAM), (socket.AF_INET, socket.SOCK_DGRAM), (socket.AF_UNIX, socket.SOCK_STREAM)
print(refuse_sockets(), can(before.send, b"1"), *(can(socket.socket, *kind) for kind in kinds), can(socket.socketpair))
"""


@pytest.mark.skipif(landlock() < _WITH_TRUNCATE, reason="this system's Landlock is missing or too old")
def test_a_sandbox_confines_a_process(tmp_path):
    """Nothing outside can be written, removed or run, and no socket opened, even by code that knows of the sandbox."""
    (tmp_path / "home").mkdir()
    (tmp_path / "old").write_text("kept", encoding="utf-8")
    words = [sys.executable, "-c", SANDBOXED, str(tmp_path / "home"), str(tmp_path)]
    printed = subprocess.run(words, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]).stdout.split()
    assert printed == ["True", "True", "False", "False", "False", "False", "True", "True", "False", "False", "False", "False"]
    assert (tmp_path / "old").read_text(encoding="utf-8") == "kept"


def test_included_files_that_are_no_text_are_named(tmp_path):
    """The message names which file, and which line of it."""
    (tmp_path / "odd.inc").write_text("r1 out 0 1k\nr2 out 0 1k\x0b\n", encoding="utf-8")
    with pytest.raises(NetlistError, match=r"odd\.inc:2: holds '\\x0b'"):
        parse("title\n.include odd.inc\n.end\n", path=tmp_path / "deck.cir")


def test_only_the_command_line_trusts_a_deck(place, capsys, monkeypatch):
    """It is read, and what it includes too; to be trained it must have its files next to it. Without --trust the line states how."""
    monkeypatch.chdir(place / "deck")
    words = ["include-above.cir", "--outputs", "out"]
    assert main(["inspect", *words]) == 2
    assert "trust the deck (--trust)" in capsys.readouterr().err
    assert main(["solve", *words, "--trust"]) == 0
    (place / "data.csv").write_text("".join(f"0.{k},{'ab'[k % 2]}\n" for k in range(1, 9)), encoding="utf-8")
    assert main(["train", *words, "--trust", "--data", str(place / "data.csv"), "--out", str(place / "run")]) == 2
    assert "copy them into its folder" in capsys.readouterr().err
    assert not (place / "run").exists()
    assert main(["inspect", *words]) == 2

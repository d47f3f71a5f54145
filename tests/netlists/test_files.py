"""Decks include files of their own folder, and nothing else."""

import pytest

from netlists.text.findings import NetlistError
from support.decks import BASE, ROLES, operating_point
from support.reading import read_deck


def write(folder, cards, **files):
    """Write a deck and the files that it includes; `__` in their names is a slash, `_` a dot."""
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    path = folder / "deck.cir"
    path.write_text(f"title\n{BASE}{cards}\n{ROLES}.end\n", encoding="utf-8")
    return path


def test_includes_and_sections_of_libraries_are_followed(tmp_path):
    """Next to the deck and next to the file that names them, as ngspice does; in quotes or without; a first line is no title there."""
    path = write(
        tmp_path,
        ".include 'sub/one.inc'\n.INC two.inc\n.lib \"parts.lib\" FAST\n.include last.inc",
        sub__one_inc="r1 out a 1k\n.include three.inc\n",
        sub__three_inc="r2 a 0 2k\n",
        two_inc="r3 a 0 3k\n+ m=2\n",
        parts_lib=".lib slow\nr4 a 0 1\n.endl\n.lib fast\nr4 a 0 4k\n.endl fast\n",
        last_inc="r5 a 0 5k",
    )
    deck = read_deck(path)
    table = deck.places["rw"].table
    assert dict(zip(table.names, table.ohm, strict=True)) == {
        "rw": 1e3,
        "rl": 3.3e3,
        "r1": 1e3,
        "r2": 2e3,
        "r3": 1.5e3,
        "r4": 4e3,
        "r5": 5e3,
    }
    assert operating_point(path.read_text(encoding="utf-8"), tmp_path).v["a"] == pytest.approx(0.7 * 0.2, rel=0.5)


@pytest.mark.parametrize(
    ("card", "message"),
    [
        (".include nowhere.inc", "deck.cir:6: nowhere.inc: there is no such file"),
        (".include ../secret.inc", "only files in the deck's own folder are read"),
        (".include sub/../../secret.inc", "only files in the deck's own folder are read"),
        (".include /etc/passwd", "only files in the deck's own folder are read"),
        (".include link.inc", "link.inc: is a link or lies behind one"),
        (".include linked/x.inc", "is a link or lies behind one"),
        (".include sub", "sub: there is no such file"),
        (".include", ".include takes one file"),
        (".include a b", ".include takes one file"),
        (".lib x.lib", ".lib takes a file and the name of a section"),
        (".lib x.lib fast", "x.lib has no section fast; it has slow, open"),
        (".lib x.lib open", "section open of x.lib has no .endl; add one"),
        (".include circle.inc", "files include one another more than 20 deep; break the circle"),
        (".include wrong.inc", "wrong.inc:2: r9: '4k7'"),
    ],
)
def test_what_cannot_be_included_is_refused(card, message, tmp_path):
    """Neither by .. nor by a link does a deck reach out of its folder; mistakes in an included file are named there."""
    folder = tmp_path / "deck"
    folder.mkdir()
    (tmp_path / "secret.inc").write_text("r9 out 0 1k\n", encoding="utf-8")
    (folder / "link.inc").symlink_to(tmp_path / "secret.inc")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "x.inc").write_text("r9 out 0 1k\n", encoding="utf-8")
    (folder / "linked").symlink_to(tmp_path / "outside")
    path = write(
        folder,
        card,
        x_lib=".lib slow\n.endl\n.lib open\nr1 out 0 1\n",
        circle_inc=".include circle.inc\n",
        wrong_inc="* remark\nr9 out 0 4k7\n",
        sub__x_inc="",
    )
    with pytest.raises(NetlistError) as error:
        read_deck(path)
    assert message in str(error.value)


def test_a_name_that_means_two_files_is_refused(tmp_path):
    """One of them would be taken in silence by ngspice."""
    path = write(tmp_path, ".include sub/one.inc", sub__one_inc=".include two.inc\n", sub__two_inc="r1 out 0 1\n", two_inc="r1 out 0 2\n")
    with pytest.raises(NetlistError, match=r"two\.inc: lies both in"):
        read_deck(path)

"""`hwsim crossbar`: what it prints, the deck that it writes, and what it refuses."""

import re
import subprocess

import numpy as np
import pytest

from circuits.wires import Wires
from hwsim.inspection.ir_drop import ReadCrossbar
from hwsim.numeric.general.general_solver import GeneralEngine

G = np.random.default_rng(1).uniform(1e-6, 1e-4, (3, 4))


def test_the_deck_prints_the_currents(hwsim, tmp_path):
    """The deck that the command writes prints, in ngspice alone, the currents that the command reports."""
    table = tmp_path / "g.csv"
    table.write_text("\n".join(",".join(map(repr, row)) for row in (G).tolist()))
    deck = tmp_path / "crossbar.cir"
    answer = hwsim("crossbar", "--conductances", str(table), "--wire", "0.5", "--volt", "1.5", "-o", str(deck), "--json")
    assert answer.code == 0, answer.err
    printed = subprocess.run(["ngspice", "-b", str(deck)], capture_output=True, text=True, check=True, timeout=60).stdout
    amperes = [float(number) for number in re.findall(r"^i_\d+ = (\S+)", printed, re.MULTILINE)]
    assert amperes == pytest.approx(answer.json["currents_A"], rel=1e-9)
    result = ReadCrossbar(g=G, v=np.full(3, 1.5), wires=Wires(row=0.5, column=0.5)).solve(GeneralEngine())
    assert amperes == pytest.approx(result.currents.tolist(), rel=1e-9)


def test_several_are_a_table(hwsim, tmp_path):
    """Each size meets each resistance, more of it loses more, and one crossbar alone has the numbers of its line."""
    several = hwsim("crossbar", "4x4", "4x8", "--wire", "1,5", "--fill", "random", "--json").json["crossbars"]
    assert [(one["columns"], one["row_wire_ohm"]) for one in several] == [(4, 1), (4, 5), (8, 1), (8, 5)]
    assert several[0]["rms_error"] < several[1]["rms_error"]
    picture = tmp_path / "map.png"
    alone = hwsim("crossbar", "4x8", "--wire", "5", "--fill", "random", "--plot", str(picture), "--json").json
    assert {name: alone[name] for name in several[3]} == several[3]
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["3"], "rows and columns"),
        (["0x4"], "rows and columns"),
        (["5000x5000"], "at most"),
        ([], "give the SIZE"),
        (["4x4", "--wire", "1,x"], "give ohms"),
        (["4x4", "--wire", "nan"], "give ohms"),
        (["4x4", "--fill", "random", "--g-min", "1", "--g-max", "0.1"], "above --g-max"),
        (["4x4", "8x8", "-o", "x.cir"], "is of one crossbar"),
        (["4x4", "--column-wire", "1,2"], "takes one number"),
        (["4x4", "--column-wire", "nan"], "--column-wire nan: give ohms"),
        (["4x4", "--wire", "1e30"], "below 1e12"),
        (["4x4", "--volt", "nan"], "'--volt': nan is no finite number"),
        (["4x4", "--g-max", "inf"], "'--g-max'"),
        (["4x4", "--g-min", "1e-7"], "--g-min is about conductances that are drawn; add --fill random"),
        (["4x4", "--seed", "5"], "--seed is about conductances that are drawn"),
        (["--conductances", "good.csv", "--fill", "random"], "--fill is about crossbars of a SIZE"),
        (["--conductances", "good.csv", "--g-max", "1e-3"], "omit --g-max"),
        (["--conductances", "bad.csv"], "row 1, column 1: -4 S; give what a memristor conducts"),
        (["--conductances", "huge.csv"], "row 0, column 1: 1e+300 S"),
        (["--conductances", "ragged.csv"], "as many cells as the first"),
    ],
)
def test_bad_input_is_one_line(hwsim, tmp_path, monkeypatch, arguments, words):
    """What cannot be solved is refused in a line with the reason."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.csv").write_text("1,2\n3,4\n")
    (tmp_path / "huge.csv").write_text("1,1e300\n")
    (tmp_path / "bad.csv").write_text("1,2\n3,-4\n")
    (tmp_path / "ragged.csv").write_text("1,2\n3\n")
    answer = hwsim("crossbar", *arguments)
    assert answer.code == 2
    assert words in answer.err
    assert answer.err.count("\n") == 1
    assert not answer.out


def test_what_is_not_drawn_has_no_least_conductance(hwsim):
    """Devices that are on may conduct less than the default of --g-min, which is of drawn ones."""
    answer = hwsim("crossbar", "4x4", "--g-max", "1e-8", "--json")
    assert answer.code == 0, answer.err

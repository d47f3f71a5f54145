"""Decks without a word about hwsim: described and solved as they are, and given roles by options."""

import shlex
from pathlib import Path

import numpy as np
import pytest

DECK = """* an amplifier
VIN in 0 0.7
IB 0 b 1m
R1 in b 1k
R2 c vcc 1k
VCC vcc 0 5
Q1 c b 0 qn
.model qn npn
.end
"""
FLAT = "* a divider\nV1 s 0 1\nR1 s o 1k\nR2 o 0 3k\n.end\n"


@pytest.fixture(autouse=True)
def decks(tmp_path: Path) -> None:
    """Put the decks into the folder."""
    (tmp_path / "amp.cir").write_text(DECK)
    (tmp_path / "flat.cir").write_text(FLAT)


def test_a_deck_without_roles_is_described(hwsim):
    """With its parts, what has no role and what could have one; a picture shows it."""
    seen = hwsim("inspect", "amp.cir", "--json").json
    assert (seen["counts"]["inputs"], seen["counts"]["outputs"], seen["counts"]["Passed"], seen["blocks"]) == (0, 0, 1, [])
    for option, there in (("inputs", "vin, ib, vcc"), ("outputs", "in, b, vcc, c"), ("trainable", "r1, r2")):
        assert any(f"or --{option}; there are {there}" in warning for warning in seen["warnings"])
    assert hwsim("inspect", "flat.cir", "--plot", "flat.png").code == 0
    assert Path("flat.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("engine", ["numeric", "ngspice"])
def test_a_deck_without_roles_is_solved(hwsim, engine):
    """All its nodes are printed; it cannot be trained, and one line names each role."""
    answer = hwsim("solve", "flat.cir", "--engine", engine)
    assert "o      0.750000000" in answer.out
    refused = hwsim("train", "flat.cir", "--data", "xor", "--engine", engine)
    assert (refused.code, refused.err.count("the deck declares no")) == (2, 3)


def test_roles_come_from_options_alone(hwsim):
    """Commas or repeated options name several; a pair of nodes stands between commas with a blank; a current may be an input."""
    roles = shlex.split("--inputs VIN,IB --trainable R1 --outputs")
    one = hwsim("solve", "amp.cir", "--engine", "ngspice", "--json", *roles, "c,b vcc").json
    two = hwsim("solve", "amp.cir", "--engine", "ngspice", "--json", *roles, "c", "--outputs", "b vcc").json
    v = {name: values[0][0] for name, values in one["voltages"].items()}
    np.testing.assert_allclose(one["outputs"][0], [v["c"], v["b"] - v["vcc"]], rtol=1e-12)
    assert one["outputs"] == two["outputs"]


CELLS = """* two cells
V1 in 0 1
X1 in a cell
X2 in b cell
RA a 0 1k
RB b 0 2k
.subckt cell p q
RW p q 1k
.ends
.end
"""


def test_learned_values_of_a_shared_text_are_written_flat(hwsim):
    """One value cannot be two: without --flat nothing is written, and a note has the reason; with it each cell has its card."""
    Path("cells.cir").write_text(CELLS)
    Path("volts.csv").write_text("in,v(a),v(b)\n1,0.3,0.8\n2,0.6,1.6\n")
    roles = shlex.split("--inputs V1 --outputs a,b --trainable X#.RW")
    train = ["train", "cells.cir", "--data", "volts.csv", "--epochs", "2", "--out", "run", *roles]
    refused = hwsim(*train, "--write", "one.cir")
    assert (refused.code, Path("one.cir").exists()) == (1, False)
    assert "one.cir: not written: cells.cir:8: r.x" in refused.err
    assert "shares its value with r.x" in refused.err
    trained = hwsim(*train, "--resume", "--write", "two.cir", "--flat", "--json").json
    written = hwsim("evaluate", "two.cir", "--data", "volts.csv", "--json").json
    assert written["test_error"] == pytest.approx(trained["test_error"], rel=1e-9)
    assert Path("run/circuit.cir").read_text() == Path("two.cir").read_text()
    omitted = hwsim(*shlex.split("train flat.cir --data volts.csv --flat --write x.cir --inputs V1 --outputs o,s --trainable R1"))
    assert "--flat expands subcircuits and parameters, and flat.cir has none" in omitted.err

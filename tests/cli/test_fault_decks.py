"""Decks of temperatures, models and options that cannot be: each command refuses them in one line, with file and remedy."""

import pytest

from cli.main import main

DECK = "a fault\nV1 in 0 0.7\nRt in a 10k\n{}\n*hwsim: input V1\n*hwsim: output a\n*hwsim: trainable Rt g_min=1e-12 g_max=10\n.end\n"

FAULTS = {
    "band gap": ("D1 a 0 d1 temp=50\n.model d1 d(is=1e-14 eg=1e300)", "correct values, models or temperatures"),
    "zero kelvin": ("D1 a 0 d1 temp=-273.15\n.model d1 d(is=1e-14)", "must be above -273.15 °C"),
    "transistor below zero kelvin": ("M1 a in 0 0 n1 dtemp=-400\nR2 a 0 1k\n.model n1 nmos", "must be above -273.15 °C"),
    "option": ("R2 a 0 1k\n.options tnom=-300", "must be above -273.15 °C"),
    "n": ("D1 a 0 d1\n.model d1 d(n=1e-320)", "must be between"),
    "number": ("R2 a 0 1e400", "write one below"),
}

COMMANDS = {
    "inspect": "inspect my.cir",
    "solve": "solve my.cir",
    "solve by ngspice": "solve my.cir --engine ngspice",
    "check": "check my.cir",
    "compile": "compile my.cir -o out.cir",
    "train": "train my.cir --data my.csv --out run",
    "evaluate": "evaluate my.cir --data my.csv",
    "sweep": "sweep my.cir --data my.csv --vary training.beta=1e-6:1e-5:2 --out sweep",
    "tune": "tune my.cir --data my.csv --vary training.beta=1e-6:1e-5 --out tuned",
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_deck_that_cannot_be_is_refused_in_one_line(fault, command, tmp_path, monkeypatch, capsys):
    """Exit 2, nothing written, no traceback and no warning of a library."""
    monkeypatch.chdir(tmp_path)
    cards, remedy = FAULTS[fault]
    (tmp_path / "my.cir").write_text(DECK.format(cards), encoding="utf-8")
    (tmp_path / "my.csv").write_text("x,y\n0.1,a\n0.9,b\n0.2,a\n0.8,b\n", encoding="utf-8")
    assert main(COMMANDS[command].split()) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(("hwsim: my.cir:4: ", "hwsim: my.cir:5: "))
    assert remedy in line
    assert {path.name for path in tmp_path.iterdir()} == {"my.cir", "my.csv"}

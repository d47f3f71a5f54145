"""Decks of runs: ngspice itself names which class they answer, and stays open at a terminal."""

import itertools
import os
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from circuits.chip import Chip
from hwsim.experiment.loading import load
from hwsim.runs.deck import deck
from hwsim.session import Session
from netlists.measure.answered import Answered
from netlists.write.writer import write_deck
from support.decks import run_ngspice

VERDICT = re.compile(r"^verdict: the circuit answers class (\S+): (right|wrong: the sample is of class (\S+))$", re.MULTILINE)


@pytest.mark.parametrize(("what", "settings"), [("xor", []), ("iris", []), ("iris", ["variation.adc_offset=1"])])
def test_the_verdict_is_what_evaluation_answers(what: str, settings: list[str], tmp_path: Path) -> None:
    """With one output pair for two classes, with one a class, and by what converters read; it is the last that the deck prints."""
    session = Session.of(load(what, settings))
    g, data = session.begun(), session.data
    with session.solver() as solver:
        answers = session.evaluate(solver, g, data.x_test, session.task.test).answers
    for sample in (0, len(answers) - 1):
        printed = run_ngspice(deck(session, g, sample=sample), tmp_path)
        answer, message, true = VERDICT.findall(printed)[0]
        assert answer == data.class_names[answers[sample]]
        assert (message == "right") == (answers[sample] == data.labels_test[sample])
        assert true in {"", data.class_names[data.labels_test[sample]]}
        assert printed.strip().splitlines()[-2].startswith("verdict")


def test_a_deck_has_no_verdict_where_converters_round(tmp_path: Path) -> None:
    """It prints voltages, which may mean another class than what was read of them, and reports it."""
    session = Session.of(load("iris", ["variation.adc_bits=3", "variation.adc_full_scale=0.1"]))
    text = deck(session, session.begun())
    assert "what converters make of them, and so an answer, is left out" in text
    assert "verdict" not in run_ngspice(text, tmp_path)


def test_names_of_classes_are_names_alone(tmp_path: Path) -> None:
    """Whatever a name holds, no command of ngspice comes of it."""
    circuit = load("iris").circuit.compile("iris")
    g = {array.name: np.full(array.shape, 1e-5) for array in circuit.trainable}
    measure = Answered(("; quit", "$x `touch harmed` > harmed", "é"), np.eye(3), 0)
    text = write_deck(circuit, Chip.nominal(circuit), g, x=np.zeros(4), measure=measure)
    assert len(VERDICT.findall(run_ngspice(text, tmp_path))) == 1
    assert not (tmp_path / "harmed").exists()


def test_at_a_terminal_ngspice_stays_open(tmp_path: Path) -> None:
    """The nodes of the free phase can be printed there, until one quits."""
    import pty  # noqa: PLC0415 - only here

    session = Session.of(load("xor"))
    (tmp_path / "deck.cir").write_text(deck(session, session.begun()), encoding="utf-8")
    ours, its = pty.openpty()
    os.write(ours, b"print v(h1_0)\nquit\n")
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "TERM": "dumb"}
    done = subprocess.run(["ngspice", "deck.cir"], stdin=its, capture_output=True, check=False, cwd=tmp_path, env=environment, timeout=60)
    os.close(its)
    os.close(ours)
    assert done.returncode == 0
    assert re.search(rb"v\(h1_0\) = -?\d", done.stdout)


def test_the_header_explains_every_group_of_nodes() -> None:
    """Inputs, bias, columns, rails, amplifiers and outputs, each below its names."""
    session = Session.of(load("xor"))
    lines = deck(session, session.begun()).splitlines()
    pairs = itertools.pairwise(lines)
    message = {line.partition("nodes ")[2].split()[0]: after[4:] for line, after in pairs if "hwsim: nodes" in line}
    assert message == {
        "x_0": "inputs, rows of w1",
        "xn_0": "inputs, rows of w1",
        "bias": "fixed voltages, rows of w1 and w2",
        "h1_0": "columns of w1",
        "h1_high_0": "rails of the diodes",
        "h1_low_0": "rails of the diodes",
        "a1_0": "outputs of the amplifiers amp1, rows of w2",
        "out_0": "columns of w2, read in pairs as the outputs, the first less the second",
    }

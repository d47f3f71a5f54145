"""A user's deck as a reservoir: the voltages of its capacitors are the states, by whatever engine knows its parts."""

import numpy as np
import pytest

from hwsim.experiment.experiment import ExperimentError, make
from hwsim.experiment.loading import to_toml
from hwsim.experiment.overriding import override
from hwsim.report.run_files import read_run
from hwsim.report.run_section import run_section
from hwsim.runs.open_run import RunError
from hwsim.runs.start import new_run, resumed_run
from hwsim.runs.train import train
from hwsim.session import Session
from netlists.text.findings import NetlistError

LINE = """* a line of two capacitors
*hwsim: input V_in scale=0.3 offset=0.5
*hwsim: output b
V_in in 0 0.5
R1 in a 20k
R2 a b 20k
C1 a 0 10p
C2 b 0 10p
.end
"""
STAGE = LINE.replace(".end", "V_dd dd 0 1\nR3 dd c 50k\nM1 c b 0 0 n w=2u l=1u\n.model n nmos(level=1 vto=0.4 kp=20u)\nC3 c b 2p\n.end")
PERIOD = 2e-7


def table(tmp_path, text, **reservoir):
    """Return an experiment with a deck in front of a read-out."""
    (tmp_path / "own.cir").write_text(text)
    return {
        "name": "own",
        "reservoir": {"deck": {"netlist": str(tmp_path / "own.cir")}, "period": PERIOD, "washout": 20, "noise": 0.0} | reservoir,
        "blocks": [{"kind": "digital", "layers": [{"kind": "dense", "size": 2}], "optimizer": {"kind": "ridge"}}],
        "data": {"name": "memory", "task": "regression", "error": "nrmse", "horizon": 2, "length": 80},
        "training": {"epochs": 1, "precision": "float64"},
    }


def test_its_states_are_the_voltages_of_its_capacitors(tmp_path):
    """Held inputs relax a linear circuit by a matrix exponential, row after row; ngspice integrates the same."""
    session = Session.of(make(table(tmp_path, LINE), "test"))
    x = session.source.data.x_train[None, :6]
    came = session.reservoir.run(x).states[0]
    relaxing, driven = np.array([[-2.0, 1.0], [1.0, -1.0]]) / (2e4 * 1e-11), np.array([1.0, 0.0]) / (2e4 * 1e-11)
    rates, modes = np.linalg.eigh(relaxing)
    step = modes @ np.diag(np.exp(rates * PERIOD)) @ modes.T
    v, states = np.zeros(2), []
    for u in 0.5 + 0.3 * x[0, :, 0]:
        rest = np.linalg.solve(-relaxing, driven * u)
        v = rest + step @ (v - rest)
        states.append(v)
    np.testing.assert_allclose(came, states, atol=2e-3)  # inputs take 1 % of a row to their new values
    assert session.experiment.states == (2,)
    by_ngspice = Session.of(
        make(table(tmp_path, LINE) | {"training": {"engine": "ngspice", "epochs": 1, "precision": "float64"}}, "test")
    ).reservoir
    np.testing.assert_allclose(by_ngspice.run(x).states[0], came, atol=2e-5)


@pytest.mark.parametrize("part", ["L1 b 0 1m", "C3 a b 1p"])
def test_ngspice_runs_what_the_numeric_engine_refuses(tmp_path, part):
    """A part whose current takes time, and a capacitor between two nodes."""
    session = Session.of(make(table(tmp_path, LINE.replace(".end", f"{part}\n.end")), "test"))
    assert session.reservoir.drawn.engine("numeric") == "ngspice"
    assert np.isfinite(session.reservoir.run(session.source.data.x_train[None, :2]).states).all()


def test_ngspice_runs_what_it_alone_knows(tmp_path):
    """A transistor, and a capacitor between two nodes: without being asked for, and a read-out learns from it."""
    session = Session.of(make(table(tmp_path, STAGE), "test"))
    assert session.reservoir.drawn.engine("numeric") == "ngspice"
    assert session.data.x_train.shape[1] == 3
    with session.training_solver() as solver:
        trainer = session.trainer(solver)
        *_, last = trainer.run(trainer.begin())
    assert last.record["test_error"] < session.inputs_alone_error


@pytest.mark.parametrize(
    ("text", "reservoir", "message"),
    [
        (LINE, {"family": "cycle"}, "family = 'cycle' is of drawn reservoirs"),
        (LINE, {"dynamics": "clocked"}, "dynamics = 'clocked', and a deck is followed all the time"),
        (LINE, {"period": None}, "period is missing"),
        (LINE, {"nodes": 7}, "nodes = 7, and the deck has 2"),
        (LINE, {"deck": None}, "period = 2e-07 s is of a deck"),
        (LINE.replace("C1 a 0 10p\nC2 b 0 10p\n", ""), {}, "has no capacitor at a node that moves"),
        (LINE.replace("*hwsim: input V_in scale=0.3 offset=0.5\n", ""), {}, "declares no input"),
    ],
)
def test_decks_that_are_no_reservoirs_are_refused(tmp_path, text, reservoir, message):
    """In one line, with what to change."""
    with pytest.raises((ExperimentError, NetlistError), match=message) as error:
        make(table(tmp_path, text, **reservoir), "test")
    assert "\n" not in str(error.value)


def test_another_deck_has_its_own_states(tmp_path):
    """Their number follows from the deck whenever one is named, and a file does not repeat it."""
    one = make(table(tmp_path, LINE), "test")
    (tmp_path / "other.cir").write_text(LINE.replace(".end", "R3 b c 20k\nC3 c 0 10p\n.end"))
    other = override(one, {"reservoir.deck.netlist": str(tmp_path / "other.cir")})
    assert (one.reservoir.nodes, other.reservoir.nodes, other.reservoir.dynamics) == (2, 3, "continuous")
    assert "nodes" not in to_toml(one)


def test_a_report_shows_the_deck_and_draws_no_weights(tmp_path):
    """Its states and its read-out; and a run is resumed with the same deck alone."""
    folder = tmp_path / "run"
    train(new_run(make(table(tmp_path, LINE), "test"), folder), lambda _: None)
    section = run_section(read_run(str(folder)), "run-1")
    gallery = next(one for one in section.galleries if one.title == "Reservoir")
    assert [one.name for one in gallery.pictures] == ["run-1-states", "run-1-read-out", "run-1-memory"]
    assert section.about.startswith("Behind the deck own.cir with 2 states:")
    changed = make(table(tmp_path, LINE.replace("R2 a b 20k", "R2 a b 30k")), "test")
    with pytest.raises(RunError, match=r"was begun with another reservoir\.deck; resume it as it was"):
        resumed_run(changed, folder)

"""What a worker answers about decks that ngspice refuses, cannot solve or takes too long for, and what each leaves behind."""

import subprocess
import tempfile

import numpy as np
import pytest

from circuits.chip import Chip
from hwsim.core.protocol import ConvergenceError, Drive, Result
from hwsim.learning.losses import SquaredError
from hwsim.ngspice.limits import WorkerLimits
from hwsim.ngspice.ngspice_engine import NgspiceEngine
from hwsim.ngspice.ngspice_errors import NgspiceDeckError, NgspicePointError
from hwsim.ngspice.pool import Pool
from support.decks import hand
from support.nudges import nudges
from support.reading import parse
from support.workers import G, X, deck, job, prepared


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    """Let kept decks lie where pytest clears them away."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture(scope="module")
def pool():
    pool = Pool(1, WorkerLimits(silence=60.0))
    yield pool
    pool.close()


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ("D_1 a 0 unheard", "valid modelname"),
        ("X_1 a 0 unheard", "unknown subckt"),
        ("R_a a 0 5", "already exists"),
        ("B_1 a 0 I = nonsense(", "syntax error"),
        (".include /nowhere", "ngspice is not given '.include /nowhere'"),
        (".subckt open a", "gave up"),  # ngspice calls for its own exit: the library is dead in this process
    ],
)
def test_a_deck_that_ngspice_refuses_is_reported_in_its_own_words(pool, card, message):
    """Its commands return 0 all the same, and after it the circuit before still answers: neither is believed."""
    np.testing.assert_allclose(pool.run(deck(), [job()])[0].v[:, 0, 0], [1.0, 2.0, 3.0], rtol=1e-9)
    with pytest.raises(NgspiceDeckError, match=f"(?i){message}"):
        pool.run(deck(card), [job()])
    np.testing.assert_allclose(pool.run(deck(), [job()])[0].v[:, 0, 0], [1.0, 2.0, 3.0], rtol=1e-9)


def test_a_circuit_without_a_solution_is_not_passed_off_as_solved(pool):
    """Two sources that contradict each other: no point of the sweep comes back, and ngspice's words do."""
    answer = pool.run(deck("V_1 a 0 1", "V_2 a 0 2"), [job(12)])[0]
    assert np.isnan(answer.v).all()
    assert "singular" in answer.message


def test_a_point_that_ngspice_fails_at_is_named_with_a_deck_that_shows_it(tmp_path):
    """The other samples of the batch are solved; the failed one is left as a deck that fails in the ngspice program too."""
    x = np.vstack([X, [[1e308, 5e307]], X])
    with prepared() as solver:
        answer = solver.solve(G, Drive(x), throw=False)
        assert answer.result.tolist() == [0, 0, Result.ENGINE_FAILED, 0, 0]
        assert np.isnan(answer.v["out"][2]).all()
        with pytest.raises(NgspicePointError, match=r"1 of 5 samples; sample 2, free: .*ngspice -b (\S+)") as caught:
            solver.solve(G, Drive(x))
    kept = str(caught.value).rpartition(" ")[2]
    printed = subprocess.run(["ngspice", "-b", kept], check=False, capture_output=True, text=True, cwd=tmp_path).stdout
    assert "yhat" not in printed
    assert isinstance(caught.value, ConvergenceError)


@pytest.mark.parametrize("failing", [0, 1, 4])
def test_a_sample_that_ngspice_fails_at_costs_no_other_one(failing):
    """In whatever place it stands: its phases fail, and the sweep continues behind them."""
    x, y = np.insert(np.vstack([X, X]), failing, [1e308, 5e307], axis=0), np.zeros((5, 2))
    with prepared() as solver:
        phases = solver.phases(G, x, y, nudges(SquaredError(), 1e-7, -1e-7), throw=False)
    for phase in phases:
        assert phase.result.tolist() == [Result.ENGINE_FAILED if k == failing else 0 for k in range(5)]


def test_what_ngspice_warns_of_reaches_the_user(caplog):
    """Once for each deck; ngspice itself continues as if nothing were."""
    deck = parse(hand("mosfet").replace("level=1", "level=1 nonsense=3"))
    with NgspiceEngine(workers=1).prepare(deck.circuit, Chip.nominal(deck.circuit)) as solver:
        solver.solve(deck.g, Drive(deck.x[None]))
        solver.solve(deck.g, Drive(deck.x[None]))
    (record,) = caplog.records
    assert "unrecognized parameter (nonsense)" in record.getMessage()


def test_many_solves_take_no_more_memory_than_a_few(pool):
    """Neither points nor decks leave anything behind in the worker to speak of; tests/torture/solves.py continues to 100,000."""
    memory = [pool.run(deck(f"R_more a 0 {k + 1}e6"), [job(200)])[0].memory for k in range(40)]
    assert len(pool.workers) == 1
    assert memory[-1] < memory[4] + 5e6


def test_a_worker_that_computes_for_too_long_is_ended(pool):
    """The system ends it, once and for all: another would take as long."""
    limited = Pool(1, WorkerLimits(processor=0.5))
    with pytest.raises(NgspiceDeckError, match=r"was ended after 0\.5 s of processor time for one job; raise solver\.ngspice_processor"):
        limited.run(deck(), [job(3_000_000)])
    assert pool.run(deck(), [job()])[0].memory > 10e6


def test_a_worker_has_no_more_memory_than_it_may():
    """The message names which setting to raise."""
    with (
        prepared(memory=30e6) as solver,
        pytest.raises(NgspiceDeckError, match=r"because it needed memory beyond 0\.03 GB; raise solver\.ngspice_memory"),
    ):
        solver.solve(G, Drive(X))


@pytest.mark.parametrize("limit", ["silence", "processor", "memory"])
def test_limits_are_positive(limit):
    """None at all would be a process that never starts or never ends."""
    with pytest.raises(ValueError, match=rf"ngspice: {limit} = 0 (s|B) must be above 0"):
        WorkerLimits(**{limit: 0.0})

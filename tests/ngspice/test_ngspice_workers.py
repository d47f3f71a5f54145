"""Workers that crash, hang, are refused a deck or lose their engine: it is reported, nothing stays behind, and work continues."""

import os
import pickle
import re
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from multiprocessing import Pipe
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from circuits.chip import Chip
from circuits.network import Layer, Network
from hwsim.core.protocol import ConvergenceError, Drive, Result
from hwsim.ngspice import installed
from hwsim.ngspice import pool as pool_module
from hwsim.ngspice.installed import VARIABLE, find_library, require_library
from hwsim.ngspice.limits import WorkerLimits
from hwsim.ngspice.messages import Failure, Job, WorkerDeck
from hwsim.ngspice.ngspice_engine import NgspiceEngine
from hwsim.ngspice.ngspice_errors import NgspiceDeckError, NgspiceError, NgspiceMissingError, NgspicePointError
from hwsim.ngspice.plan import Layout
from hwsim.ngspice.pool import Pool, library_version, receive
from hwsim.ngspice.process import WorkerProcess
from hwsim.ngspice.sandbox import landlock
from netlists.write.options import Tolerances
from support.decks import hand
from support.reading import parse

CIRCUIT = Network(inputs=2, layers=(Layer(size=3),), outputs=2).compile("small")
G = {element.name: np.random.default_rng(0).uniform(1e-7, 1e-5, element.shape) for element in CIRCUIT.trainable}
X = np.array([[0.3, -0.7], [1.0, 0.5]])

_USUAL = find_library()

SCRIPT = """
import numpy as np
from circuits.chip import Chip
from circuits.network import Layer, Network
from hwsim.core.protocol import ConvergenceError, Drive, Result
from hwsim.ngspice import installed
from hwsim.ngspice.ngspice_engine import NgspiceEngine

circuit = Network(inputs=2, layers=(Layer(size=3),), outputs=2).compile("small")
g = {element.name: np.full(element.shape, 1e-6) for element in circuit.trainable}
solver = NgspiceEngine(workers=2).prepare(circuit, Chip.nominal(circuit))
"""


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    """Let kept decks lie where pytest clears them away."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def prepared(*, workers=1, **limits):
    """Prepare the small circuit."""
    return NgspiceEngine(workers=workers, limits=WorkerLimits(**{"silence": 60.0} | limits)).prepare(CIRCUIT, Chip.nominal(CIRCUIT))


def processes(solver):
    """Return the numbers of a solver's worker processes."""
    return [worker.process.pid for worker in solver._pool.workers]


def gone(pid, seconds=20.0):
    """Wait for a process that is not ours to end, and report whether it did."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def script(code, tmp_path, **more):
    """Start a script that has no `if __name__ == "__main__"`."""
    path = tmp_path / "script.py"
    path.write_text(SCRIPT + code, encoding="utf-8")
    root = str(Path(__file__).parents[2])
    return subprocess.Popen(
        [sys.executable, path], cwd=tmp_path, env=os.environ | {"PYTHONPATH": root} | more, stdout=subprocess.PIPE, text=True
    )


def test_workers_that_are_killed_cost_no_digit(monkeypatch):
    """Killed while idle, at their first job and in the midst of a batch, they are replaced, and every bit is what it would have been."""
    x = np.random.default_rng(1).uniform(-1, 1, (1500, 2))
    kills, sent = [], []

    def send(worker, request, real=WorkerProcess.send):
        real(worker, request)
        sent.append(request)
        if len(sent) in {1, 4, 5}:
            kills.append(worker.process.pid)
            os.kill(worker.process.pid, signal.SIGKILL)

    with prepared(workers=2) as solver:
        undisturbed = solver.solve(G, Drive(x))
        os.kill(processes(solver)[0], signal.SIGKILL)
        after_idle = solver.solve(G, Drive(x))
        monkeypatch.setattr(WorkerProcess, "send", send)
        disturbed = solver.solve(G, Drive(x))
    assert len(kills) == 3
    for result in (after_idle, disturbed):
        assert all(np.array_equal(result.v[name], undisturbed.v[name]) for name in undisturbed.v)
    assert all(gone(pid) for pid in kills)


def test_a_job_that_kills_every_worker_is_given_up(monkeypatch):
    """After the third the deck is kept, no other worker computes on, and the next batch is solved."""

    def send(worker, request, real=WorkerProcess.send):
        os.kill(worker.process.pid, signal.SIGSTOP)  # or it might answer first
        real(worker, request)
        os.kill(worker.process.pid, signal.SIGKILL)

    with prepared(workers=2) as solver:
        before = solver.solve(G, Drive(X))
        with monkeypatch.context() as patch:
            patch.setattr(WorkerProcess, "send", send)
            with pytest.raises(NgspiceDeckError, match=r"died of SIGKILL.*the deck is kept in (\S+)") as caught:
                solver.solve(G, Drive(X))
        kept = Path(str(caught.value).rpartition(" ")[2])
        assert "Crossbar w1" in kept.read_text(encoding="utf-8")
        assert not solver._pool.workers
        assert np.array_equal(solver.solve(G, Drive(X)).v["out"], before.v["out"])


def test_a_worker_that_hangs_is_replaced(monkeypatch):
    """What sends nothing within the time-out is killed; when the next one is silent too, the message names which setting to raise."""
    with prepared() as solver:
        before = solver.solve(G, Drive(X))
        solver._pool.limits = WorkerLimits(silence=1.0)
        (pid,) = processes(solver)
        os.kill(pid, signal.SIGSTOP)
        assert np.array_equal(solver.solve(G, Drive(X)).v["out"], before.v["out"])
        assert gone(pid)
        monkeypatch.setattr(pool_module, "_START", 0.0)
        monkeypatch.setattr(WorkerProcess, "send", lambda worker, _: os.kill(worker.process.pid, signal.SIGSTOP))
        with pytest.raises(NgspiceDeckError, match=r"sent nothing for 1 s, twice, .* raise solver.ngspice_timeout.* kept in"):
            solver.solve(G, Drive(X))


def test_a_worker_that_grows_is_replaced(monkeypatch):
    """One that holds much more than after its first job makes place for another, between jobs and after the last."""
    monkeypatch.setattr(pool_module, "_GROWTH", -1)
    x = np.random.default_rng(1).uniform(-1, 1, (1000, 2))
    with prepared() as solver:
        equilibrium = solver.solve(G, Drive(x))
        assert not solver._pool.workers
        monkeypatch.setattr(pool_module, "_GROWTH", 10**12)
        assert np.array_equal(solver.solve(G, Drive(x)).v["out"], equilibrium.v["out"])
        assert len(solver._pool.workers) == 1


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


class _Reading:
    """Reads a file where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.read_text, (self.path,)


@pytest.mark.skipif(landlock() < 1, reason="this system has no Landlock")
def test_a_worker_reads_modules_beside_a_script_and_nothing_else_there(tmp_path, monkeypatch):
    """Also where Python looks for modules in the folder in which it was started; the environment's secrets are not passed on."""
    for name in ("secret", "neighbour.py"):
        (tmp_path / name).write_text("# secret", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    monkeypatch.setenv("SOME_TOKEN", "s3cr3t")
    limited = Pool(1, WorkerLimits(silence=60.0))
    try:
        for name, message in (("secret", "Permission denied"), ("neighbour.py", "str.*pushes")):
            nudge = pickle.dumps(_Reading(tmp_path / name))
            with pytest.raises(NgspiceError, match=message):
                limited.run(deck(), [replace(job(), nudge=nudge, phases=2)])
        limited.version()
        (worker,) = limited.workers
        environment = Path(f"/proc/{worker.process.pid}/environ").read_bytes()
    finally:
        limited.close()
    assert b"HOME=" in environment
    assert b"s3cr3t" not in environment


class _Carried:
    """Pickles as a call that leaves a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("place", ["failure", "bare"])
def test_nothing_that_a_worker_sends_is_carried_out(place, tmp_path):
    """A deck that took the worker over cannot reach the engine: whatever is no message is refused in one line."""
    path = tmp_path / "escaped"
    sent = Failure("deck", _Carried(path)) if place == "failure" else _Carried(path)
    ours, theirs = Pipe()
    theirs.send(sent)
    with pytest.raises(NgspiceError, match=r"sent what is no answer.*io\.open is part of no message"):
        receive(SimpleNamespace(connection=ours))
    assert not path.exists()
    theirs.send([1])
    with pytest.raises(NgspiceError, match="list is no message"):
        receive(SimpleNamespace(connection=ours))


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


def test_what_ngspice_warns_of_reaches_the_user(caplog):
    """Once for each deck; ngspice itself continues as if nothing were."""
    deck = parse(hand("mosfet").replace("level=1", "level=1 nonsense=3"))
    with NgspiceEngine(workers=1).prepare(deck.circuit, Chip.nominal(deck.circuit)) as solver:
        solver.solve(deck.g, Drive(deck.x[None]))
        solver.solve(deck.g, Drive(deck.x[None]))
    (record,) = caplog.records
    assert "unrecognized parameter (nonsense)" in record.getMessage()


def test_closing_ends_the_processes_and_leaves_no_files():
    """A solver that was closed may be used again."""
    solver = prepared(workers=2)
    solver.solve(G, Drive(X))
    homes, pids = [worker.home for worker in solver._pool.workers], processes(solver)
    assert all(home.is_dir() for home in homes)
    solver.close()
    assert all(gone(pid) for pid in pids)
    assert not any(home.exists() for home in homes)
    with solver:
        assert solver.solve(G, Drive(X)).result.tolist() == [0, 0]


def job(samples=3):
    """Make a job of the deck below: currents of 1, 2, 3 … mA."""
    return Job(
        deck=None,
        values=1e-3 * np.arange(1.0, samples + 1)[:, None],
        beta=np.zeros(samples),
        currents=np.zeros((samples, 1)),
        nudge=b"",
        targets=np.zeros((samples, 1)),
        phases=1,
    )


def deck(*cards):
    """Write a deck of 1 kiloohm and some cards."""
    lines = ["* a deck", "I_x 0 a external", "R_a a 0 1000", "V_b b 0 external", "V_i i 0 external", "R_b b i 1"]
    text = "\n".join([*lines, *cards, "V_n n 0 0", "R_n n 0 1", ".save v(a)", ".end", ""])
    layout = Layout(
        counter="V_n", groups="", sources=("I_x", "V_b", "V_i"), nodes=("a",), plus=np.array([0]), minus=np.array([1]), gain=np.ones(1)
    )
    return WorkerDeck(text=text, layout=layout, tolerances=Tolerances(), times=1)


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


def test_nobodys_start_up_file_is_read(tmp_path, monkeypatch):
    """A .spiceinit in the home and the working directory that would break every sweep has no effect."""
    (tmp_path / ".spiceinit").write_text("alias dc echo\nalias destroy echo\n", encoding="utf-8")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with prepared() as solver:
        assert solver.solve(G, Drive(X)).result.tolist() == [0, 0]


def test_a_script_needs_no_guard_and_no_close(tmp_path):
    """Workers do not run the script again, and end with it."""
    code = "print([w.process.pid for w in solver._pool.workers] if solver.solve(g, Drive(np.ones((4, 2)))) else 0)\n"
    process = script(code, tmp_path)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert all(gone(int(pid)) for pid in printed.strip(" []\n").split(","))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_workers_end_with_their_engine(how, tmp_path):
    """Ctrl-C is obeyed at once although ngspice computes; after a kill -9 the workers see their pipe close. No directory is left."""
    code = (
        "x = np.random.default_rng(0).uniform(-1, 1, (2000, 2))\n"
        "solver.solve(g, Drive(x))\n"
        "print(*[f'{w.process.pid} {w.home}' for w in solver._pool.workers], flush=True)\n"
        "while True:\n    solver.solve(g, Drive(x))\n"
    )
    process = script(code, tmp_path)
    workers = process.stdout.readline().split()
    time.sleep(0.2)
    process.send_signal(how)
    process.stdout.close()
    assert process.wait(timeout=20) != 0
    assert all(gone(int(pid)) for pid in workers[0::2])
    assert not any(Path(home).exists() for home in workers[1::2])


def test_the_library_reports_its_version():
    """What the engine uses is what `hwsim doctor` shows."""
    assert find_library() is not None
    assert re.fullmatch(r"ngspice-\d+", library_version())


def test_a_library_that_is_not_there_is_reported_with_what_to_install(tmp_path, monkeypatch):
    """A path that leads nowhere or to something else; afterwards the right one works in the same process."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "libngspice.so"))
    assert find_library() is None
    with pytest.raises(NgspiceMissingError, match=rf"{VARIABLE} = .*libngspice.so' is no file; install it .*apt-get install") as caught:
        prepared()
    assert caught.value.exit_code == 2
    (tmp_path / "libngspice.so").write_text("no library", encoding="utf-8")
    with prepared() as solver, pytest.raises(NgspiceMissingError, match=r"cannot be loaded: .*apt-get install"):
        solver.solve(G, Drive(X))
    with pytest.raises(NgspiceError, match="cannot be loaded"):
        library_version()
    monkeypatch.setenv(VARIABLE, str(_USUAL))
    assert find_library() == _USUAL
    with prepared() as solver:
        assert solver.solve(G, Drive(X)).result.tolist() == [0, 0]


def test_a_missing_library_is_named_with_its_package(monkeypatch):
    """Neither in the usual places nor where the linker looks."""
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(installed, "_candidates", lambda: iter(()))
    with pytest.raises(NgspiceMissingError, match="libngspice is not installed; install it"):
        require_library()

"""Workers that are killed, hang or grow, and engines that end: workers are replaced, nothing stays behind, and work continues."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

from hwsim.core.protocol import Drive
from hwsim.ngspice import pool as pool_module
from hwsim.ngspice.leftovers import LOG, remove_leftovers
from hwsim.ngspice.limits import WorkerLimits
from hwsim.ngspice.ngspice_errors import NgspiceDeckError
from hwsim.ngspice.process import WorkerProcess
from support.workers import G, X, gone, prepared, processes

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


def test_a_script_needs_no_guard_and_no_close(tmp_path):
    """Workers do not run the script again, and end with it."""
    code = "print([w.process.pid for w in solver._pool.workers] if solver.solve(g, Drive(np.ones((4, 2)))) else 0)\n"
    process = script(code, tmp_path)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert all(gone(int(pid)) for pid in printed.strip(" []\n").split(","))


def test_what_killed_processes_left_is_removed(tmp_path):
    """A worker's folder that no process owns any more goes, and so does a deck of long ago; those of live workers and young ones stay."""
    with prepared() as solver:
        solver.solve(G, Drive(X))
        alive = solver._pool.workers[0].home
        left, locked_never, deck, *young = (
            tmp_path / name
            for name in ("hwsim-ngspice-a", "hwsim-ngspice-b", "hwsim-ngspice-deck-a", "hwsim-ngspice-c", "hwsim-ngspice-deck-b", "other")
        )
        for folder in (left, locked_never, deck, *young):
            folder.mkdir()
            if folder != locked_never:
                (folder / LOG).touch()
        for folder in (alive, left, locked_never, deck, young[-1]):
            os.utime(folder, (0, 0))
        remove_leftovers.cache_clear()
        remove_leftovers()
        assert [folder.exists() for folder in (left, locked_never, deck)] == [False] * 3
        assert [folder.exists() for folder in (alive, *young)] == [True] * 4


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

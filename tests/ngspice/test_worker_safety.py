"""A worker reads what it needs and nothing else, and nothing that it sends is carried out."""

import pickle
import sys
from dataclasses import replace
from multiprocessing import Pipe
from pathlib import Path
from types import SimpleNamespace

import pytest

from hwsim.core.protocol import Drive
from hwsim.ngspice.limits import WorkerLimits
from hwsim.ngspice.messages import Failure
from hwsim.ngspice.ngspice_errors import NgspiceError
from hwsim.ngspice.pool import Pool, receive
from hwsim.ngspice.sandbox import landlock
from support.workers import G, X, deck, job, prepared


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


def test_nobodys_start_up_file_is_read(tmp_path, monkeypatch):
    """A .spiceinit in the home and the working directory that would break every sweep has no effect."""
    (tmp_path / ".spiceinit").write_text("alias dc echo\nalias destroy echo\n", encoding="utf-8")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with prepared() as solver:
        assert solver.solve(G, Drive(X)).result.tolist() == [0, 0]

"""`hwsim train` of a company on workers: the run of one process, resumed here or there, and what happened to workers in its folder."""

import json
from collections.abc import Iterator

import numpy as np
import pytest
from distributed import LocalCluster

SETTINGS = ["training.precision=float64", "training.schedule=constant", "circuit.layers=[]", "training.batch=8", "data.train_limit=60"]
COMPANY = ["company.chips=3", "company.exchange=mean-weights", "company.exact=true"]
SET = [word for setting in (*SETTINGS, *COMPANY) for word in ("--set", setting)]


@pytest.fixture
def scheduler() -> Iterator[str]:
    """Start a scheduler with two workers as threads of this process."""
    where = {"threads_per_worker": 1, "processes": False, "protocol": "tcp", "host": "127.0.0.1", "dashboard_address": ":0"}
    with LocalCluster(n_workers=2, memory_limit=0, **where) as cluster:
        yield cluster.scheduler_address


def test_a_run_on_workers_is_resumed_here(hwsim, tmp_path, scheduler):
    """One epoch there and one here have the bits of two here; the folder names the workers."""
    here = hwsim("train", "iris", "--epochs", "2", *SET, "--out", str(tmp_path / "here"))
    assert here.code == 0, here.err
    assert not (tmp_path / "here" / "workers.jsonl").exists()
    there = hwsim("train", "iris", "--epochs", "1", *SET, "--out", str(tmp_path / "there"), "--scheduler", scheduler)
    assert there.code == 0, there.err
    events = [json.loads(line) for line in (tmp_path / "there" / "workers.jsonl").read_text().splitlines()]
    assert {(event["epoch"], event["event"], event["worker"]) for event in events} == {(0, "joined", "0"), (0, "joined", "1")}
    again = hwsim("train", str(tmp_path / "there"), "--resume", "--epochs", "2")
    assert again.code == 0, again.err
    for k in range(3):
        with (
            np.load(tmp_path / "here" / f"chip-{k}" / "weights.npz") as one,
            np.load(tmp_path / "there" / f"chip-{k}" / "weights.npz") as two,
        ):
            assert one.files
            assert all(np.array_equal(one[name], two[name]) for name in one.files)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["iris", "--workers", "2"], "--workers is about the chips of a company"),
        (["iris", "--scheduler", "tcp://127.0.0.1:9"], "--scheduler is about the chips of a company"),
        (["iris", "--workers", "2", "--folds", "3"], "folds are trained in this process"),
        (["iris", *SET, "--workers", "2", "--scheduler", "tcp://127.0.0.1:9"], "use one of them"),
        (["iris", *SET, "--scheduler", "tcp://127.0.0.1:9"], "no Dask scheduler answers"),
        (["iris", *SET, "--scheduler", "nonsense://x"], "no Dask scheduler answers"),
    ],
)
def test_bad_input_is_one_line(hwsim, tmp_path, monkeypatch, arguments, words):
    """Workers that compute nothing, or that nobody has, are refused in a line, and leave no folder."""
    monkeypatch.setattr("hwsim.cluster.dask_client.CONNECTING", 0.3)
    monkeypatch.chdir(tmp_path)
    answer = hwsim("train", *arguments)
    assert answer.code == 2
    assert words in answer.err.splitlines()[-1]
    assert not list(tmp_path.iterdir())

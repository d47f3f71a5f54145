"""Data that stay where they are: each worker's file is its chip's shard, and nobody else computes that chip."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from distributed import Client, LocalCluster

from hwsim.company import chip_work, company_run
from hwsim.company.chip_owners import ChipOwners
from hwsim.company.chip_samples import OWNERS, ChipSamples, Fingerprint, keep_owners
from hwsim.company.chip_workers import WorkersError
from hwsim.company.company import Company, Round
from hwsim.company.dask_workers import DaskWorkers
from hwsim.company.members import Members
from hwsim.experiment.loading import load
from hwsim.learning.state import joined
from hwsim.runs.folder import RunFolder
from hwsim.runs.open_run import CHECKPOINT, RunError
from hwsim.runs.start import Start
from hwsim.session import Session
from hwsim.settings.company_settings import CompanySettings
from support.own_folders import OwnFolders

QUICK = [
    "training.epochs=1",
    "training.precision=float64",
    "training.schedule=constant",
    "circuit.layers=[]",
    "training.rate=4e-7",
    "training.batch=8",
]
COUNTS = (20, 30)
COMMON = 4


def _write(folder: Path, samples: int, seed: int, tested: int = 5) -> None:
    """Write a file of the name that all have: images that all share, and some of its own; and a test set."""
    draw, every = np.random.default_rng(seed), np.random.default_rng(9)
    x = np.concatenate([every.integers(0, 255, (COMMON, 28, 28)), draw.integers(0, 255, (samples, 28, 28))]).astype(np.uint8)
    x_test = np.random.default_rng(tested).integers(0, 255, (10, 28, 28)).astype(np.uint8)
    folder.mkdir()
    np.savez(folder / "mnist.npz", x_train=x, y_train=np.arange(len(x)) % 10, x_test=x_test, y_test=np.arange(10))


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> Path:
    """Write this machine's file, and one for each worker, under the worker's name; number 2 has another test set."""
    root = tmp_path_factory.mktemp("folders")
    for name, samples, seed in (("here", 10, 0), ("0", COUNTS[0], 1), ("1", COUNTS[1], 2)):
        _write(root / name, samples, seed)
    _write(root / "2", 20, 3, tested=6)
    return root


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """Start two workers, which are called 0 and 1."""
    threads = {"threads_per_worker": 1, "processes": False, "dashboard_address": ":0", "memory_limit": 0}
    with LocalCluster(n_workers=2, **threads) as cluster, Client(cluster) as two:
        yield two


def experiment():
    """Return what all learn."""
    return load("mnist-100", QUICK)


def trained(client, folders, monkeypatch, **settings):
    """Train two chips for an epoch; return each one's conductances [S], its start, its samples, and what it answers on the common ones."""
    monkeypatch.setenv("HWSIM_DATA", str(folders / "here"))
    chip_work._chip.cache_clear()  # it may know files of another test
    given = CompanySettings(chips=2, data="local", common=COMMON, **settings)
    workers = DaskWorkers(client, lambda _: None, OwnFolders(folders), ChipOwners(2))
    with Company(Members.of(experiment(), given), given, workers) as company:
        samples = company.samples
        *_, last = (one for one in company.rounds(company.begin()) if isinstance(one, Round))
        ends = [joined(one.g) for one in company.alone.apart(last.state)]
        return ends, company.members.starts, samples, last.memory.answers


@pytest.fixture(scope="module")
def alone(client, folders):
    """Train chips that exchange what they answer at the end of the epoch."""
    with pytest.MonkeyPatch.context() as patch:
        return trained(client, folders, patch, exchange="outputs")


def test_each_chip_learns_its_own_file(alone, folders, monkeypatch):
    """As a training of its own, on the machine that has the file, from the same conductances; the first samples are the pool."""
    ends, starts, samples, answers = alone
    assert [int(one.by_class.sum()) for one in samples] == list(COUNTS)
    assert len({one.fingerprint.of_chip for one in samples}) == 2
    for k, (end, start) in enumerate(zip(ends, starts, strict=True)):
        monkeypatch.setenv("HWSIM_DATA", str(folders / str(k)))
        whole = Session.of(load("mnist-100", [*QUICK, f"variation.chip={k}"]))
        data = replace(whole.data, x_train=whole.data.x_train[COMMON:], labels_train=whole.data.labels_train[COMMON:])
        session = Session.of(whole.experiment, data=data)
        with session.training_solver() as solver:
            trainer = chip_work.trainer_of(session, solver, start)
            *_, last = trainer.run(trainer.begin())
            g = trainer.g(last.state)
            answered = chip_work.outputs_of(session, solver, end, whole.data.x_train[:COMMON])
        assert all(np.array_equal(end[name], values) for name, values in g.items())
        assert np.allclose(answers[0, k], trainer.updater.loss.as_targets(answered), rtol=1e-6)


def test_mean_weights_count_by_samples(alone, client, folders, monkeypatch):
    """A chip with more samples counts for more."""
    ends, *_ = trained(client, folders, monkeypatch, exchange="mean-weights")
    for name in ends[0]:
        sent = [one[name].astype(np.float32).astype(float) for one in alone[0]]
        wanted = np.average(sent, axis=0, weights=COUNTS)
        assert np.abs(ends[0][name] - wanted).max() <= 1e-9 * wanted.max()
        assert np.array_equal(ends[0][name], ends[1][name])


def test_whoever_has_another_test_set_is_refused(client, folders, monkeypatch):
    """And nobody else can take that chip."""
    (folders / "0").rename(folders / "kept")
    (folders / "2").rename(folders / "0")
    try:
        with pytest.raises(WorkersError, match=r"worker 0 alone has the samples of chip 0, and was refused: .*its test set"):
            trained(client, folders, monkeypatch)
    finally:
        (folders / "0").rename(folders / "2")
        (folders / "kept").rename(folders / "0")


def test_a_chip_waits_for_its_own_worker():
    """There are too few, or one does not come back; who has come takes no other's job."""
    owners, jobs = ChipOwners(2), [chip_work.ChipJob(None, k, "samples", {}, newton=False, epoch=0) for k in range(2)]
    owners.assign(["b"])
    assert owners.next(jobs, "b") is None
    with pytest.raises(WorkersError, match=r"company\.chips = 2, each with samples on a worker of its own, and 1 workers are there"):
        owners.require(jobs, ["b"], {}, -1.0)
    with pytest.raises(WorkersError, match=r"3 workers are there .*a, b, c.*; stop those that are of no chip"):
        owners.assign(["b", "a", "c"])
    owners.assign(["b", "a"])
    assert [owners.next(jobs, name) for name in "abc"] == [jobs[0], jobs[1], None]
    assert owners.require(jobs, ["a", "b"], {}, -1.0)
    assert not owners.require(jobs, ["a", "c"], {}, 60.0)
    with pytest.raises(WorkersError, match=r"worker b alone has the samples of chip 1; .* dask worker ADDRESS --name b"):
        owners.require(jobs, ["a", "c"], {}, -1.0)


def test_other_samples_are_no_run_to_resume(tmp_path):
    """The run's folder has whose samples it began with, and without that of every chip nothing is resumed."""
    samples, place = [ChipSamples(Fingerprint(digest), np.ones(2, int)) for digest in ("a", "b")], tmp_path / OWNERS
    with RunFolder(tmp_path).locked() as folder:
        keep_owners(folder, ["y", "x"], samples[::-1])
        keep_owners(folder, ["x", "y"], samples)  # nothing has been learned yet
        folder.write(CHECKPOINT, b"")
        keep_owners(folder, ["x", "y"], samples)
        with pytest.raises(RunError, match="chip 0 began with other samples, those of worker x, than worker y has"):
            keep_owners(folder, ["y", "x"], samples[::-1])
        place.write_text(json.dumps(json.loads(place.read_text())[:1]))
        with pytest.raises(RunError, match=r"owners\.json: it has the workers of 1 chips, and the run has 2"):
            keep_owners(folder, ["x", "y"], samples)
        place.unlink()
        with pytest.raises(RunError, match=r"owners\.json: it cannot be read"):
            keep_owners(folder, ["x", "y"], samples)


def test_a_resumed_run_waits_for_its_own_workers(tmp_path):
    """Whoever else is there, and comes first by name, shifts no chip to another worker."""
    given = CompanySettings(chips=2, data="local", common=COMMON)
    (tmp_path / CHECKPOINT).touch()
    (tmp_path / OWNERS).write_text(json.dumps([{"worker": name, "samples": ""} for name in ("x", "y")]))
    owners = company_run._owners(Start(experiment(), RunFolder(tmp_path), resume=True), given)
    owners.assign(["a", "y", "x"])
    assert owners.names == ["x", "y"]
    assert not company_run._owners(Start(experiment(), RunFolder(tmp_path), resume=False), given).names

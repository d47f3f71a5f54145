"""A sweep ends with the same numbers, whoever computes it and whatever happens meanwhile."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dask
import pytest

from hwsim.ensemble.reached import Follow, TrainingProgress
from hwsim.sweep.compute import BatchJob
from hwsim.sweep.database import Database
from hwsim.sweep.execution import SweepInterruptedError, run
from hwsim.sweep.recorded import SweepResult
from hwsim.sweep.sweep_errors import SweepError, SweepStoppedError
from hwsim.sweep.workers import Compute
from support import free_sweep
from support.free_sweep import compute, content, definition

TOTAL, BATCH = 6 * 16 * 2, 16


def sweep(path: Path, function: Compute = compute, observe: Callable[[list[SweepResult]], None] = lambda _: None, **settings) -> None:
    with Database.begin(path, definition(), {}) as database:
        run(database, observe, function=function, **settings)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[object, ...]]:
    """Return what an uninterrupted sweep in one process leaves."""
    path = tmp_path_factory.mktemp("whole") / "a.db"
    sweep(path)
    return content(path)


def test_every_result_is_on_disk_before_it_is_reported(tmp_path: Path) -> None:
    """Another process sees it; each is reported once, and a second run computes nothing."""
    path, report = tmp_path / "a.db", list[SweepResult]()

    def observe(results: list[SweepResult]) -> None:
        with Database.open(path) as database:
            assert {result[:3] for result in results} <= database.done()
        report.extend(results)

    sweep(path, observe=observe)
    assert len(report) == len({result[:3] for result in report}) == TOTAL
    again = list[SweepResult]()
    sweep(path, free_sweep.raising, again.extend)
    assert sorted(map(repr, again)) == sorted(map(repr, report))


@pytest.mark.parametrize("jobs", [1, 2])
def test_batches_at_work_report_how_far_they_are(
    tmp_path: Path, whole: list[tuple[object, ...]], monkeypatch: pytest.MonkeyPatch, jobs: int
) -> None:
    """Here and in processes of our own, each at most once a second, of which this test takes none."""
    reports = list[tuple[float, list[TrainingProgress]]]()
    monkeypatch.setattr("hwsim.sweep.workers.REPORT", 0.0)
    sweep(tmp_path / "a.db", free_sweep.reporting, at_work=lambda done, each: reports.append((done, list(each))), jobs=jobs)
    assert {one for _, each in reports for one in each} == {TrainingProgress.after(epoch, 4) for epoch in (1, 2, 3, 4)}
    for done, each in reports:
        assert done == pytest.approx(sum(BATCH * one.epoch / 5 for one in each))
        assert done <= BATCH * len(each)
    assert content(tmp_path / "a.db") == whole


def test_a_fault_ends_the_sweep_and_leaves_what_is_done(tmp_path: Path, whole: list[tuple[object, ...]]) -> None:
    """No claim stays; once the fault is mended the sweep continues."""
    path = tmp_path / "a.db"
    with pytest.raises(ValueError, match="data are missing"):
        sweep(path, free_sweep.raising)
    with Database.open(path) as database:
        assert {row[0] for row in database.done()} == {1, 2}
    sweep(path)
    assert content(path) == whole


@pytest.mark.parametrize("moment", [0.05, 0.35, 0.65])
def test_a_killed_sweep_goes_on(tmp_path: Path, whole: list[tuple[object, ...]], moment: float) -> None:
    """Whenever it was killed, it ends with what an uninterrupted one leaves, and computes again at most what was at work."""
    path = tmp_path / "a.db"
    with subprocess.Popen([sys.executable, free_sweep.__file__, path, "1"], stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout.readline()
        time.sleep(moment)
        killed.kill()
        printed = sum(int(line) for line in killed.stdout)
    computed = list[BatchJob]()

    def counted(job: BatchJob, _: Follow) -> list[SweepResult]:
        computed.append(job)
        return compute(job)

    with Database.open(path) as database:
        before = len(database.done())
    sweep(path, counted)
    assert printed <= before <= printed + BATCH
    assert sum(len(job.instances) for job in computed) == TOTAL - before
    assert content(path) == whole


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_says_how_to_go_on(tmp_path: Path, number: signal.Signals) -> None:
    """Nothing is lost and nothing stays claimed."""
    path = tmp_path / "a.db"

    def interrupt(results: list[SweepResult]) -> None:
        if results and results[0].point == 2:
            signal.raise_signal(number)

    with pytest.raises(SweepInterruptedError, match=rf"interrupted; \d+ of {TOTAL} results are in .*a.db"):
        sweep(path, observe=interrupt)
    with Database.open(path) as database:
        assert {row[0] for row in database.done()} == {1, 2}
        assert not database._connection.execute("SELECT * FROM claims").fetchall()


def test_two_processes_share_a_sweep(tmp_path: Path, whole: list[tuple[object, ...]]) -> None:
    """Both receive all results, each computes a part, and the file is that of one."""
    path = tmp_path / "a.db"
    program = [sys.executable, free_sweep.__file__, path, "1"]
    both = [subprocess.Popen(program, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    printed = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert [sum(map(int, one.split())) for one in printed] == [TOTAL, TOTAL]
    assert content(path) == whole


def test_dead_workers_are_replaced(tmp_path: Path, whole: list[tuple[object, ...]], monkeypatch: pytest.MonkeyPatch) -> None:
    """One dies of its third point; the point is done again, and the numbers are those of one process."""
    monkeypatch.setenv("HWSIM_TEST_MARK", str(tmp_path / "mark"))
    sweep(tmp_path / "a.db", free_sweep.deadly, jobs=2)
    assert (tmp_path / "mark").exists()
    assert content(tmp_path / "a.db") == whole


def test_a_point_that_ends_every_worker_ends_the_sweep(tmp_path: Path) -> None:
    """It, or one whose results its worker still had, is named, and what others found is kept."""
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        pytest.raises(SweepStoppedError, match=r"point [123] ended every worker .* results are in .*a.db"),
    ):
        sweep(tmp_path / "a.db", free_sweep.always_deadly, jobs=2)
    with Database.open(tmp_path / "a.db") as database:
        kept = {row[0] for row in database.done()}
    assert kept
    assert 3 not in kept


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Start a user's own scheduler with two separate workers on loopback; gives its address and the workers."""
    dask = [sys.executable, "-m", "dask"]
    address = tmp_path / "scheduler.json"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path, "env": environment}
    where = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-show", "--scheduler-file", address]
    started = [subprocess.Popen([*dask, "scheduler", *where], **quiet)]
    while not address.exists() or not address.read_text():
        time.sleep(0.05)
    tcp = json.loads(address.read_text())["address"]
    worker = ["worker", tcp, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
    started += [subprocess.Popen([*dask, *worker, "--local-directory", tmp_path / str(k)], **quiet) for k in range(2)]
    yield tcp, started[1:]
    for process in started[::-1]:
        process.kill()
        process.wait()


def test_a_cluster_gives_the_same_numbers_even_when_a_worker_dies(
    tmp_path: Path, whole: list[tuple[object, ...]], scheduler: tuple[str, list[subprocess.Popen[bytes]]]
) -> None:
    """Two separate workers of the user's scheduler; a fault in one is reported as if it had been here, and later one is killed midway."""
    address, processes = scheduler
    killed = []

    def kill(results: list[SweepResult]) -> None:
        if results and not killed:
            processes[0].kill()
            killed.append(True)

    with pytest.raises(ValueError, match="data are missing"):
        sweep(tmp_path / "a.db", free_sweep.raising, scheduler=address)
    sweep(tmp_path / "a.db", free_sweep.slowly, kill, scheduler=address)
    assert killed
    assert content(tmp_path / "a.db") == whole


def test_a_missing_scheduler_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the address and what would start one."""
    monkeypatch.setattr("hwsim.cluster.dask_client.CONNECTING", 0.3)
    for address in ("tcp://127.0.0.1:9", "nonsense://x"):
        with pytest.raises(SweepError, match=f"--scheduler {address}: no Dask scheduler answers"):
            sweep(tmp_path / "a.db", scheduler=address)

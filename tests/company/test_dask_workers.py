"""Chips computed by workers of Dask's: the numbers of one process, whatever happens to workers, and never a wrong one."""

import os
import pickle
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pytest
from distributed import Client, LocalCluster

from hwsim.cluster.dask_client import connected
from hwsim.company.chip_job import ChipAnswer, ChipJob, ChipProgress
from hwsim.company.chip_workers import Refusal, ThisProcess
from hwsim.company.company import Company, Round
from hwsim.company.dask_workers import DaskWorkers, WorkerEvent, WorkersError
from hwsim.company.members import Members
from hwsim.company.taught import taught
from hwsim.core.protocol import ConvergenceError
from hwsim.experiment.loading import load
from hwsim.learning.state import joined
from hwsim.settings.company_settings import CompanySettings
from support import free_company, hostile_workers
from support.hostile_workers import CHANGES, Hostile

EXCHANGES = ["none", "mean-weights", "outputs", "mean-gradient"]
QUICK = ["training.epochs=2", "training.precision=float64", "training.schedule=constant", "circuit.layers=[]", "training.batch=8"]


@contextmanager
def company(exchange, workers=None, *overrides, **settings) -> Iterator[Company]:
    """Make a company of three chips on iris."""
    given = CompanySettings(**({"chips": 3, "exchange": exchange, "common": 15 if exchange == "outputs" else 0} | settings))
    with Company(Members.of(load("iris", [*QUICK, "data.train_limit=60", *overrides]), given), given, workers) as chips:
        yield chips


def trained(exchange, workers=None, *overrides, **settings):
    """Train it; return each chip's conductances [S], and each epoch."""
    with company(exchange, workers, *overrides, **settings) as chips:
        epochs = [one for one in chips.rounds(chips.begin()) if isinstance(one, Round)]
        return [joined(one.g) for one in chips.alone.apart(epochs[-1].state)], epochs


def difference(some, others):
    """Return the largest relative difference of conductances."""
    each = [(one[name], other[name]) for one, other in zip(some, others, strict=True) for name in one]
    return max(float(np.abs(a - b).max() / a.max()) for a, b in each)


@contextmanager
def cluster(workers: int) -> Iterator[Client]:
    """Start workers as threads of this process."""
    threads = {"threads_per_worker": 1, "processes": False, "dashboard_address": ":0", "memory_limit": 0}
    with LocalCluster(n_workers=workers, **threads) as started, Client(started) as client:
        yield client


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """Start three workers."""
    with cluster(3) as three:
        yield three


@pytest.fixture(scope="module")
def reference():
    """Return conductances of an undisturbed company in this process."""
    return trained("mean-weights", exact=True)[0]


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_workers_compute_what_one_process_does(client, exchange):
    """One by one the same bits, side by side the same within rounding, conductances and outputs alike; no worker is refused."""
    events = list[WorkerEvent]()
    elsewhere, epochs = trained(exchange, DaskWorkers(client, events.append))
    here, exact = trained(exchange, exact=True)
    mapped, side_by_side = trained(exchange)
    steps = 2 * 3
    assert difference(here, elsewhere) == 0.0
    assert difference(mapped, elsewhere) <= 1e-12 * steps
    for one, same, near in zip(epochs, exact, side_by_side, strict=True):
        assert np.array_equal(one.outputs, same.outputs)
        assert np.abs(one.outputs - near.outputs).max() <= 1e-11
        assert all(np.array_equal(one.sums[name], same.sums[name]) for name in one.sums)
        assert np.array_equal(one.sums["wrong"], near.sums["wrong"])
        assert one.sent_bytes == near.sent_bytes
    assert {event.event for event in events} == {"joined"}
    assert len({event.address for event in events}) == 3


@pytest.mark.parametrize("kind", CHANGES)
def test_what_no_worker_should_return_is_refused_by_name(client, reference, kind):
    """It is computed again elsewhere, and no digit changes."""
    events = list[WorkerEvent]()
    assert difference(reference, trained("mean-weights", DaskWorkers(client, events.append, Hostile(kind)))[0]) == 0.0
    (refused,) = [event for event in events if event.event == "refused"]
    assert refused.worker == "0"
    assert CHANGES[kind][1] in refused.reason
    assert refused.reason.startswith("chip ")


def test_a_worker_without_the_data_is_refused(client, reference):
    """Its reason is that of its own error, in a line."""
    events = list[WorkerEvent]()
    assert difference(reference, trained("mean-weights", DaskWorkers(client, events.append, hostile_workers.unable))[0]) == 0.0
    assert [event.reason.partition(": ")[2] for event in events if event.event == "refused"] == ["digits: no such file"]


def test_what_no_worker_can_compute_ends_the_run(client):
    """Three workers are enough to see that the fault is not theirs; what ends a training here ends it there."""
    with pytest.raises(WorkersError, match=r"workers were refused; the last, worker \d .*not finite; a training whose rates"):
        trained("none", DaskWorkers(client, lambda _: None, Hostile("a number that is none", everywhere=True)), chips=2)
    with pytest.raises(ConvergenceError, match=r"chip \d: 1 equilibria were not found"):
        trained("none", DaskWorkers(client, lambda _: None, hostile_workers.unsettled))


def test_a_lost_worker_costs_no_digit(reference):
    """One leaves in the midst of an epoch: another computes its chips, and nobody waits for it."""
    events = list[WorkerEvent]()
    hostile_workers.LEAVING.clear()
    with cluster(2) as two:
        ends, _ = trained("mean-weights", DaskWorkers(two, events.append, hostile_workers.leaving))
    assert hostile_workers.LEAVING.is_set()
    assert [(event.event, event.worker) for event in events if event.event != "joined"] == [("left", "0")]
    assert difference(reference, ends) == 0.0


def test_without_workers_a_run_ends(monkeypatch):
    """After a while, with what to start."""
    monkeypatch.setattr("hwsim.company.dask_workers.PATIENCE", 0.1)
    with cluster(0) as nobody, pytest.raises(WorkersError, match=r"no worker has been there for 0\.1 s; start one with: dask worker"):
        trained("none", DaskWorkers(nobody, lambda _: None))


class _SentError(Exception):
    """What would be sent is known."""


class _Weighed:
    """Weighs what would be sent, and stops then."""

    def __init__(self) -> None:
        self.jobs = list[int]()

    def compute(self, jobs: Sequence[ChipJob], refusal: Refusal) -> Iterator[ChipAnswer | ChipProgress | None]:
        """Weigh all jobs."""
        del refusal
        self.jobs += [len(pickle.dumps(job)) for job in jobs]
        raise _SentError


@pytest.mark.parametrize("exchange", ["none", "outputs", "mean-gradient"])
def test_samples_never_travel(exchange):
    """The work of a chip with twice the samples has the same bytes: what it learns from is read where it is computed."""
    sizes = []
    for samples in (45, 75):
        weighed = _Weighed()
        with company(exchange, weighed, f"data.train_limit={samples}") as chips:
            labelled = [session.task.train for session in chips.members.alone]
            targets = [taught(one, np.zeros((15, 3))) for one in labelled] if exchange == "outputs" else None
            assert len({len(session.data.x_train) for session in chips.members.alone}) == 1
            with pytest.raises(_SentError):
                list(chips.chips.epoch(chips.begin(), targets))
            conductances = sum(len(element) for element in chips.alone.trainers[0].circuit.trainable)
        sizes.append(weighed.jobs)
    assert len(sizes[0]) == 3
    assert sizes[0] == sizes[1]
    assert min(sizes[0]) > 8 * conductances


def test_killed_workers_cost_no_digit():
    """Processes are killed in the midst of epochs, and again; others compute what they had."""
    epochs = "training.epochs=6"
    reference, _ = trained("mean-weights", ThisProcess(free_company.computed), epochs)
    events, killed = list[WorkerEvent](), list[int]()
    with connected(2, None) as client, company("mean-weights", DaskWorkers(client, events.append, free_company.computed), epochs) as chips:
        for one in chips.rounds(chips.begin()):
            if not isinstance(one, Round):
                continue
            ends = [joined(each.g) for each in chips.alone.apart(one.state)]
            if one.state.epoch in {1, 3}:
                killed.append(next(pid for pid in client.run(os.getpid).values() if pid not in killed))
                threading.Timer(0.5 * free_company.SECONDS, os.kill, (killed[-1], signal.SIGKILL)).start()
        masks = client.run(signal.pthread_sigmask, signal.SIG_BLOCK, [])
        assert all(signal.SIGINT in mask for mask in masks.values()), "Ctrl-C is the command's, from a worker's first instruction on"
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    assert difference(reference, ends) == 0.0
    assert len(killed) == 2
    assert [event.event for event in events].count("left") == 2


class Slow:
    """Stands in for a client, and for an answer that takes five seconds to fetch."""

    cluster, status = None, "running"

    def __init__(self) -> None:
        self.waited = list[float]()

    def subscribe_topic(self, *_: object) -> None:
        """Report nothing."""

    def nthreads(self) -> dict[str, int]:
        """List the one worker."""
        return {"tcp://here": 1}

    def scheduler_info(self) -> dict[str, dict[str, object]]:
        """Know no names."""
        return {"workers": {}}

    def result(self, timeout: float) -> str:
        """Begin again whenever nobody waits any longer."""
        self.waited.append(timeout)
        if timeout < 5.0:
            raise TimeoutError
        return "whole"


def test_an_answer_that_takes_long_to_fetch_is_waited_for():
    """Longer each time, unless its worker has gone."""
    slow = Slow()
    workers = DaskWorkers(slow, lambda _: None)
    assert workers._fetched(slow, "tcp://here") == "whole"
    assert slow.waited == [1.0, 2.0, 4.0, 8.0]
    with pytest.raises(TimeoutError):
        workers._fetched(slow, "tcp://gone")

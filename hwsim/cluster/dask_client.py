"""A client of Dask's: of processes started on this machine, or of the user's scheduler."""

import logging
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from multiprocessing import resource_tracker
from typing import Any

CONNECTING = 15.0
"""Time limit for a scheduler's answer [s]."""


class ClusterError(ValueError):
    """No scheduler answers; the message names its address and the remedy."""


def incompatible(reason: str) -> str:
    """Return what to do where the machines of a cluster have different programs, in a line."""
    return f"the Dask scheduler or a worker is incompatible ({reason}); install hwsim {version('hwsim')} on every machine of the cluster"


@contextmanager
def connected(processes: int, scheduler: str | None) -> Iterator[Any]:
    """Start processes on this machine, or connect to the user's scheduler.

    Raises
    ------
    ClusterError
        When no scheduler answers.

    """
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # errors are raised; a worker's death needs no message
    with _local_cluster(processes) if scheduler is None else _scheduler(scheduler) as client:
        yield client


@contextmanager
def _local_cluster(processes: int) -> Iterator[Any]:
    """Start a cluster on this machine; Dask replaces workers that die."""
    import dask  # noqa: PLC0415 - a second, only for those who compute on workers
    from distributed import Client, LocalCluster  # noqa: PLC0415 - as above

    with dask.config.set({"distributed.admin.tick.limit": "1h"}), ExitStack() as stack:  # a busy machine needs no message either
        with _without_sigint():
            cluster = stack.enter_context(
                LocalCluster(  # type: ignore[no-untyped-call]  # Dask leaves it untyped
                    n_workers=processes,
                    threads_per_worker=1,
                    processes=True,
                    host="127.0.0.1",
                    dashboard_address="127.0.0.1:0",  # any free port; None means 8787, and a warning where that is taken
                    memory_limit=0,  # the system's own limits are enough
                    silence_logs=logging.CRITICAL,
                )
            )
        yield stack.enter_context(Client(cluster))  # type: ignore[no-untyped-call]  # Dask leaves it untyped


@contextmanager
def _without_sigint() -> Iterator[None]:
    """Block SIGINT in threads that begin here, and so in all processes that they start, now and later, from their first instruction on.

    So a terminal's Ctrl-C only reaches the command, which then ends its workers.
    """
    resource_tracker.ensure_running()  # whoever starts it would unblock signals
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _scheduler(address: str) -> Iterator[Any]:
    from distributed import Client  # noqa: PLC0415 - a second, only for those who compute on workers

    try:
        client = Client(address, timeout=CONNECTING)  # type: ignore[no-untyped-call]  # Dask leaves it untyped
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        msg = f"--scheduler {address}: no Dask scheduler answers ({reason}); start one with: dask scheduler"
        raise ClusterError(msg) from None
    with client:
        yield client


def replace_ended(cluster: Any, processes: int) -> None:
    """Start others in place of processes of our own that ended while they started; Dask replaces those that ended later."""
    for name, one in list(cluster.workers.items()):
        if one.status.name in {"closing", "closed", "failed"}:
            cluster.worker_spec.pop(name, None)
    cluster.scale(processes)

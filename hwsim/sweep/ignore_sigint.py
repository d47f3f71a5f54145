"""Deaf: what a worker process loads first, so that a terminal's Ctrl-C reaches the sweep alone, which then ends its workers."""

import signal


def dask_setup(_: object) -> None:
    """Let SIGINT pass; Dask calls this in every new worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

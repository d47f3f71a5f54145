"""A worker process loads this first, so that a terminal's Ctrl-C only reaches the command, which then ends its workers."""

import signal


def dask_setup(_: object) -> None:
    """Ignore SIGINT; Dask calls this in every new worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

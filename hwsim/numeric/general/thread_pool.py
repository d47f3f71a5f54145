"""Cores: how work in NumPy is shared out among them: BLAS has one thread, and runs of a batch have one each."""

import os
import sys
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

_MOST_THREADS = 4
"""Each takes memory of its own."""


@cache
def _threads(scipy: bool) -> Any:  # noqa: ARG001, FBT001 - asked for again when SciPy is there
    from threadpoolctl import ThreadpoolController  # noqa: PLC0415 - looks through all libraries that are loaded by then

    return ThreadpoolController()


def one_thread() -> Any:
    """Limit BLAS to one thread inside a `with`: many small products would wait for each other's threads. SciPy brings a BLAS of its own."""
    return _threads("scipy.linalg" in sys.modules).limit(limits=1, user_api="blas")


def on_all_cores(work: Callable[[slice], None], runs: Iterable[slice]) -> None:
    """Work on all runs of a batch, where there are several on all cores: circuits that need them are large, and BLAS has one thread."""
    several = list(runs)
    if len(several) < 2:  # noqa: PLR2004 - nothing to share out
        for some in several:
            work(some)
        return
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - most circuits are small

    with ThreadPoolExecutor(min(len(several), os.cpu_count() or 1, _MOST_THREADS)) as pool:
        for done in [pool.submit(work, some) for some in several]:
            done.result()

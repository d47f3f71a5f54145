"""What all tests share: how hard Hypothesis searches, where JAX keeps what it compiles, and that Ctrl-C interrupts."""

import gc
import os
import signal
import sys
from collections.abc import Iterator

import psutil
import pytest
from hypothesis import HealthCheck, settings

from hwsim.files.caches import keep_compiled

keep_compiled()  # as the command line does: tests of one circuit compile it once
os.environ.setdefault(  # slower programs, compiled in a fifth of the time; golden.py compares those that users run
    "XLA_FLAGS",
    "--xla_cpu_use_fusion_emitters=false --xla_backend_optimization_level=0"
    " --xla_llvm_disable_expensive_passes=true --xla_cpu_parallel_codegen_split_count=1",
)

gc.set_threshold(50_000, 20, 20)  # to trace thousands of programs makes much garbage: searches for it took a tenth of all time

settings.register_profile(
    "default",
    max_examples=20,
    deadline=None,  # the first example compiles, and nothing is timed here
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors],
)
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, print_blob=True)
settings.register_profile("search", settings.get_profile("default"), max_examples=1000)  # pytest --hypothesis-profile=search
settings.load_profile("ci" if os.environ.get("CI") else "default")

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as in what a shell starts in the background; some tests interrupt
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module")
def jax_64_bits() -> Iterator[None]:
    """Let a module's tests call JAX as hwsim's functions do: in 64 bits, with whole products."""
    from hwsim.numeric.jax_scope import jax_scope  # noqa: PLC0415 - a second, only for those who need it

    with jax_scope():
        yield


MOST_MEMORY, GROWTH = 2_500_000_000, 700_000_000
"""Bytes of a test process, and by how many it grows then; thousands of tests compile thousands of programs, and would keep them all."""

_LEFT = pytest.StashKey[int]()
"""What was left when the last programs were let go of: memory that is free again often stays with the process."""


@pytest.fixture(scope="module", autouse=True)
def _bounded_memory(pytestconfig: pytest.Config) -> Iterator[None]:
    """Let go of compiled programs after a module, where these have become many; the cache on disk has them."""
    yield
    process = psutil.Process()
    if "jax" in sys.modules and process.memory_info().rss > max(MOST_MEMORY, pytestconfig.stash.get(_LEFT, 0) + GROWTH):
        sys.modules["jax"].clear_caches()
        gc.collect()
        pytestconfig.stash[_LEFT] = process.memory_info().rss


@pytest.fixture(scope="session", autouse=True)
def _no_waiting_for_disks() -> Iterator[None]:
    """Let files be written without waiting until the disk has them: no test cuts the power, and hundreds of runs wait."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def _one_process_expands_decks() -> Iterator[None]:
    """Let ngspice expand all foreign decks of a test run in one process, which takes half a second to start."""
    from hwsim.ngspice import expander  # noqa: PLC0415 - many tests do without
    from support.reading import expand  # noqa: PLC0415

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(expander, "expand", expand)
        yield
    expand.close()

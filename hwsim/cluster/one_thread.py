"""One thread: what a process that computes next to others takes of the machine, and what makes its sums the same everywhere."""

import os
import sys

from hwsim.cores import usable_cores


def one_thread() -> None:
    """Restrict this process to one core, which its sums' order depends on; without effect once JAX is loaded."""
    if "jax" in sys.modules:
        return
    os.environ |= {"NPROC": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false".strip()
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # several processes may share an accelerator


def jax_threads() -> int:
    """Return how many threads JAX takes in this process."""
    return int(os.environ.get("NPROC") or usable_cores())

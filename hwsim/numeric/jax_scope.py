"""JAX in a scope: 64 bits and whole products around our own work, and as they were around everybody else's."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import jax

_users: set[int] = set()
"""Processes that have used JAX: this one, and those that it was forked from."""


class ForkedError(RuntimeError):
    """A process that was forked from one in which JAX had run: its threads are missing here, and JAX would wait for them forever."""


@contextmanager
def jax_scope() -> Iterator[None]:
    """Switch 64 bits and whole products on within a `with` block or, as a decorator, within a function.

    Tracing, calling what is compiled and bringing arrays to a device must all be inside. 32-bit arrays stay what they are, but their
    products keep all 24 bits on graphics cards too, whose default keeps 11. The scope is this thread's, and scopes may be nested.

    Raises
    ------
    ForkedError
        In a process that was forked after JAX had run.

    """
    _users.add(os.getpid())
    if len(_users) > 1:
        msg = "this process was forked after JAX had run, and JAX would hang in it; start it with multiprocessing.get_context('spawn')"
        raise ForkedError(msg)
    config: Any = jax.config
    if config.jax_enable_x64 and config.jax_default_matmul_precision == "highest":  # within another scope
        yield
        return
    with jax.enable_x64(True), jax.default_matmul_precision("highest"):  # noqa: FBT003 - JAX's own
        yield


def compiler_options(*, mapped: bool = False) -> dict[str, str]:
    """Return those of programs that train: on CPUs vectors as long as there are, on others none.

    What pulses do to a device is one long chain of operations, and longer vectors need fewer of them. Processors without such long ones
    take two shorter ones at once. Programs that are `mapped` over chips do many small products, each of which XLA's library of kernels
    for CPUs begins more slowly than its own; where XLA has no such choice, it is not made.
    """
    if jax.default_backend() != "cpu":
        return {}
    options = {"xla_cpu_prefer_vector_width": "512"}
    return options | ({_LIBRARY: ""} if mapped and _has(_LIBRARY) else {})


_LIBRARY = "xla_cpu_experimental_ynn_fusion_type"


@cache
def _has(option: str) -> bool:
    """Whether this XLA has an option."""
    try:
        jax.jit(lambda x: x, compiler_options={option: ""}).lower(0).compile()
    except jax.errors.JaxRuntimeError:
        return False
    return True

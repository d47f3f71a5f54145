"""JAX in a scope: 64 bits and whole products around our own work, and as they were around everybody else's."""

from collections.abc import Iterator
from contextlib import contextmanager

import jax


@contextmanager
def jax_scope() -> Iterator[None]:
    """Switch 64 bits and whole products on within a `with` block or, as a decorator, within a function.

    Tracing, calling what is compiled and bringing arrays to a device must all be inside. 32-bit arrays stay what they are, but their
    products keep all 24 bits on graphics cards too, whose default keeps 11. The scope is this thread's, and scopes may be nested.
    """
    with jax.enable_x64(True), jax.default_matmul_precision("highest"):  # noqa: FBT003 - JAX's own
        yield


def compiler_options() -> dict[str, str]:
    """Return those of programs that train: on CPUs vectors as long as there are, on others none.

    What pulses do to a device is one long chain of operations, and longer vectors need fewer of them. Processors without such long ones
    take two shorter ones at once.
    """
    return {"xla_cpu_prefer_vector_width": "512"} if jax.default_backend() == "cpu" else {}

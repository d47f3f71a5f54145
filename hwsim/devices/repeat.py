"""A loop for arrays of NumPy and JAX: what is repeated is compiled once."""

from collections.abc import Callable
from typing import Any

import numpy as np

from hwsim.engine import Array


def repeat(once: Callable[[Any, Any], Any], times: Array, carry: Any, xp: Any) -> Any:
    """Give once(times − 1, … once(1, once(0, carry))); `xp` is the namespace of the carry's arrays."""
    if xp is np:
        for j in range(int(times)):
            carry = once(j, carry)
        return carry
    import jax  # noqa: PLC0415 - only arrays of JAX come here, so it is loaded

    return jax.lax.fori_loop(0, times, once, carry)

"""A loop and a choice for arrays of NumPy and JAX: what is repeated is compiled once, and only what is chosen is computed."""

from collections.abc import Callable
from typing import Any

import numpy as np

from hwsim.typing import Array


def repeat(once: Callable[[Any, Any], Any], times: Array, carry: Any, xp: Any) -> Any:
    """Return once(times − 1, … once(1, once(0, carry))); `xp` is the namespace of the carry's arrays."""
    if xp is np:
        for j in range(int(times)):
            carry = once(j, carry)
        return carry
    import jax  # noqa: PLC0415 - only arrays of JAX come here, so it is loaded

    return jax.lax.fori_loop(0, times, once, carry)


def packed(pair: tuple[Array, Array], xp: Any) -> Any:
    """Return two arrays as what a loop hands on: for JAX as the parts of complex numbers, which XLA works out in one pass, not in two."""
    if xp is np:
        return pair
    import jax  # noqa: PLC0415 - only arrays of JAX come here, so it is loaded

    return jax.lax.complex(*pair)


def unpacked(both: Any, xp: Any) -> tuple[Array, Array]:
    """Return the two arrays that were packed."""
    return both if xp is np else (both.real, both.imag)


def repeat_packed(once: Callable[[Any, Array, Array], tuple[Array, Array]], times: Array, both: Any, xp: Any) -> Any:
    """Repeat what makes two arrays of two, which come packed and go so."""
    return repeat(lambda j, last: packed(once(j, *unpacked(last, xp)), xp), times, both, xp)


def either(condition: Array, yes: Callable[[], Any], no: Callable[[], Any], xp: Any) -> Any:
    """Return yes() or no(), which have arrays of the same shapes."""
    if xp is np:
        return yes() if condition else no()
    import jax  # noqa: PLC0415 - only arrays of JAX come here, so it is loaded

    return jax.lax.cond(condition, yes, no)

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


def repeat_pair(once: Callable[[Any, Any], Any], times: Array, pair: tuple[Array, Array], xp: Any) -> tuple[Array, Array]:
    """Repeat what makes two arrays of two. For JAX these are the parts of complex numbers, which XLA works out in one pass, not in two."""
    if xp is np:
        return repeat(once, times, pair, xp)  # type: ignore[no-any-return] # what `once` gives
    import jax  # noqa: PLC0415 - only arrays of JAX come here, so it is loaded

    def of_parts(j: Any, both: Any) -> Any:
        return jax.lax.complex(*once(j, (both.real, both.imag)))

    both = repeat(of_parts, times, jax.lax.complex(*pair), xp)
    return both.real, both.imag


def either(condition: Array, yes: Callable[[], Any], no: Callable[[], Any], xp: Any) -> Any:
    """Return yes() or no(), which have arrays of the same shapes."""
    if xp is np:
        return yes() if condition else no()
    import jax  # noqa: PLC0415 - only arrays of JAX come here, so it is loaded

    return jax.lax.cond(condition, yes, no)

"""One thread for NumPy's matrix products while worker processes share the cores.

More would wait for each other: on a busy machine a product that takes half a millisecond takes thirty then, and between products they
spin on the cores that ngspice needs.
"""

from threadpoolctl import threadpool_limits


class OneThread:
    """Keeps the products of this process to one thread as long as anybody holds it."""

    def __init__(self) -> None:
        self._holders = 0
        self._limits = None

    def hold(self) -> None:
        """Begin, if nobody has yet."""
        if not self._holders:
            self._limits = threadpool_limits(limits=1, user_api="blas")
        self._holders += 1

    def let_go(self) -> None:
        """End, when the last one does."""
        self._holders -= 1
        if not self._holders and self._limits is not None:
            self._limits.restore_original_limits()


ONE_THREAD = OneThread()

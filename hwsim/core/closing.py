"""What solvers of one circuit share: they are wrapped as a whole, and closed at the end of a `with`."""

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self


class Whole:
    """A solver of one circuit, which a wrapper goes around as a whole; one of many circuits is wrapped circuit by circuit."""

    def wrapped(self, wrapper: Callable[[Any], Any]) -> Any:
        """Return the solver within a wrapper."""
        return wrapper(self)


class Closing(Whole):
    """What is closed at the end of a `with`."""

    def pause(self) -> None:
        """Nothing is taken from others."""

    def close(self) -> None:
        """Nothing is held."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

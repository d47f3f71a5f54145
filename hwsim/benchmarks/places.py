"""Places: where contestants of a benchmark work, each in a process of its own, with the threads that it takes alone, or all in this one."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from typing import Any, Protocol


class ContestantError(RuntimeError):
    """A contestant's process ended in the middle of its work; the message has its exit code and the remedy."""


class Contestant(Protocol):
    """Something that was made at a place, whose methods are called there."""

    def __call__(self, method: str, *arguments: Any) -> Any:
        """Call a method, wait until it is done, and return what it returns."""
        ...

    def close(self) -> None:
        """End it."""
        ...


Place = Callable[..., Contestant]
"""Makes a contestant: of a function, found by its name, and what it takes."""


class SameProcess:
    """A contestant in this process."""

    def __init__(self, make: Callable[..., Any], *given: Any) -> None:
        self._made = make(*given)

    def __call__(self, method: str, *arguments: Any) -> Any:
        """Call a method."""
        return getattr(self._made, method)(*arguments)

    def close(self) -> None:
        """Let it go."""
        del self._made


class OwnProcess:
    """A contestant in a process of its own, where nothing is loaded before it.

    What is handed over and returned is pickled; an error that is raised there is raised here.
    """

    def __init__(self, make: Callable[..., Any], *given: Any) -> None:
        context = multiprocessing.get_context("spawn")  # JAX does not survive a fork
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, make, given), daemon=True)
        with _deaf_to_ctrl_c():  # what is started stays so: Ctrl-C is for whoever waits
            self._process.start()
        theirs.close()
        try:
            self._answer()
        except BaseException:
            self.close()
            raise

    def __call__(self, method: str, *arguments: Any) -> Any:
        """Call a method."""
        try:
            self._connection.send((method, arguments))
        except OSError:
            raise self._ended() from None
        return self._answer()

    def close(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.join()
        self._connection.close()

    def _answer(self) -> Any:
        try:
            answer, raised = self._connection.recv()
        except (EOFError, OSError):
            raise self._ended() from None
        if raised:
            raise answer
        return answer

    def _ended(self) -> ContestantError:
        self._process.join()
        code = self._process.exitcode
        why = "the system may have been short of memory; measure smaller cases" if code == -signal.SIGKILL else "its own words are above"
        return ContestantError(f"a process of the benchmark ended with exit code {code}; {why}")


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Ignore SIGINT within the block, where signals are this thread's: a process that is started there does for good."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _serve(connection: Connection, make: Callable[..., Any], given: tuple[Any, ...]) -> None:
    """Make a contestant and call its methods, until the other side ends."""
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # several processes may share an accelerator
    made, raised = _tried(make, given)
    connection.send((made if raised else None, raised))
    while not raised:
        try:
            method, arguments = connection.recv()
        except EOFError:
            return
        connection.send(_tried(getattr(made, method), arguments))


def _tried(work: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Any, bool]:
    """Return what a function returns, or the error that it raises, and whether it is one."""
    try:
        return work(*arguments), False
    except Exception as error:  # noqa: BLE001 - it is raised again on the other side
        return error, True


@contextmanager
def together(place: Place, *made: tuple[Any, ...]) -> Iterator[list[Contestant]]:
    """Make several contestants at such places, each from a function and what it takes; they end with the context."""
    with ExitStack() as stack:
        contestants = []
        for make, *given in made:
            contestants.append(place(make, *given))
            stack.callback(contestants[-1].close)
        yield contestants

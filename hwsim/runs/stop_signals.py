"""Ctrl-C during a training: it ends after the updates that are under way, with its state intact; before the first of them, at once."""

import signal
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

Report = TypeVar("Report")


class Stopped(threading.Event):
    """Set by a signal. `harmless` is whether all that has been learned is kept, so that a signal may interrupt whatever is computed."""

    harmless = False


@contextmanager
def stop_signals(numbers: Sequence[signal.Signals] = (signal.SIGINT, signal.SIGTERM)) -> Iterator[Stopped]:
    """Let signals, by default SIGINT and SIGTERM, set an event; a second one stops at once, and so does a first one that is harmless."""
    stopped = Stopped()
    if threading.current_thread() is not threading.main_thread():
        yield stopped  # only the main thread may handle signals
        return

    def stop(number: int, frame: Any) -> None:
        again = stopped.is_set()
        stopped.set()
        if again or stopped.harmless:
            signal.default_int_handler(number, frame)

    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def until_stopped(training: Iterable[Report], stopped: Stopped) -> Iterator[Report]:
    """Return a training's reports until a signal stops it; what it begins from is kept already.

    Compiling comes before the first report, and nothing has been learned by then: it is not waited for. XLA compiles on in threads of its
    own, which crash when its memory is freed: a process must end at once then, as `cli.main.run` does, or late (`compiler_end`).
    """
    stopped.harmless = True
    try:
        for report in training:
            stopped.harmless = False
            yield report
            if stopped.is_set():
                return
    except BaseException:  # JAX may turn the interruption into an error of its own
        if not (stopped.harmless and stopped.is_set()):
            raise
    finally:
        stopped.harmless = False

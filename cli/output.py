"""Output: the only place that prints. Results go to stdout, progress and notes to stderr, one JSON object with `--json`."""

import json
import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from circuits.quoting import brief
from cli.pace import Pace, clock_face
from cli.tables import table, terminal_width, wrapped

_EVERY = 5.0
"""Seconds between two lines of progress where there is no terminal to draw a bar on."""

_BAR = 12
"""Width of the bar in characters."""

_NO_LIMIT = 10_000
"""Columns of a table whose lines are cut instead of wrapped."""

_BEFORE = "loading and compiling"
"""Activity of a job before its first report."""


class ProgressStep(NamedTuple):
    """Progress of a job: `done` of `total`, and a few words."""

    done: float
    total: float
    text: str


class Output:
    """Destination of a command's output.

    Parameters
    ----------
    json
        Results are printed as one JSON object, and so is the message of an error.

    """

    def __init__(self, *, json: bool = False) -> None:
        self.json = json

    def result(self, data: Mapping[str, Any], text: str) -> None:
        """Print a command's result: as JSON on request, else as text."""
        self.raw((json.dumps(_plain(data), allow_nan=False) if self.json else shown(text)) + "\n")

    def raw(self, text: str) -> None:
        """Write a result that is a file's content."""
        sys.stdout.write(text)

    def pages(self, lay_out: Callable[[int, str | None], str]) -> None:
        """Print a long text: in colours and page by page on a terminal, plain and 80 columns wide elsewhere.

        `lay_out` returns the text for a number of columns and a colour system of rich; None: no colours.
        """
        if not sys.stdout.isatty():
            self.raw(lay_out(80, None))
            return
        import click  # noqa: PLC0415 - only a terminal needs it
        from rich.console import Console  # noqa: PLC0415 - for this command alone

        console = Console()
        click.echo_via_pager(lay_out(console.width, console.color_system))  # it strips colours that the pager would print as codes

    def note(self, text: str) -> None:
        """Print something next to the result."""
        self._print(brief(text))

    @staticmethod
    def _print(text: str) -> None:
        """Print lines on standard error: wrapped where it is a terminal, and whole elsewhere, so that a search shows all of one."""
        lines = shown(text)
        if sys.stderr.isatty():
            width = terminal_width(sys.stderr)
            lines = "\n".join(wrapped(line, width=width) for line in lines.split("\n"))
        sys.stderr.write(lines + "\n")
        sys.stderr.flush()

    def notes(self, texts: Iterable[str]) -> None:
        """Print notes, a line each."""
        for text in texts:
            self.note(text)

    def error(self, text: str) -> None:
        """Print an error in one line."""
        line = "; ".join(brief(part.strip()) for part in text.splitlines() if part.strip())
        self._print(f"hwsim: {line}")
        if self.json:
            with suppress(OSError):  # the error may be that nothing can be written
                self.raw(json.dumps({"error": line}) + "\n")
                sys.stdout.flush()

    @contextmanager
    def progress(self, title: str) -> Iterator[Callable[[ProgressStep], None]]:
        """Show a job's progress and the time left: a live bar on a terminal, a line now and then elsewhere."""
        if not sys.stderr.isatty():
            self.note(f"{title}: {_BEFORE}")
            yield _lines(self.note)
            return
        from rich.console import Console  # noqa: PLC0415 - only a terminal needs rich
        from rich.progress import BarColumn, Progress, TextColumn  # noqa: PLC0415 - for this command alone

        pace, console = Pace(), Console(stderr=True)
        columns = TextColumn(title), BarColumn(_BAR), TextColumn("{task.description}"), TextColumn("{task.fields[time]}")
        with Progress(*columns, console=console) as bar:
            task = bar.add_task(_BEFORE, total=None, time="")

            def show(step: ProgressStep) -> None:
                words = _time(pace, step)
                text = shortened(step.text, console.width - len(title) - _BAR - len(words) - len(columns))
                bar.update(task, completed=step.done, total=step.total, description=text, time=words)

            yield show

    @contextmanager
    def board(self, title: str, header: Sequence[str]) -> Iterator[Callable[[ProgressStep, Mapping[int, Sequence[str]]], None]]:
        """Show a job's progress and a table that fills: rows by number, the last ones where not all fit; elsewhere lines of progress."""
        if not sys.stderr.isatty():
            self.note(f"{title}: {_BEFORE}")
            show_line, reported = _lines(self.note), 0.0

            def report(step: ProgressStep, _: Mapping[int, Sequence[str]]) -> None:
                nonlocal reported
                if step.done > reported:  # not at a mere heartbeat
                    reported = step.done
                    show_line(step)

            yield report
            return
        from rich.console import Console, Group  # noqa: PLC0415 - only a terminal needs rich
        from rich.live import Live  # noqa: PLC0415 - for this command alone
        from rich.text import Text  # noqa: PLC0415 - for this command alone

        pace, console, rows = Pace(), Console(stderr=True), dict[int, Sequence[str]]()
        with Live(console=console, refresh_per_second=4, transient=True) as live:

            def show(step: ProgressStep, changed: Mapping[int, Sequence[str]]) -> None:
                for number, row in changed.items():
                    rows.pop(number, None)
                    rows[number] = row  # what changed last stands last
                room = max(console.height - 4, 1)
                listed = table(header, [rows[number] for number in sorted(list(rows)[-room:])], width=_NO_LIMIT).splitlines()
                filled = round(_BAR * step.done / step.total)
                bar = f"{title} {'━' * filled}{'─' * (_BAR - filled)} {step.text} {_time(pace, step)}"
                live.update(Group(*(Text(_cut(line, console.width)) for line in (*listed, "", bar))))

            yield show


def shown(text: str) -> str:
    """Return a text without the characters that would control a terminal; names in files may contain them."""
    return text.translate(_COMMANDS)


_COMMANDS = {code: "\ufffd" for code in (*range(32), *range(127, 160)) if code not in {ord("\n"), ord("\t")}}


def _lines(note: Callable[[str], None]) -> Callable[[ProgressStep], None]:
    pace, last = Pace(), time.monotonic() - _EVERY

    def show(step: ProgressStep) -> None:
        nonlocal last
        now, words = time.monotonic(), _time(pace, step)
        if now - last >= _EVERY or step.done >= step.total:
            last = now
            note(f"{step.text}, {words}" if words else step.text)

    return show


def _time(pace: Pace, step: ProgressStep) -> str:
    """Return the remaining time, or, when all is done, the time taken; empty without a pace yet."""
    remaining = pace.remaining(step.done, step.total)
    if step.done >= step.total:
        return f"in {clock_face(pace.elapsed())}"
    return "" if remaining is None else f"{clock_face(remaining)} left"


def shortened(text: str, room: int) -> str:
    """Leave out the last parts of a list, unless there is room: half a number would be another one."""
    while len(text) > room and ", " in text:
        text = text.rpartition(", ")[0]
    return _cut(text, room)


def _cut(text: str, room: int) -> str:
    """Cut the end off if there is no room."""
    return text if len(text) <= room else text[: max(room - 1, 0)] + "…"


def _plain(value: Any) -> Any:
    """Convert to JSON's types: numbers of NumPy become Python's, those that are not finite become null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value

"""A bar that shows how far a training is: in notebooks and terminals."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hwsim.learning.epochs import Progress


@contextmanager
def progress_bar(epochs: int, shown: bool | None = None) -> Iterator[Callable[["Progress"], None]]:  # noqa: FBT001 - fit's own keyword
    """Show a bar of `epochs` epochs; `shown` absent: where someone looks at it. What is yielded takes each report of a training."""
    if not (_watched() if shown is None else shown):
        yield lambda progress: None  # noqa: ARG005 - nobody looks
        return
    from rich import progress as rich  # noqa: PLC0415 - only a bar needs it

    columns = rich.TextColumn("{task.description}"), rich.BarColumn(), rich.TimeRemainingColumn(), rich.TextColumn("{task.fields[loss]}")
    with rich.Progress(*columns) as bar:
        task = bar.add_task("compiling", total=epochs, loss="")

        def show(progress: "Progress") -> None:
            done = progress.epoch + progress.samples_done / progress.samples_total
            bar.update(task, completed=done, description=f"epoch {progress.epoch + 1}/{epochs}", loss=f"loss {progress.loss:.2e} V²")

        yield show


def _watched() -> bool:
    """Whether this is a terminal or a notebook."""
    shell = sys.modules.get("IPython")
    return sys.stdout.isatty() or bool(shell and shell.get_ipython() is not None)

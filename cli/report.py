"""`hwsim report`: one page that shows runs and sweeps."""

import shlex
from pathlib import Path

import click

from cli import options
from cli.command import command as make_command
from cli.output import Output, ProgressStep
from cli.tables import wrapped


@make_command("report", "hwsim report runs/digits-0\nhwsim report runs/iris-* sweep.db -o iris.html")
@click.argument("what", metavar="RUN|SWEEP.db…", nargs=-1, required=True)
@click.option(
    "--out", "-o", type=click.Path(path_type=Path), default="report.html", show_default=True, help="The page; its pictures are next to it."
)
@click.option("--title", help="Its title [default: the names of its runs and sweeps].")
@options.force
def command(output: Output, what: tuple[str, ...], out: Path, title: str | None, *, force: bool) -> None:
    """Make one self-contained HTML page of run folders and of sweeps.

    Of a run it shows learning curves, confusion matrix, conductances before and after, pulses and joules; of a sweep the error over the
    varied keys with its bands or as a map, and the yield; of both all numbers, the experiment, the environment and the command that repeats
    it. The page loads nothing, needs no script, and can be printed. Unfinished runs and sweeps are shown as far as they are. The pictures
    are next to the page as PNG too.
    """
    from hwsim.formatting import counted  # noqa: PLC0415 - help does without
    from hwsim.report.report import make, refuse_others  # noqa: PLC0415 - help does without

    refuse_others(what)
    command_line = shlex.join(["hwsim", "report", *what, "-o", str(out), *(["--title", title] if title else [])])
    with output.progress(out.name) as show:

        def observe(done: int, total: int, text: str) -> None:
            show(ProgressStep(done, total, text))

        written = make(what, out, title=title, command=command_line, observe=observe, force=force)
    result = {
        "page": str(written.page),
        "bytes": written.size,
        "figures": [str(picture) for picture in written.pictures],
        "shown": list(what),
    }
    size = f"{written.size / 1e6:.2g} MB"
    figures = f"\nfigures {written.pictures[0].parent} ({counted(len(written.pictures), 'PNG file')})" if written.pictures else ""
    output.result(result, wrapped(f"page    {written.page} ({size}, open it in any browser)", " " * 8) + figures)

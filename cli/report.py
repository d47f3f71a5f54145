"""`hwsim report`: one page that shows runs and sweeps."""

import shlex
from pathlib import Path

import click

from cli.command import command as make_command
from cli.output import Output, Step


@make_command("report", "hwsim report runs/digits-0\nhwsim report runs/iris-* sweep.db -o iris.html")
@click.argument("what", metavar="RUN|SWEEP.db…", nargs=-1, required=True)
@click.option(
    "--out", "-o", type=click.Path(path_type=Path), default="report.html", show_default=True, help="The page; its pictures lie beside it."
)
@click.option("--title", help="What stands at its top [default: the names of what it shows].")
def command(output: Output, what: tuple[str, ...], out: Path, title: str | None) -> None:
    """Make one self-contained HTML page of run folders and of sweeps.

    Of a run it shows learning curves, confusion matrix, conductances before and after, pulses and joules; of a sweep the error over the
    varied keys with its bands or as a map, and the yield; of both all numbers, the experiment, the environment and the command that repeats
    it. The page loads nothing, needs no script, and can be printed. What has not ended is shown as far as it is. The pictures lie beside
    the page as PNG too.
    """
    from hwsim.report.report import make  # noqa: PLC0415 - help does without

    _refuse(out)
    command_line = shlex.join(["hwsim", "report", *what, "-o", str(out), *(["--title", title] if title else [])])
    with output.progress(out.name) as show:
        written = make(what, out, title=title, command=command_line, observe=lambda done, total, text: show(Step(done, total, text)))
    told = {
        "page": str(written.page),
        "bytes": written.size,
        "figures": [str(picture) for picture in written.pictures],
        "shown": list(what),
    }
    size = f"{written.size / 1e6:.2g} MB"
    figures = f"\nfigures {written.pictures[0].parent} ({len(written.pictures)} PNG files)" if written.pictures else ""
    output.result(told, f"page    {written.page} ({size}, open it in any browser){figures}")


def _refuse(out: Path) -> None:
    """Refuse a place for the page that cannot be one, before any work is done."""
    if out.is_dir():
        raise click.UsageError(f"--out {out}: this is a folder; name a file, such as {out / 'report.html'}")
    if not out.parent.is_dir():
        raise click.UsageError(f"--out {out}: there is no folder {out.parent}; make it first")

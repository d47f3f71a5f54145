"""`hwsim datasheet`: what a designer asks of a chip."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli import options
from cli.command import command as make_command
from cli.loading import loaded
from cli.output import Output, ProgressStep
from cli.tables import table, wrapped

if TYPE_CHECKING:
    from hwsim.datasheet.datasheet import Datasheet
    from hwsim.datasheet.sheet_section import SheetSection

EXAMPLE = """\
hwsim datasheet runs/iris-0 --set energy.amplifier_watts=1e-5
hwsim datasheet runs/iris-0 --chips 10 --spec 5% -o iris.html
hwsim datasheet runs/digits-0 --chips 10 --spec 5% --limit device.levels
hwsim datasheet runs/pcm-0 --chips 10 --celsius 85 --after 30d --refresh 1"""

_OF_CHIPS = ("spec", "limits", "tested", "celsius", "after", "refresh", "train")
"""Options that have no effect without several chips."""


def _share(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:  # noqa: ARG001 - click's signature
    """Read 5% as 0.05, and other numbers as they are: errors in the units of the targets."""
    if value is None:
        return None
    number, percent, _ = value.partition("%")
    try:
        spec = float(number) / (100 if percent else 1)
    except ValueError:
        spec = -1.0
    if not 0 <= spec < float("inf"):
        msg = f"--spec {value}: is not a number; write a share of errors such as 5%, or a number in the units of the targets"
        raise click.UsageError(msg)
    return spec


def _times(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> tuple[float, ...]:
    """Read several durations."""
    return tuple(time for one in value if (time := options.read_after(ctx, param, one)) is not None)


@make_command("datasheet", EXAMPLE)
@options.what
@options.data
@options.chip
@click.option("--samples", type=click.IntRange(min=1), default=100, show_default=True, metavar="N", help="Test samples at equilibrium.")
@click.option("--settle", type=click.IntRange(min=1), default=3, show_default=True, metavar="N", help="Test samples followed in time.")
@options.capacitance("From each node without a capacitor to ground [default: 1e-12].")
@click.option("--chips", type=click.IntRange(1, 10_000), metavar="N", help="Also write chips 0 to N − 1: limits, yield, retention.")
@click.option("--spec", callback=_share, metavar="ERROR", help="Largest error of a good chip, as in 5%.")
@click.option("--limit", "limits", multiple=True, metavar="KEY", help="Search the limit of this key alone; repeatable.")
@click.option("--tested", type=click.IntRange(min=1), metavar="N", help="Test samples on each of the chips [default: all].")
@click.option("--celsius", type=options.Number(-100, 300), multiple=True, metavar="T", help="Temperature of the retention; repeatable.")
@click.option("--after", callback=_times, multiple=True, metavar="TIME", help="Time of the retention, as in 30d; repeatable.")
@click.option("--refresh", type=click.IntRange(min=1), metavar="EPOCHS", help="Train each chip again at the end of the retention.")
@click.option("--train", is_flag=True, help="Also train each of the chips, with its noise and devices.")
@click.option("-o", "--out", type=click.Path(path_type=Path), metavar="FILE", help="Write a page, .html, or all numbers, .json.")
@options.force
def command(  # noqa: PLR0913, PLR0917 - a parameter an option
    output: Output,
    what: str,
    settings: tuple[str, ...],
    data: str | None,
    chip: int | None,
    samples: int,
    settle: int,
    capacitance: float | None,
    chips: int | None,
    out: Path | None,
    force: bool,  # noqa: FBT001 - click's
    **of_chips: Any,
) -> None:
    """Print the datasheet of a circuit: parts, static power, settling, energy, a digital design next to it, the signal of learning.

    With --chips also how far each imperfection may go before the error rises by a point (an RMSE by a tenth), or exceeds --spec; with
    --after the error over time at temperatures. Every number is printed with what it holds under. What amplifiers and converters take is
    stated in the section energy of the experiment (hwsim keys energy).
    """
    from circuits.capacitors import CAPACITANCE  # noqa: PLC0415 - help does without
    from hwsim.datasheet.datasheet import Scope, datasheet  # noqa: PLC0415 - help does without
    from hwsim.datasheet.datasheet_files import refuse, write  # noqa: PLC0415 - for this command alone

    _refuse_without_chips(chips, of_chips)
    given = loaded(output, what, options.overrides(settings, data=data, chip=chip), chip=chip)
    if (company := given.experiment.company) is not None:
        msg = f"{what}: a datasheet is of one chip, and company.chips = {company.chips}; omit company, or name the folder of a trained chip"
        raise click.UsageError(msg)
    if out is not None:
        refuse(out, given, force=force)
    elif force:
        msg = "--force replaces an existing file, and this command writes none; leave it out, or name the file with -o"
        raise click.UsageError(msg)
    several: dict[str, Any] = {} if chips is None else _several(chips, given.experiment.variation.temperature, of_chips)
    scope = Scope(samples=samples, settled=settle, capacitance=capacitance or CAPACITANCE, **several)
    typed = shlex.join(["hwsim", *sys.argv[1:]])
    with output.progress("datasheet") as show:
        sheet = datasheet(given, scope, typed, lambda done, total, text: show(ProgressStep(done, total, text)))
    written = [str(path) for path in write(out, sheet)] if out is not None else []
    output.notes([f"{path}: written" for path in written[:1]])
    output.result(sheet.record() | {"files": written}, _text(sheet))


def _several(chips: int, celsius: float, given: dict[str, Any]) -> dict[str, Any]:
    """Return what is measured of several chips, by the names of a Scope."""
    return {
        "chips": chips,
        "tested": given["tested"],
        "spec": given["spec"],
        "keys": given["limits"],
        "celsius": given["celsius"] or (celsius,),
        "after": tuple(sorted(set(given["after"]))),
        "refresh": given["refresh"],
        "train": given["train"],
    }


def _refuse_without_chips(chips: int | None, given: dict[str, Any]) -> None:
    """Refuse options that would do nothing."""
    for name in _OF_CHIPS:
        if chips is None and given[name] not in {None, False, ()}:
            msg = f"--{'limit' if name == 'limits' else name} is about several chips; add --chips, as in --chips 10"
            raise click.UsageError(msg)
    if not given["after"] and (name := "refresh" if given["refresh"] else "celsius" if given["celsius"] else ""):
        msg = f"--{name} is about the retention; add --after, as in --after 30d"
        raise click.UsageError(msg)


def _text(sheet: "Datasheet") -> str:
    head = [sheet.title, wrapped(sheet.condition)]
    return "\n\n".join(["\n".join(head), *map(_section, sheet.sections()), wrapped(f"repeat: {sheet.command}", "  ")])


def _section(section: "SheetSection") -> str:
    rows: Any = section.rows
    notes = [wrapped(f"note: {note}", "  ") for note in section.notes]
    return "\n".join([section.title.upper(), wrapped(section.condition), "", table(section.header, rows), *notes])

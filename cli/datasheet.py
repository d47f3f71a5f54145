"""`hwsim datasheet`: what a designer asks of a chip."""

import shlex
import sys
from typing import TYPE_CHECKING, Any

import click

from cli import options
from cli.command import command as make_command
from cli.loading import loaded
from cli.output import Output
from cli.tables import table, wrapped

if TYPE_CHECKING:
    from hwsim.datasheet.datasheet import Datasheet
    from hwsim.datasheet.sheet_section import SheetSection

EXAMPLE = """\
hwsim datasheet runs/iris-0
hwsim datasheet runs/iris-0 --set energy.amplifier_watts=1e-5"""


@make_command("datasheet", EXAMPLE)
@options.what
@options.data
@options.chip
@click.option("--samples", type=click.IntRange(min=1), default=100, show_default=True, metavar="N", help="Test samples at equilibrium.")
@click.option("--settle", type=click.IntRange(min=1), default=3, show_default=True, metavar="N", help="Test samples followed in time.")
@options.capacitance("From each node without a capacitor to ground [default: 1e-12].")
def command(  # noqa: PLR0913, PLR0917 - a parameter an option
    output: Output,
    what: str,
    settings: tuple[str, ...],
    data: str | None,
    chip: int | None,
    samples: int,
    settle: int,
    capacitance: float | None,
) -> None:
    """Print the datasheet of a circuit: parts, static power, settling, energy, a digital design next to it, the signal of learning.

    Every number is printed with what it holds under. What amplifiers and converters take is stated in the section energy of the experiment
    (hwsim keys energy).
    """
    from hwsim.datasheet.datasheet import Scope, datasheet  # noqa: PLC0415 - help does without

    given = loaded(output, what, options.overrides(settings, data=data, chip=chip), chip=chip)
    farads = {} if capacitance is None else {"capacitance": capacitance}
    typed = shlex.join(["hwsim", *sys.argv[1:]])
    sheet = datasheet(given, Scope(samples=samples, settled=settle, **farads), typed)
    output.result(sheet.record(), _text(sheet))


def _text(sheet: "Datasheet") -> str:
    head = [sheet.title, wrapped(sheet.condition)]
    return "\n\n".join(["\n".join(head), *map(_section, sheet.sections()), wrapped(f"repeat: {sheet.command}", "  ")])


def _section(section: "SheetSection") -> str:
    rows: Any = section.rows
    notes = [wrapped(f"note: {note}", "  ") for note in section.notes]
    return "\n".join([section.title.upper(), wrapped(section.condition), "", table(section.header, rows), *notes])

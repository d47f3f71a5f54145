"""`hwsim compile`: a circuit as a deck that ngspice runs."""

from pathlib import Path
from typing import Literal

import click

from cli import options
from cli.command import command as make_command
from cli.output import Output

Part = Literal["test", "train"]


@make_command("compile", "hwsim compile digits -o digits.cir && ngspice digits.cir\nhwsim compile runs/digits-0 --sample 7 -o seven.cir")
@options.what
@options.data
@options.part
@click.option("-o", "--out", required=True, metavar="FILE", help="Where to write the deck; - is standard output.")
@click.option("--sample", type=click.IntRange(min=0), default=0, show_default=True, help="Which sample the sources carry.")
def command(  # noqa: PLR0913, PLR0917 - a parameter an option
    output: Output, what: str, settings: tuple[str, ...], data: str | None, part: Part, out: str, sample: int
) -> None:
    """Write a circuit as a deck: `ngspice deck.cir` prints the outputs of one sample, free and nudged."""
    from hwsim import files  # noqa: PLC0415 - help does without
    from hwsim.data import load_data  # noqa: PLC0415
    from hwsim.deck import deck  # noqa: PLC0415
    from hwsim.subject import subject  # noqa: PLC0415

    if out == "-" and output.json:
        msg = "--json and the deck would both go to standard output; name a file with -o"
        raise click.UsageError(msg)
    given = subject(what, options.overrides(settings, data=data))
    samples = load_data(given.experiment)
    options.in_part(range(sample, sample + 1), len(samples.x_test if part == "test" else samples.x_train), part)
    text = deck(given.experiment, given.circuit, given.g, samples, part=part, sample=sample, notes=(given.note,))
    if out == "-":
        output.raw(text)
        return
    files.write(Path(out), text)
    elements = sum(map(len, given.circuit.elements))
    told = {"what": what, "file": out, "elements": elements, "nodes": given.circuit.size, "bytes": len(text.encode())}
    output.result(told, f"{out}: {elements} elements, {given.circuit.size} nodes, {told['bytes']} bytes; run it: ngspice -b {out}")

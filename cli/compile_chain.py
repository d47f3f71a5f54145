"""The decks of a chain, written into a folder by `hwsim compile`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli import options
from cli.output import Output

if TYPE_CHECKING:
    from hwsim.runs.chain_decks import ShownSample
    from hwsim.runs.loaded import LoadedModel

MEASURES = ("outputs", "power")
"""What the decks of a chain may print; other measures are about one circuit's inputs or devices."""


def write(
    output: Output,
    given: "LoadedModel",
    folder: Path,
    *,
    shown: "ShownSample",
    measure: str,
    force: bool,
    **others: Any,
) -> None:
    """Write a deck for each circuit of a chain into a folder, which may exist."""
    from hwsim.files import atomic  # noqa: PLC0415 - help does without
    from hwsim.runs.chain_decks import decks  # noqa: PLC0415 - help does without
    from hwsim.sweep import outputs  # noqa: PLC0415 - help does without
    from netlists.measure.control import OUTPUTS  # noqa: PLC0415 - for this command alone
    from netlists.measure.power import PowerMeasure  # noqa: PLC0415 - for this command alone

    _refuse(given.what, folder, measure, others)
    samples = given.session.data
    output.notes(samples.notes)
    options.in_part(range(shown.sample, shown.sample + 1), len(getattr(samples, f"x_{shown.part}")), shown.part)
    measured = OUTPUTS if measure == "outputs" else PowerMeasure()
    written = decks(given.session, given.g, shown, note=given.note, measure=measured)
    files = [outputs.OutputFile("-o", folder / name, outputs.DECK) for name in written]
    atomic.make_folder(folder, exist_ok=True)  # first: files in a folder that is not there are refused
    outputs.refuse(files, outputs.inputs(given.what, given.experiment), force=force)
    for name, text in written.items():
        atomic.write(folder / name, text)
    result = {"what": given.what, "folder": str(folder), "measure": measure, "files": sorted(written)}
    output.result(result, "\n".join(f"{folder / name}: run it: ngspice -b {folder / name}" for name in sorted(written)))


def _refuse(what: str, folder: Path, measure: str, others: dict[str, Any]) -> None:
    if str(folder) == "-":
        msg = f"{what} is a chain, which has a deck for each circuit; name a folder with -o"
        raise click.UsageError(msg)
    if folder.exists() and not folder.is_dir():
        msg = f"-o {folder}: is a file, and {what} is a chain, whose decks go into a folder; name a folder"
        raise click.UsageError(msg)
    if measure not in MEASURES:
        msg = f"--measure {measure} is for one circuit, and {what} is a chain; measure {' or '.join(MEASURES)}"
        raise click.UsageError(msg)
    if others["dialect"] != "ngspice" or others["flat"]:
        option = "--flat" if others["flat"] else "--dialect gnucap"
        msg = f"{option} is for one circuit, and {what} is a chain; omit it"
        raise click.UsageError(msg)

"""Loading what a command works on, with what is worth a note: a netlist's warnings, a chip like all others, conductances that are cut."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cli import netlist
from cli.output import Output

if TYPE_CHECKING:
    from hwsim.runs.loaded import Subject
    from hwsim.session import Session


def loaded(output: Output, what: str, settings: Sequence[str], *, chip: int | None) -> "Subject":
    """Load and compile what a user names, and print notes about it; `chip` is what --chip asked for."""
    from hwsim.runs.loaded import subject  # noqa: PLC0415 - help does without

    given = subject(what, settings)
    netlist.told(output, given.experiment)
    if chip is not None or given.experiment.variation.chip:
        note_alike(output, given.session)
    if given.cut:
        output.note(f"{what}: {given.cut}")
    return given


def note_alike(output: Output, session: "Session", *, learning: bool = False) -> None:
    """Print a note where all chips of an experiment are alike, `learning` or as they are."""
    if session.alike(learning=learning):
        output.note("all chips are alike: nothing here spreads from chip to chip; set a spread, such as --set variation.diode_i_sat=0.3")


def note_left_aside(output: Output, what: str, does: str) -> None:
    """Print a note where WHAT is a run, whose conductances a command does not use that trains from seeds."""
    from hwsim.runs.loaded import run_folder  # noqa: PLC0415 - help does without

    if run_folder(what):
        output.note(f"{what}: {does} from its experiment; what the run learned is used only with --set training.start={what}")

"""Loading a command's model, with notes: a netlist's warnings, equal chips, limited conductances."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cli import netlist
from cli.output import Output

if TYPE_CHECKING:
    from hwsim.runs.loaded import LoadedModel
    from hwsim.session import Session


def loaded(output: Output, what: str, settings: Sequence[str], *, chip: int | None) -> "LoadedModel":
    """Load and compile the model, and print notes about it; `chip` is the value of --chip."""
    from hwsim.runs.loaded import load_model  # noqa: PLC0415 - help does without

    given = load_model(what, settings)
    netlist.noted(output, given.experiment)
    if chip is not None or given.experiment.variation.chip:
        note_alike(output, given.session)
    if given.cut:
        output.note(f"{what}: {given.cut}")
    return given


def note_alike(output: Output, session: "Session", *, learning: bool = False) -> None:
    """Print a note where all chips of an experiment are equal, in `learning` or without."""
    if session.alike(learning=learning):
        output.note("all chips are equal: nothing varies from chip to chip; set a spread, such as --set variation.diode_i_sat=0.3")


def note_left_aside(output: Output, what: str, does: str) -> None:
    """Print a note where WHAT is a run, and the command trains from seeds instead of using its conductances."""
    from hwsim.runs.loaded import run_folder  # noqa: PLC0415 - help does without

    if run_folder(what):
        output.note(f"{what}: {does} from its experiment; what the run learned is used only with --set training.start={what}")

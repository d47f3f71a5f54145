"""Loading what a command works on, with what is worth a note: a netlist's warnings, a chip like all others, conductances that are cut."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cli import netlist
from cli.output import Output

if TYPE_CHECKING:
    from circuits.circuit import Circuit
    from hwsim.experiment.experiment import Experiment
    from hwsim.runs.loaded import Subject


def loaded(output: Output, what: str, settings: Sequence[str], *, chip: int | None) -> "Subject":
    """Load and compile what a user names, and print notes about it; `chip` is what --chip asked for."""
    from hwsim.runs.loaded import subject  # noqa: PLC0415 - help does without

    given = subject(what, settings)
    netlist.told(output, given.experiment)
    if chip is not None or given.experiment.variation.chip:
        note_alike(output, given.experiment, given.circuit)
    if given.cut:
        output.note(f"{what}: {given.cut}")
    return given


def note_alike(output: Output, experiment: "Experiment", circuit: "Circuit", *, learning: bool = False) -> None:
    """Print a note where all chips of an experiment are alike, `learning` or as they are."""
    from hwsim.devices.manufacture import alike  # noqa: PLC0415 - help does without

    if alike(experiment, circuit, learning=learning):
        output.note("all chips are alike: nothing here spreads from chip to chip; set a spread, such as --set variation.diode_i_sat=0.3")


def note_left_aside(output: Output, what: str, does: str) -> None:
    """Print a note where WHAT is a run, whose conductances a command does not use that trains from seeds."""
    from hwsim.runs.loaded import run_folder  # noqa: PLC0415 - help does without

    if run_folder(what):
        output.note(f"{what}: {does} from its experiment; what the run learned is used only with --set training.start={what}")

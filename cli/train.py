"""`hwsim train`: train a circuit into a run folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli import options
from cli.command import command as make_command
from cli.output import Output, Step

if TYPE_CHECKING:
    from hwsim.learning.trainer import Progress
    from hwsim.run import Trained


@make_command("train", "hwsim train digits --epochs 20 --seed 1\nhwsim train runs/digits-1 --resume")
@options.what
@options.engine
@options.data
@click.option("--epochs", type=click.IntRange(min=1), help="Passes over the training part.")
@click.option("--batch", type=click.IntRange(min=1), help="Samples an update.")
@click.option("--seed", type=click.IntRange(min=0), help="Where all random streams start.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the run [default: the next free runs/NAME-SEED].")
@click.option("--resume", is_flag=True, help="Go on where the run in WHAT, --out or the last runs/NAME-SEED stopped.")
def command(output: Output, what: str, settings: tuple[str, ...], out: Path | None, resume: bool, **shortcuts: Any) -> None:  # noqa: FBT001 - click's
    """Train a circuit; leaves a folder with metrics, checkpoint, weights, plot and the trained netlist.

    Ctrl-C saves and stops; a kill loses only what came after the last checkpoint. --resume goes on to the same numbers, bit for bit.
    """
    from hwsim.experiment import load, override  # noqa: PLC0415 - help does without
    from hwsim.run import train  # noqa: PLC0415
    from hwsim.start import new_run, resumed_run  # noqa: PLC0415
    from hwsim.subject import run_folder  # noqa: PLC0415

    experiment = override(load(what), options.overrides(settings, **shortcuts))
    folder = run_folder(what)
    start = resumed_run(experiment, out or (folder.path if folder else None)) if resume else new_run(experiment, out)
    with output.progress(experiment.name) as show:
        report = _Reporter()
        trained = train(start, lambda progress: show(report(progress)))
    output.result(trained.summary | {"run": str(trained.folder.path)}, _text(trained))


class _Reporter:
    """Puts progress into words; the last test error stays in sight."""

    def __init__(self) -> None:
        self.error = ""

    def __call__(self, progress: "Progress") -> Step:
        """Say how far training is."""
        if progress.record:
            self.error = f", test error {100 * progress.record['test_error']:.2f} %"
        done = progress.epoch * progress.samples_total + progress.samples_done
        text = f"epoch {progress.epoch + 1}/{progress.epochs}, loss {progress.loss:.2e} V²{self.error}"
        return Step(done, progress.epochs * progress.samples_total, text)


def _text(trained: "Trained") -> str:
    told, path = trained.summary, trained.folder.path
    return (
        f"test error {100 * told['test_error']:.2f} %, train error {100 * told['train_error']:.2f} % after {told['epochs']} epochs "
        f"({told['seconds_per_epoch']:.3g} s each, {told['engine']} engine)\n"
        f"run     {path}\n"
        f"netlist {trained.folder.netlist} (run it: ngspice {trained.folder.netlist})\n"
        f"plot    {trained.folder.plot}"
    )

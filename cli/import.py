"""`hwsim import`: a perceptron that was trained elsewhere as a circuit in a run folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli import options
from cli.command import command as make_command
from cli.output import Output
from cli.tables import table, wrapped

if TYPE_CHECKING:
    from hwsim.importing.agreement import Agreement
    from hwsim.importing.imported import ImportedModel

EXAMPLE = """\
hwsim import model.onnx --data digits -o runs/imported
hwsim import model.pt --activation tanh --data my.npz -o runs/imported
hwsim import model.npz --data digits --epochs 3 -o runs/tuned"""


@make_command("import", EXAMPLE)
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--out", "-o", type=click.Path(path_type=Path), required=True, metavar="RUN", help="Folder of the run.")
@click.option("--data", metavar="NAME|FILE", required=True, help="Data as the perceptron sees them: a name, an .npz or a .csv file.")
@click.option(
    "--activation", "activations", multiple=True, metavar="NAME", help="Of hidden layers, where FILE has weights alone: one or each."
)
@click.option("--epochs", type=click.IntRange(min=0), default=0, show_default=True, help="Fine-tune for so many epochs.")
@options.chip
@click.option("--g-min", type=float, metavar="SIEMENS", help="Least conductance [default: 1e-8].")
@click.option("--g-max", type=float, metavar="SIEMENS", help="Largest conductance [default: 1e-4].")
@click.option("--back", type=float, help="Back gain of the amplifiers [default: 0.01].")
@click.option("--swing", type=float, metavar="VOLT", help="Largest voltage of a column without diodes [default: by the fit].")
@click.option("--ideal", is_flag=True, help="Ideal clamps instead of diodes.")
@click.option(
    "--set", "settings", metavar="KEY=VALUE", multiple=True, help="Override a key of the experiment, but of its circuit; repeatable."
)
def command(  # noqa: PLR0913 - a parameter an option
    output: Output,
    file: Path,
    *,
    out: Path,
    data: str,
    activations: tuple[str, ...],
    epochs: int,
    chip: int | None,
    settings: tuple[str, ...],
    **hardware: Any,
) -> None:
    """Make a circuit of a trained perceptron, and leave a run folder, as of a training.

    FILE is PyTorch's (.pt, .pth: a state dict or a Sequential), ONNX's (.onnx), or an .npz of w1 (inputs, outputs), b1, w2 and so on.
    Nothing in it is run. Layers may be Linear, ReLU, Tanh, Sigmoid, Hardtanh, Flatten; any others are named. Gains are chosen for the
    training set of the data; the test set shows how often circuit and perceptron agree. Features are used as they are; if the
    perceptron was trained on scaled ones, scale them: --set data.scaling=minmax.
    """
    from hwsim.importing import files  # noqa: PLC0415 - help does without
    from hwsim.importing.imported import imported  # noqa: PLC0415 - for this command alone
    from hwsim.importing.mapping import Hardware  # noqa: PLC0415 - for this command alone
    from hwsim.runs.folder import RunFolder  # noqa: PLC0415 - for this command alone

    RunFolder(out).refuse_used()
    given = {name: value for name, value in hardware.items() if value is not None}
    perceptron = files.read(file, activations)
    changed = options.overrides(settings, chip=chip)
    model = imported(perceptron, {"name": data}, None, Hardware(**given), changed)
    output.notes(model.session.notes)
    output.note(f"{file}: samples that the perceptron was trained on may be in the test set; its error there is then too small")
    before = model.agreement()
    after = None
    if epochs:
        model = model.fine_tuned(epochs, progress=False)
        after = model.agreement()
    model.save(out)
    output.result(_result(model, before, after, out), _text(model, before, after, out))


def _result(model: "ImportedModel", before: "Agreement", after: "Agreement | None", out: Path) -> dict[str, Any]:
    last = after or before
    layers = [
        {
            "units": one.units,
            "activation": one.activation,
            "neuron": one.fit.neuron.kind,
            "rail_V": getattr(one.fit.neuron, "v_low", 0.0),
            "gain": one.gain,
            "fit_error": one.fit.error,
        }
        for one in model.mapped.layers
    ]
    return {
        "agreement": last.answers,
        "test_error": last.error,
        "original_error": last.original_error,
        "samples": last.samples,
        "before": before._asdict(),
        "after": after._asdict() if after else None,
        "layers": layers,
        "chip": model.experiment.variation.chip,
        "run": str(out),
    }


def _text(model: "ImportedModel", before: "Agreement", after: "Agreement | None", out: Path) -> str:
    measure = model.experiment.data.measure
    layers = [
        (
            str(k),
            str(one.units),
            one.activation,
            one.fit.neuron.kind,
            f"{one.fit.neuron.v_low:.4g}",
            f"{one.gain:.4g}",
            f"{one.fit.error:.4f}",
        )
        for k, one in enumerate(model.mapped.layers, start=1)
        if hasattr(one.fit.neuron, "v_low")
    ]
    heads = ("layer", "units", "activation", "neuron", "v_low, V", "gain", "fit error")
    stages = [("perceptron", "", "", measure.text(before.original_error)), ("circuit", *_numbers(before), measure.text(before.error))]
    epochs = model.experiment.training.epochs
    stages += [(f"after {epochs} epochs" if epochs > 1 else "after 1 epoch", *_numbers(after), measure.text(after.error))] if after else []
    shown = [table(heads, layers)] if layers else []
    shown.append(table(("", "agreement", "correlation", measure.name), stages))
    shown.append(wrapped(f"{before.samples} samples of the {model.experiment.data.held_out} set; chip {model.experiment.variation.chip}"))
    return "\n\n".join([*shown, f"run {out}"])


def _numbers(one: "Agreement") -> tuple[str, str]:
    return f"{one.answers:.4f}", f"{one.correlation:.6f}"

"""`hwsim solve`: the equilibrium of one or more samples."""

from typing import TYPE_CHECKING, Any

import click
import numpy as np

from cli import netlist, options
from cli.command import command as make_command
from cli.output import Output, table

if TYPE_CHECKING:
    from circuits.circuit import Circuit
    from hwsim.engine import Equilibrium


@make_command("solve", "hwsim solve iris --sample 0:3\nhwsim solve runs/iris-0 --engine ngspice --nodes")
@options.what
@options.engine
@options.data
@options.chip
@options.part
@options.samples
@click.option("--nodes", is_flag=True, help="Print the voltages of all nodes too.")
def command(  # noqa: PLR0913, PLR0917 - a parameter an option
    output: Output,
    what: str,
    settings: tuple[str, ...],
    engine: str | None,
    data: str | None,
    chip: int | None,
    part: str,
    chosen: range,
    nodes: bool,  # noqa: FBT001 - click's
) -> None:
    """Find the free equilibrium of samples: output voltages, Kirchhoff residual, steps."""
    from hwsim.data import load_data  # noqa: PLC0415 - help does without
    from hwsim.engine import Drive  # noqa: PLC0415
    from hwsim.engines import reporting  # noqa: PLC0415
    from hwsim.subject import subject  # noqa: PLC0415

    given = subject(what, options.overrides(settings, engine=engine, data=data, chip=chip))
    netlist.told(output, given.experiment)
    samples = load_data(given.experiment)
    x, labels = (samples.x_test, samples.labels_test) if part == "test" else (samples.x_train, samples.labels_train)
    where = options.in_part(chosen, len(x), part)
    name = given.experiment.training.engine
    with reporting(given.experiment, given.chip) as solver:
        found = solver.solve(given.g, Drive(x[where]))
    told = {
        "what": what,
        "trained": given.trained,
        "part": part,
        "samples": list(chosen),
        "labels": [samples.class_names[k] for k in labels[where]],
        "outputs": np.asarray(found.outputs(given.circuit)),
        "residual_A": np.asarray(found.residual),
        "steps": np.asarray(found.steps),
        "engine": name,
        "voltages": {group: np.asarray(v) for group, v in found.v.items()},
    }
    text = _outputs(told)
    output.result(told, f"{text}\n\n{_nodes(given.circuit, found, list(chosen))}" if nodes else text)


def _outputs(told: dict[str, Any]) -> str:
    header = ("sample", "class", *(f"ŷ{k} [V]" for k in range(told["outputs"].shape[1])), "residual [A]", "steps")
    columns = (told["samples"], told["labels"], told["outputs"], told["residual_A"], told["steps"])
    rows = [
        (str(sample), label, *(f"{v:.6f}" for v in read), f"{residual:.1e}", str(steps))
        for sample, label, read, residual, steps in zip(*columns, strict=True)
    ]
    return table(header, rows)


def _nodes(circuit: "Circuit", found: "Equilibrium", numbers: list[int]) -> str:
    v = found.at(circuit, np.arange(1, circuit.size + 1))
    rows = [(name, *(f"{value:.9f}" for value in of)) for name, of in zip(circuit.node_names[1:], np.asarray(v).T, strict=True)]
    return table(("node", *(f"sample {k} [V]" for k in numbers)), rows)

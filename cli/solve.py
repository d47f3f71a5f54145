"""`hwsim solve`: the equilibrium of one or more samples."""

from typing import TYPE_CHECKING, Any

import click
import numpy as np

from cli import options
from cli.age import aged
from cli.command import command as make_command
from cli.loading import loaded
from cli.output import Output
from cli.predictions import prediction_table
from cli.tables import table

if TYPE_CHECKING:
    from circuits.circuit import Circuit
    from hwsim.core.protocol import Equilibrium
    from hwsim.learning.dataset import Dataset
    from hwsim.runs.loaded import LoadedModel


_INSIDE = "#"
"""In names of nodes inside of devices, as ngspice has them."""


@make_command("solve", "hwsim solve iris --sample 0:3\nhwsim solve runs/iris-0 --engine ngspice --nodes")
@options.solved
@options.samples
@click.option("--nodes", is_flag=True, help="Print the voltages of all nodes too.")
@click.option("--currents", is_flag=True, help="Print the currents of all sources too.")
def command(  # noqa: PLR0913, PLR0917 - a parameter an option
    output: Output,
    what: str,
    settings: tuple[str, ...],
    engine: str | None,
    data: str | None,
    chip: int | None,
    after: float | None,
    part: str,
    chosen: range,
    nodes: bool,  # noqa: FBT001 - click's
    currents: bool,  # noqa: FBT001 - click passes it by name
) -> None:
    """Solve for the free equilibrium of samples: output voltages, Kirchhoff residual, steps.

    A source's current counts, as in ngspice, from its + through the source to its −: a delivering source has a negative one.
    """
    from hwsim.core.protocol import Drive  # noqa: PLC0415 - for this command alone
    from hwsim.core.source_currents import source_currents  # noqa: PLC0415 - help does without
    from hwsim.experiment.netlist_circuit import read_for  # noqa: PLC0415 - for this command alone

    click.get_current_context().with_resource(read_for("solve"))
    given = loaded(output, what, options.overrides(settings, engine=engine, data=data, chip=chip, after=after), chip=chip)
    _ = given.experiment.one_circuit
    age = aged(output, given)
    samples = given.session.data
    output.notes(samples.notes)
    noise = given.experiment.noise
    if noise.in_currents or noise.in_readings:
        in_time = ", and hwsim run has that of currents" if noise.in_currents else ""
        output.note(f"{what}: equilibria are shown without the noise of [noise]; hwsim evaluate reads with it{in_time}")
    x = getattr(samples, f"x_{part}")
    where = options.in_part(chosen, len(x), part)
    name = given.experiment.training.engine
    with given.session.verified_solver() as solver:
        equilibrium = solver.solve(given.g, Drive(x[where]))
    of_sources = source_currents(given.circuit, given.chip, given.g, Drive(x[where]), equilibrium) if currents else None
    result = {
        "what": what,
        "trained": given.trained,
        "part": part,
        "samples": list(chosen),
        **_wanted(samples, part, where),
        "outputs": np.asarray(equilibrium.outputs(given.circuit)),
        "residual_A": np.asarray(equilibrium.residual),
        "steps": np.asarray(equilibrium.steps),
        "engine": name,
        **age,
        "voltages": _voltages(given, equilibrium),
    }
    tables = [_outputs(result)]
    if samples.scale is not None:
        from hwsim.learning.predictions import Predictions  # noqa: PLC0415 - help does without

        read = given.session.readout.converted(result["outputs"], given.chip(given.circuit.outputs.name, "offset"))
        answers = Predictions.of(samples, part, read, where)
        result |= {"predictions": answers.predicted}
        tables.append(prediction_table(answers, result["samples"]))
    if nodes or not len(given.circuit.outputs):
        tables.append(_nodes(given.circuit, equilibrium, list(chosen)))
    if of_sources is not None:
        result["currents"] = of_sources
        tables.append(_currents(given, of_sources, list(chosen)))
    output.result(result, "\n\n".join(tables))


def _wanted(data: "Dataset", part: str, where: slice) -> dict[str, Any]:
    """Return the classes of samples, or their real targets."""
    if data.scale is not None:
        return {"target_names": data.scale.names, "targets": data.targets(part)[where]}
    return {"labels": [data.class_names[k] for k in getattr(data, f"labels_{part}")[where]]}


def _voltages(given: "LoadedModel", equilibrium: "Equilibrium") -> dict[str, Any]:
    """Return voltages by node group, or, of a user's netlist, by the names of its nodes, (B, n) [V]."""
    from hwsim.experiment.netlist_circuit import Netlist  # noqa: PLC0415 - help does without

    if not isinstance(given.experiment.circuit, Netlist):
        return {group: np.asarray(v) for group, v in equilibrium.v.items()}
    v = np.asarray(equilibrium.at(given.circuit, np.arange(given.circuit.size + 1)))
    return {name: v[:, [node]] for node, name in enumerate(given.circuit.node_names) if node and _INSIDE not in name}


def _outputs(result: dict[str, Any]) -> str:
    classes = [(label,) for label in result["labels"]] if "labels" in result else [()] * len(result["samples"])
    header = ("sample", *(["class"] if "labels" in result else []), *(f"ŷ{k} [V]" for k in range(result["outputs"].shape[1])))
    columns = (result["samples"], classes, result["outputs"], result["residual_A"], result["steps"])
    rows = [
        (str(sample), *label, *(f"{v:.6f}" for v in read), f"{residual:.1e}", str(steps))
        for sample, label, read, residual, steps in zip(*columns, strict=True)
    ]
    return table((*header, "residual [A]", "steps"), rows, keys=1 + ("labels" in result))


def _nodes(circuit: "Circuit", equilibrium: "Equilibrium", numbers: list[int]) -> str:
    v = equilibrium.at(circuit, np.arange(1, circuit.size + 1))
    each = zip(circuit.node_names[1:], np.asarray(v).T, strict=True)
    rows = [(name, *(f"{value:.9f}" for value in of)) for name, of in each if _INSIDE not in name]
    return table(("node", *(f"sample {k} [V]" for k in numbers)), rows)


def _currents(given: "LoadedModel", currents: dict[str, Any], numbers: list[int]) -> str:
    """Tabulate the currents by the names of the sources in a netlist, if there is one."""
    from hwsim.core.branch_currents import ends  # noqa: PLC0415 - help does without
    from hwsim.experiment.netlist_circuit import Netlist  # noqa: PLC0415 - for this command alone

    circuit, network = given.circuit, given.experiment.circuit
    members = network.deck.members if isinstance(network, Netlist) else {}
    rows = []
    for name, i in currents.items():
        between = zip(*(terminal.tolist() for terminal in ends(circuit[name])), strict=True)
        called = members.get(name) or [f"{name}_{k}" for k in range(len(circuit[name]))]
        for k, (plus, minus) in enumerate(between):
            rows.append((called[k], *(circuit.node_names[node] for node in (plus, minus)), *(f"{value:.6g}" for value in i[:, k])))
    return table(("source", "+", "−", *(f"sample {k} [A]" for k in numbers)), rows, keys=3)

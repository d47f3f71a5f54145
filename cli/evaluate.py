"""`hwsim evaluate`: the error of a trained circuit."""

import click

from cli import netlist, options
from cli.command import command as make_command
from cli.output import Output, table


@make_command("evaluate", "hwsim evaluate runs/digits-0\nhwsim evaluate runs/iris-0 --engine ngspice")
@options.what
@options.engine
@options.data
@options.part
@click.option("--limit", type=click.IntRange(min=1), help="Use the first samples only.")
def command(  # noqa: PLR0913, PLR0917 - a parameter an option
    output: Output, what: str, settings: tuple[str, ...], engine: str | None, data: str | None, part: str, limit: int | None
) -> None:
    """Measure the error of a circuit on a part of the data, in 64 bits. Without a run folder, that is before any training."""
    import numpy as np  # noqa: PLC0415 - help does without

    from hwsim.data import learnable, targets  # noqa: PLC0415
    from hwsim.engines import make_engine  # noqa: PLC0415
    from hwsim.learning.evaluate import evaluate  # noqa: PLC0415
    from hwsim.subject import subject  # noqa: PLC0415

    given = subject(what, options.overrides(settings, engine=engine, data=data))
    netlist.told(output, given.experiment)
    training, circuit = given.experiment.training, given.circuit
    samples = learnable(given.experiment)
    x, labels = (samples.x_test, samples.labels_test) if part == "test" else (samples.x_train, samples.labels_train)
    x, labels = x[:limit], labels[:limit]
    goals = targets(np.arange(samples.classes), samples.classes, len(circuit.outputs), training.target_low, training.target_high)
    with make_engine(training.engine, given.experiment.solver).prepare(circuit, given.chip) as solver:
        found = evaluate(solver, given.g, x, labels, goals)
    confusion = np.zeros((samples.classes, samples.classes), dtype=int)
    np.add.at(confusion, (labels, found.predicted), 1)
    told = {
        "what": what,
        "trained": given.trained,
        "part": part,
        "samples": len(x),
        f"{part}_error": found.error,
        "class_names": samples.class_names,
        "confusion": confusion,
        "residual_A": found.residual,
        "steps": found.steps,
        "engine": training.engine,
    }
    names = [name[:12] for name in samples.class_names]
    rows = [(name, *(str(n) if n else "–" for n in row)) for name, row in zip(names, confusion.tolist(), strict=True)]
    state = "" if given.trained else " before any training"
    text = f"{part} error {100 * found.error:.2f} % of {len(x)} samples{state} ({training.engine} engine, residual {found.residual:.2g} A)"
    output.result(told, f"{text}\n\n{table(('true, read as', *names), rows)}")

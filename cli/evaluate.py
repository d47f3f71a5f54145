"""`hwsim evaluate`: the error of a trained circuit."""

from typing import TYPE_CHECKING

import click

from cli import options
from cli.age import aged, spelled_age
from cli.command import command as make_command
from cli.loading import loaded, note_alike
from cli.output import Output
from cli.tables import table, wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hwsim.ensemble.results import Tested


@make_command(
    "evaluate",
    "hwsim evaluate runs/digits-0\nhwsim evaluate runs/iris-0 --engine ngspice\nhwsim evaluate runs/digits-0 --after 30d",
)
@options.solved
@click.option("--limit", type=click.IntRange(min=1), help="Use the first samples only.")
@click.option("--chips", type=click.IntRange(1, 10_000), metavar="N", help="Also write the circuit into chips 0 to N − 1, and test each.")
def command(  # noqa: PLR0913, PLR0917 - a parameter an option
    output: Output,
    what: str,
    settings: tuple[str, ...],
    engine: str | None,
    data: str | None,
    chip: int | None,
    after: float | None,
    part: str,
    limit: int | None,
    chips: int | None,
) -> None:
    """Measure the error of a circuit on a part of the data, in 64 bits. Without a run folder, that is before any training.

    A netlist is evaluated with its conductances as they are.
    """
    import numpy as np  # noqa: PLC0415 - help does without

    from hwsim.runs.loaded import run_folder  # noqa: PLC0415
    from hwsim.runs.programming_cost import cost_of_run, spelled_cost  # noqa: PLC0415

    given = loaded(output, what, options.overrides(settings, engine=engine, data=data, chip=chip, after=after), chip=chip)
    age = aged(output, given)
    folder = run_folder(what)
    cost = cost_of_run(folder.path) if folder else {}
    samples = given.session.learnable
    output.notes(samples.notes)
    if given.from_netlist:
        output.note(f"{what}: if its conductances are trained, nobody knows on which samples, and these may be among them")
    x, labels = (samples.x_test, samples.labels_test) if part == "test" else (samples.x_train, samples.labels_train)
    x, labels, targets = x[:limit], labels[:limit], getattr(given.session.task, part).some(slice(limit))
    engine_name = given.experiment.training.engine
    with given.session.verified_solver() as solver:
        found = given.session.evaluate(solver, given.g, x, targets)
    confusion = np.zeros((samples.classes, samples.classes), dtype=int)
    np.add.at(confusion, (labels, found.answers), 1)
    result = {
        "what": what,
        "trained": given.trained,
        "part": part,
        "samples": len(x),
        f"{part}_error": found.error,
        "class_names": samples.class_names,
        "confusion": confusion,
        "residual_A": found.residual,
        "steps": found.steps,
        "engine": engine_name,
        "chip": given.experiment.variation.chip,
        "temperature_C": given.experiment.variation.temperature,
        **age,
        **cost,
    }
    drawn = ""
    if chips is not None:
        from hwsim.ensemble.instances import on_chips  # noqa: PLC0415 - only for those who ask

        if chip is None and not given.experiment.variation.chip:  # else that was noted
            note_alike(output, given.session)
        of_chips = on_chips(given.session, given.wanted, x, targets, range(chips))
        result["chips"] = [{"chip": k, f"{part}_error": one.error, "failed": one.failed} for k, one in enumerate(of_chips)]
        drawn = f"\n\n{_chips(of_chips)}"
    names = [name[:12] for name in samples.class_names]
    rows = [(name, *(str(n) if n else "–" for n in row)) for name, row in zip(names, confusion.tolist(), strict=True)]
    untrained = " with the netlist's conductances" if given.from_netlist else " before any training"
    state = ("" if given.trained else untrained) + spelled_age(given)
    called = given.experiment.data.held_out if part == "test" else part
    text = f"{called} error {100 * found.error:.2f} % of {len(x)} samples{state} ({engine_name} engine, residual {found.residual:.2g} A)"
    lines = [wrapped(text)]
    if cost:
        lines.append(wrapped(f"programmed by {spelled_cost(cost, sum(len(array) for array in given.circuit.trainable))}"))
    output.result(result, "\n".join(lines) + f"\n\n{table(('true, read as', *names), rows)}{drawn}")


def _chips(found: "Sequence[Tested]") -> str:
    rows = [(str(k), one.failed or f"{100 * one.error:.2f} %") for k, one in enumerate(found)]
    errors = [one.error for one in found if one.failed is None]
    mean = (
        f"mean {100 * sum(errors) / len(errors):.2f} %, worst {100 * max(errors):.2f} % of {len(errors)} chips"
        if errors
        else "none settled"
    )
    return f"{table(('chip', 'error'), rows)}\n{mean}"

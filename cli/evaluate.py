"""`hwsim evaluate`: the error of a trained circuit."""

from typing import TYPE_CHECKING, Any

import click

from cli import free_run, options
from cli.age import aged, spelled_age
from cli.command import command as make_command
from cli.loading import loaded, note_alike
from cli.output import Output
from cli.predictions import target_table
from cli.tables import table, wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hwsim.ensemble.results import Tested
    from hwsim.formatting import Measure
    from hwsim.learning.dataset import Dataset
    from hwsim.learning.evaluate import Evaluation
    from hwsim.runs.loaded import LoadedModel


@make_command(
    "evaluate",
    "hwsim evaluate runs/digits-0\nhwsim evaluate runs/iris-0 --engine ngspice\n"
    "hwsim evaluate runs/digits-0 --after 30d\nhwsim evaluate runs/digits-0 --levels 16",
)
@options.solved
@click.option("--limit", type=click.IntRange(min=1), help="Use the first samples only.")
@click.option("--levels", type=click.IntRange(2, 256), metavar="K", help="Round the conductances to K levels, in each device's range.")
@click.option("--chips", type=click.IntRange(1, 10_000), metavar="N", help="Also program the circuit into chips 0 to N − 1, and test each.")
@click.option("--free", type=free_run.ROWS, metavar="N", help="Also let a reservoir's read-out drive it for N rows.")
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
    levels: int | None,
    chips: int | None,
    free: int | None,
) -> None:
    """Measure the error of a circuit on a set of the data, in 64 bits. Without a run folder, that is before any training.

    A netlist is evaluated with its own conductances.
    """
    from hwsim.data import pca_baseline  # noqa: PLC0415 - for this command alone
    from hwsim.runs.loaded import run_folder  # noqa: PLC0415 - help does without
    from hwsim.runs.programming_cost import cost_of_run, spelled_cost  # noqa: PLC0415 - for this command alone

    given = loaded(output, what, options.overrides(settings, engine=engine, data=data, chip=chip, after=after, levels=levels), chip=chip)
    if levels is not None:
        _refuse_other_levels(given, levels)
    age = aged(output, given)
    folder = run_folder(what)
    cost = cost_of_run(folder.path) if folder else {}
    samples = given.session.learnable
    output.notes(samples.notes)
    if given.from_netlist:
        output.note(f"{what}: if its conductances are trained, these samples may be among those that it was trained on")
    x, targets = getattr(samples, f"x_{part}")[:limit], getattr(given.session.task, part).some(slice(limit))
    engine_name = given.experiment.training.engine
    with given.session.verified_solver() as solver:
        evaluation = given.session.evaluate(solver, given.g, x, targets)
    measure, rounded = given.experiment.data.measure, [device.levels for device in given.experiment.devices]
    details, listed = _answers(samples, part, evaluation, measure)
    baseline = pca_baseline.of(given.experiment, samples, x)
    result = {
        "what": what,
        "trained": given.trained,
        "part": part,
        "samples": len(x),
        **{f"{part}_{name}": value for name, value in evaluation.scores.items()},
        **details,
        **({} if baseline is None else {"pca": {"rank": baseline.rank, f"{part}_error": baseline.error}}),
        "residual_A": evaluation.residual,
        "steps": evaluation.steps,
        "engine": engine_name,
        "chip": given.experiment.variation.chip,
        "temperature_C": given.experiment.variation.temperature,
        "levels": rounded[0] if len(rounded) == 1 else rounded,
        **age,
        **cost,
    }
    drawn = ""
    if chips is not None:
        from hwsim.ensemble.instances import on_chips  # noqa: PLC0415 - only for those who ask

        if chip is None and not given.experiment.variation.chip:  # else it was noted already
            note_alike(output, given.session)
        of_chips = on_chips(given.session, given.wanted, part, limit, range(chips))
        result["chips"] = [{"chip": k, f"{part}_error": one.error, "failed": one.failed} for k, one in enumerate(of_chips)]
        drawn = f"\n\n{_chips(of_chips, measure)}"
    if free is not None:
        from hwsim.runs.free_run import FreeLoop  # noqa: PLC0415 - only for those who ask

        made = FreeLoop(given).run(free)
        result |= free_run.scores(made)
        drawn += f"\n\n{wrapped(free_run.summary(made))}"
    untrained = " with the netlist's conductances" if given.from_netlist else " before any training"
    state = ("" if given.trained else untrained) + _of_levels(rounded) + spelled_age(given)
    called = given.experiment.data.held_out if part == "test" else part
    explained = f", R² {evaluation.scores['r2']:.4f}" if "r2" in evaluation.scores else ""
    text = (
        f"{called} {measure.name} {measure.text(evaluation.error)}{explained} of {len(x)} samples{state} "
        f"({engine_name} engine, residual {evaluation.residual:.2g} A)"
    )
    lines = [wrapped(text)]
    if baseline is not None:
        lines.append(f"principal components of the training set, rank {baseline.rank}: {measure.name} {measure.text(baseline.error)}")
    if cost:
        lines.append(wrapped(f"programmed by {spelled_cost(cost, given.circuit.memristors)}"))
    output.result(result, "\n".join(lines) + f"\n\n{listed}{drawn}")


def _of_levels(levels: "Sequence[int | None]") -> str:
    counts = ", ".join(dict.fromkeys(f"{count}" for count in levels if count is not None))
    return f" with devices of {counts} levels" if counts else ""


def _refuse_other_levels(given: "LoadedModel", levels: int) -> None:
    """Refuse to round a chain in which a circuit has a device of its own."""
    for k, block in enumerate(given.experiment.blocks or ()):
        device = getattr(block, "device", None)
        if device is not None and device.levels != levels:
            msg = f"--levels {levels}: blocks[{k}] has a device of its own; add --set blocks[{k}].device.levels={levels}"
            raise click.UsageError(msg)


def _answers(data: "Dataset", part: str, evaluation: "Evaluation", measure: "Measure") -> tuple[dict[str, Any], str]:
    """Describe the answers: the confusion of classes, or the scores of each real target; for programs and as a table."""
    import numpy as np  # noqa: PLC0415 - help does without

    from hwsim.learning.predictions import Predictions  # noqa: PLC0415 - for this command alone

    chosen = slice(len(evaluation.answers))
    if data.scale is not None:
        scores = Predictions.of(data, part, evaluation.answers, chosen).scores()
        return {"by_target": scores, "scale": data.scale.record()}, target_table(scores, measure)
    confusion = np.zeros((data.classes, data.classes), dtype=int)
    np.add.at(confusion, (getattr(data, f"labels_{part}")[chosen], evaluation.answers), 1)
    names = [name[:12] for name in data.class_names]
    rows = [(name, *(str(n) if n else "–" for n in row)) for name, row in zip(names, confusion.tolist(), strict=True)]
    return {"class_names": data.class_names, "confusion": confusion}, table(("true, predicted", *names), rows)


def _chips(chips: "Sequence[Tested]", measure: "Measure") -> str:
    from hwsim.formatting import counted  # noqa: PLC0415 - help does without

    rows = [(str(k), one.failed or measure.text(one.error)) for k, one in enumerate(chips)]
    errors = [one.error for one in chips if one.failed is None]
    mean = (
        f"mean {measure.text(sum(errors) / len(errors))}, worst {measure.text(max(errors))} of {counted(len(errors), 'chip')}"
        if errors
        else "none settled"
    )
    return f"{table(('chip', measure.name), rows)}\n{mean}"

"""The tables of one run: targets, pretraining, epochs, layers by themselves, parameters, and the environment."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from hwsim.formatting import RMSE_IN_VOLTS, counted
from hwsim.report.prediction_pictures import target_table
from hwsim.report.run_files import RunRecord
from hwsim.report.section import PageTable
from hwsim.runs.programming_cost import counts_in


def tables(record: RunRecord) -> Iterator[PageTable]:
    """List the tables of a run."""
    if record.predictions is not None:
        yield target_table(record.predictions, record.experiment.data)
    if record.stages:
        yield _stages(record)
    if record.rows:
        yield _epochs(record)
    if layers := [key.removeprefix("alone_") for key in record.summary if key.startswith("alone_")]:
        yield _by_layer(record.summary, layers)
    if record.experiment.blocks is not None:
        yield _parameters(record)
    yield environment_table(record.environment)


def _parameters(record: RunRecord) -> PageTable:
    """Tabulate the parameters of digital layers."""
    devices = {array.name for array in record.circuit.trainable}
    given = record.before if record.g is None else record.g
    rows = [
        [name, "×".join(map(str, values.shape)), f"{values.mean():.4g}", f"{values.std():.4g}"]
        for name, values in given.items()
        if name not in devices
    ]
    return PageTable(caption="Parameters of digital layers", header=("name", "shape", "mean", "standard deviation"), rows=rows, folded=True)


def _by_layer(summary: Mapping[str, Any], layers: list[str]) -> PageTable:
    """Tabulate what each layer that learned for itself makes of tested samples."""
    rows = [
        [name, f"{summary[f'alone_{name}']:.2%}", *(f"{summary[f'{what}_{name}']:.4g}" for what in ("right", "wrong"))] for name in layers
    ]
    header = ("layer", "error by itself", "score of the right label", "score of the best wrong one")
    return PageTable(caption="Layers by themselves: goodnesses in V², or cosines with prototypes", header=header, rows=rows)


def _epochs(record: RunRecord) -> PageTable:
    """Tabulate the metrics, at most about twenty rows: the first, the last, and some between."""
    rows, most, measure = record.rows, 20, record.experiment.data.measure
    stride = -(-len(rows) // most)
    chosen = [row for k, row in enumerate(rows) if k % stride == 0 or k == len(rows) - 1]
    counts, explained = counts_in(rows[0]), "test_r2" in rows[0]
    header = [
        "epoch",
        "loss [V²]",
        f"training {measure.name}",
        f"{record.experiment.data.held_out} {measure.name}",
        *([f"{record.experiment.data.held_out} R²"] if explained else []),
        "seconds",
        *([*counts, "joules"] if counts else []),
    ]
    cells = [
        [
            f"{row['epoch']}",
            f"{row['loss']:.4g}",
            measure.text(row["train_error"]),
            measure.text(row["test_error"]),
            *([f"{row['test_r2']:.4f}"] if explained else []),
            f"{row['seconds']:.3g}" if "seconds" in row else "–",
            *([*(f"{row[count]:,.0f}" for count in counts), f"{row['programming_J']:.3g}"] if counts else []),
        ]
        for row in chosen
    ]
    left_out = f", one in {stride} and the last of {counted(len(rows), 'epoch')}" if stride > 1 else ""
    return PageTable(caption=f"Metrics{left_out}", header=header, rows=cells)


def _stages(record: RunRecord) -> PageTable:
    """Tabulate what each stage of pretraining ended with."""
    last = {int(row["stage"]): row for row in record.stages}
    cells = [
        [f"{number}", f"{record.experiment.pretraining[number - 1].layers}", f"{row['epoch']}", RMSE_IN_VOLTS.text(row["test_error"])]
        for number, row in last.items()
    ]
    header = ["stage", "hidden layers", "epochs", f"{record.experiment.data.held_out} {RMSE_IN_VOLTS.name} of the reconstruction"]
    return PageTable(caption="Pretraining", header=header, rows=cells)


def environment_table(environment: Mapping[str, Any]) -> PageTable:
    """Tabulate versions and machine."""
    rows = [[name, text] for name, text in _flat("", environment)]
    caption = "The environment" if rows else "The environment was not recorded"
    return PageTable(caption=caption, header=("what", "which"), rows=rows, folded=True)


def _flat(prefix: str, table: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat("", value)
        else:
            yield (
                f"{prefix}{name}",
                value if isinstance(value, str) else ", ".join(map(str, value)) if isinstance(value, list) else json.dumps(value),
            )

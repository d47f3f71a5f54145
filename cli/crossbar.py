"""`hwsim crossbar`: what wires with resistance do to a crossbar."""

import re
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from cli import options
from cli.command import command as make_command
from cli.output import Output
from cli.tables import table, wrapped
from hwsim.settings.engine_names import ENGINES

if TYPE_CHECKING:
    from hwsim.inspection.ir_drop import IRDrop, ReadCrossbar
    from hwsim.typing import Floats

EXAMPLE = """\
hwsim crossbar 64x64 --wire 2
hwsim crossbar 64x64 --wire 2 --plot map.png -o crossbar.cir
hwsim crossbar 16x16 64x64 256x64 --wire 0.5,1,2,5 --fill random
hwsim crossbar --conductances weights.csv --wire 2 --engine ngspice"""

_LARGEST = 1_000_000
"""Memristors of one crossbar."""

_DRAWS = ("g_min", "seed")
"""What belongs to conductances that are drawn."""

_FILLS = ("fill", "g_max", *_DRAWS)
"""What no crossbar of a file is filled by."""

_NUMBERS = re.compile(r"(\d{1,7})[xX×](\d{1,7})")

_LEAST, _MOST = 1e-15, 1e3
"""Conductances that memristors may have [S]."""

_SIEMENS = options.Number(min=_LEAST, max=_MOST)
_VOLT = options.Number(min=1e-12, max=1e6)


def _sizes(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> list[tuple[int, int]]:  # noqa: ARG001 - click's signature
    sizes = []
    for text in values:
        match = _NUMBERS.fullmatch(text)
        rows, columns = map(int, match.groups()) if match else (0, 0)
        if not rows or not columns:
            msg = f"SIZE {text}: give rows and columns, as in 64x64"
            raise click.UsageError(msg)
        if rows * columns > _LARGEST:
            msg = f"SIZE {text}: {rows * columns:,} memristors; at most {_LARGEST:,} can be solved"
            raise click.UsageError(msg)
        sizes.append((rows, columns))
    return sizes


def _ohms(ctx: click.Context, param: click.Parameter, value: str | None) -> list[float] | None:  # noqa: ARG001 - click's signature
    if value is None:
        return None
    try:
        ohms = [float(word) for word in value.split(",")]
    except ValueError:
        ohms = []
    if not ohms or not all(0 <= one < 1e12 for one in ohms):  # noqa: PLR2004 - above it no wire conducts
        msg = f"{param.opts[0]} {value}: give ohms from 0 to below 1e12, as in 2 or 0.5,1,2"
        raise click.UsageError(msg)
    return ohms


@make_command("crossbar", EXAMPLE)
@click.argument("sizes", metavar="[SIZE]...", nargs=-1, callback=_sizes)
@click.option("--wire", default="1", show_default=True, metavar="OHM[,OHM...]", callback=_ohms, help="Of a wire, from device to device.")
@click.option("--column-wire", metavar="OHM", callback=_ohms, help="Of the columns' wires, where it differs from --wire.")
@click.option("--fill", type=click.Choice(["on", "random"]), default="on", show_default=True, help="All devices on, or drawn evenly.")
@click.option("--g-min", type=_SIEMENS, default=1e-6, show_default=True, metavar="SIEMENS", help="Least conductance that is drawn.")
@click.option(
    "--g-max", type=_SIEMENS, default=1e-4, show_default=True, metavar="SIEMENS", help="Largest, and that of devices that are on."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of what is drawn.")
@click.option("--conductances", type=click.Path(path_type=Path), metavar="FILE.csv", help="A line a row, in siemens, instead of SIZE.")
@click.option("--volt", type=_VOLT, default=0.1, show_default=True, metavar="VOLT", help="At all rows.")
@click.option("--engine", type=click.Choice(ENGINES), default="numeric", show_default=True, help="What solves it.")
@options.plot("Draw the map of lost voltage, and the currents.")
@click.option("-o", "--out", type=click.Path(path_type=Path), metavar="FILE.cir", help="Write the deck that ngspice runs.")
@options.force
def command(output: Output, plot: Path | None, out: Path | None, *, force: bool, **given: Any) -> None:
    """Measure what the resistance of wires does to a crossbar: the voltage that its devices lose, and the error of the product.

    Rows are driven from the first column, and columns are held at 0 V behind the last row, where their currents are read: the memristors
    of the first row and the last column have the longest way. Each piece of wire, from one device to the next, has --wire ohms.

    Errors are shares of the largest current of a crossbar with ideal wires. "With a gain" is what remains when one gain behind all columns
    makes good what they have in common. Of several SIZEs or resistances, the table has a line for each pair.
    """
    from hwsim.experiment.engines import make_engine  # noqa: PLC0415 - help does without
    from hwsim.settings.sections import SolverSettings  # noqa: PLC0415 - help does without
    from hwsim.sweep import outputs  # noqa: PLC0415 - help does without

    path: Path | None = given["conductances"]
    crossbars = list(_crossbars(given, path))
    lone = len(crossbars) == 1
    for option, file in (("--plot", plot), ("-o", out)):
        if file is not None and not lone:
            msg = f"{option} is of one crossbar, and {len(crossbars)} are asked for; give one SIZE and one --wire"
            raise click.UsageError(msg)
    written = [outputs.OutputFile("--plot", plot, outputs.PICTURE)] if plot else []
    written += [outputs.OutputFile("-o", out, outputs.DECK)] if out else []
    outputs.refuse(written, [path] if path else [], force=force)
    engine = make_engine(given["engine"], SolverSettings())
    if out is not None:
        _write_deck(out, crossbars[0])
    common = {"engine": given["engine"], "volt": given["volt"], "fill": str(path) if path else given["fill"]}
    if not lone:
        each = [_described(crossbar.solve(engine)) for crossbar in crossbars]
        output.result({**common, "crossbars": each}, _several(each))
        return
    result = crossbars[0].solve(engine)
    if plot is not None:
        _draw(plot, result)
    maps = {"across_V": result.across, "currents_A": result.currents, "ideal_A": result.crossbar.ideal}
    output.result({**common, **(described := _described(result)), **maps}, _lone(described))


def _crossbars(given: dict[str, Any], path: Path | None) -> "Iterator[ReadCrossbar]":
    """Return all crossbars that are asked for, each with each resistance."""
    from circuits.wires import Wires  # noqa: PLC0415 - help does without
    from hwsim.inspection.ir_drop import ReadCrossbar  # noqa: PLC0415 - help does without

    if bool(given["sizes"]) == (path is not None):
        msg = "give the SIZE of a crossbar, as in 64x64, or --conductances FILE.csv; not both"
        raise click.UsageError(msg)
    _refuse_idle(path, given["fill"])
    if given["fill"] == "random" and given["g_min"] > given["g_max"]:
        msg = f"--g-min {given['g_min']:g} is above --g-max {given['g_max']:g}"
        raise click.UsageError(msg)
    if given["column_wire"] and len(given["column_wire"]) > 1:
        msg = "--column-wire takes one number; --wire may have several"
        raise click.UsageError(msg)
    of_columns = given["column_wire"] and given["column_wire"][0]
    filled = [_read(path)] if path else [_filled(size, given) for size in given["sizes"]]
    for g, ohm in product(filled, given["wire"]):
        yield ReadCrossbar(g=g, v=np.full(len(g), given["volt"]), wires=Wires(row=ohm, column=ohm if of_columns is None else of_columns))


def _refuse_idle(path: Path | None, fill: str) -> None:
    """Refuse options that would change nothing."""
    if path and (option := options.first_typed(_FILLS)):
        msg = f"{option} is about crossbars of a SIZE, and --conductances states every conductance; omit {option}"
        raise click.UsageError(msg)
    if fill == "on" and (option := options.first_typed(_DRAWS)):
        msg = f"{option} is about conductances that are drawn; add --fill random, or omit {option}"
        raise click.UsageError(msg)


def _filled(size: tuple[int, int], given: dict[str, Any]) -> "Floats":
    from hwsim.random.streams import stream  # noqa: PLC0415 - help does without

    if given["fill"] == "on":
        return np.full(size, given["g_max"])
    return stream(given["seed"], "crossbar").uniform(given["g_min"], given["g_max"], size)


def _read(path: Path) -> "Floats":
    """Read conductances [S].

    Raises
    ------
    DataError
        When a cell is no conductance that memristors have, or lines differ in length.

    """
    from hwsim.files.raw import DataError  # noqa: PLC0415 - for a file alone
    from hwsim.files.signal_table import read_numbers  # noqa: PLC0415 - for a file alone

    g = read_numbers(path)
    strange = (g < _LEAST) | (g > _MOST)
    if strange.any():
        row, column = np.argwhere(strange)[0]
        msg = f"{path}: row {row}, column {column}: {g[row, column]:g} S; give what a memristor conducts, from {_LEAST:g} to {_MOST:g} S"
        raise DataError(msg)
    if g.size > _LARGEST:
        msg = f"{path}: {g.size:,} memristors; at most {_LARGEST:,} can be solved"
        raise DataError(msg)
    return g


def _write_deck(out: Path, crossbar: "ReadCrossbar") -> None:
    from circuits.chip import Chip  # noqa: PLC0415 - for a deck alone
    from circuits.read_crossbar import AMMETERS  # noqa: PLC0415 - for a deck alone
    from hwsim.files import atomic  # noqa: PLC0415 - for a deck alone
    from netlists.measure.currents import SourceCurrents  # noqa: PLC0415 - for a deck alone
    from netlists.write.writer import write_deck  # noqa: PLC0415 - for a deck alone

    circuit = crossbar.circuit
    text = write_deck(circuit, Chip.nominal(circuit), crossbar.conductances(circuit), x=crossbar.v, measure=SourceCurrents(AMMETERS))
    atomic.write(out, text.encode())


def _draw(plot: Path, result: "IRDrop") -> None:
    from hwsim.files import atomic  # noqa: PLC0415 - for a picture alone
    from hwsim.inspection.crossbar_map import picture  # noqa: PLC0415 - drawing takes a second to load

    size, wires = "×".join(map(str, result.crossbar.g.shape)), result.crossbar.wires
    atomic.write(
        plot, picture(result, f"crossbar of {size} memristors, {wires.row:g} Ω and {wires.column:g} Ω a piece of row and of column")
    )


def _described(result: "IRDrop") -> dict[str, Any]:
    from hwsim.inspection.ir_drop import rms  # noqa: PLC0415 - help does without

    row, column = result.worst
    return {
        "rows": result.crossbar.g.shape[0],
        "columns": result.crossbar.g.shape[1],
        "row_wire_ohm": result.crossbar.wires.row,
        "column_wire_ohm": result.crossbar.wires.column,
        "worst_row": row,
        "worst_column": column,
        "worst_lost": float(result.lost[row, column]),
        "mean_lost": float(result.lost.mean()),
        "worst_error": float(np.abs(result.errors).max()),
        "rms_error": rms(result.errors),
        "rms_error_with_gain": rms(result.uneven),
        "gain": result.gain,
        "power_W": result.power,
        "residual_A": result.residual,
    }


def _lone(one: dict[str, Any]) -> str:
    """Write one crossbar in lines."""
    from hwsim.formatting import quantity  # noqa: PLC0415 - help does without

    worst = f"row {one['worst_row']}, column {one['worst_column']} loses {_percent(one['worst_lost'])}"
    rows = [
        ("size", f"{one['rows']}×{one['columns']}"),
        ("wire, row and column", f"{one['row_wire_ohm']:g} Ω, {one['column_wire_ohm']:g} Ω a piece"),
        ("voltage lost, worst", worst),
        ("voltage lost, mean", _percent(one["mean_lost"])),
        ("error of the product", f"{_percent(one['rms_error'])} rms, {_percent(one['worst_error'])} worst"),
        ("the same with a gain", f"{_percent(one['rms_error_with_gain'])} rms (gain 1/{one['gain']:.4g})"),
        ("power from the rows", quantity(one["power_W"], "W")),
    ]
    return f"{table(('', ''), rows)}\n\n{wrapped('Errors are shares of the largest current of a crossbar with ideal wires.')}"


def _several(each: list[dict[str, Any]]) -> str:
    header = ("size", "wire [Ω]", "lost, worst [%]", "lost, mean [%]", "error, rms [%]", "worst [%]", "with a gain, rms [%]")
    names = ("worst_lost", "mean_lost", "rms_error", "worst_error", "rms_error_with_gain")
    rows = [(f"{one['rows']}×{one['columns']}", f"{one['row_wire_ohm']:g}", *(f"{100 * one[name]:.3g}" for name in names)) for one in each]
    return table(header, rows, keys=2)


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"

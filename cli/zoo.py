"""`hwsim zoo`: the named circuits."""

import tomllib
from typing import Any

import click

from circuits import zoo
from cli.command import command as make_command
from cli.output import Output, table


@make_command("zoo", "hwsim zoo\nhwsim zoo digits > my.toml")
@click.argument("name", required=False)
def command(output: Output, name: str | None) -> None:
    """List the named circuits: layers, neurons, devices, data. With NAME, print that circuit's experiment file."""
    if name is not None and name not in zoo.names():
        msg = f"{name}: no such name in the zoo; it has {', '.join(zoo.names())}"
        raise click.UsageError(msg)
    if name is not None and not output.json:
        output.raw(zoo.read(name))
        return
    entries = [_entry(known) for known in zoo.names() if name in {None, known}]
    header = ("name", "layers", "neurons", "gain, back", "memristors", "data", "error", "")
    output.result({"circuits": entries}, table(header, [_row(entry) for entry in entries]))


def _entry(name: str) -> dict[str, Any]:
    """Describe a circuit from its file alone: quick, nothing is compiled."""
    told = tomllib.loads(zoo.read(name))
    network = told["circuit"]
    layers = network.get("layers", [])
    columns = [layer["size"] for layer in layers] + [network["outputs"] * (2 if network.get("differential", True) else 1)]
    rows = [network["inputs"] * (2 if network.get("signed_inputs", True) else 1), *columns[:-1]]
    bias = 1 if network.get("bias", True) else 0
    return {
        "name": name,
        "about": told["about"],
        "layers": [network["inputs"], *(layer["size"] for layer in layers), network["outputs"]],
        "neurons": [layer["neuron"]["kind"] for layer in layers],
        "amplifiers": [layer.get("amplifier") for layer in layers],
        "differential": network.get("differential", True),
        "memristors": sum((row + bias) * column for row, column in zip(rows, columns, strict=True)),
        "data": told["data"]["name"],
        "test_error": told.get("reached", {}).get("test_error"),
    }


def _row(entry: dict[str, Any]) -> tuple[str, ...]:
    amplifiers = [f"{a['gain']:g}, {a['back']:g}" if a else "none" for a in entry["amplifiers"]]
    error = entry["test_error"]
    return (
        entry["name"],
        "-".join(map(str, entry["layers"])),
        "; ".join(dict.fromkeys(entry["neurons"])),
        "; ".join(dict.fromkeys(amplifiers)),
        str(entry["memristors"]),
        entry["data"],
        "–" if error is None else f"{100 * error:.2f} %",
        entry["about"],
    )

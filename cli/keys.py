"""`hwsim keys`: every key of an experiment file."""

import re
import textwrap
from typing import TYPE_CHECKING, Any

import click

from cli.command import command as make_command
from cli.output import Output
from cli.tables import table, terminal_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hwsim.settings.keys import Key

_INDENT = "    "


@make_command("keys", "hwsim keys\nhwsim keys training\nhwsim keys training.nudge.beta\nhwsim keys circuit.layers")
@click.argument("section", required=False)
def command(output: Output, section: str | None) -> None:
    """List the sections of an experiment file with their keys; of a SECTION, describe each of its keys.

    A key's type and bounds, unit, default and meaning are those of the program itself. SECTION may also be a table within one, or a key.
    --set section.key=value sets a key for one command.
    """
    from hwsim.experiment.experiment import Experiment  # noqa: PLC0415 - for this command alone
    from hwsim.settings import keys as listed  # noqa: PLC0415 - help does without
    from hwsim.settings.flat_training import canonical  # noqa: PLC0415 - for this command alone
    from hwsim.settings.validation_errors import instead  # noqa: PLC0415 - for this command alone

    keys, about = listed.keys(Experiment), listed.sections(Experiment)
    if section is None:
        output.result({"keys": list(map(_entry, keys)), "sections": about}, _overview(keys, about))
        return
    name = re.sub(r"\[\d+\]|\.\d+(?=\.|$)", "[0]", canonical(section, word=False))
    chosen = [key for key in keys if re.match(rf"{re.escape(name)}(\.|\[|$)", key.key)]
    if not chosen:
        msg = f"{section}: no such section or key; {instead(name, listed.known_keys(Experiment), 'hwsim keys')}"
        raise click.UsageError(msg)
    output.result({"keys": list(map(_entry, chosen))}, "\n".join(_described(key, whole=len(chosen) == 1) for key in chosen))


def _entry(key: "Key") -> dict[str, Any]:
    return {"key": key.key, "type": key.kind, "unit": key.unit, "default": key.default, "text": key.text, "kinds": key.of}


def _overview(keys: "Sequence[Key]", about: dict[str, str]) -> str:
    rows = []
    for section, text in {"": "At the top of the file.", **about}.items():
        inside = re.compile(rf"{section}(\[0\])?\.(.+)") if section else re.compile(r"()([^.]+)")
        names = [match[2] for key in keys if (match := inside.fullmatch(key.key))]
        rows.append((section, f"{text}\n{', '.join(names)}"))
    return f"{table(('section', 'about, and keys'), rows)}\n\nhwsim keys SECTION describes each; --set section.key=value sets one."


def _described(key: "Key", *, whole: bool) -> str:
    """Format a key: its type on one line, its meaning below."""
    default = key.default if key.default == "required" else f"default {key.default}"
    facts = [f"{key.key}: {key.kind}", *([f"in {key.unit}"] if key.unit else []), default]
    kinds = f" Of {', '.join(key.of)}." if key.of else ""
    meaning = key.text if whole or "\n" in key.text else f"{key.summary}."
    lines = textwrap.wrap("; ".join(facts), terminal_width(), subsequent_indent=_INDENT * 2, break_on_hyphens=False)
    for line in f"{meaning}{kinds}".splitlines():
        lines += textwrap.wrap(line, terminal_width(), initial_indent=_INDENT, subsequent_indent=_INDENT, break_on_hyphens=False)
    return "\n".join(lines)

"""Presets: named kinds of devices, one TOML file each, with source and range of validity; and reading a device file of one's own."""

import difflib
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from circuits.quoting import REASON, quote, quote_path
from circuits.regular_file import open_regular
from hwsim.devices.kinds.declared import Device
from hwsim.devices.kinds.nonlinearity import Curve
from hwsim.devices.kinds.weights import Weights
from hwsim.settings.validation_errors import explain

OTHER_UNITS: dict[str, type[Weights] | type[Curve]] = {"weights": Weights, "curve": Curve}
"""Sections that may stand in place of `step`, in the units of a source."""


class DeviceError(ValueError):
    """A device that is not known, or that cannot be used; the message names file, key, value and remedy."""


def names() -> list[str]:
    """List the presets in alphabetical order."""
    return sorted(file.name.removesuffix(".toml") for file in files(__name__).iterdir() if file.name.endswith(".toml"))


def load(what: str) -> Device:
    """Read a device: a preset by its name, or a `.toml` file.

    Raises
    ------
    DeviceError
        When there is none, or when it is wrong.

    """
    if what in names():
        return parse(files(__name__).joinpath(f"{what}.toml").read_text(encoding="utf-8"), what, name=what)
    path = Path(what)
    if path.suffix != ".toml" or not path.exists():
        alike = difflib.get_close_matches(what, names())
        hint = f"did you mean {' or '.join(alike)}?" if alike else f"there are {', '.join(names())}"
        kind = "no such file" if path.suffix == ".toml" else "no such preset, and no .toml file"
        msg = f"{quote_path(what)}: {kind}; {hint}"
        raise DeviceError(msg)
    try:
        with open_regular(path) as file:
            text = file.read().decode("utf-8")
    except UnicodeDecodeError:
        msg = f"{quote_path(what)}: is not text in UTF-8; a device file is TOML"
        raise DeviceError(msg) from None
    return parse(text, quote_path(what))


def parse(text: str, where: str, *, name: str | None = None) -> Device:
    """Read a device from the text of its file."""
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also Python's about numbers of thousands of digits
        msg = f"{where}: is not valid TOML: {quote(str(error).partition(';')[0], REASON)}"
        raise DeviceError(msg) from None
    if name is not None:
        table["name"] = name
    return make(table, where)


def make(table: dict[str, Any], where: str) -> Device:
    """Make a device of a file's keys.

    Raises
    ------
    DeviceError
        Naming the key, its value and what would be right.

    """
    given = [key for key in ("step", *OTHER_UNITS) if key in table]
    if len(given) != 1:
        fault = f"has {' and '.join(given)}" if given else "does not define what a pulse does"
        msg = f"{where}: {fault}; give one of the sections step, {', '.join(OTHER_UNITS)}"
        raise DeviceError(msg)
    key = given[0]
    try:
        if key in OTHER_UNITS:
            table = _merged(OTHER_UNITS[key].model_validate(table[key]).sections(), {k: v for k, v in table.items() if k != key})
    except ValidationError as error:
        msg = f"{where}: {key}: {explain(error, table[key] if isinstance(table[key], dict) else {}, OTHER_UNITS[key])}"
        raise DeviceError(msg) from None
    try:
        return Device.model_validate(table)
    except ValidationError as error:
        msg = f"{where}: {explain(error, table, Device)}"
        raise DeviceError(msg) from None


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Put keys over others, section by section."""
    merged = dict(below)
    for key, value in above.items():
        merged[key] = below[key] | value if isinstance(value, dict) and isinstance(below.get(key), dict) else value
    return merged


def to_toml(device: Device) -> str:
    """Write a device as a file that reads back to an equal one; what is not there has its default."""
    import tomli_w  # noqa: PLC0415 - only those who write need it

    return tomli_w.dumps(device.table())

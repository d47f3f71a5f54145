"""Arguments and options that several commands share."""

import functools
import json
import math
import shlex
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from hwsim.settings.engine_names import ENGINES

Function = Callable[..., Any]


class Number(click.FloatRange):
    """A finite number in a range: click takes NaN for one, since no comparison refuses it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number; NaN and infinity fail."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is no finite number; give one.", param, ctx)
        return number


def typed() -> dict[str, str]:
    """Return how each option and argument is written that the command line has, by its name."""
    context = click.get_current_context()
    given = ((str(param.name), param.opts[0]) for param in context.command.params)
    return {name: option for name, option in given if context.get_parameter_source(name) is ParameterSource.COMMANDLINE}


def first_typed(names: Iterable[str]) -> str | None:
    """Return how the first of some options, by their parameters' names, is written that the command line has; None where it has none."""
    given = typed()
    return next((given[name] for name in names if name in given), None)


_DIALECT = "Program whose language a netlist is in [default: LTspice's or KiCad's where it is recognized, else ngspice's]."

_ROLES = {
    "trainable": "Trainable resistors of a netlist: patterns, and options, as in 'R_w* g_min=1e-7 g_max=1e-5'; repeatable.",
    "inputs": "Sources of a netlist for the features, in order, as in V1,I2 or 'V1 V2 scale=0.5'; repeatable.",
    "outputs": "Outputs of a netlist: nodes, or pairs of nodes, as in a,b or 'p n,q'; repeatable.",
}


def reading(dialect: str) -> Callable[[Function], Function]:
    """Return what adds WHAT, `--set`, and options for the roles and the dialect of a netlist; `dialect` is what the last is called."""
    named = dialect.removeprefix("--").replace("-", "_")

    def add(function: Function) -> Function:
        @functools.wraps(function)
        def given(*arguments: Any, settings: tuple[str, ...], **others: Any) -> Any:
            described: dict[str, list[str] | str] = {name: list(others.pop(name)) for name in _ROLES if name != "outputs"}
            described["outputs"] = [one.strip() for text in others.pop("outputs") for one in text.split(",")]
            described["dialect"] = others.pop(named) or ""
            from hwsim.experiment.overriding import FromOption  # noqa: PLC0415 - help does without

            overrides = []
            for name, value in described.items():
                if value:
                    option = dialect.removeprefix("--") if name == "dialect" else name
                    _refuse_contradiction(option, f"circuit.{name}", value, settings)
                    typed = " ".join(f"--{option} {shlex.quote(word)}" for word in ([value] if isinstance(value, str) else value))
                    overrides.append(FromOption(f"circuit.{name}={json.dumps(value)}", typed))
            return function(*arguments, settings=(*overrides, *settings), **others)

        for name, text in reversed(_ROLES.items()):
            given = click.option(f"--{name}", metavar="TEXT", multiple=True, help=text)(given)
        language = click.option(dialect, type=click.Choice(["ltspice", "kicad", "ngspice"]), help=_DIALECT)
        settings = click.option(
            "--set",
            "settings",
            metavar="KEY=VALUE",
            multiple=True,
            help="Override a key of the experiment, such as training.epochs=3; repeatable.",
        )
        trust = click.option(
            "--trust", is_flag=True, expose_value=False, callback=_trust, help="Let a netlist include files from outside of its folder."
        )
        return click.argument("what", metavar="WHAT")(trust(settings(language(given))))

    return add


what = reading("--dialect")


def _trust(ctx: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's signature
    """Trust the decks of this command, and no others."""
    if value:
        from hwsim.experiment.netlist_circuit import TRUSTED  # noqa: PLC0415 - help does without

        token = TRUSTED.set(True)
        ctx.call_on_close(lambda: TRUSTED.reset(token))


def engine(function: Function) -> Function:
    """Add `--engine`."""
    return click.option("--engine", type=click.Choice(ENGINES), help="Engine [default: the experiment's].")(function)


def data(function: Function) -> Function:
    """Add `--data`."""
    return click.option("--data", metavar="NAME|FILE", help="Data: a name, an .npz or a .csv file [default: the experiment's].")(function)


def chip(function: Function) -> Function:
    """Add `--chip`."""
    return click.option(
        "--chip", type=click.IntRange(min=0), metavar="SEED", help="Chip of the experiment's variation [default: the experiment's]."
    )(function)


def after(function: Function) -> Function:
    """Add `--after`."""
    shown = {"metavar": "TIME", "callback": read_after, "help": "Drift time of the memristors before, as in 30d (s, min, h, d, y)."}
    return click.option("--after", **shown)(function)  # type: ignore[arg-type] # as in `samples`


def read_after(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:  # noqa: ARG001 - click's signature
    """Read a duration, such as 30d, in seconds.

    Raises
    ------
    click.UsageError
        When it is none.

    """
    from circuits.quoting import quote  # noqa: PLC0415 - help does without
    from hwsim.settings.durations import seconds  # noqa: PLC0415 - for this command alone

    try:
        return None if value is None else seconds(value)
    except ValueError as error:
        msg = f"--after {quote(value)}: {error}"
        raise click.UsageError(msg) from None


def part(function: Function) -> Function:
    """Add `--part`."""
    return click.option("--part", type=click.Choice(["test", "train"]), default="test", show_default=True, help="Set of the data.")(
        function
    )


def solved(function: Function) -> Function:
    """Add the options of commands that solve equilibria of a set of the data: WHAT with settings, engine, data, chip, age and set."""
    return what(engine(data(chip(after(part(function))))))


def plot(text: str) -> Callable[[Function], Function]:
    """Add `--plot`, with its help."""
    return click.option("--plot", type=click.Path(path_type=Path), metavar="FILE.png", callback=_png, help=text)


def _png(ctx: click.Context, param: click.Parameter, value: Path | None) -> Path | None:  # noqa: ARG001 - click's signature
    if value is not None and value.suffix.lower() != ".png":
        msg = f"--plot {value}: pictures are PNGs; give it a name that ends in .png"
        raise click.UsageError(msg)
    return value


def force(function: Function) -> Function:
    """Add `--force`."""
    text = "Replace any existing output file, also one of another kind; inputs of the command are never replaced."
    return click.option("--force", is_flag=True, help=text)(function)


def overrides(settings: Sequence[str], **shortcuts: Any) -> list[str]:
    """List all overrides: those of options such as `--epochs` as keys of the training section, `--data`, then those of `--set`.

    Raises
    ------
    click.UsageError
        When an option and `--set` name different values of one key.

    """
    from hwsim.experiment.overriding import FromOption  # noqa: PLC0415 - help does without

    keys = {"data": "data.name", "overfit": "data.overfit", "chip": "variation.chip", "after": "variation.after", "levels": "device.levels"}
    short: list[str] = []
    for name, value in shortcuts.items():
        if value is not None:
            key = keys.get(name, f"training.{name}")
            option = "from" if name == "start" else name.replace("_", "-")
            _refuse_contradiction(option, key, value, settings)
            short.append(FromOption(f"{key}={json.dumps(value)}", _typed(option, value)))
    if shortcuts.get("engine") == "ngspice":
        short.append("training.precision=float64")  # ngspice has no other
    return [*short, *settings]


def _typed(option: str, value: Any) -> str:
    """Return an option as typed."""
    from hwsim.settings.durations import spelled  # noqa: PLC0415 - help does without

    if value is True:
        return f"--{option}"
    return f"--{option} {spelled(value).replace(' ', '') if option == 'after' else value}"


def _refuse_contradiction(option: str, key: str, value: Any, settings: Sequence[str]) -> None:
    """Refuse a `--set` of the key that an option sets to another value, or of the whole section that the key is in."""
    from circuits.quoting import quote, quoted  # noqa: PLC0415 - help does without
    from hwsim.experiment.overriding import read_value  # noqa: PLC0415 - for this command alone

    for setting in settings:
        named, _, text = setting.partition("=")
        whole = key.startswith(f"{named.strip()}.")
        if whole or (named.strip() == key and read_value(text.strip()) != value):
            msg = f"--{option} sets {key} to {quoted(value)}, and --set {quote(setting)} to something else; omit one of them"
            raise click.UsageError(msg)


def capacitance(text: str) -> Callable[[Function], Function]:
    """Add `--capacitance`, with its help."""
    return click.option("--capacitance", type=Number(min=0, min_open=True), metavar="FARAD", help=text)


def samples(function: Function) -> Function:
    """Add `--sample`: one sample, or FIRST:END without END."""
    shown = {"metavar": "K|FIRST:END", "default": "0", "show_default": True, "help": "Which samples."}
    return click.option("--sample", "chosen", callback=_range, **shown)(function)  # type: ignore[arg-type] # mypy takes the settings for one


def _range(ctx: click.Context, param: click.Parameter, value: str) -> range:  # noqa: ARG001 - click's signature
    first, colon, end = value.partition(":")
    try:
        begin = int(first)
        chosen = range(begin, int(end) if colon else begin + 1)
    except ValueError:
        msg = f"--sample {value}: neither a sample's number nor FIRST:END, such as 0:20"
        raise click.UsageError(msg) from None
    if begin < 0 or not chosen:
        msg = f"--sample {value}: is empty; numbers start at 0, and END is larger than FIRST"
        raise click.UsageError(msg)
    return chosen


def in_part(chosen: range, count: int, part_name: str) -> slice:
    """Return the samples' range within a set of the data.

    Raises
    ------
    click.UsageError
        When the set is shorter.

    """
    if chosen.stop > count:
        msg = f"--sample: there is no sample {chosen.stop - 1}; the {part_name} set has {count} samples, numbered from 0"
        raise click.UsageError(msg)
    return slice(chosen.start, chosen.stop)

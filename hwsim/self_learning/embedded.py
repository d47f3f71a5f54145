"""What a self-learning deck was made of, as comments in it: enough to make a run of what it learns."""

import dataclasses
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from circuits.quoting import REASON, quote, quote_path, quoted
from circuits.regular_file import open_regular
from hwsim.experiment.experiment import Experiment, ExperimentError, make
from hwsim.experiment.loading import to_toml
from hwsim.self_learning.options import LearningOptions
from netlists.self_learning.self_learning_deck import TITLE

_MARK = "*>"

_SECTION = "self_learning"

_LONGEST = 1 << 27
"""Bytes of a deck."""


class Embedded(NamedTuple):
    """A deck, the experiment that it was made of, and how it learns."""

    text: str
    experiment: Experiment
    options: LearningOptions


def comments(experiment: Experiment, options: LearningOptions) -> list[str]:
    """Write what a deck is made of as comments."""
    import tomli_w  # noqa: PLC0415 - only those who write need it

    chosen = {name: value for name, value in dataclasses.asdict(options).items() if value is not None}
    lines = f"{to_toml(experiment)}\n{tomli_w.dumps({_SECTION: chosen})}".splitlines()
    return ["*", "* What this deck was made of; hwsim reads what it learns by these lines.", *(f"{_MARK} {x}".rstrip() for x in lines)]


def is_self_learning(what: str) -> bool:
    """Whether a user names a deck that learns by itself."""
    path = Path(what)
    if not path.is_file():
        return False
    with open_regular(path) as opened:
        return TITLE.encode() in opened.readline(1 << 12)


def read(what: str) -> Embedded:
    """Read a deck that learns by itself, with what it was made of.

    Raises
    ------
    ExperimentError
        When that is missing or wrong.

    """
    with open_regular(Path(what)) as opened:
        text = opened.read(_LONGEST).decode("utf-8", errors="replace")
    lines = [line[len(_MARK) :] for line in text.splitlines() if line.startswith(_MARK)]
    remedy = "write the deck again with hwsim compile WHAT --self-learning"
    if not lines:
        msg = f"{quote_path(what)}: has no lines that begin with {_MARK}, which state what it was made of; {remedy}"
        raise ExperimentError(msg)
    try:
        table = tomllib.loads("\n".join(line.removeprefix(" ") for line in lines))
    except (ValueError, RecursionError) as error:
        msg = f"{quote_path(what)}: its lines that begin with {_MARK} are no valid TOML: {quote(str(error), REASON)}; {remedy}"
        raise ExperimentError(msg) from None
    options = _options(what, table.pop(_SECTION, {}))
    return Embedded(text, make(table, what), options)


def _options(what: str, given: Any) -> LearningOptions:
    names = {field.name for field in dataclasses.fields(LearningOptions)}
    if not isinstance(given, dict) or not names.issuperset(given):
        msg = f"{quote_path(what)}: its section {_SECTION} knows {', '.join(sorted(names))} alone"
        raise ExperimentError(msg)
    try:
        return TypeAdapter(LearningOptions).validate_python(given)
    except ValidationError as error:
        first = error.errors()[0]
        msg = f"{quote_path(what)}: {_SECTION}.{first['loc'][0]} = {quoted(first['input'])}: {first['msg']}"
        raise ExperimentError(msg) from None

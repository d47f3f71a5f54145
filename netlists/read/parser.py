"""Parser: the text of a deck, in the language of SPICE3 and ngspice, becomes a circuit and its conductances."""

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from circuits.errors import CircuitError, FloatingNodesError
from circuits.errors import floating as floating_nodes
from circuits.quoting import quote_all
from netlists.build.arrays import Sorting
from netlists.build.assemble import DEFAULT_GMIN, Assembly
from netlists.build.builder import Making
from netlists.build.trainable import conductances, warn_bounds
from netlists.deck import Deck, with_text
from netlists.foreign.expanded import Read, expanded
from netlists.foreign.expansion import Expander
from netlists.foreign.recognize import foreign
from netlists.read import features
from netlists.read.definitions import outline
from netlists.read.flatten import Flattener
from netlists.read.grouping import group_nodes, odd
from netlists.read.parts import CELSIUS, Flat, Settings
from netlists.read.roles import Roles, compiled
from netlists.read.temperatures import checked
from netlists.text.dialects import DIALECTS
from netlists.text.files import Files, text_of
from netlists.text.findings import BadCardError, Finding, Findings, NetlistError
from netlists.text.lines import Line, Source
from netlists.text.numbers import read_number
from netlists.text.tokens import Token

_NO_ROLES = Roles()
_CARD = "rclviegfhdbmqjx"
_SHOWN = 4

Purpose = Literal["train", "simulate", "solve", "inspect"]
"""What a deck is read for."""


def read_deck(
    path: Path,
    roles: Roles = _NO_ROLES,
    *,
    expand: Expander | None = None,
    trust: bool = False,
    purpose: Purpose = "train",
    dialect: str | None = None,
) -> Deck:
    """Read a deck from a file; what it includes must lie in its folder.

    Parameters
    ----------
    path
        The file.
    roles
        Set from outside; they stand in the place of the deck's own of the same kind.
    expand
        Lets ngspice expand foreign decks; without, they are refused.
    trust
        Whether what it includes may lie anywhere. No command in a deck is ever carried out.
    purpose
        What it is read for: `train` needs inputs, outputs and trainable resistors; `solve` does without, and `inspect` also without a path
        to ground from every node.
    dialect
        The one of `DIALECTS` that the deck and what it includes are in; None: what each is recognized by.

    Raises
    ------
    NetlistError
        When it cannot be read; the message names all mistakes, each with its file and line.

    """
    try:
        text = text_of(path)
    except OSError as error:
        raise NetlistError([Finding(str(path), 0, f"{error.strerror or error}; give the path of a deck")]) from None
    except BadCardError as error:
        raise NetlistError([Finding(str(path), 0, str(error))]) from None
    return parse(text, roles, name=str(path), path=path, expand=expand, trust=trust, purpose=purpose, dialect=dialect)


def parse(  # noqa: PLR0913 - where a deck comes from, and what is taken
    text: str,
    roles: Roles = _NO_ROLES,
    *,
    name: str = "deck",
    path: Path | None = None,
    expand: Expander | None = None,
    trust: bool = False,
    purpose: Purpose = "train",
    dialect: str | None = None,
) -> Deck:
    """Read a deck from its text.

    Parameters
    ----------
    text
        The deck.
    roles
        As for `read_deck`.
    name
        What messages call it.
    path
        Where it lies; without, it cannot include anything.
    expand, trust, purpose, dialect
        As for `read_deck`.

    Raises
    ------
    NetlistError
        When it cannot be read.

    """
    with _without_collecting():
        stated = None if dialect is None else DIALECTS[dialect]
        return _parse(Source.of(name, text, path, stated), roles, expand=expand, trust=trust, purpose=purpose)


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Look for no garbage meanwhile: hundreds of thousands of lines that all stay would be looked through again and again."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _parse(source: Source, roles: Roles, *, expand: Expander | None, trust: bool, purpose: Purpose) -> Deck:
    findings, path = Findings(), source.path
    files = Files(path.parent if path else None, findings, trust)
    if any("\0" in line for line in source.lines):
        raise NetlistError([Finding(source.name, 1, "this is no text; give a SPICE deck")])
    cards = files.read(source, title=True)
    _look_at_title(source, findings)
    roles = Roles.read(files.roles, findings).instead(roles)
    strange, of_small = foreign(cards, _kept(roles)), Findings()
    read = None if strange else _small(cards, of_small)
    if read is None or (expand is not None and not of_small.mistakes and odd(_nodes(read.flat))):
        read = expanded(cards, strange or cards[0], roles, expand, findings)
    else:
        findings.add(of_small)
    return _built(source, files, roles, read, findings, purpose=purpose)


def _small(cards: list[Line], findings: Findings) -> Read:
    """Read a deck of plain numbers and our own subcircuits."""
    outlined = outline(cards, findings)
    options = {name: outlined.options.get(name) for name in ("temp", "tnom", "gmin")}
    options["temp"] = outlined.temperature or options["temp"]  # .temp counts before .options temp
    temperature, nominal = (_option(name, options[name], CELSIUS, findings) for name in ("temp", "tnom"))
    gmin = _option("gmin", options["gmin"], DEFAULT_GMIN, findings)
    settings = Settings(temperature, nominal)
    return Read(Flattener(outlined, settings, findings).run(), settings, gmin)


def _option(name: str, option: tuple[Token, Line] | None, usual: float, findings: Findings) -> float:
    """Return the value of an option: a temperature, or gmin."""
    if option is None:
        return usual
    token, line = option
    try:
        value = read_number(token.text)[0]
        if name != "gmin":
            return checked(value, name)
    except ValueError as error:
        findings.mistakes.append(Finding(line.source.name, line.number, str(error)))
        return usual
    if value < 0:
        text = f"{name} = {value:g} must not be negative; correct it or remove it"
        findings.mistakes.append(Finding(line.source.name, line.number, text))
    return value


def _built(source: Source, files: Files, roles: Roles, read: Read, findings: Findings, *, purpose: Purpose) -> Deck:
    """Make the circuit of what was read."""
    sorting = Sorting(read.flat, roles, findings)
    findings.check()
    sorting.run()
    groups, numbers = group_nodes(_node_names(sorting), roles, findings, renamed=read.foreign is None)
    findings.check()
    making = Making(sorting, numbers, read.settings)
    assembly = Assembly(making, read.gmin, read.rshunt)
    assembly.run()
    findings.check()
    missing = tuple(_missing(roles, source, sorting, purpose))
    if missing and purpose in {"train", "simulate"}:
        raise NetlistError(missing)
    try:
        circuit = assembly.circuit(_name(roles, source), groups, grounded=purpose != "inspect" and not _opaque(read.flat))
    except FloatingNodesError as error:
        raise NetlistError(list(_floating(error, sorting, numbers))) from None
    except CircuitError as error:
        card, text = making.explained(error)
        raise NetlistError([Finding(source.name, 0, text) if card is None else making.at(card, text)]) from None
    g, places = conductances(circuit, sorting, making)
    findings.check()
    warn_bounds(circuit, g, findings, source)
    x, contradictions = features.read(making.shown, circuit.input_count)
    warnings, notes = tuple(dict.fromkeys((*findings.warnings, *contradictions))), tuple(dict.fromkeys(findings.notes))
    settings = tuple(roles.of("set"))
    sources = tuple(files.sources)
    return with_text(
        Deck(circuit, g, x, numbers, making.members, sources, places, warnings, notes, settings, contradictions, read.foreign, missing)
    )


def _look_at_title(source: Source, findings: Findings) -> None:
    """Warn of a first line that looks like a card: SPICE takes it for the title."""
    words = source.lines[0].lower().split() or [""]
    is_card = len(words) > 3 and words[0][0] in _CARD and words[-1][0].isdigit()  # noqa: PLR2004 - a name, two nodes, a value
    if is_card or words[0] in {".include", ".param", ".subckt"}:
        findings.warnings.append(Finding(source.name, 1, "the first line is the title and no card; put a line before it if it is meant"))


class _kept:  # noqa: N801 - called like a function
    """Decides which instances stay whole: those of blocks and nudges."""

    def __init__(self, roles: Roles) -> None:
        patterns = [compiled(f"x_{s.words[0]}_#") for s in roles.of("block")]
        self._patterns = patterns + [compiled(word) for s in roles.of("nudge") for word in s.words if word[:1] in "x*?"]

    def __call__(self, name: str) -> bool:
        return any(pattern.fullmatch(name) for pattern in self._patterns)


def _opaque(flat: Flat) -> bool:
    """Whether some parts join nodes in ways that only ngspice knows."""
    return any(part.kind == "p" for part in flat.parts)


def _nodes(flat: Flat) -> set[str]:
    """List all nodes."""
    table = flat.resistances
    return {*table.a, *table.b, *(node for part in flat.parts for node in part.nodes)}


def _node_names(sorting: Sorting) -> list[str]:
    """List all nodes but ground, in the order in which they come, those of dropped elements left out."""
    names: dict[str, None] = {}
    table = sorting.flat.resistances
    for part in sorting.flat.parts:
        if part.name not in sorting.dropped:
            names.update(dict.fromkeys(part.nodes))
    if sorting.dropped.isdisjoint(table.names):
        names.update(dict.fromkeys(table.a))
        names.update(dict.fromkeys(table.b))
    else:
        for name, a, b in zip(table.names, table.a, table.b, strict=True):
            if name not in sorting.dropped:
                names.update({a: None, b: None})
    names.pop("0", None)
    return list(names)


def _floating(error: FloatingNodesError, sorting: Sorting, numbers: Mapping[str, int]) -> Iterator[Finding]:
    """State which nodes float, at the first cards that touch them."""
    lines: dict[str, Line] = {}
    table = sorting.flat.resistances
    for a, b, line in zip(table.a, table.b, table.lines, strict=True):
        lines.setdefault(a, line)
        lines.setdefault(b, line)
    for part in sorting.flat.parts:
        lines |= {node: part.line for node in part.nodes if node not in lines or part.line.number < lines[node].number}
    names = {number: name for name, number in numbers.items()}
    for island in error.islands:
        called = [names[node] for node in island.tolist()]
        first = min((lines[name] for name in called), key=lambda line: line.number)
        yield Finding(first.source.name, first.number, floating_nodes(called))


def _name(roles: Roles, source: Source) -> str:
    circuits = roles.of("circuit")
    return " ".join(circuits[-1].words) if circuits else " ".join(source.lines[0].strip("* \t\r").split()) or Path(source.name).name


def _missing(roles: Roles, source: Source, sorting: Sorting, purpose: Purpose) -> Iterator[Finding]:
    """State which roles nothing in the deck has, how to name something for them, and what there is; a simulation needs nothing to train."""
    sources = [part.name for part in sorting.flat.parts if part.kind in "vi"]
    for word, option, shown, meaning, there in (
        ("input", "inputs", "V1", "the sources that carry the data", sources),
        ("output", "outputs", "a b", "the pair of nodes that is read, a line for each output", _node_names(sorting)),
        (
            "trainable",
            "trainable",
            "R*",
            "the trainable resistors; g_min= and g_max= bound their conductances",
            sorting.flat.resistances.names,
        ),
    ):
        if not roles.of(word) and (word, purpose) != ("trainable", "simulate"):
            names = [name for name in there if "#" not in name]
            some = f"; there are {quote_all(names[:_SHOWN])}{' …' if len(names) > _SHOWN else ''}" if names else ""
            text = f"the deck declares no {word}; add a line like *hwsim: {word} {shown} ({meaning}), or --{option}{some}"
            yield Finding(source.name, 1, text)

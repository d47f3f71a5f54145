"""Parser: the text of a deck, in the language of SPICE3 and ngspice, becomes a circuit and its conductances."""

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from circuits.errors import CircuitError, FloatingNodesError
from circuits.errors import floating as floating_nodes
from netlists.build.arrays import Sorting
from netlists.build.assemble import DEFAULT_GMIN, Assembly
from netlists.build.builder import Making
from netlists.build.trainable import conductances, warn_bounds
from netlists.deck import Deck
from netlists.read import features
from netlists.read.definitions import Outline, outline
from netlists.read.flatten import Flattener, globals_of
from netlists.read.grouping import group_nodes
from netlists.read.parts import CELSIUS, MOSFET_OPTIONS, Settings
from netlists.read.roles import Roles, compiled
from netlists.read.temperatures import checked
from netlists.text.files import Files, text_of
from netlists.text.findings import BadCardError, Finding, Findings, NetlistError
from netlists.text.lines import Line, Source
from netlists.text.scopes import Bound, Scope, Spot
from netlists.text.tokens import Token

_NO_ROLES = Roles()
_CARD = "rclviegfhdbmqjx"


def read_deck(path: Path, roles: Roles = _NO_ROLES, *, trust: bool = False, floating: bool = False) -> Deck:
    """Read a deck from a file; what it includes must lie in its folder.

    Parameters
    ----------
    path
        The file.
    roles
        Said from outside; they stand in the place of the deck's own of the same kind.
    trust
        Whether what it includes may lie anywhere. No command in a deck is ever carried out.
    floating
        Whether nodes without a path to ground are taken: the circuit can be looked at then, but not solved.

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
    return parse(text, roles, name=path.name, path=path, trust=trust, floating=floating)


def parse(
    text: str,
    roles: Roles = _NO_ROLES,
    *,
    name: str = "deck",
    path: Path | None = None,
    trust: bool = False,
    floating: bool = False,
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
    trust, floating
        As for `read_deck`.

    Raises
    ------
    NetlistError
        When it cannot be read.

    """
    with _without_collecting():
        return _parse(Source.of(name, text, path), roles, trust=trust, floating=floating)


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


def _parse(source: Source, roles: Roles, *, trust: bool, floating: bool) -> Deck:
    findings, name, path = Findings(), source.name, source.path
    files = Files(path.parent if path else None, findings, trust)
    if any("\0" in line for line in source.lines):
        raise NetlistError([Finding(name, 1, "this is no text; give a SPICE deck")])
    cards = files.read(source, title=True)
    _look_at_title(source, findings)
    roles = Roles.read(files.roles, findings).instead(roles)
    found = outline(cards, findings)
    scope = globals_of(found)
    settings = _settings(found, scope, findings)
    gmin, rshunt = (_option(found, scope, name, usual, findings) for name, usual in (("gmin", DEFAULT_GMIN), ("rshunt", 0.0)))
    flattener = Flattener(found, settings, _kept(roles), findings)
    sorting = Sorting(flattener.run(scope), roles, findings)
    findings.check()
    sorting.run()
    groups, numbers = group_nodes(_node_names(sorting), roles, findings)
    findings.check()
    making = Making(sorting, numbers, settings)
    assembly = Assembly(making, gmin, rshunt)
    assembly.run()
    findings.check()
    _check_roles(roles, source)
    try:
        circuit = assembly.circuit(_name(roles, source), groups, grounded=not floating)
    except FloatingNodesError as error:
        raise NetlistError(list(_floating(error, sorting, numbers))) from None
    except CircuitError as error:
        raise NetlistError([Finding(name, 1, str(error))]) from None
    g, places = conductances(circuit, sorting, making)
    findings.check()
    warn_bounds(circuit, g, findings, source)
    x, contradictions = features.read(making.shown, circuit.input_count)
    warnings, notes = tuple(dict.fromkeys((*findings.warnings, *contradictions))), tuple(dict.fromkeys(findings.notes))
    said = tuple(roles.of("set"))
    return Deck(circuit, g, x, numbers, making.members, tuple(files.sources), places, warnings, notes, said, contradictions)


def _look_at_title(source: Source, findings: Findings) -> None:
    """Warn of a first line that looks like a card: SPICE takes it for the title."""
    words = source.lines[0].lower().split() or [""]
    is_card = len(words) > 3 and words[0][0] in _CARD and words[-1][0].isdigit()  # noqa: PLR2004 - a name, two nodes, a value
    if is_card or words[0] in {".include", ".param", ".subckt"}:
        findings.warnings.append(Finding(source.name, 1, "the first line is the title and no card; put a line before it if it is meant"))


def _settings(found: Outline, scope: Scope, findings: Findings) -> Settings:
    """Read the options that cards depend on; `.temp` counts before `.options temp`."""
    temperature = _degrees(found.temperature or found.options.get("temp"), "temp", scope, findings)
    nominal = _degrees(found.options.get("tnom"), "tnom", scope, findings)
    rseries = _option(found, scope, "rseries", 0.0, findings)
    sizes = {of: _option(found, scope, name, 0.0, findings) for name, of in MOSFET_OPTIONS.items() if name in found.options}
    spot = Spot(Line(Source("", None, ()), 0, "", ""), 0, 0, None)
    scope.bound.setdefault("temper", Bound(Token("temper", 0), scope, spot, value=temperature))
    return Settings(temperature, nominal, rseries, sizes)


def _degrees(said: tuple[Token, Line] | None, name: str, scope: Scope, findings: Findings) -> float:
    if said is None:
        return CELSIUS
    try:
        return checked(_number(*said, scope, findings), name)
    except ValueError as error:
        findings.mistakes.append(Finding(said[1].source.name, said[1].number, str(error)))
        return CELSIUS


def _option(found: Outline, scope: Scope, name: str, default: float, findings: Findings) -> float:
    if name not in found.options:
        return default
    token, line = found.options[name]
    value = _number(token, line, scope, findings)
    if value < 0 or (value == 0 and name in MOSFET_OPTIONS):
        text = f"{name} = {value:g} must {'be positive' if name in MOSFET_OPTIONS else 'not be negative'}; correct it or remove it"
        findings.mistakes.append(Finding(line.source.name, line.number, text))
    return value


def _number(token: Token, line: Line, scope: Scope, findings: Findings) -> float:
    try:
        return scope.number(token.text)[0]
    except ValueError as error:
        findings.mistakes.append(Finding(line.source.name, line.number, str(error)))
        return CELSIUS


class _kept:  # noqa: N801 - called like a function
    """Says which instances stay whole: those of blocks and nudges."""

    def __init__(self, roles: Roles) -> None:
        patterns = [compiled(f"x_{s.words[0]}_#") for s in roles.of("block")]
        self._patterns = patterns + [compiled(word) for s in roles.of("nudge") for word in s.words if word[:1] in "x*?"]

    def __call__(self, name: str) -> bool:
        return any(pattern.fullmatch(name) for pattern in self._patterns)


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
    """Say which nodes float, at the first cards that touch them."""
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
    said = roles.of("circuit")
    return " ".join(said[-1].words) if said else " ".join(source.lines[0].strip("* \t\r").split()) or source.name


def _check_roles(roles: Roles, source: Source) -> None:
    """Say how to give a deck the roles that it lacks."""
    lacks = [
        (word, line)
        for word, line in (
            ("input", "*hwsim: input V1        (the sources that carry the data)"),
            ("output", "*hwsim: output a b      (the pair of nodes that is read, a line for each output)"),
            ("trainable", "*hwsim: trainable R*    (the resistors that learn; g_min= and g_max= bound their conductances)"),
        )
        if not roles.of(word)
    ]
    if lacks:
        raise NetlistError([Finding(source.name, 1, f"nothing is said to be {word}; add a line like {line}") for word, line in lacks])

"""Definitions: what a deck and each of its subcircuits hold, before any subcircuit is put in its place."""

from collections.abc import Callable
from dataclasses import dataclass, field

from netlists.read import dot_cards
from netlists.text.findings import BadCardError, Finding, Findings
from netlists.text.lines import Line
from netlists.text.tokens import Token, assignments, fields, tokens


@dataclass(slots=True, eq=False)
class ModelCard:
    """A `.model` card: its kind, and its parameters."""

    name: str
    kind: str
    parameters: dict[str, Token]
    line: Line


@dataclass(slots=True, eq=False)
class Definition:
    """A subcircuit, or the deck itself.

    Parameters
    ----------
    name, pins, defaults, line
        From its `.subckt` card.
    parent
        The definition that it stands in.
    cards
        Its elements.
    parameters
        From its `.param` cards, with their places.

    """

    name: str
    pins: tuple[str, ...] = ()
    defaults: dict[str, Token] = field(default_factory=dict)
    line: Line | None = None
    parent: "Definition | None" = None
    cards: list[Line] = field(default_factory=list)
    parameters: dict[str, tuple[Token, Line]] = field(default_factory=dict)
    models: dict[str, ModelCard] = field(default_factory=dict)
    inner: dict[str, "Definition"] = field(default_factory=dict)

    def normal(self) -> tuple[str, ...]:
        """Return its text, without what does not count: two subcircuits of the same normal form are the same."""
        body = [card.text for card in self.cards] + [f"{name}={token.low}" for name, (token, _) in self.parameters.items()]
        body += [model.line.text for model in self.models.values()]
        head = [*self.pins, *(f"{name}={token.low}" for name, token in self.defaults.items())]
        return (" ".join(head), *(" ".join(text.split()) for text in body))


@dataclass(slots=True)
class Outline:
    """The deck as a tree of definitions, and what its settings are."""

    top: Definition
    options: dict[str, tuple[Token, Line]] = field(default_factory=dict)
    temperature: tuple[Token, Line] | None = None
    unknown: list[tuple[str, Line]] = field(default_factory=list)


def outline(cards: list[Line], findings: Findings) -> Outline:
    """Sort the cards of a deck into its definitions; what is wrong is noted and left out."""
    result = Outline(Definition("the deck"))
    here = result.top
    for card in cards:
        if card.text[0] != ".":
            here.cards.append(card)
            continue
        try:
            here = _directive(card, here, result, findings)
        except BadCardError as error:
            here = error.definition if isinstance(error, _RefusedError) else here
            findings.mistakes.append(Finding(card.source.name, card.number, str(error)))
    for name, card in result.unknown:
        text = f"{name} is no option of ngspice, which leaves it aside in silence; correct it or remove it"
        findings.warnings.append(Finding(card.source.name, card.number, text))
    if here.line is not None:
        text = f".subckt {here.name} has no .ends; add one"
        findings.mistakes.append(Finding(here.line.source.name, here.line.number, text))
    return result


def _directive(card: Line, here: Definition, outlined: Outline, findings: Findings) -> Definition:
    """Read a card that begins with a dot; give the definition that the next card stands in."""
    word = card.text.split(None, 1)[0]
    if word == ".subckt":
        return _subcircuit(card, here)
    if word in {".ends", ".eom"}:
        return _end(card, here)
    if word in {".param", ".params"}:
        _parameters(card, len(word), here, findings)
    elif word == ".model":
        _model(card, len(word), here)
    elif word in _SETTINGS:
        _SETTINGS[word](card, len(word), outlined)
    elif word not in dot_cards.IGNORED:
        msg = f"{word} is not read; remove it"
        raise BadCardError(msg)
    elif word != ".title":
        findings.notes.append(Finding(card.source.name, card.number, f"{word} is left aside; it does not change the circuit"))
    return here


def _parameters(card: Line, after: int, here: Definition, findings: Findings) -> None:
    for name, token in assignments(card, after).items():
        if name in here.parameters:
            earlier = here.parameters[name][1].number
            findings.warnings.append(Finding(card.source.name, card.number, f"{name} is defined in line {earlier} too; this one counts"))
        here.parameters[name] = (token, card)


def _subcircuit(card: Line, here: Definition) -> Definition:
    plain, named = fields([token for token in tokens(card, len(".subckt")) if token.low not in {"params:", "params"}])
    if not plain:
        msg = ".subckt has no name; write .subckt name pin pin …"
        raise BadCardError(msg)
    name, pins = plain[0].low, tuple(token.low for token in plain[1:])
    twice = [pin for k, pin in enumerate(pins) if pin in pins[:k] or pin in {"0", "gnd"}]
    made = Definition(name, pins, named, card, here)
    if name in here.inner:
        msg = f"subcircuit {name} is defined twice, and ngspice takes the first; rename one"
        here.inner[f"{name}, again"] = made  # its cards go there
        raise _RefusedError(msg, made)
    here.inner[name] = made
    if twice:
        msg = f".subckt {name}: pin {twice[0]} is named twice or is ground; give each pin its own name"
        raise _RefusedError(msg, made)
    return made


class _RefusedError(BadCardError):
    """A subcircuit whose head is wrong; its cards are read all the same."""

    def __init__(self, text: str, definition: Definition) -> None:
        super().__init__(text)
        self.definition = definition


def _end(card: Line, here: Definition) -> Definition:
    words = card.text.split()
    if here.parent is None:
        msg = ".ends without a .subckt before it; remove it"
        raise BadCardError(msg)
    if len(words) > 1 and words[1] != here.name:
        msg = f".ends {words[1]} ends the subcircuit {here.name}; write .ends {here.name}"
        raise _RefusedError(msg, here.parent)
    return here.parent


def _model(card: Line, after: int, here: Definition) -> None:
    plain, named = fields(tokens(card, after))
    if len(plain) != 2:  # noqa: PLR2004 - the name and the kind
        words = " ".join(token.text for token in plain) or "nothing"
        msg = f".model takes a name, a kind and parameters as name=value, not {words!r}; write .model junction D(is=1e-9 n=1)"
        raise BadCardError(msg)
    name = plain[0].low
    if name in here.models:
        msg = f"model {name} is defined in line {here.models[name].line.number} too, and ngspice takes the first; rename one"
        raise BadCardError(msg)
    here.models[name] = ModelCard(name, plain[1].low, named, card)


def _options(card: Line, after: int, outlined: Outline) -> None:
    plain, named = fields(tokens(card, after))
    for name, token in [*((token.low, token) for token in plain), *named.items()]:
        outlined.options[name] = (token, card)
        if name not in dot_cards.OF_CIRCUITS | dot_cards.HARMLESS:
            outlined.unknown.append((name, card))


def _temperature(card: Line, after: int, outlined: Outline) -> None:
    words = tokens(card, after)
    if len(words) != 1:
        msg = f".temp takes one temperature, not {len(words)}; write .temp 27"
        raise BadCardError(msg)
    outlined.temperature = (words[0], card)


_SETTINGS: dict[str, Callable[[Line, int, Outline], None]] = {
    **dict.fromkeys((".options", ".option", ".opt", ".opts"), _options),
    ".temp": _temperature,
}
"""Cards that hold for the whole deck."""

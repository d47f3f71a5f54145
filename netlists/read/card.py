"""Cards while the small reader reads them: their words in turn, plain numbers, and what is left over refused."""

from collections.abc import Mapping
from dataclasses import dataclass

from netlists.read import temperatures
from netlists.read.definitions import ModelCard
from netlists.read.parts import Settings
from netlists.text.findings import BadCardError, Finding, Findings
from netlists.text.lines import Line
from netlists.text.numbers import read_number
from netlists.text.tokens import Fields, Spot, Token

GROUND_NAMES = {"0", "gnd"}

_LARGEST = 1e100
"""The product of three such numbers is still one of 64 bits."""


@dataclass(slots=True)
class Card:
    """A card: its fields, and what of the deck it may name."""

    line: Line
    fields: Fields
    settings: Settings
    findings: Findings
    models: Mapping[str, ModelCard]
    parameters: Mapping[str, float]
    used: int = 1

    @property
    def name(self) -> str:
        """Its name."""
        return self.fields.plain[0].low

    def next(self, what: str) -> Token:
        """Take the next word.

        Raises
        ------
        BadCardError
            When there is none.

        """
        if self.used >= len(self.fields.plain):
            msg = f"{self.fields.plain[0].text} has no {what}; add it"
            raise BadCardError(msg)
        self.used += 1
        return self.fields.plain[self.used - 1]

    def rest(self) -> list[Token]:
        """Take all words that are left."""
        left = self.fields.plain[self.used :]
        self.used = len(self.fields.plain)
        return left

    def nodes(self, count: int) -> tuple[str, ...]:
        """Take nodes."""
        return tuple(node(self.next("node number " + str(k + 1)).low) for k in range(count))

    def number(self, token: Token) -> float:
        """Return a value, and pass on the warning about it.

        Raises
        ------
        BadCardError
            When it is no number.

        """
        try:
            value, warning = read_number(token.text)
        except ValueError as error:
            msg = f"{self.fields.plain[0].text}: {error}"
            raise BadCardError(msg) from None
        if warning:
            self.findings.warnings.append(Finding(self.line.source.name, self.line.number, f"{self.fields.plain[0].text}: {warning}"))
        return value

    def done(self) -> None:
        """Refuse what is left over.

        Raises
        ------
        BadCardError
            Naming the first of it.

        """
        left = [token.text for token in self.fields.plain[self.used :]]
        left += [f"{name}=" for name in self.fields.named]
        if left:
            msg = f"{self.fields.plain[0].text}: {left[0]!r} is not understood here; remove it"
            raise BadCardError(msg)

    def temperature(self, celsius: float, what: str) -> float:
        """Return a temperature [°C] that belongs to the card.

        Raises
        ------
        BadCardError
            When nothing can be that cold or hot.

        """
        try:
            return temperatures.checked(celsius, f"{self.fields.plain[0].text}: {what}")
        except ValueError as error:
            raise BadCardError(str(error)) from None

    def sensible(self, value: float, what: str) -> float:
        """Return a value whose products with others must stay numbers.

        Raises
        ------
        BadCardError
            When it is not positive, or far from all that devices have.

        """
        if not value > 0:
            msg = f"{self.fields.plain[0].text}: {what} = {value:g} must be positive"
            raise BadCardError(msg)
        if not 1 / _LARGEST <= value <= _LARGEST:
            msg = f"{self.fields.plain[0].text}: {what} = {value:g} must be between {1 / _LARGEST:g} and {_LARGEST:g}"
            raise BadCardError(msg)
        return value

    def spot(self, token: Token) -> Spot:
        """Return where a value is written."""
        return Spot(self.line, token.start, len(token.text))


def node(name: str) -> str:
    """Return a node's name in the whole deck: that of ground is 0."""
    return "0" if name in GROUND_NAMES else name

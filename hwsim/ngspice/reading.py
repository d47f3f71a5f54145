"""Reading decks with ngspice at hand: it expands those that the small reader leaves to it."""

from pathlib import Path

from hwsim.ngspice.expander import expand
from netlists.deck import Deck
from netlists.read import parser
from netlists.read.roles import Roles

_NO_ROLES = Roles()


def read_deck(path: str | Path, roles: Roles = _NO_ROLES, *, trust: bool = False, floating: bool = False) -> Deck:
    """Read a deck from a file; what it includes must lie in its folder. The parameters are those of `netlists.read.parser.read_deck`.

    Raises
    ------
    NetlistError
        When it cannot be read; the message names all mistakes, each with its file and line.

    """
    return parser.read_deck(Path(path), roles, expand=expand, trust=trust, floating=floating)

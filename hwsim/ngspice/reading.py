"""Reading decks with ngspice at hand: it expands those that the small reader leaves to it."""

from pathlib import Path

from hwsim.ngspice.expander import expand
from netlists.deck import Deck
from netlists.read import parser
from netlists.read.roles import Roles

_NO_ROLES = Roles()


def read_deck(path: str | Path, roles: Roles = _NO_ROLES, *, trust: bool = False, floating: bool = False) -> Deck:
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
    return parser.read_deck(Path(path), roles, expand=expand, trust=trust, floating=floating)

"""Reading decks with ngspice at hand: it expands those that the small reader leaves to it."""

from pathlib import Path

from hwsim.ngspice.expander import expand
from netlists.deck import Deck
from netlists.read import parser
from netlists.read.parser import Purpose
from netlists.read.roles import Roles

_NO_ROLES = Roles()


def read_deck(path: str | Path, roles: Roles = _NO_ROLES, *, trust: bool = False, purpose: Purpose = "train") -> Deck:
    r"""Read a deck from a file; what it includes must lie in its folder.

    Parameters
    ----------
    path
        The file.
    roles
        Set from outside; they stand in the place of the deck's own of the same kind.
    trust
        Whether what it includes may lie anywhere. No command in a deck is ever carried out.
    purpose
        What it is read for: `train` needs inputs, outputs and trainable resistors; `solve` does without, and `inspect` also without a path
        to ground from every node.

    Raises
    ------
    NetlistError
        When it cannot be read; the message names all mistakes, each with its file and line.

    Examples
    --------
    >>> from pathlib import Path
    >>> import hwsim as hw
    >>> roles = "*hwsim: input V1", "*hwsim: trainable R1 R2", "*hwsim: output mid"
    >>> cards = "V1 in 0 1", "R1 in mid 10k", "R2 mid 0 30k", ".end"
    >>> _ = Path("divider.cir").write_text("\n".join(["* A divider", *roles, *cards]))
    >>> deck = hw.read_deck("divider.cir")
    >>> {name: g.round(9).tolist() for name, g in deck.g.items()}  # siemens
    {'r1': [0.0001, 3.3333e-05]}

    """
    return parser.read_deck(Path(path), roles, expand=expand, trust=trust, purpose=purpose)

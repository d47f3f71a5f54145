"""How many elements the subcircuits of a deck may make: as many as it writes out, but not any number from a few lines."""

import pytest

from netlists.foreign import size
from netlists.text.findings import NetlistError
from support.reading import parse

WRITTEN = "deck\nV1 1 0 1\nX1 1 many\n.subckt many a\n" + "".join(f"R{k} a 0 1k\n" for k in range(40)) + ".ends\n.end\n"
NESTED = (
    "deck\nV1 1 0 1\nX1 1 ten\n.subckt ten a\n"
    + "".join(f"X{k} a one\n" for k in range(10))
    + ".ends\n.subckt one a\nR1 a 0 1k\nR2 a 0 1k\nR3 a 0 1k\nR4 a 0 1k\nR5 a 0 1k\n.ends\n.end\n"
)


def test_what_is_written_out_is_read_and_what_grows_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit a deck that writes its elements out is read, and one whose lines stand for many each is refused."""
    monkeypatch.setattr(size, "MOST", 10)
    with pytest.raises(NetlistError) as of_written:
        parse(WRITTEN)
    assert "put in their places" not in str(of_written.value)  # it states no roles, which is all that is wrong
    with pytest.raises(NetlistError, match="subcircuits in subcircuits would make"):
        parse(NESTED)

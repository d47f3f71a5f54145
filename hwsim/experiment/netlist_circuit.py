"""Netlist: a user's deck as the circuit of an experiment, read for what it is needed for."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from hwsim.settings.sections import Section
from netlists.text.findings import Finding, NetlistError

if TYPE_CHECKING:
    from circuits.circuit import Circuit
    from netlists.deck import Deck
    from netlists.foreign.expansion import Expansion
    from netlists.read.parser import Purpose

SUFFIXES = {".cir", ".ckt", ".net", ".sp", ".spi", ".spice"}
"""How the names of decks end."""

SHOWN = "netlist"
"""The name of data that are the one sample which a netlist's own sources show."""

KEPT = "netlist"
"""The folder in a run's folder that holds the deck as it was when the run began, with all files that it includes."""

TRAINED = "circuit.cir"
"""The trained deck in a run's folder; next to it is what it includes."""

TRUSTED: ContextVar[bool] = ContextVar("TRUSTED", default=False)
"""Whether decks may include what lies outside of their folders. Only the command line sets it: a file that could would trust itself."""

_PURPOSE: ContextVar["Purpose"] = ContextVar("_PURPOSE", default="train")
"""What decks are read for."""


@contextmanager
def read_for(purpose: "Purpose") -> Iterator[None]:
    """Read decks for a purpose meanwhile: to `solve` or `inspect` them, roles need not be named, nor trainable parts to `simulate` them."""
    token = _PURPOSE.set(purpose)
    try:
        yield
    finally:
        _PURPOSE.reset(token)


class Netlist(Section):
    """A deck that is trained.

    Parameters
    ----------
    netlist
        Its path, in an experiment file from that file's folder.
    trainable, inputs, outputs
        The trainable, input and output elements, in the words of a `*hwsim:` comment; they stand in the place of the deck's own.
    dialect
        Whose language the deck is in; auto: that of the program by which it is recognized to be exported, or ngspice's.

    """

    netlist: str = Field(min_length=1)
    trainable: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    dialect: Literal["auto", "ltspice", "kicad", "ngspice"] = "auto"

    @property
    def deck(self) -> "Deck":
        """The deck, read.

        Raises
        ------
        NetlistError
            When it cannot be read, or does not declare trainable elements, inputs and outputs.

        """
        path = Path(self.netlist)
        try:
            state = path.stat()
        except OSError as error:
            raise NetlistError([Finding(self.netlist, 0, f"{error.strerror}; give the path of a deck")]) from None
        now = state.st_mtime_ns, state.st_size, TRUSTED.get(), _PURPOSE.get()
        return _read(path, now, self.trainable, self.inputs, self.outputs, None if self.dialect == "auto" else self.dialect)

    def compile(self, name: str) -> "Circuit":
        """Return the circuit, under a name."""
        return replace(self.deck.circuit, name=name)

    def described(self) -> dict[str, Any]:
        """Return all that the circuit depends on: the texts of the deck and of what it includes, and the roles."""
        without_dialect = {"dialect"} if self.dialect == "auto" else set[str]()
        roles = self.model_dump(exclude={"netlist"} | without_dialect)
        return roles | {"netlist": self._contents()}

    def kept(self) -> tuple["Netlist", dict[str, bytes]]:
        """Return the deck as a run's folder keeps it, and the files that are written there, by their paths within it."""
        copy = self.model_copy(update={"netlist": f"{KEPT}/{Path(self.netlist).name}"})
        return copy, {f"{KEPT}/{name}": content for name, content in self._contents().items()}

    def _contents(self) -> dict[str, bytes]:
        from hwsim.experiment.deck_files import contents  # noqa: PLC0415 - most experiments have no deck

        return contents(self.deck)


def expand(cards: Sequence[str]) -> "Expansion":
    """Expand the cards of a deck by ngspice, which loads only for those that have one."""
    from hwsim.ngspice.expander import expand as by_ngspice  # noqa: PLC0415 - most experiments have no deck

    return by_ngspice(cards)


@lru_cache(maxsize=2)
def _read(
    path: Path,
    state: "tuple[int, int, bool, Purpose]",  # with its time and length, as a file that has changed is read again
    trainable: tuple[str, ...],
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    dialect: str | None,
) -> "Deck":
    from hwsim.experiment.structured_deck import structured  # noqa: PLC0415 - most experiments have no deck
    from netlists.read.parser import read_deck  # noqa: PLC0415 - as above
    from netlists.read.roles import from_patterns  # noqa: PLC0415 - as above

    _, _, trust, purpose = state
    roles = from_patterns(trainable=trainable, inputs=inputs, outputs=outputs)
    return structured(read_deck(path, roles, expand=expand, trust=trust, purpose=purpose, dialect=dialect))

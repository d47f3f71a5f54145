"""Netlist: a user's deck as the circuit of an experiment, and how a circuit about which nothing else is known is trained."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from hwsim.files import atomic
from hwsim.settings.sections import Section
from netlists.text.findings import Finding, NetlistError

if TYPE_CHECKING:
    from circuits.circuit import Circuit
    from netlists.deck import Deck
    from netlists.foreign.expansion import Expansion
    from netlists.read.parser import Purpose
    from netlists.text.lines import Source

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

_OWN = {".toml", ".json", ".jsonl", ".npz", ".png"}
"""How the names of a run's own files end."""

_NUMBER = re.compile(rb"(?<![\w.])[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?[a-z]*")
"""A number in a deck, in small letters, with its prefix and unit."""

_SIGNIFICANT = 3

_NUDGE, _STEP, _SPREAD = 0.1, 0.05, 10.0
"""By default, as shares of typical conductances: the nudge, a step of learning, and how far initial ones are drawn apart."""


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
        return roles | {"netlist": contents(self.deck)}

    def kept(self) -> tuple["Netlist", dict[str, bytes]]:
        """Return the deck as a run's folder keeps it, and the files that are written there, by their paths within it."""
        copy = self.model_copy(update={"netlist": f"{KEPT}/{Path(self.netlist).name}"})
        return copy, {f"{KEPT}/{name}": content for name, content in contents(self.deck).items()}


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
    from netlists.read.parser import read_deck  # noqa: PLC0415 - most experiments have no deck
    from netlists.read.roles import from_patterns  # noqa: PLC0415 - as above

    _, _, trust, purpose = state
    roles = from_patterns(trainable=trainable, inputs=inputs, outputs=outputs)
    return structured(read_deck(path, roles, expand=expand, trust=trust, purpose=purpose, dialect=dialect))


def structured(deck: "Deck") -> "Deck":
    """Describe a deck by amplifiers where controlled sources make some, and by layers where it is a chain of them."""
    from hwsim.experiment.deck_amplifiers import with_amplifiers  # noqa: PLC0415 - most experiments have no deck
    from hwsim.experiment.deck_layers import with_layers  # noqa: PLC0415 - as above
    from netlists.deck import with_text  # noqa: PLC0415 - as above

    if _is_layered(deck.circuit):
        return deck
    deck = with_amplifiers(deck)
    layered = with_layers(deck)
    return with_text(deck if layered is None or not _is_layered(layered.circuit) else layered)


def _is_layered(circuit: "Circuit") -> bool:
    from hwsim.core.protocol import UnsupportedCircuitError  # noqa: PLC0415 - most experiments have no deck
    from hwsim.numeric.layered.recognize import stages  # noqa: PLC0415 - as above

    try:
        stages(circuit)
    except UnsupportedCircuitError:
        return False
    return True


def contents(deck: "Deck") -> dict[str, bytes]:
    """Return the content of the deck and of all files that it includes, by their names from its folder.

    Raises
    ------
    NetlistError
        When one of them is outside of its folder.

    """
    return {name: path.read_bytes() for name, path in _paths(deck).items()}


def _paths(deck: "Deck") -> dict[str, Path]:
    paths = {source.path for source in deck.sources if source.path}
    folder = _folder(deck)
    outside = [path for path in sorted(paths) if not path.resolve().is_relative_to(folder.resolve())]
    if outside:
        text = f"includes {outside[0]}, and what is trained is kept with all its files; copy them into its folder"
        raise NetlistError([Finding(deck.sources[0].name, 1, text)])
    return {str(path.relative_to(folder)): path for path in sorted(paths)}


def _folder(deck: "Deck") -> Path:
    path = deck.sources[0].path
    assert path is not None  # noqa: S101 - it was read from a file
    return path.parent


def written(deck: "Deck", g: Mapping[str, Any], name: str, sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the deck, under a name, and all files that it includes, with learned values and everything else as in its `contents`.

    A deck whose text has no place for these values is expanded.
    """
    from netlists.deck import encoded, expanded, rewrite_files  # noqa: PLC0415 - most experiments have no deck

    main = deck.sources[0]
    if unwritable(deck, g):
        return {**sources, name: encoded(expanded(deck, g))}
    changed = {_name(deck, source): encoded(text) for source, text in rewrite_files(deck, g).items()}
    files_by_name = {**sources, **changed}
    return {name: files_by_name.pop(_name(deck, main))} | files_by_name


def unwritable(deck: "Deck", g: Mapping[str, Any]) -> str:
    """Return why a deck's text has no place for learned values; nothing where it has, and ngspice reads them there."""
    from netlists.deck import rewrite_files  # noqa: PLC0415 - most experiments have no deck
    from netlists.foreign.reread import misread  # noqa: PLC0415 - as above

    try:
        rewrite_files(deck, g)
    except NetlistError as error:
        return str(error)
    return misread(deck, g, expand)


def included(deck: "Deck") -> list[str]:
    """List the files that a deck includes, by their paths from its folder."""
    return [name for name in _paths(deck) if name != _name(deck, deck.sources[0])]


def refuse_names(deck: "Deck") -> None:
    """Refuse included files whose names a run's folder needs for itself.

    Raises
    ------
    NetlistError
        Naming the file.

    """
    for name in included(deck):
        if Path(name).suffix in _OWN or Path(name).parts[0] == KEPT or name == TRAINED:
            text = f"a run's folder keeps included files next to its own files, and {name} might be one of them; rename it"
            raise NetlistError([Finding(deck.sources[0].name, 1, text)])


def copy_back(run: Path, deck: "Deck", target: Path) -> None:
    """Write the trained deck that lies in a run's folder to another place, with what it includes next to it, where that has changed."""
    for name in included(deck):
        content = (run / name).read_bytes()
        if content != (target.parent / name).read_bytes():
            atomic.write(target.parent / name, content)
    atomic.write(target, (run / TRAINED).read_bytes())


def resembles(deck: "Deck") -> Callable[[bytes], bool]:
    """Return what looks at the beginning of a file for whether it is the deck, maybe with other numbers, as after another training."""
    from netlists.deck import encoded  # noqa: PLC0415 - most experiments have no deck

    def lines(content: bytes) -> list[bytes]:
        return [_NUMBER.sub(b"0", line) for line in content.lower().splitlines()]

    own_lines = lines(encoded("\n".join(deck.sources[0].lines)))

    def look(head: bytes) -> bool:
        first = lines(head)[:-1] or lines(head)  # the last one may be cut
        return first == own_lines[: len(first)]

    return look


def refuse_copy(deck: "Deck", target: Path, *, flat: bool = False) -> None:
    """Refuse a place at which a trained deck could not be written, or would not find what it includes.

    Raises
    ------
    NetlistError
        Naming what is in the way.

    """
    wrong = "is a folder; name a file" if target.is_dir() else f"there is no folder {target.parent}" if not target.parent.is_dir() else ""
    kept = {} if flat else contents(deck)
    for name in [] if flat else included(deck):
        neighbour = target.parent / name
        if not wrong and (not neighbour.is_file() or neighbour.read_bytes() != kept[name]):
            wrong = f"the deck includes {name}, and the file of that name next to this place differs; write into the deck's own folder"
    if wrong:
        raise NetlistError([Finding(str(target), 0, wrong)])


def _name(deck: "Deck", source: "Source") -> str:
    assert source.path is not None  # noqa: S101 - as in _folder
    return str(source.path.relative_to(_folder(deck)))


def suitable_training(deck: "Deck", *, real: bool) -> dict[str, Any]:
    """Return training settings that suit the conductances of a deck and its targets, which are `real` or classes.

    Where nothing is trainable, none depend on it.
    """
    if not deck.circuit.trainable:
        return {"init": "netlist", "rate": (), "g_init": ()}
    typical = [float(np.exp(np.log(deck.g[element.name]).mean())) for element in deck.circuit.trainable]
    ranges = []
    for element, g in zip(deck.circuit.trainable, typical, strict=True):
        least, most = float(np.min(element.g_min)), float(np.max(element.g_max))
        ranges.append((_rounded(max(min(g / _SPREAD, most), least)), _rounded(min(max(g * _SPREAD, least), most))))
    return {
        "init": "netlist",
        "loss": {"kind": "cross-entropy" if len(deck.circuit.outputs) > 1 and not real else "squared-error"},
        "nudge": {"beta": _rounded(_NUDGE * float(np.exp(np.log(typical).mean())))},
        "rate": tuple(_rounded(_STEP * g) for g in typical),
        "g_init": tuple(ranges),
        "schedule": {"kind": "cosine"},
        "epochs": 50,
        "batch": 8,
    }


def _rounded(value: float) -> float:
    return float(f"{value:.{_SIGNIFICANT - 1}e}")

"""Files of a deck: `.include` and `.lib` are followed within the deck's own folder, and `.control` is left aside."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from circuits.quoting import quote_all
from circuits.regular_file import open_regular
from netlists.text.dialects import LTSPICE, left_out
from netlists.text.findings import BadCardError, Finding, Findings
from netlists.text.lines import Line, Source, read_lines

_INCLUDE = {".include", ".inc", ".incl"}
_DEEPEST = 20
_SHOWN = 100
_MOST = 1000
"""Files of a deck; one that includes itself twice would ask for a million."""

_LONGEST = 1 << 29
"""Characters of a deck and all that it includes: ten million memristors, for which some 10 GB of memory are needed."""

_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x85\u2028\u2029]|\r(?![\n]|\Z)")
"""Characters that are no text, or that end a line for one program and not for another: what follows could be a command there."""


def text_of(path: Path) -> str:
    """Read a deck's file, which need not be in UTF-8.

    Raises
    ------
    BadCardError
        When it is too long.
    OSError
        When it cannot be read.

    """
    with open_regular(path) as file:
        content = file.read(_LONGEST + 1)
    if len(content) > _LONGEST:
        msg = f"{path.name} is longer than {_LONGEST} bytes; train so large a circuit from an experiment file"
        raise BadCardError(msg)
    return content.decode("utf-8", errors="surrogateescape")


@dataclass
class Files:
    """The cards and structured comments of a deck and of all that it includes.

    Parameters
    ----------
    folder
        Where the deck lies; None for a text that lies nowhere.
    findings
        Takes the mistakes.
    trust
        Follow `.include` and `.lib` wherever they lead. Commands are never carried out.

    """

    folder: Path | None
    findings: Findings
    trust: bool = False
    sources: list[Source] = field(default_factory=list)
    roles: list[Line] = field(default_factory=list)
    length: int = 0

    def read(self, source: Source, *, title: bool, depth: int = 0) -> list[Line]:
        """Return all cards, in the order in which they count."""
        if source.lines and source.lines[0].startswith("\ufeff"):
            text = "the file begins with a byte-order mark, which ngspice takes for text; save it without"
            self._mistake(Line(source, 1, "", ""), text)
        self._look_through(source)
        cards, roles = read_lines(source, title=title)
        self.sources.append(source)
        self.roles += roles
        if not any(card.text.startswith((".inc", ".lib", ".con", ".end")) for card in cards):
            return cards
        return list(self._follow(cards, depth))

    def _look_through(self, source: Source) -> None:
        """Note characters that have no business in a deck, and comments that are commands to ngspice."""
        text = "\n".join(source.lines)
        self.length += len(text)
        odd = _UNSEEN.search(text)
        if odd:
            card = Line(source, text.count("\n", 0, odd.start()) + 1, "", "")
            self._mistake(card, f"holds {odd.group()!a}, which ends a line or is no text to some programs; remove it")
        dialect = source.dialect
        if dialect and source.stated is None:
            self.findings.warnings.append(
                Finding(source.name, 0, f"is an export of {dialect}; what ngspice would not know is read as {dialect} means it")
            )
        if dialect == LTSPICE:
            self.findings.warnings += [Finding(source.name, number, what) for number, what in left_out(source.lines)]
        for sign, what in (
            ("*#", "a comment that begins with *# is a command to ngspice"),
            ("*ng_script", "*ng_script makes a deck a script"),
        ):
            place = text.find(f"\n{sign}", 0) + 1 if not text.startswith(sign) else 0
            if text.startswith(sign, place):
                number = text.count("\n", 0, place) + 1
                self.findings.notes.append(Finding(source.name, number, f"{what}; it is not executed"))

    def _follow(self, cards: list[Line], depth: int) -> Iterator[Line]:
        control: Line | None = None
        ended: Line | None = None
        for card in cards:
            word = card.text.split(None, 1)[0]
            if control is not None:
                control = None if word == ".endc" else control
            elif word == ".control":
                control = card
                self.findings.notes.append(Finding(card.source.name, card.number, "the .control block is not executed"))
            elif ended is not None:
                self._mistake(card, "stands behind .end, where ngspice 39 reads on and others stop; remove it or the .end")
            elif word == ".end":
                ended = card
            elif word in _INCLUDE or word == ".lib":
                try:
                    yield from self._include(card, depth)
                except BadCardError as error:
                    self._mistake(card, str(error))
            else:
                yield card
        if control is not None:
            self._mistake(control, ".control has no .endc; add one")

    def _mistake(self, card: Line, text: str) -> None:
        self.findings.mistakes.append(Finding(card.source.name, card.number, text))

    def _include(self, card: Line, depth: int) -> list[Line]:
        words = _words(card.original)
        is_lib = card.text.startswith(".lib")
        if len(words) != (3 if is_lib else 2):
            what = "a file and the name of a section" if is_lib else "one file"
            msg = f"{words[0]} takes {what}; a name with blanks in it stands in quotes"
            raise BadCardError(msg)
        if depth >= _DEEPEST:
            msg = f"{words[1]}: files include one another more than {_DEEPEST} deep; break the circle"
            raise BadCardError(msg)
        if len(self.sources) >= _MOST or self.length > _LONGEST:
            msg = f"{words[1]}: the deck takes more than {_MOST} files or {_LONGEST} characters; break the circle"
            raise BadCardError(msg)
        try:
            path = self._path(words[1], card.source)
            text = text_of(path)
        except OSError as error:
            msg = f"{words[1][:_SHOWN]}: {error.strerror or error}"
            raise BadCardError(msg) from None
        source = Source.of(words[1], text, path, card.source.stated)
        if is_lib:
            source = _section(source, words[2].lower())
        return self.read(source, title=False, depth=depth + 1)

    def _path(self, name: str, source: Source) -> Path:
        """Find an included file, next to the file that names it or next to the deck, and refuse what leads out of the deck's folder."""
        if self.folder is None:
            msg = f"{name}: a deck that lies in no folder includes nothing; put the text into the deck"
            raise BadCardError(msg)
        if not self.trust and (Path(name).is_absolute() or ".." in Path(name).parts):
            msg = f"{name}: only files in the deck's own folder are read; copy it there and name it without .., or trust the deck (--trust)"
            raise BadCardError(msg)
        next_to = source.path.parent if source.path else self.folder
        files = [path for path in dict.fromkeys((self.folder / name, next_to / name)) if path.is_file()]
        if not files:
            msg = f"{name}: there is no such file in {self.folder}; copy it there"
            raise BadCardError(msg)
        if len(files) > 1:
            msg = f"{name}: lies both in {self.folder} and in {next_to}; rename one"
            raise BadCardError(msg)
        if not self.trust and files[0].resolve() != self.folder.resolve() / files[0].relative_to(self.folder):
            msg = f"{name}: is a link or lies behind one; copy the file itself into the deck's folder, or trust the deck (--trust)"
            raise BadCardError(msg)
        return files[0]


def _words(text: str) -> list[str]:
    """Split a card into words; quotes hold a name with blanks together."""
    words: list[str] = []
    for k, part in enumerate(text.replace("'", '"').split('"')):
        words += [part] if k % 2 else part.split()
    return words


def _section(source: Source, name: str) -> Source:
    """Keep the lines of one section of a library; the others become empty, so that line numbers stay.

    Raises
    ------
    BadCardError
        When there is no such section, or it has no end.

    """
    kept, names, inside = [""] * len(source.lines), [], False
    for k, line in enumerate(source.lines):
        words = _words(line.lower()) or [""]
        if words[0] == ".lib" and len(words) == 2:  # noqa: PLR2004 - .lib and a name begin a section; with a file they call one
            names.append(words[1])
            inside = words[1] == name
        elif words[0] == ".endl":
            inside = False
        elif inside:
            kept[k] = line
    if name not in names:
        msg = f"{source.name} has no section {name}; it has {quote_all(names, 'none')}"
        raise BadCardError(msg)
    if inside:
        msg = f"section {name} of {source.name} has no .endl; add one"
        raise BadCardError(msg)
    return replace(source, lines=tuple(kept))

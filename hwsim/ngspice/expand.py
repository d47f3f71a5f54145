"""A worker expands a stranger's deck: ngspice lists it, finds its operating point and reports the values that it works with."""

import re

from circuits.constants import ZERO_CELSIUS
from hwsim.ngspice.library_session import LibrarySession, SessionError
from hwsim.ngspice.listings import marked, provenance, starting
from hwsim.ngspice.questions import questions
from netlists.foreign.expansion import Expansion, ExpansionError, FlatCard
from netlists.foreign.flat import Listing
from netlists.write.options import FALLBACK, Tolerances

_TEMPERATURES = re.compile(r"^temp = (\S+)", re.MULTILINE), re.compile(r"^tnom = (\S+)", re.MULTILINE)
_GMIN = re.compile(r"^gmin\s+\(devices\)\s*=\s*(\S+)", re.MULTILINE)
_LINE = re.compile(r"line (?:no\. ?)?(\d+)", re.IGNORECASE)

_HEAD = 2
"""Lines before the user's cards."""

_RECOVERY = re.compile(
    r"(Error on line \d+ or its substitute:|Netlist line no\. \d+:|Cannot compute substitute|Please check your input netlist\."
    r"|Error: ngspice\.dll cannot recover[^;]*)(; |$)"
)
"""What ngspice prints besides what is wrong."""

_TRIES = (Tolerances(), FALLBACK, Tolerances(relative=1e-3, voltage=1e-6, current=1e-12))
"""Tolerances of the operating point: tight ones first; the last are ngspice's usual ones."""


def expand(session: LibrarySession, cards: tuple[str, ...]) -> Expansion:
    """Expand a deck's cards, in a process that does nothing else: an error in a deck may end the library.

    Raises
    ------
    ExpansionError
        Naming why ngspice refuses the deck, or that it finds no operating point.

    """
    lines = marked(cards, "* a user's deck")
    try:
        warned = session.load("\n".join(lines))
    except SessionError as error:
        raise ExpansionError(_RECOVERY.sub("", str(error)).rstrip("; "), _place(str(error), lines)) from None
    listed = session.printed("listing expand")
    expanded = provenance(cards, session.printed("listing physical"), listed)
    listing = Listing.of(expanded)
    voltages = {} if listing.plain else _operating_point(session)
    values = {name: session.ask(name, parameters) for name, parameters in questions(listing)}
    options = "\n".join(session.printed("option"))
    temperature, nominal = (round(_option(of, options) - ZERO_CELSIUS, 6) for of in _TEMPERATURES)
    return Expansion(
        cards=tuple(FlatCard(card.place, card.text) for card in expanded),
        voltages=voltages,
        values=values,
        temperature=temperature,
        nominal=nominal,
        gmin=_option(_GMIN, options),
        warnings=(warned,) if warned else (),
        starts=starting(listed),
    )


def _option(what: "re.Pattern[str]", options: str) -> float:
    """Return a number from ngspice's list of options."""
    match = what.search(options)
    if match is None:
        msg = "this ngspice does not list its options as version 39 does; install that version"
        raise ExpansionError(msg)
    return float(match[1])


def _operating_point(session: LibrarySession) -> dict[str, float]:
    """Find the operating point; return the voltages of all nodes [V]."""
    for tolerances in _TRIES:
        session.messages.clear()
        session.tolerate(tolerances)
        session.printed("op")
        voltages = {name: v for name, v in session.vectors().items() if "#branch" not in name}
        if session.plot().startswith("op") and voltages:
            return voltages
    msg = f"ngspice finds no operating point; correct values, models or temperatures, or add a .nodeset: {session.complaint()}"
    raise ExpansionError(msg)


def _place(text: str, lines: list[str]) -> int | None:
    """Return the place of the user's card that an error message names by the number of its line."""
    named = _LINE.search(text)
    number = int(named[1]) if named else 0
    if not _HEAD < number <= len(lines) or lines[number - 1].startswith("*"):
        return None
    return sum(not line.startswith("*") for line in lines[_HEAD : number - 1])

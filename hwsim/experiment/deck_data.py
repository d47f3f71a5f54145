"""Data of a user's deck: volts as they are, neither scaled nor cut off, and target voltages where a table holds some."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from circuits.quoting import quote, quote_all, quote_path
from hwsim.files.data_tables import answers, as_number
from hwsim.files.raw import DataError

if TYPE_CHECKING:
    from netlists.deck import Deck

_NAMED = {"scaling": "standard", "clip": 3.0}
"""How the features of data sets that come with hwsim, which are no volts, become volts."""


def suitable_data(deck: "Deck", asked: Mapping[str, Any], *, built_in: bool) -> dict[str, Any]:
    """Return settings of the data that suit a deck.

    Parameters
    ----------
    deck
        The deck.
    asked
        The keys of the data section that the user or the deck sets, with their values.
    built_in
        Whether the data come with hwsim.

    """
    if built_in:
        return _NAMED
    task, name = asked.get("task"), asked.get("name")
    if task is None and isinstance(name, str) and Path(name).suffix.lower() == ".csv" and "targets" not in asked:
        columns = _voltages(deck, Path(name))
        return {"task": "regression", "targets": columns, "target_scaling": "none"} if columns else {}
    return {"task": "regression", "target_scaling": "none"} if task == "regression" or (task is None and "targets" in asked) else {}


def _voltages(deck: "Deck", path: Path) -> tuple[str | int, ...]:
    """Return the columns of a table that are voltages of the outputs: those named after them, or else the last ones, of real numbers."""
    try:
        header, width, last = answers(path, quote_path(path))
    except (DataError, OSError):
        return ()  # whoever reads the data reports what is wrong
    outputs, names = deck.circuit.outputs, deck.circuit.node_names
    pairs = [(names[a], names[b] if b else "") for a, b in zip(outputs.plus.tolist(), outputs.minus.tolist(), strict=True)]
    partly: tuple[str, ...] = ()
    if header:
        places = {called.lower().replace(" ", ""): called for called in header}
        spelled = [(f"v({a},{b})", f"{a}-{b}") if b else (f"v({a})", a) for a, b in pairs]
        columns = tuple(next((places[one] for one in each if one in places), "") for each in spelled)
        if all(columns):
            return columns
        partly = tuple(filter(None, columns))
    values = [as_number(cell) for cell in last]
    if any(value is None for value in values) or all(value is not None and value.is_integer() for value in values):
        return ()
    if partly:
        whole = quote_all([f"{a},{b}" if b else a for a, b in pairs])
        msg = f"{quote_path(path)}: of the outputs {whole}, columns name {quote_all(partly)} alone"
        raise DataError(f"{msg}; name a column after each output, or after none")
    return tuple(range(width - len(pairs) + 1, width + 1)) if width > len(pairs) else ()


def refuse_order(deck: "Deck", features: Sequence[str], place: str) -> None:
    """Refuse data whose features are named after input sources, but reach other ones: features go to the inputs by their places.

    Raises
    ------
    DataError
        Naming the column and the source.

    """
    inputs = deck.circuit.inputs
    carried = {name.lower(): int(k) for e in inputs for name, k in zip(deck.members.get(e.name, []), e.feature, strict=False)}
    for k, called in enumerate(features):
        if carried.get(called.lower(), k) != k:
            msg = f"{place}: feature {k} is called {quote(called)}, and {quote(called)} is the source of feature {carried[called.lower()]}"
            raise DataError(f"{msg}; order the columns as the inputs, or give them other names")

"""The section `training` in flat keys, as earlier versions wrote it, and as its short spelling today: `beta = 1e-6` for `nudge.beta`.

Everything that reads an experiment comes through here: files, run folders, databases, and keys that are set or varied.
"""

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel

from hwsim.settings import learning_kinds

PLACES = {
    "beta": ("nudge", "beta"),
    "eta": ("rule", "eta"),
    "v_softmax": ("loss", "v_softmax"),
    "momentum": ("optimizer", "momentum"),
    "adam_b1": ("optimizer", "b1"),
    "adam_b2": ("optimizer", "b2"),
    "decay": ("schedule", "decay"),
}
"""Where the value of a flat key belongs: the table, and its key there."""

WORDS = {"rule": "kind", "nudge": "method", "loss": "kind", "optimizer": "kind", "schedule": "kind"}
"""Tables that were a word, and the key that the word is now."""

_UNIONS: dict[str, Any] = {
    "rule": learning_kinds.RuleSettings,
    "nudge": learning_kinds.NudgeSettings,
    "loss": learning_kinds.LossSettings,
    "optimizer": learning_kinds.OptimizerSettings,
    "schedule": learning_kinds.ScheduleSettings,
}

NATURAL = {"squared-error": "following", "cross-entropy": "frozen"}
"""The nudge that a loss has where none is named."""

_DEFAULTS = {"rule": "equilibrium-propagation", "loss": "squared-error", "optimizer": "adam", "schedule": "constant"}


def tabled(training: Any) -> Any:
    """Return the section with its flat keys in their tables; a flat key that the kind of a word does not have meant nothing and is dropped.

    A table that names no kind has the default one; a nudge, that of the loss. A table that names its kind is not of earlier versions: with
    a flat key that its kind does not have, it is refused where it is checked.

    Raises
    ------
    ValueError
        When a value is given twice.

    """
    if not isinstance(training, Mapping) or not (_is_flat(training) or _lacks_kind(training)):
        return training
    table: dict[str, Any] = {key: value for key, value in training.items() if key not in PLACES and key not in WORDS}
    inner = {name: _table(name, training.get(name)) for name in WORDS}
    if not all(isinstance(one, dict) for one in inner.values()):
        return training  # its check reports what is wrong
    for name, default in _DEFAULTS.items():
        inner[name].setdefault("kind", default)
    inner["nudge"].setdefault("kind", NATURAL.get(str(inner["loss"]["kind"]), "following"))
    for flat, (name, key) in PLACES.items():
        if flat in training:
            if isinstance(training.get(name), Mapping) and key in training[name]:
                msg = f"{flat} and {name}.{key} are the same, and both are there; leave {flat} out"
                raise ValueError(msg)
            if key in _keys(name, inner[name]["kind"]) or _names_kind(training.get(name)):
                inner[name][key] = training[flat]
    return table | inner


def canonical(key: str, *, word: bool = True) -> str:
    """Return the full spelling of a dotted key of an experiment; with `word`, a table's name alone stands for the word that it was."""
    section, _, name = key.partition(".")
    if section == "training" and name in PLACES:
        return ".".join((section, *PLACES[name]))
    return f"{key}.{WORDS[name]}" if section == "training" and name in WORDS and word else key


def _is_flat(training: Mapping[str, Any]) -> bool:
    return any(key in training for key in PLACES) or any(isinstance(training.get(key), str) for key in WORDS)


def _lacks_kind(training: Mapping[str, Any]) -> bool:
    return "nudge" not in training or any(isinstance(one := training.get(key), Mapping) and "kind" not in one for key in WORDS)


def _names_kind(table: Any) -> bool:
    return isinstance(table, BaseModel) or (isinstance(table, Mapping) and "kind" in table)


def _table(name: str, given: Any) -> Any:
    if given is None:
        return {}
    if isinstance(given, BaseModel):
        return given.model_dump()
    return {WORDS[name]: given} if isinstance(given, str) else dict(given) if isinstance(given, Mapping) else given


def _keys(name: str, kind: Any) -> set[str]:
    """Return the keys of a table's kind."""
    kinds = get_args(get_args(_UNIONS[name])[0])
    return {key for one in kinds if one.model_fields["kind"].default == kind for key in one.model_fields}

"""Training of a user's deck about which nothing else is known: settings that suit its conductances and its targets."""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from netlists.deck import Deck

_SIGNIFICANT = 3

_NUDGE, _STEP, _SPREAD = 0.1, 0.05, 10.0
"""By default, as shares of typical conductances: the nudge, a step of learning, and how far initial ones are drawn apart."""


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

"""The parts of networks: the classes that experiment files can describe, and whether a network has no others."""

from dataclasses import fields
from typing import Any

from circuits.clocked import SampleHold
from circuits.network import Amplifier, ConvolutionLayer, Layer, Network, PoolLayer
from circuits.neurons import KINDS
from circuits.recurrence import Recurrence

PARTS: frozenset[type] = frozenset({Network, Layer, ConvolutionLayer, PoolLayer, Amplifier, Recurrence, SampleHold, *KINDS})
"""The classes that experiment files can describe. Their fields determine all that they build, which no subclass has to keep to."""


def has_known_parts(part: Any) -> bool:
    """Whether a network, or a part of one, and all that it holds are of these classes themselves, or plain values."""
    if type(part) in PARTS:
        return all(has_known_parts(getattr(part, field.name)) for field in fields(part))
    if isinstance(part, tuple):
        return all(map(has_known_parts, part))
    return part is None or isinstance(part, bool | int | float | str)

"""Messages: how numbers are rounded when chips send them, and how many bytes that takes."""

import math
from collections.abc import Mapping

from hwsim.settings.company_settings import CompanySettings, SentPrecision
from hwsim.typing import Array

_SCALE = 8
"""Bytes of the least and the largest number, or of the mean size, that go with rounded ones."""

BITS: Mapping[str, int] = {"float32": 32, "int8": 8, "sign": 1}


def sent(values: Array, precision: SentPrecision) -> Array:
    """Return an array as its receiver has it, after rounding; of NumPy or JAX."""
    xp = values.__array_namespace__()
    match precision:
        case "float32":
            return values.astype(xp.float32).astype(values.dtype)
        case "int8":
            low, high = values.min(), values.max()
            step = xp.maximum((high - low) / 255, xp.finfo(values.dtype).tiny)
            return low + xp.round((values - low) / step) * step
        case "sign":
            return xp.sign(values) * xp.abs(values).mean()


def byte_count(numbers: int, precision: SentPrecision) -> int:
    """Return how many bytes an array of so many numbers takes."""
    scale = 0 if precision == "float32" else _SCALE
    return math.ceil(numbers * BITS[precision] / 8) + scale


def answer_bytes(samples: int, classes: int) -> int:
    """Return how many bytes the answers alone of so many samples take."""
    return math.ceil(samples * max(1, math.ceil(math.log2(classes))) / 8)


def bytes_an_exchange(settings: CompanySettings, conductances: int, outputs: int) -> float:
    """Return what all chips together send at an exchange, or in an update by mean gradients, and get back where a mean is formed elsewhere.

    What comes back is the mean itself, 32 bits a number: that of rounded numbers has more values than each of them.

    Parameters
    ----------
    settings
        Who exchanges what.
    conductances, outputs
        Of each chip.

    """
    chips, precision = settings.chips, settings.precision
    match settings.exchange:
        case "none" | "sums" | "plasticity":  # the last two are not by epochs: federation_bytes counts them
            return 0.0
        case "mean-gradient" | "mean-weights":
            return float(chips * (byte_count(conductances, precision) + byte_count(conductances, "float32")))
        case "outputs" | "teacher":
            one = answer_bytes(settings.common, outputs) if precision == "sign" else byte_count(settings.common * outputs, precision)
            receivers = chips - 1 if settings.listen == "all" and settings.exchange == "outputs" else 1
            return float(chips * receivers * one)


def inputs_bytes(settings: CompanySettings, features: int) -> int:
    """Return what the common samples take once, if they have to be sent to all chips [bytes]."""
    return settings.chips * byte_count(settings.common * features, "float32")


SUM_BYTES = 8
"""Of a number of a sum, or of an adapted node: 64 bits, for the read-out is to be that of all samples to the last of them."""


def federation_bytes(settings: CompanySettings, *, senders: int, sums: int, readout: int, nodes: int) -> int:
    """Return what chips with reservoirs send once, and get back.

    Parameters
    ----------
    settings
        Who exchanges what.
    senders
        Chips that have enough samples to send sums.
    sums
        Numbers that each of these sends of its samples.
    readout
        Weights and biases that each chip gets.
    nodes
        Of a reservoir: each has a gain and a bias, and what a chip sends has its number of samples with it.

    """
    if not settings.federated:
        return 0
    rounds = settings.rounds if settings.exchange == "plasticity" else 0
    sent_once = senders * sums + settings.chips * readout
    return SUM_BYTES * (sent_once + rounds * (senders * (2 * nodes + 1) + settings.chips * 2 * nodes))

"""What chips do with their gradients in each update: the mean of all, of numbers as they are sent. Inside of compiled functions."""

from collections.abc import Mapping

from hwsim.company.messages import sent
from hwsim.ensemble.ensemble_trainer import mean_of_chips
from hwsim.learning.step import Exchange
from hwsim.settings.company_settings import SentPrecision
from hwsim.typing import Array

ByBlock = dict[str, Array]


def mean_of_bytes(by_block: ByBlock) -> ByBlock:
    """Return the mean of gradients that were sent as 8 bits a number."""
    return mean_of_chips({name: sent(values, "int8") for name, values in by_block.items()})


def mean_of_signs(by_block: ByBlock) -> ByBlock:
    """Return the mean of gradients of which the signs and the mean size were sent."""
    return mean_of_chips({name: sent(values, "sign") for name, values in by_block.items()})


MEANS: Mapping[SentPrecision, Exchange] = {"float32": mean_of_chips, "int8": mean_of_bytes, "sign": mean_of_signs}
"""By how numbers are sent; 32 bits are those of training, or less than its rounding."""

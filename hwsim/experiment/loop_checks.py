"""What closes no loop: FORCE without a reservoir, of classes, or of series whose targets are not their own next values."""

from collections.abc import Sequence

from circuits.quoting import quote_path
from hwsim.settings.block_settings import DigitalBlock, DigitalForce
from hwsim.settings.circuit_block import CircuitBlock
from hwsim.settings.data_names import BUILT_IN, FORETOLD
from hwsim.settings.engine_names import EngineName
from hwsim.settings.reservoir_settings import ReservoirSettings
from hwsim.settings.sections import DataSettings

_NEXT = FORETOLD - {"memory"}
"""Series that have a name whose targets are their own later values."""


def refused_loop(
    blocks: Sequence[DigitalBlock | CircuitBlock], reservoir: ReservoirSettings | None, data: DataSettings, engine: EngineName
) -> str:
    """Return why no loop is closed where FORCE is to close one, with the key to change; empty where nothing is wrong."""
    forced = [k for k, block in enumerate(blocks) if isinstance(block, DigitalBlock) and isinstance(block.optimizer, DigitalForce)]
    if not forced:
        return ""
    what = f"blocks[{forced[0]}].optimizer.kind = 'force' feeds outputs back into a reservoir"
    if reservoir is None:
        return f"{what}, and there is none; add [reservoir], or use 'rls'"
    if data.task != "regression" or (data.name in BUILT_IN and data.name not in _NEXT):
        named = ", ".join(sorted(_NEXT))
        return f"{what}, at the next row of a series that foretells itself, and data are {quote_path(data.name)}; use 'rls', or {named}"
    if engine != "numeric":
        return f"{what} while it runs, which training.engine = 'ngspice' does not; set it to 'numeric'"
    return ""

"""What chips in company must be to learn the read-outs of their reservoirs together."""

from collections.abc import Sequence

from hwsim.settings.block_settings import DigitalBlock, DigitalRidge
from hwsim.settings.circuit_block import CircuitBlock
from hwsim.settings.company_settings import CompanySettings
from hwsim.settings.reservoir_settings import ReservoirSettings
from hwsim.settings.sections import DataSettings


def check_federation(
    company: CompanySettings,
    reservoir: ReservoirSettings | None,
    blocks: Sequence[DigitalBlock | CircuitBlock] | None,
    data: DataSettings,
) -> None:
    """Refuse a company of which one side is about reservoirs, and the other is not.

    Raises
    ------
    ValueError
        Naming key and remedy.

    """
    exchange = f"company.exchange = {company.exchange!r}"
    if reservoir is None:
        msg = f"{exchange} is of reservoirs' states, and there is no [reservoir]; add one, or use 'mean-gradient' or 'outputs'"
        raise ValueError(msg)
    if company.exchange != "none" and not company.federated:
        msg = f"{exchange} is of circuits that descend by gradients, and these read reservoirs; use 'sums', 'plasticity' or 'none'"
        raise ValueError(msg)
    if not _solved(blocks):
        msg = "company: chips with reservoirs have a read-out each, solved by ridge regression; give one [[blocks]], with optimizer 'ridge'"
        raise ValueError(msg)
    if data.folds is not None:
        msg = "company divides the training set among chips, and data.folds would divide it otherwise; omit one of them"
        raise ValueError(msg)
    if company.common:
        msg = f"company.common = {company.common} is of exchange = 'outputs', and read-outs of reservoirs learn from labels alone; omit it"
        raise ValueError(msg)
    if company.local:
        msg = "company.data = 'local' is of circuits on workers, and chips with reservoirs are computed in this process; omit it"
        raise ValueError(msg)
    if company.exact:
        msg = "company.exact = true is of circuits, and chips with reservoirs are computed one by one anyway; omit it"
        raise ValueError(msg)
    if company.exchange == "plasticity" and (reservoir.dynamics != "clocked" or reservoir.layers > 1 or reservoir.bits):
        msg = f"{exchange} adapts clocked reservoirs of one layer without bits; change reservoir.dynamics, layers or bits, or use 'sums'"
        raise ValueError(msg)


def _solved(blocks: Sequence[DigitalBlock | CircuitBlock] | None) -> bool:
    """Whether blocks are one read-out that ridge regression solves."""
    return blocks is not None and len(blocks) == 1 and isinstance(blocks[0], DigitalBlock) and isinstance(blocks[0].optimizer, DigitalRidge)

"""What any company must be: classes where samples are divided by them, and numbers of chips and seeds that files can hold."""

from hwsim.settings.company_settings import CompanySettings
from hwsim.settings.sections import DataSettings

_NUMBERS = 2**63
"""Whole numbers of experiment files are below it."""


def check_shares(company: CompanySettings, data: DataSettings, *, chip: int, seed: int) -> None:
    """Refuse shards by classes that samples do not have, and a first chip or seed to which no other chip's number can be added.

    Raises
    ------
    ValueError
        Naming key and remedy.

    """
    if company.shards in {"by-class", "dirichlet"} and data.task != "classification":
        msg = f"company.shards = {company.shards!r} divides by class, and a {data.task} has none; use 'disjoint' or 'same'"
        raise ValueError(msg)
    for key, first in (("variation.chip", chip), ("training.seed", seed)):
        if first > (most := _NUMBERS - company.chips):
            msg = f"{key} = {first}: chip k of {company.chips} in company has that plus k; lower it to {most} at most"
            raise ValueError(msg)

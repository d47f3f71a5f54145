"""What a company must be: any, and one of circuits that learn by gradients."""

from hwsim.settings.company_settings import CompanySettings
from hwsim.settings.sections import DataSettings
from hwsim.settings.training_settings import TrainingSettings

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


def check_circuits(company: CompanySettings, training: TrainingSettings, data: DataSettings, *, alone: bool) -> None:
    """Refuse circuits in company that no mapped program trains, and exchanges that no epoch reaches; `alone`: one circuit, not pretrained.

    Raises
    ------
    ValueError
        Naming key and remedy.

    """
    if company.sizes:
        msg = f"company.sizes = {list(company.sizes)} is of chips with reservoirs, and circuits learn from equally many; omit it"
        raise ValueError(msg)
    if not alone:
        msg = "company is of chips with one circuit each, without pretraining; omit company, or train the chain or the stages alone"
        raise ValueError(msg)
    if training.engine != "numeric":
        msg = f"company: chips learn side by side in the numeric engine; set training.engine to 'numeric', not {training.engine!r}"
        raise ValueError(msg)
    if company.local and (data.scaling != "none" or data.task != "classification"):
        key = f"task = {data.task!r}" if data.task != "classification" else f"scaling = {data.scaling!r}"
        wanted = "task = 'classification'" if data.task != "classification" else "scaling = 'none', and files in one unit"
        msg = f"company.data = 'local': with data.{key} each file would have a scale of its own; use data.{wanted}"
        raise ValueError(msg)
    if company.local and (held_out := data.held_out) != "test":
        msg = f"company.data = 'local': data.{held_out} would test each chip on samples of its own file, not on one set; omit it"
        raise ValueError(msg)
    if data.folds is not None:
        msg = "company divides the training set among chips, and data.folds would divide it otherwise; omit one of them"
        raise ValueError(msg)
    first = company.first_exchange
    if first > training.epochs:
        msg = f"chips in company would exchange nothing before epoch {first}, and training.epochs = {training.epochs}; train longer"
        raise ValueError(msg)
    if company.eliminate and training.epochs < (least := company.first_elimination + company.eliminate):
        msg = (
            f"company.eliminate = {company.eliminate} needs {least} epochs, so that who begins again can learn, and "
            f"training.epochs = {training.epochs}; train longer, or lower it"
        )
        raise ValueError(msg)

"""The section of a company: its figures, the curves of all chips, how they agree, what they sent, and who had which samples."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hwsim.company.company_files import CHURN, SHARDS, chip_folder, churn_in, shards_in
from hwsim.experiment.experiment import Experiment
from hwsim.experiment.known_data import ENVIRONMENT
from hwsim.experiment.loading import load, to_toml
from hwsim.files import records
from hwsim.files.records import Row
from hwsim.formatting import counted, quantity
from hwsim.report import company_pictures
from hwsim.report.command_line import train_command
from hwsim.report.run_files import rows_of, table_of, unfinished
from hwsim.report.run_tables import environment_table
from hwsim.report.section import Gallery, PageListing, PageSection, PageTable
from hwsim.runs.power_meter import spelled_consumption
from hwsim.settings.company_settings import CompanySettings
from hwsim.typing import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyRecord:
    """A company, ended or under way.

    Parameters
    ----------
    what
        The folder as the user called it.
    rows
        The metrics, an epoch each.
    summary, environment
        Contents of these files; empty without one.
    churn
        How often two chips answer differently, (chips, chips); None before the end, and without classes.
    shards
        Samples of each chip by class, and the names of the classes; None before the end.

    """

    what: str
    experiment: Experiment
    settings: CompanySettings
    rows: list[Row]
    summary: dict[str, Any]
    environment: dict[str, Any]
    churn: Floats | None
    shards: tuple[list[list[int]], list[str]] | None

    @property
    def title(self) -> str:
        """The experiment's name, the chips, and the seed."""
        return f"{self.experiment.name}, {counted(self.settings.chips, 'chip')} in company, seed {self.experiment.training.seed}"


def read_company(what: str, experiment: Experiment, settings: CompanySettings) -> CompanyRecord:
    """Read a company's folder.

    Raises
    ------
    RunError
        When a file cannot be used.

    """
    folder = Path(what)
    chips = settings.chips
    return CompanyRecord(
        what=what,
        experiment=experiment,
        settings=settings,
        rows=rows_of(folder / "metrics.jsonl"),
        summary=table_of(folder / "summary.json", records.summary, {}),
        environment=table_of(folder / ENVIRONMENT, records.environment, {}),
        churn=table_of(folder / CHURN, lambda text: churn_in(text, chips), None),
        shards=table_of(folder / SHARDS, lambda text: shards_in(text, chips), None),
    )


def of_company(what: str) -> CompanyRecord | None:
    """Read a company's folder; None where it is a run of one circuit."""
    experiment = load(what)
    return None if experiment.company is None else read_company(what, experiment, experiment.company)


def company_section(record: CompanyRecord, anchor: str) -> PageSection:
    """Build the section of a company."""
    pictures = list(company_pictures.pictures(record.rows, record.experiment.data, anchor, record.churn)) if record.rows else []
    return PageSection(
        anchor=anchor,
        title=record.title,
        about=f"{_about(record)} Folder: {record.what}",
        facts=list(_facts(record)),
        notes=[] if record.summary else [unfinished(record.what, record.rows, record.experiment)],
        galleries=[Gallery("Learning together", "", pictures)] if pictures else [],
        tables=list(_tables(record)),
        listings=[
            PageListing("The command that repeats it", train_command(record.experiment, record.what)),
            PageListing("The experiment", to_toml(record.experiment), folded=True),
        ],
    )


_EXCHANGED = {
    "none": "exchange nothing",
    "mean-gradient": "take the mean of all gradients in each update",
    "mean-weights": "take the mean of all conductances every {every}",
    "outputs": "learn what the others answer on {common} every {every}",
    "teacher": "learn what trained circuits answer on {common}",
    "sums": "send sums of their reservoirs' states, from which the read-out is solved",
    "plasticity": "average what nodes of their reservoirs adapt, and send sums of states",
}


def _about(record: CompanyRecord) -> str:
    settings = record.settings
    words = {"every": "epoch" if settings.every == 1 else f"{settings.every} epochs", "common": counted(settings.common, "common sample")}
    exchanged = _EXCHANGED[settings.exchange].format(**words)
    divided = "each from its worker's own samples" if settings.local else f"shards: {settings.shards}"
    return f"{counted(settings.chips, 'chip')} learn {record.experiment.data.name} ({divided}), and {exchanged}."


def _facts(record: CompanyRecord) -> Iterator[tuple[str, str]]:
    if record.rows:
        last, measure = record.summary or record.rows[-1], record.experiment.data.measure
        yield f"{record.experiment.data.held_out} {measure.name}, mean of chips", measure.text(last["test_error"])
        yield "of the mean of their outputs", measure.text(last["together_error"])
        if "churn" in last:
            yield "two chips answer differently", f"{100 * last['churn']:.2f} %"
        sent = sum(row["sent_bytes"] for row in record.rows)
        yield "sent by all chips", quantity(sent, "B") if sent else "nothing"
        if pool := record.summary.get("pool_bytes"):
            yield "common samples, if they must be sent", quantity(pool, "B")
        if again := [f"chip {row['eliminated']} after epoch {row['epoch']}" for row in record.rows if "eliminated" in row]:
            yield "began again", ", ".join(again)
    yield "epochs", f"{len(record.rows)}" if record.summary else f"{len(record.rows)} of {record.experiment.training.epochs}"
    if "memristors" in record.summary:
        yield "memristors, all chips", f"{record.summary['memristors']:,}"
    if "simulation_kWh" in record.summary:
        yield "simulation", spelled_consumption(record.summary)


def _tables(record: CompanyRecord) -> Iterator[PageTable]:
    measure, held_out = record.experiment.data.measure, record.experiment.data.held_out
    if record.rows:
        last = record.rows[-1]
        header = ["chip", f"{held_out} {measure.name}", f"training {measure.name}", "loss [V²]", "run"]
        rows = [
            [
                f"{k}",
                measure.text(record.summary.get(f"test_error/{k}", last[f"test_error/{k}"])),
                measure.text(last[f"train_error/{k}"]),
                f"{last[f'loss/{k}']:.4g}",
                f"{chip_folder(Path(record.what), k)}",
            ]
            for k in range(record.settings.chips)
        ]
        yield PageTable(caption="Chips after the last epoch", header=header, rows=rows, folded=len(rows) > _OPEN)
    if record.shards is not None:
        counts, names = record.shards
        rows = [[f"{k}", *(f"{count}" for count in row), f"{int(np.sum(row))}"] for k, row in enumerate(counts)]
        header = ["chip", *(names or ["samples"]), "all"]
        yield PageTable(caption="Labelled samples of each chip by class", header=header, rows=rows, folded=True)
    yield environment_table(record.environment)


_OPEN = 16
"""Chips up to which their table is open."""

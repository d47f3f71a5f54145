"""A report: reads what the user names, lays it out, and writes the page."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from circuits.quoting import quote_path
from hwsim.experiment.loading import load
from hwsim.formatting import counted
from hwsim.report.company_section import company_section, of_company
from hwsim.report.overview import overview
from hwsim.report.page import WrittenPage, figures, pictures_of, write_page
from hwsim.report.run_files import RunRecord, read_run
from hwsim.report.run_section import run_section
from hwsim.report.section import PageSection, distinct
from hwsim.runs.loaded import run_folder
from hwsim.runs.open_run import RunError
from hwsim.sweep import outputs
from hwsim.sweep.database import is_database, read

Observe = Callable[[int, int, str], None]
"""Called with the number of things done, the total, and the name of the next one."""


def make(what: Sequence[str], out: Path, *, title: str | None, command: str, observe: Observe, force: bool = False) -> WrittenPage:
    """Write one page of all runs and sweeps; with `force` also in place of a file that is no page.

    Raises
    ------
    OutputError
        When the page or a picture would replace what is shown, or something else.
    RunError, SweepError, ExperimentError, CircuitError
        When one of them cannot be used; nothing is written then.
    OSError
        When the page cannot be written.

    """
    page = outputs.OutputFile("--out", out, outputs.PAGE)
    outputs.refuse_place(page)
    refuse_others(what)
    places = [Path(name).resolve() for name in what]
    what = [name for k, name in enumerate(what) if places[k] not in places[:k]]  # each once
    read_files = [path for name in what for path in outputs.inputs(name, load(name) if run_folder(name) else None)]
    outputs.refuse([page], read_files, force=force)
    records, anchors, shown = list[RunRecord](), list[str](), dict[str, str]()
    runs, companies, sweeps = list[PageSection](), list[PageSection](), list[PageSection]()
    for number, name in enumerate(what):
        observe(number, len(what), name)
        if is_database(Path(name)):
            from hwsim.report.sweep_section import sweep_section  # noqa: PLC0415 - only sweeps load what makes them

            recorded = read(Path(name))
            sweeps.append(sweep_section(name, recorded, f"sweep-{len(sweeps) + 1}"))
            shown[sweeps[-1].anchor] = name
            continue
        if (company := of_company(name)) is not None:
            companies.append(company_section(company, f"company-{len(companies) + 1}"))
            shown[companies[-1].anchor] = name
            continue
        records.append(read_run(name))
        anchors.append(f"run-{len(records)}")
        runs.append(run_section(records[-1], anchors[-1]))
        shown[anchors[-1]] = name
    if len(records) > 1:
        runs.insert(0, overview(records, anchors))
    sections = _titled([*sweeps, *companies, *runs], shown)
    if (folder := figures(out)).is_dir():
        pictures = [outputs.OutputFile("--out", path, outputs.PICTURE) for path in pictures_of(out, sections)]
        outputs.refuse([page, *pictures], read_files, force=force)
    elif folder.exists():
        msg = f"--out {quote_path(out)}: its pictures lie in {quote_path(folder)}, which is a file; choose another name"
        raise outputs.OutputError(msg)
    written = write_page(out, title or _title(records, sweeps, companies), command, sections)
    observe(len(what), len(what), "written")
    return written


def _titled(sections: Sequence[PageSection], places: Mapping[str, str]) -> list[PageSection]:
    """Return sections with titles that differ: equal ones have the folder or the database of each, by anchor, behind them."""
    titles = distinct([section.title for section in sections], [places.get(section.anchor, "") for section in sections])
    return [replace(section, title=title) for section, title in zip(sections, titles, strict=True)]


def refuse_others(what: Sequence[str]) -> None:
    """Refuse what is neither a run nor a sweep.

    Raises
    ------
    RunError
        With the kinds of path that are accepted.

    """
    for name, path in ((name, Path(name)) for name in what):
        if run_folder(name) is None and not is_database(path):
            fault = (
                "is a folder without experiment.toml, so no run"
                if path.is_dir()
                else "is no sweep's database"
                if path.exists()
                else "no such file or folder"
            )
            msg = f"{quote_path(name)}: {fault}; name a run's folder, such as runs/digits-0, or a sweep's database"
            raise RunError(msg)


def _title(records: Sequence[RunRecord], sweeps: Sequence[PageSection], companies: Sequence[PageSection]) -> str:
    """Name what the page is of: one by itself, more by their number."""
    if len(records) == 1 and not (sweeps or companies):
        return records[0].title
    kinds = [("sweep", sweeps), ("company", companies)]
    parts = [one[0].title if len(one) == 1 else counted(len(one), kind) for kind, one in kinds if one]
    names = ", ".join(dict.fromkeys(record.experiment.name for record in records))
    return "; ".join([*parts, *([f"{names}: {counted(len(records), 'run')}"] if records else [])])

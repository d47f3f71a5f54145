"""A report: reads what the user names, lays it out, and writes the page."""

from collections.abc import Callable, Sequence
from pathlib import Path

from hwsim.folder import RunError
from hwsim.report.overview import overview
from hwsim.report.page import Written, write_page
from hwsim.report.run_section import run_section
from hwsim.report.runs import RunRecord, read_run
from hwsim.report.section import Section
from hwsim.subject import run_folder

Observe = Callable[[int, int, str], None]
"""Hears how many of all things are done, and which is next."""


def make(what: Sequence[str], out: Path, *, title: str | None, command: str, observe: Observe) -> Written:
    """Write one page of all runs.

    Raises
    ------
    RunError, ExperimentError, CircuitError
        When one of them cannot be used; nothing is written then.
    OSError
        When the page cannot be written.

    """
    for name in what:
        _refuse(name)
    records, sections = list[RunRecord](), list[Section]()
    anchors = [f"run-{number}" for number, _ in enumerate(what, start=1)]
    for number, name in enumerate(what):
        observe(number, len(what), name)
        records.append(read_run(name))
        sections.append(run_section(records[-1], anchors[number]))
    if len(records) > 1:
        sections.insert(0, overview(records, anchors))
    written = write_page(out, title or _title(records), command, sections)
    observe(len(what), len(what), "written")
    return written


def _refuse(what: str) -> None:
    """Refuse what is neither a run nor a sweep.

    Raises
    ------
    RunError
        Saying what is asked for.

    """
    if run_folder(what) is None:
        there = "is no run folder: it holds no experiment.toml" if Path(what).exists() else "there is no such folder"
        msg = f"{what}: {there}; give the folder of a run, such as runs/digits-0"
        raise RunError(msg)


def _title(records: Sequence[RunRecord]) -> str:
    if len(records) == 1:
        return records[0].title
    return ", ".join(dict.fromkeys(record.experiment.name for record in records)) + f": {len(records)} runs"

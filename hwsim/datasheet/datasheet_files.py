"""Files of a datasheet: a page for screen and paper, or all numbers as JSON."""

import json
from collections.abc import Sequence
from pathlib import Path

from circuits.quoting import quote_path
from hwsim.datasheet.datasheet import Datasheet
from hwsim.datasheet.sheet_section import SheetSection
from hwsim.datasheet.tornado import tornado
from hwsim.files import atomic
from hwsim.report.page import write_page
from hwsim.report.picture import Picture
from hwsim.report.section import Gallery, PageSection, PageTable
from hwsim.runs.loaded import LoadedModel
from hwsim.sweep import outputs

NUMBERS = outputs.FileKind("numbers of hwsim datasheet", lambda head: head.startswith(b'{\n  "title": ') and b": datasheet" in head)


def refuse(path: Path, given: LoadedModel, *, force: bool) -> None:
    """Refuse a file that is neither a page nor JSON, or that would replace something else.

    Raises
    ------
    OutputError
        With the remedy.

    """
    kinds = {".html": outputs.PAGE, ".json": NUMBERS}
    if path.suffix.lower() not in kinds:
        msg = f"-o {quote_path(path)}: a datasheet is written as .html or .json"
        raise outputs.OutputError(msg)
    kind = kinds[path.suffix.lower()]
    outputs.refuse([outputs.OutputFile("-o", path, kind)], outputs.inputs(given.what, given.experiment), force=force)


def write(path: Path, sheet: Datasheet) -> list[Path]:
    """Write a datasheet; returns the files.

    Raises
    ------
    OSError
        When a file cannot be written.

    """
    if path.suffix.lower() == ".json":
        atomic.write(path, json.dumps(sheet.record(), indent=2, allow_nan=False, ensure_ascii=False) + "\n")
        return [path]
    written = write_page(path, sheet.title, sheet.command, page_sections(sheet))
    return [written.page, *written.pictures]


def page_sections(sheet: Datasheet) -> list[PageSection]:
    """Lay out a datasheet as a page: the numbers that are asked for first, then a section a subject, margins with their tornado plot."""
    first = PageSection(anchor="summary", title="Summary", about=sheet.condition, facts=sheet.facts(), short=True)
    drawn = None if sheet.margins is None else tornado(sheet.margins).picture()
    with_picture = None if sheet.margins is None else sheet.margins.section().title
    sections = [first]
    for number, section in enumerate(sheet.sections()):
        pictures = [drawn] if drawn is not None and section.title == with_picture else []
        sections.append(_laid_out(section, f"subject-{number}", pictures))
    return sections


def _laid_out(section: SheetSection, anchor: str, pictures: Sequence[Picture]) -> PageSection:
    return PageSection(
        anchor=anchor,
        title=section.title,
        about=" ".join((section.condition, *section.notes)),
        galleries=[Gallery("", "", pictures)] if pictures else [],
        tables=[PageTable(caption=section.title, header=section.header, rows=section.rows)],
        short=True,
    )
